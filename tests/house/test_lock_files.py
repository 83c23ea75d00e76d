"""The lock files: hashes on everything, addresses nowhere, and one version of each package."""

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def versions_in(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock.read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_is_held_to_its_hashes(lock: Path) -> None:
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n?", "", lock.read_text(), flags=re.MULTILINE).strip())
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_no_lock_file_names_an_address() -> None:
    named = [path.name for path in (*LOCKS, ROOT / "package-lock.json") if "://" in path.read_text()]
    assert named == []


def test_every_front_end_package_is_held_to_its_hash() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_the_lock_files_agree_with_each_other() -> None:
    versions = defaultdict(set)
    for lock in LOCKS:
        for package, version in versions_in(lock).items():
            versions[package].add(version)
    # One package may have a version for each version of Python, within one file.
    single = {package: found for package, found in versions.items() if len(found) > 1}
    assert single == {}
