"""Folders of databases that come and go, laid apart."""

import subprocess
from pathlib import Path

from lockstep.storage.server.spread import spread


def test_what_is_laid_apart_is_the_folder_it_was(tmp_path: Path) -> None:
    (tmp_path / "before").touch()
    spread(tmp_path)
    (tmp_path / "after").mkdir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["after", "before"]
    shown = subprocess.run(["lsattr", "-d", tmp_path], capture_output=True, text=True, check=False)
    # Where the file system has such marks at all, it is the one of chattr +T.
    assert shown.returncode != 0 or not shown.stdout.split()[0].strip("-eT")


def test_where_it_cannot_be_had_nothing_happens(tmp_path: Path) -> None:
    spread(tmp_path / "missing")
    (tmp_path / "file").touch()
    spread(tmp_path / "file")
