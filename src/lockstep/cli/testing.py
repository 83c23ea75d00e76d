"""`lockstep test`: what must hold before a change is taken. Works in a checkout only, where the tests are."""

import os
import subprocess
import sys
from pathlib import Path

import typer

import lockstep

_CHECKS = {
    "ruff check": ["ruff", "check", "--quiet", "."],
    "ruff format": ["ruff", "format", "--check", "--quiet", "."],
}
_TYPES = ["mypy", "--no-error-summary"]


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
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as types:
        status = _run(root, ["pytest", *_on_every_core(), *words])
        told = types.communicate()[0].decode()
    typer.echo(told + ("mypy --strict failed." if types.returncode else "mypy --strict passed."), err=True)
    return status or types.returncode


def _on_every_core() -> list[str]:
    """One test process for each core and one more, since there is always one that waits for its database or for a
    process of its own; a `-n` among the caller's words comes later and wins."""
    return ["-n", str(len(os.sched_getaffinity(0)) + 1), "--dist", "worksteal"]


def _run(root: Path, words: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", *words], cwd=root, check=False).returncode
