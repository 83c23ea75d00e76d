"""Emulated locks within Lockstep's own processes, for sandbox workspaces."""
