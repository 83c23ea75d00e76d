"""Keeps one write domain equal to what was declared: one claim, one pass."""
