"""The Seam-compatible API: Seam's paths, dialect and words, for the operations that all ways in ask."""
