"""`demo` as a stranger runs it: in a process of its own and an empty home, and what its exit status and lines say."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import time
from pathlib import Path

import pytest

from lockstep.cli.demo.story import Books, visits

pytestmark = pytest.mark.timeout(240)

RIGHT, WRONG = "right", "WRONG"


def run(words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that is given nothing but a home and what finds programs."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "-c", words],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def lines_of(text: str) -> list[tuple[str, ...]]:
    """The lines of the table, each as its words."""
    words = [tuple(line.split()) for line in text.splitlines()]
    return [w for w in words if w and w[-1] in (RIGHT, WRONG)]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    place.mkdir()
    return place


def test_the_demo_ends_well_in_an_empty_home_and_leaves_nothing_there(home: Path) -> None:
    said = run(
        "import sys; sys.argv[1:] = ['demo', '--once']; from lockstep.cli.main import run; run()", home
    )
    assert said.returncode == 0, said.stderr
    lines = lines_of(said.stdout)
    assert len(lines) == len(visits())
    assert {line[-1] for line in lines} == {RIGHT}
    assert {"open", "closed"} <= {word for line in lines for word in line}
    assert WRONG not in said.stdout.replace(f"0 {WRONG}.", "")
    assert not list(home.iterdir())


def test_a_door_that_opens_against_the_calendars_is_called_wrong_and_ends_the_demo_with_1(home: Path) -> None:
    """The books of this telling hold an earlier check-out than the house was set up with."""
    early = time(10, 30)
    said = run(
        "import sys; from datetime import time; from lockstep.cli.demo.command import status_of\n"
        "from lockstep.cli.demo.story import Books\n"
        f"sys.exit(status_of(once=True, port=0, books=Books(check_out=time({early.hour}, {early.minute}))))",
        home,
    )
    assert said.returncode == 1, said.stderr
    wrong = [line for line in lines_of(said.stdout) if line[-1] == WRONG]
    assert wrong == [line for line in lines_of(said.stdout) if "10:59" in line and "open" in line]
    assert len(wrong) == len(wrongly_open(early))
    assert f"{len(wrong)} {WRONG}." in said.stdout


def wrongly_open(check_out: time) -> list[object]:
    """The visits that stand between the two check-outs."""
    ours, theirs = _books_at_the_end(Books()), _books_at_the_end(Books(check_out=check_out))
    return [v for v in visits() if ours.should_open(v) and not theirs.should_open(v)]


def _books_at_the_end(books: Books) -> Books:
    books.extend_chloe()
    books.cancel_david()
    return books
