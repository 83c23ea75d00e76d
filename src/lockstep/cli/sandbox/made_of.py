"""What a process that has read Lockstep in is made of. One of other code, or in other surroundings, is another one."""

from __future__ import annotations

import hashlib
import os
import resource
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import lockstep

_SHAPING = ("PYTHON", "LD_", "LC_", "LANG", "OPENSSL_")
"""What begins like this has acted by the time that everything is read in."""


def shaping(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that must be the same, and that nothing later can give."""
    return {name: environ[name] for name in sorted(environ) if name.startswith(_SHAPING)}


def surroundings() -> str:
    """Sixteen letters and digits for where this process stands: which Python and Lockstep, what it may do, and in
    which container. Whatever a process cannot take over from another one."""
    limits = sorted(name for name in dir(resource) if name.startswith("RLIMIT_"))
    said = [
        *(sys.executable, sys.version, _package(), _libraries()),
        *(f"{name}={value}" for name, value in shaping(os.environ).items()),
        *(str(number) for number in (os.getegid(), *sorted(os.getgroups()))),
        *(f"{name}={resource.getrlimit(getattr(resource, name))}" for name in limits),
        *(str(kind.readlink()) for kind in sorted(Path("/proc/self/ns").iterdir())),
    ]
    return _short("\0".join(said))


def code(package: str | None = None, libraries: str | None = None) -> str:
    """Sixteen letters and digits for what a process that begins now reads in: each file of Lockstep by its size and
    the time of its last change, and the libraries by what was written when they were installed."""
    said = [*_files(package or _package()), *_installed(libraries or _libraries())]
    return _short("\0".join(sorted(said)))


def name() -> str:
    """Both, the surroundings first."""
    return f"{surroundings()}-{code()}"


def _package() -> str:
    return str(Path(lockstep.__file__).parent)


def _libraries() -> str:
    return sysconfig.get_path("purelib")


def _files(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            else:
                yield _marks(entry)


def _installed(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        yield from (
            _marks(entry) for entry in entries if entry.is_file() or entry.name.endswith(".dist-info")
        )


def _marks(entry: os.DirEntry[str]) -> str:
    stat = entry.stat()
    return f"{entry.path} {stat.st_size} {stat.st_mtime_ns}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
