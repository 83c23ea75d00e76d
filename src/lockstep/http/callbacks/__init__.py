"""Vendors calling us: raw headers and body, handed to one operation."""
