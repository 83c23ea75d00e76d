"""What words lay out for people: tables on stdout, and on stderr a bar while long work runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

Cell = str | None


class Advance(Protocol):
    """How long work tells how far it is."""

    def __call__(self, done: int, of: int | None, what: str) -> None: ...


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Cell]], *, title: str | None = None) -> None:
    """Lines for people on stdout; cells may carry rich's markup where they were made here (see `plain`)."""
    console = Console()
    if not console.is_terminal:
        # Whoever reads this through a pipe wants whole words, not columns cut to 80.
        console = Console(width=220)
    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(cell or "" for cell in row))
    console.print(table)


def plain(text: str) -> str:
    """`text` from elsewhere (names, causes), so that nothing in it is taken for markup."""
    return text.replace("[", r"\[")


@contextmanager
def progress(title: str) -> Iterator[Advance]:
    """A bar on stderr while long work runs; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=None)

        def advance(done: int, of: int | None, what: str) -> None:
            bar.update(task, completed=done, total=of, description=f"{title}: {what}" if what else title)

        yield advance
