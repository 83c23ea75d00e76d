"""Acts unasked: takes a key, looks, acts, and says when to look again."""
