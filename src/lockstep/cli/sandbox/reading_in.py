"""All that a sandbox begins with, read in. What few ask for is still read in only when they do."""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from typing import Any

from typer.main import get_command

from lockstep.cli.words import app

_MODULES = (
    "lockstep.cli.sandbox.passing",
    "lockstep.cli.sandbox.site",
    "lockstep.cli.running",
    "lockstep.vendors.virtual.emulator.app",
    "lockstep.vendors.virtual.emulator.snapshot",
)
_OF_LIBRARIES = (
    "anyio._backends._asyncio",
    "typer._adapters",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
)
"""What they themselves read in at the first use, where it is there."""

_COMMAND: Any = get_command(app)


def read_in() -> None:
    """Once, before anything is forked."""
    for name in _MODULES:
        importlib.import_module(name)
    for name in _OF_LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(name)
    _COMMAND.get_command(None, "sandbox")


def run(words: Any) -> int:
    """The command with these words, the program's name first; its exit status."""
    sys.argv = words
    try:
        _COMMAND()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
