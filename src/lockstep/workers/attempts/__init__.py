"""Performs asked-for acts, such as unlocking a door now."""
