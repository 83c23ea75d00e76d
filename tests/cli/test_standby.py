"""The process that a sandbox is forked from: who finds it, and when it ends."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstep.cli.sandbox import made_of
from lockstep.cli.sandbox.forking import is_of_ours
from lockstep.cli.sandbox.stand_in import status_by_fork
from lockstep.cli.sandbox.standby import Standby, dismiss, reach


@pytest.fixture
def folder() -> Iterator[Path]:
    """Closed to others."""
    made = Path(tempfile.mkdtemp(prefix="lockstep-standby-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def listening(folder: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.bind(str(folder / "name"))
        made.listen()
        yield made


@pytest.fixture
def standing(folder: Path, listening: socket.socket) -> Iterator[Standby]:
    inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    yield Standby("name", inside, listening, lambda _: 0)
    os.close(inside)


def test_one_that_was_taken_away_ends(folder: Path, standing: Standby) -> None:
    dismiss(folder)
    standing.stand(look_seconds=0.001)


def test_one_in_whose_place_another_stands_ends_and_leaves_that_one(folder: Path, standing: Standby) -> None:
    dismiss(folder)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(folder / "name"))
        standing.stand(look_seconds=0.001)
    assert (folder / "name").is_socket()


def test_one_that_nobody_comes_to_ends_and_takes_its_socket_away(folder: Path, standing: Standby) -> None:
    standing.stand(idle_seconds=0)
    assert not (folder / "name").exists()


def test_a_folder_that_others_can_enter_is_not_used(folder: Path) -> None:
    folder.chmod(0o750)
    assert reach(folder) is None
    assert not list(folder.iterdir())


def test_what_cannot_be_a_folder_keeps_nobody_from_a_sandbox(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "standby").touch()
    monkeypatch.setenv("LOCKSTEP_DATA", str(folder))
    assert status_by_fork(["lockstep", "sandbox", "--seed"]) is None


def test_the_other_end_is_of_this_account_or_not_spoken_to(monkeypatch: pytest.MonkeyPatch) -> None:
    account = os.geteuid()
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with one, other:
        assert is_of_ours(one)
        monkeypatch.setattr(os, "geteuid", lambda: account + 1)
        assert not is_of_ours(one)


def test_other_words_are_not_for_it() -> None:
    for words in (["serve"], ["sandbox"], ["sandbox", "--stop"], ["test", "sandbox", "--seed"], []):
        assert status_by_fork(["lockstep", *words]) is None


def test_code_that_was_changed_is_other_code(folder: Path) -> None:
    package, libraries = folder / "package", folder / "libraries"
    for each in (package / "within", package / "__pycache__", libraries / "one-1.0.dist-info"):
        each.mkdir(parents=True)
    changed = package / "within" / "module.py"
    changed.write_text("1")
    seen = [made_of.code(str(package), str(libraries))]
    (package / "__pycache__" / "module.pyc").write_text("compiled")
    assert made_of.code(str(package), str(libraries)) == seen[0]
    changed.write_text("1 + 1")
    seen.append(made_of.code(str(package), str(libraries)))
    os.utime(changed, ns=(1, 1))
    seen.append(made_of.code(str(package), str(libraries)))
    (package / "new.sql").touch()
    seen.append(made_of.code(str(package), str(libraries)))
    (libraries / "two-1.0.dist-info").mkdir()
    seen.append(made_of.code(str(package), str(libraries)))
    assert len(set(seen)) == len(seen)


def test_surroundings_are_what_no_process_can_take_over(monkeypatch: pytest.MonkeyPatch) -> None:
    before = made_of.surroundings()
    monkeypatch.setenv("PORT", "3021")
    assert made_of.surroundings() == before
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    assert made_of.surroundings() != before
