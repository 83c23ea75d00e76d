"""The directions in which imports may point, as docs/architecture.md names them."""

import io
import re
import tomllib
from contextlib import redirect_stdout
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]

CONTRACTS = [
    "Every package stands on one floor and leans only downwards.",
    "The ways in are strangers to each other.",
    "The ways in ask operations; they never reach storage, driver or vendors.",
    "Vendors are strangers to each other.",
    "Only the wiring knows vendors by name.",
    "An emulator is written from the vendor's manual, never from our driver.",
    "A driver cannot tell an emulator from the vendor.",
    "The model does no I/O.",
    "SQL lives in storage.",
    "No circles on any floor.",
]


def test_the_ten_contracts_are_there_by_name() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert [contract["name"] for contract in tools["importlinter"]["contracts"]] == CONTRACTS


def test_the_ten_contracts_are_kept(tmp_path: Path) -> None:
    said = io.StringIO()
    with redirect_stdout(said):
        status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=str(tmp_path))
    assert status == 0, said.getvalue()


def test_an_emulator_imports_only_what_emulators_share() -> None:
    graph = grimp.build_graph("lockstep", cache_dir=None)
    strays = [
        f"{module} imports {imported}"
        for module in sorted(graph.modules)
        if (match := re.match(r"lockstep\.vendors\.\w+\.emulator\b", module))
        for imported in sorted(graph.find_modules_directly_imported_by(module))
        if not imported.startswith((match[0], "lockstep.emulation", "lockstep.kit"))
    ]
    assert not strays


@pytest.mark.parametrize(
    "floor", ["cli", "http", "workers", "operations", "storage", "vendors", "driver", "model"]
)
def test_every_floor_exists(floor: str) -> None:
    assert (ROOT / "src" / "lockstep" / floor / "__init__.py").is_file()
