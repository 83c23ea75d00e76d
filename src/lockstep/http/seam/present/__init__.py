"""Seam's vocabulary: what operations return, in Seam's shapes."""
