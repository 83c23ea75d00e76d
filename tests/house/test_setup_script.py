"""The script at the root, with stand-ins for the programs that it calls: no network, no real environment."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Makes just enough of an environment, and writes down what it was asked for.
UV = """#!/bin/sh
echo "$*" >>"$CALLS"
[ ! -e "$BROKEN" ] || exit 1
case $* in
  venv*) mkdir -p "$TREE/.venv/bin"; ln -s "$REAL_PYTHON" "$TREE/.venv/bin/python" ;;
  *--editable*) printf '#!/bin/sh\\nprintf "<%%s>" "$@"\\n' >"$TREE/.venv/bin/lockstep"
    chmod +x "$TREE/.venv/bin/lockstep" ;;
esac
"""
PYTHON_WITHOUT_VENV = """#!/bin/sh
case "$*" in *ensurepip*) exit 1 ;; esac
exec "$REAL_PYTHON" "$@"
"""
# Its environments have no pip, as uv's have none, and what it was asked to install does not come.
UV_WITHOUT_PIP = """#!/bin/sh
case $* in
  venv*) mkdir -p "$TREE/.venv/bin"; ln -s "$(command -v python3)" "$TREE/.venv/bin/python" ;;
  *) exit 1 ;;
esac
"""
# Makes an environment whose Python is itself, and writes down what pip was asked for; all else the real one does.
PYTHON_WITH_PIP = """#!/bin/sh
case "$*" in
  '-c import ensurepip, venv') ;;
  '-m venv '*) mkdir -p "$TREE/.venv/bin"; ln -s "$0" "$TREE/.venv/bin/python"; : >"$TREE/.venv/has-pip" ;;
  '-m ensurepip') : >"$TREE/.venv/has-pip" ;;
  '-m pip --version') [ -e "$TREE/.venv/has-pip" ] ;;
  '-m pip '*)
    [ -e "$TREE/.venv/has-pip" ] || exit 1
    echo "$*" >>"$CALLS"
    case $* in *--editable*) printf '#!/bin/sh\\nprintf "<%%s>" "$@"\\n' >"$TREE/.venv/bin/lockstep"
      chmod +x "$TREE/.venv/bin/lockstep" ;;
    esac ;;
  *) exec "$REAL_PYTHON" "$@" ;;
esac
"""
TOOLS = ("cat", "chmod", "cksum", "dirname", "ln", "mkdir", "readlink", "rm", "sh")


class Machine:
    """A checkout with the script and a PATH that holds what is named."""

    def __init__(self, place: Path) -> None:
        self.tree, self.programs = place / "check out", place / "programs"
        self.calls, self.broken = place / "calls", place / "broken"
        for folder in ("requirements", "tools", "src/lockstep/http/static"):
            (self.tree / folder).mkdir(parents=True)
        shutil.copy(ROOT / "lockstep", self.tree)
        for name in ("run", "build", "test", "node"):
            (self.tree / f"requirements/{name}.txt").write_text(name)
        for name in ("pyproject.toml", "package-lock.json"):
            (self.tree / name).write_text(name)
        (self.tree / "tools/build_assets.py").write_text(
            "import os, sys; os.makedirs(sys.argv[1], exist_ok=True)"
        )
        self.programs.mkdir()
        for tool in TOOLS:
            (self.programs / tool).symlink_to(str(shutil.which(tool)))
        self.give("npm", "#!/bin/sh\n")

    def give(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def run(self, *words: str, script: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """The script's words and streams; what it installed is in `take_calls`."""
        environ = {
            "PATH": str(self.programs),
            "REAL_PYTHON": sys.executable,
            "TREE": str(self.tree),
            "CALLS": str(self.calls),
            "BROKEN": str(self.broken),
        }
        return subprocess.run(
            [script or self.tree / "lockstep", *words],
            env=environ,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def take_calls(self) -> list[str]:
        calls = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return calls

    def age(self) -> None:
        """Let the lock files be older than what is made from them: file times may be coarse."""
        for path in (
            *self.tree.glob("requirements/*"),
            *self.tree.glob("*.*"),
            self.tree / "tools/build_assets.py",
        ):
            os.utime(path, (1, 1))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.give("python3", '#!/bin/sh\nexec "$REAL_PYTHON" "$@"\n')
    machine.give("uv", UV)
    machine.age()
    return machine


def test_the_first_run_makes_the_environment_and_passes_the_words_on(machine: Machine) -> None:
    done = machine.run("status", "--json", "two words")
    assert done.stdout == "<status><--json><two words>"
    assert "making the environment" in done.stderr
    installed = " ".join(machine.take_calls())
    assert installed.count("--require-hashes") == 2
    assert "build.txt" in installed
    assert "test.txt" not in installed


def test_later_runs_only_pass_the_words_on_from_anywhere(machine: Machine, tmp_path: Path) -> None:
    machine.run("status")
    machine.take_calls()
    link = tmp_path / "linked"
    link.symlink_to(machine.tree / "lockstep")
    for script in (None, link):
        done = machine.run("status", script=script)
        assert (done.stdout, done.stderr, machine.take_calls()) == ("<status>", "", [])


@pytest.mark.parametrize("uv", [None, UV_WITHOUT_PIP], ids=["no uv", "a uv that fails"])
def test_where_there_is_no_uv_or_it_fails_pip_installs_the_lock_files_with_their_hashes_and_names_no_index(
    machine: Machine, uv: str | None
) -> None:
    (machine.programs / "uv").unlink()
    machine.give("python3", PYTHON_WITH_PIP)
    if uv is not None:
        machine.give("uv", uv)
    done = machine.run("test", "--long")
    assert done.stdout == "<test><--long>", done.stderr
    assert ("trying pip" in done.stderr) is (uv is not None)
    calls = machine.take_calls()
    locked = [call for call in calls if "--editable" not in call]
    files = [str(machine.tree / f"requirements/{name}.txt") for name in ("build", "run", "test")]
    assert [call.rpartition(" -r ")[2] for call in locked] == files
    assert all({"--require-hashes", "--no-deps"} <= set(call.split()) for call in locked), locked
    (project,) = set(calls) - set(locked)
    assert {"--no-deps", "--no-build-isolation"} <= set(project.split()), project
    said = [call.replace(str(machine.tree), "") for call in calls]
    assert not [call for call in said if re.search(r"://|index|find-links| -[if] ", call)], said


def test_only_the_tests_bring_what_the_tests_need(machine: Machine) -> None:
    machine.run("status")
    machine.take_calls()
    assert machine.run("test", "--long").stdout == "<test><--long>"
    (call,) = machine.take_calls()
    assert "test.txt" in call
    machine.run("test")
    assert machine.take_calls() == []


@pytest.mark.parametrize(
    ("changed", "calls"),
    [("requirements/run.txt", 2), ("requirements/build.txt", 2), ("pyproject.toml", 1)],
    ids=["run", "build", "project"],
)
def test_what_was_made_from_a_changed_file_is_made_again(machine: Machine, changed: str, calls: int) -> None:
    machine.run("status")
    machine.take_calls()
    (machine.tree / changed).write_text("another")
    assert machine.run("status").stdout == "<status>"
    assert len(machine.take_calls()) == calls


def test_a_file_that_was_only_touched_changes_nothing(machine: Machine) -> None:
    machine.run("status")
    machine.take_calls()
    (machine.tree / "requirements/run.txt").touch()
    assert machine.run("status").stdout == "<status>"
    assert machine.take_calls() == []


def test_a_set_up_that_failed_says_so_and_is_taken_up_again(machine: Machine) -> None:
    machine.broken.touch()
    assert machine.run("status").returncode != 0
    machine.broken.unlink()
    assert machine.run("status").stdout == "<status>"


def test_an_environment_that_was_moved_is_made_anew(machine: Machine, tmp_path: Path) -> None:
    machine.run("status")
    machine.tree = machine.tree.rename(tmp_path / "moved")
    done = machine.run("status")
    assert done.stdout == "<status>"
    assert "making the environment" in done.stderr


@pytest.mark.parametrize(
    ("python", "line"),
    [(None, "apt-get install python3 python3-venv"), (PYTHON_WITHOUT_VENV, "apt-get install python3-venv")],
    ids=["no Python", "no venv module"],
)
def test_a_missing_piece_is_named_with_the_line_that_installs_it(
    machine: Machine, python: str | None, line: str
) -> None:
    (machine.programs / "uv").unlink()
    (machine.programs / "python3").unlink()
    if python is not None:
        machine.give("python3", python)
    done = machine.run("status")
    assert done.returncode == 1
    assert line in done.stderr
