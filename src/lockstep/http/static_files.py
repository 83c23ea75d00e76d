"""Files that pages load: ours, and libraries' under `vendor/`, which are put there when the package is built."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parent / "static"


def static_files() -> Mount:
    """For the wiring: everything below /static."""
    return Mount("/static", StaticFiles(directory=FOLDER), name="static")
