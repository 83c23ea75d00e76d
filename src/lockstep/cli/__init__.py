"""Builds everything once from the settings, then runs one process. The only floor that knows all others."""
