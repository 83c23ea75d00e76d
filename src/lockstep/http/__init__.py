"""Speaks HTTP: parses, names the actor, calls one operation, presents its answer."""
