"""The command `lockstep`."""

from __future__ import annotations

import sys


def run() -> None:
    """The installed command."""
    if sys.argv[1:2] == ["sandbox"]:
        # Before all others: reading in the words alone takes longer than a sandbox whose process was forked.
        from lockstep.cli.sandbox.stand_in import status_by_fork

        status = status_by_fork(sys.argv)
        if status is not None:
            sys.exit(status)
    from lockstep.cli.words import app

    app()
