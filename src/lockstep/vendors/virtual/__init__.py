"""The virtual vendor: locks with any capabilities one sets, to try Lockstep without a lock. Wired by the roster."""

from lockstep.vendors.virtual.vendor import VIRTUAL

__all__ = ["VIRTUAL"]
