"""Sandboxes: emulated locks within Lockstep's own processes, and `lockstep sandbox`, a whole Lockstep to try."""
