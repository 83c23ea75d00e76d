"""What test programs of Seam's SDKs ask of a fake besides Seam's own paths. Served by `lockstep sandbox` alone."""
