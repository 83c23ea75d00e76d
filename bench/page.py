"""The page docs/figures.md, from what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figure import Figure, surroundings


def page(figures: Sequence[Figure], on: str) -> str:
    """Each figure against its limit, a missed one said as missed."""
    rows = [
        f"| {f.letter} | {f.what} | {f.shown} | {f.limit_shown} | {f.verdict} | {f.detail} |" for f in figures
    ]
    head = [
        "# Figures",
        "",
        f"Measured {on} with `python -m bench`, {surroundings()}. Ratios hold within one run; seconds are this run's.",
        "",
        "| | what | measured | limit | | how it came about |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])
