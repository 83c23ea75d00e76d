"""Decides: frozen nouns and pure rules. No I/O, no clock."""
