"""The word `version`."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

from lockstep.cli.terminal import AsJson, print_json, print_text


def version(as_json: AsJson = False) -> None:
    """Which Lockstep this is."""
    if as_json:
        print_json({"lockstep": lockstep_version(), "python": platform.python_version()})
    else:
        print_text(lockstep_version())


def lockstep_version() -> str:
    """Of the distribution `lockstep-access`; 0 where it is not installed."""
    try:
        return version_of("lockstep-access")
    except PackageNotFoundError:
        return "0"
