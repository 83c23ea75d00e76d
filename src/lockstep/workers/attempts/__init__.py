"""Performs asked-for acts, such as unlocking now."""
