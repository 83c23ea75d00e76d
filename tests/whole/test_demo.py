"""`demo` as a stranger runs it: in a process of its own and an empty home, and what its exit status and lines say."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

import httpx2
import pytest

from lockstep.cli.demo.story import DOORS, DOORS_OF, STAYS, Books, Visit, visits

pytestmark = pytest.mark.timeout(240)

RIGHT, WRONG = "right", "WRONG"


def run(words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that is given nothing but a home and what finds programs."""
    return subprocess.run(
        [sys.executable, "-c", words],
        cwd=home,
        env=_environment(home),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def _environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "PATH": os.environ["PATH"]}


class Watching:
    """The first page as an open browser keeps it, signed in by the key that was printed, until it has changed."""

    def __init__(self, address: str, key: str) -> None:
        self._address = address
        self._key = key
        self.standings: list[str] = []
        """How many doors stood how, each time that it was sent anew and this had changed."""
        # Beside the reading of what the demo says; where nothing changes, it ends with the demo.
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        with (
            suppress(httpx2.TransportError),
            httpx2.Client(
                base_url=self._address, headers={"origin": self._address}, trust_env=False, timeout=60
            ) as client,
        ):
            assert client.post("/sign-in", data={"api_key": self._key}).status_code == 303
            with client.stream("GET", "/changes") as answer:
                part = ""
                for line in answer.iter_lines():
                    part += line.removeprefix("data:")
                    if not line:
                        self._note(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", part)))
                        part = ""
                    if len(self.standings) > 1:
                        return

    def _note(self, shown: str) -> None:
        counts = re.search(r"\d+ failed \d+ unconfirmed \d+ scheduled \d+ proven", shown)
        if counts and self.standings[-1:] != [counts[0]]:
            self.standings.append(counts[0])


@dataclass(frozen=True, slots=True)
class Stood:
    """A demo whose story is over: its process, what it said, and how doors stood on the first page before that."""

    process: subprocess.Popen[str]
    said: str
    standings: tuple[str, ...]


@contextmanager
def standing(words: str, home: Path) -> Iterator[Stood]:
    """The same, left running, with the first page open from the moment that it can be."""
    errors = home.parent / "errors"
    with errors.open("w") as kept:
        process = subprocess.Popen(
            [sys.executable, "-c", words],
            cwd=home,
            env=_environment(home),
            stdout=subprocess.PIPE,
            stderr=kept,
            text=True,
        )
    try:
        assert process.stdout is not None
        said = ""
        watching: Watching | None = None
        standings: tuple[str, ...] = ()
        for line in process.stdout:
            said += line
            if watching is None and (first := re.search(r"First page: (\S+)/sign-in#(\S+)", said)):
                watching = Watching(*first.groups())
            if "End with Ctrl-C." in line and watching is not None:
                standings = tuple(watching.standings)
            if "End with Ctrl-C." in said and "The key, for both" in line:
                break
        else:
            raise AssertionError(errors.read_text())
        yield Stood(process, said, standings)
    finally:
        process.kill()
        process.communicate(timeout=60)


def lines_of(text: str) -> list[tuple[str, ...]]:
    """The lines of the table, each as its words."""
    words = [tuple(line.split()) for line in text.splitlines()]
    return [w for w in words if w and w[0].isdigit() and w[-1] in (RIGHT, WRONG)]


def lost_answer(text: str) -> str:
    (line,) = [line for line in text.splitlines() if "The answer that was lost" in line]
    return line


def test_every_stay_is_tried_before_at_during_and_after_it_at_each_of_the_three_doors() -> None:
    for stay in STAYS.values():
        mine = [v for v in visits() if v.number == stay.number]
        moments = {"an hour before", "at check-in", "during", "a minute before check-out", "a minute after"}
        (flat,) = {v.flat for v in mine}
        assert len(DOORS) == 3
        for door in DOORS:
            assert moments <= {v.when for v in mine if v.door == door}, (stay.number, door)
        assert {v.door for v in mine if v.is_theirs} == set(DOORS_OF[flat])


def test_the_neighbour_s_door_is_never_due_to_open_and_the_table_says_so_of_every_stay() -> None:
    before, after = Books(), _books_at_the_end(Books())
    elsewhere = [v for v in visits() if not v.is_theirs]
    assert {v.number for v in elsewhere} == set(STAYS)
    assert not [v for v in elsewhere if before.should_open(v) or after.should_open(v)]


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
    assert lost_answer(said.stdout).endswith(RIGHT)
    assert re.search(
        r"01 Jun \d\d:\d\d, a new code at (Front door|Flat [12]), which was written once", said.stdout
    )
    assert WRONG not in said.stdout.replace(f"0 {WRONG}.", "")
    assert not list(home.iterdir())


def test_a_door_that_opens_against_the_calendars_is_called_wrong_and_then_all_stays_up_with_its_key_and_ends_with_1(
    home: Path,
) -> None:
    """The books of this telling, which ends with the first day, hold an earlier check-out than the house was set up
    with."""
    early, until = time(10, 30), datetime(2026, 6, 2, 12, tzinfo=UTC)
    words = (
        "import sys; from datetime import datetime, time; from lockstep.cli.demo.command import status_of\n"
        "from lockstep.cli.demo.story import Books\n"
        f"books = Books(check_out=time({early.hour}, {early.minute}))\n"
        f"until = datetime.fromisoformat('{until.isoformat()}')\n"
        "sys.exit(status_of(once=False, port=0, books=books, until=until))"
    )
    with standing(words, home) as stood:
        process, said = stood.process, stood.said
        end = said[said.index("End with Ctrl-C.") :]
        (key,) = re.findall(r"The key, for both: (\S+)", end)
        (first_page,) = re.findall(r"First page: (\S+)/sign-in#" + key, end)
        (docs,) = re.findall(r"API and docs: (\S+)", end)
        assert httpx2.get(docs, trust_env=False).status_code == 200
        assert httpx2.get(f"{first_page}/sign-in", trust_env=False).status_code == 200
        asked = httpx2.get(
            f"{first_page}/v1/arrivals", headers={"Authorization": f"Bearer {key}"}, trust_env=False
        )
        assert asked.json()["items"], "the first page has somebody to expect"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 1
    # The page that was open meanwhile had changed before the demo said that it is still up.
    assert len(stood.standings) == 2
    wrong = [line for line in lines_of(said) if line[-1] == WRONG]
    assert wrong == [line for line in lines_of(said) if "10:59" in line and "open" in line]
    assert wrong
    assert len(wrong) == len([v for v in wrongly_open(early) if v.at <= until])
    assert f"{len(wrong)} {WRONG}." in said


def wrongly_open(check_out: time) -> list[Visit]:
    """The visits that stand between the two check-outs."""
    ours, theirs = _books_at_the_end(Books()), _books_at_the_end(Books(check_out=check_out))
    return [v for v in visits() if ours.should_open(v) and not theirs.should_open(v)]


def _books_at_the_end(books: Books) -> Books:
    books.extend_chloe()
    books.cancel_david()
    return books
