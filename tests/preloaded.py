"""What a process has read in that tests' processes are forked from (`tests.forked`)."""

from __future__ import annotations

import gc
from importlib import import_module

from tests.whole import worker_process

from lockstep.cli.sandbox import reading_in
from lockstep.cli.words import WORDS

__all__ = ["worker_process"]

_OFTEN_SAID = ("serve", "work", "emulate")
_READ_IN_BY_THEM = "lockstep.cli.served"
_OF_THEM = ("lockstep.vendors.nuki.emulator.app", "lockstep.vendors.virtual.emulator.app")

reading_in.read_in()
for _name in (*(WORDS[word] for word in _OFTEN_SAID), _READ_IN_BY_THEM, *_OF_THEM):
    import_module(_name)
gc.freeze()
