"""`lockstep test`: what must hold before a change is taken. Works in a checkout only, where the tests are."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer

import lockstep

_CHECKS = {
    "ruff check": ["ruff", "check", "--quiet", "."],
    "ruff format": ["ruff", "format", "--check", "--quiet", "."],
}
_TYPES = ["mypy", "--no-error-summary"]
_MEMORY, _ROOM = Path("/dev/shm"), 2 * 2**30  # noqa: S108  # a folder of our own is made in it


def test(context: typer.Context) -> None:
    """Check the source (ruff, mypy --strict), then run the tests. Further words go to pytest, as `--long`."""
    root = Path(lockstep.__file__).parents[2]
    if not (root / "tests").is_dir():
        typer.echo(
            f"There are no tests in {root}: `lockstep test` works in a checkout of the source.", err=True
        )
        raise typer.Exit(2)
    for name, words in _CHECKS.items():
        typer.echo(f"{name} ...", err=True)
        if _run(root, words) != 0:
            typer.echo(f"{name} failed; the tests were not run.", err=True)
            raise typer.Exit(1)
    raise typer.Exit(_types_and_tests(root, context.args))


def _types_and_tests(root: Path, words: list[str]) -> int:
    """The exit status of both. Side by side, since the types keep one core busy for as long as it takes to find all
    tests, and the others have nothing to do meanwhile."""
    typer.echo("mypy --strict, beside the tests ...", err=True)
    command = [sys.executable, "-m", *_TYPES]
    with (
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as types,
        _passing_folder() as variables,
    ):
        status = _run(root, ["pytest", *_on_every_core(), *words], variables)
        told = types.communicate()[0].decode()
    typer.echo(told + ("mypy --strict failed." if types.returncode else "mypy --strict passed."), err=True)
    return status or types.returncode


def _on_every_core() -> list[str]:
    """One test process for each core and one more, since there is always one that waits for its database or for a
    process of its own; a `-n` among the caller's words comes later and wins."""
    return ["-n", str(len(os.sched_getaffinity(0)) + 1), "--dist", "worksteal"]


@contextmanager
def _passing_folder() -> Iterator[Mapping[str, str]]:
    """The variables that have the tests keep what they write in memory, where the system offers enough of it: the tests
    of the embedded server alone took 38 s on a slow disk, and 14 s there. Who has set TMPDIR is heard."""
    if "TMPDIR" in os.environ or not _is_fit(_MEMORY):
        yield {}
        return
    folder = Path(tempfile.mkdtemp(prefix="lockstep-test-", dir=_MEMORY))
    # As any folder for what passes: the database may run as somebody else.
    folder.chmod(0o1777)
    try:
        yield {"TMPDIR": str(folder)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_fit(folder: Path) -> bool:
    """Whether programs may be copied there and run, and there is room."""
    try:
        is_for_data_alone = os.statvfs(folder).f_flag & os.ST_NOEXEC
        return not is_for_data_alone and shutil.disk_usage(folder).free >= _ROOM
    except OSError:
        return False


def _run(root: Path, words: list[str], variables: Mapping[str, str] | None = None) -> int:
    environment = {**os.environ, **(variables or {})}
    return subprocess.run([sys.executable, "-m", *words], cwd=root, check=False, env=environment).returncode
