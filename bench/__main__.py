"""`python -m bench [LETTERS] [--write FILE]`: measures, prints each figure against its limit; 1 if one is missed."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.figure import Figure, median_of
from bench.page import page
from lockstep.cli.staying import run_to_stay

MODULES = {
    "a": ("bench.writes", 1),
    "b": ("bench.convergence", 3),
    "c": ("bench.first_write", 1),
    "d": ("bench.quiet", 1),
    "e": ("bench.planning", 3),
    "f": ("bench.throughput", 1),
    "g": ("bench.starting", 1),
    "h": ("bench.seam_face", 1),
    "i": ("bench.sandbox_start", 1),
}
"""Letter -> module, and how often it is measured; those measured once count, or take their own median."""


def main() -> int:
    asked = _arguments()
    figures: list[Figure] = []
    for letter in asked.letters:
        module, runs = MODULES[letter]
        measured = median_of([_measure(import_module(module).measure) for _ in range(runs)])
        for figure in measured:
            print(figure.line(), flush=True)
        figures += measured
    missed = [f for f in figures if not f.is_met]
    print(f"{len(figures) - len(missed)} of {len(figures)} figures are within their limits.")
    if asked.write is not None:
        asked.write.write_text(page(figures, asked.date))
    return 1 if missed else 0


def _arguments() -> Any:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("letters", nargs="?", default="".join(MODULES), help="such as `ace`; all by default")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="write the figures there, as docs/figures.md has them"
    )
    parser.add_argument("--date", default=date.today().isoformat(), help="the date that stands beside them")
    asked = parser.parse_args()
    unknown = set(asked.letters) - set(MODULES)
    if unknown:
        parser.error(f"there is no figure {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}")
    return asked


def _measure(measure: Callable[[], Any]) -> list[Figure]:
    if not inspect.iscoroutinefunction(measure):
        return list(measure())
    return list(run_to_stay(measure()))


if __name__ == "__main__":
    sys.exit(main())
