"""The lock files: hashes on everything, addresses nowhere, and one version of each package."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
NPM_LOCKS = [ROOT / "package-lock.json", ROOT / "tests/http/seam/js/package-lock.json"]


def npm_packages(lock: Path) -> dict[str, dict[str, Any]]:
    """By place; without where their authors take money, which is not where they come from."""
    found = json.loads(lock.read_text())["packages"]
    return {place: {**package, "funding": None} for place, package in found.items() if place}


def versions_in(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock.read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_is_held_to_its_hashes(lock: Path) -> None:
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n?", "", lock.read_text(), flags=re.MULTILINE).strip())
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_no_lock_file_names_an_address() -> None:
    named = [path.name for path in LOCKS if "://" in path.read_text()]
    named += [str(path) for path in NPM_LOCKS if "://" in json.dumps(npm_packages(path))]
    assert named == []


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=lambda lock: lock.parent.name)
def test_every_package_of_npm_is_held_to_its_hash(lock: Path) -> None:
    assert [place for place, package in npm_packages(lock).items() if "integrity" not in package] == []


def test_the_lock_files_agree_with_each_other() -> None:
    versions = defaultdict(set)
    for lock in LOCKS:
        for package, version in versions_in(lock).items():
            versions[package].add(version)
    # One package may have a version for each version of Python, within one file.
    single = {package: found for package, found in versions.items() if len(found) > 1}
    assert single == {}
