"""docs/running.md: its commands, settings, metrics and files exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from lockstep.cli.settings import unknown_variables
from lockstep.cli.words import app

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "running.md").read_text()
BLOCKS = [line.strip().split("#")[0] for line in GUIDE.splitlines() if line.startswith("    ")]
INLINE = re.findall(r"`(lockstep [^`]+)`", GUIDE)
COMMANDS = sorted({c for c in BLOCKS if re.match(r"(LOCKSTEP_\w+=\S+ )*lockstep ", c)} | set(INLINE))


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_guide_is_one_that_the_program_takes(line: str) -> None:
    words = [w for w in shlex.split(re.sub(r"\$\(.*?\)", "x", line)) if not w.startswith("LOCKSTEP_")][1:]
    command: Any = get_command(app)
    while getattr(command, "list_commands", None):
        name = words.pop(0)
        found = command.get_command(None, name)
        assert found is not None, name
        command = found
    if words or not [p for p in command.params if p.required]:
        command.make_context(command.name, words)


def test_the_settings_of_the_guide_exist() -> None:
    named = set(re.findall(r"\bLOCKSTEP_[A-Z]+(?:_[A-Z]+)*\b", GUIDE))
    assert unknown_variables(dict.fromkeys(named, "")) == []


def test_the_metrics_of_the_guide_are_told_by_the_program() -> None:
    source = "".join(
        (ROOT / "src" / "lockstep" / name).read_text() for name in ("kit/metrics.py", "http/running/page.py")
    )
    for name in re.findall(r"`(lockstep_[a-z_]+)", GUIDE):
        assert f'"{name.removesuffix("_total")}"' in source, name


def test_the_pages_that_the_guide_points_at_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", GUIDE):
        assert (ROOT / "docs" / target).is_file()
