"""One folder per vendor; this is the roster."""
