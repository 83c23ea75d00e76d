"""Remembers. The only floor that holds SQL."""
