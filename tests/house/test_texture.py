"""How the house is written: files and functions of readable length, names from the glossary."""

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "lockstep"
MODULES = sorted(SOURCE.rglob("*.py"))

MOST_LINES_OF_A_FILE = 500
MOST_LINES_OF_A_FUNCTION = 50

RETIRED = {
    "manager",
    "service",
    "handler",
    "helper",
    "util",
    "utils",
    "common",
    "base",
    "data",
    "info",
    "user",
    "pin",
}
# Names that are not ours, or mean just what they say.
LEFT_ALONE = {
    "model/code_choice": {"common"},  # the length that all locks of a grant have in common
    "storage/server": {"data"},  # PostgreSQL's data directory
    "vendors/nuki": {"user"},  # Nuki's account users
}
# Only HTTP may speak of handlers.
MAY_HANDLE = "http"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def tree_of(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def name_of(module: Path) -> str:
    return str(module.relative_to(SOURCE))


def functions_in(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def names_in(module: Path) -> Iterator[str]:
    """The words of the module's own path, of its classes and of its functions."""
    definitions = (
        node.name for node in ast.walk(tree_of(module)) if isinstance(node, Function | ast.ClassDef)
    )
    return chain(module.relative_to(SOURCE).with_suffix("").parts, definitions)


def words_of(name: str) -> set[str]:
    """`readBaseData` and `read_base_data` alike: read, base, data."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def retired_words_allowed_in(module: Path) -> set[str]:
    place = name_of(module)
    allowed = {word for folder, words in LEFT_ALONE.items() if place.startswith(folder) for word in words}
    return allowed | ({"handler"} if place.startswith(MAY_HANDLE) else set())


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_file_reads_in_one_sitting(module: Path) -> None:
    tree = tree_of(module)
    assert len(module.read_text(encoding="utf-8").splitlines()) <= MOST_LINES_OF_A_FILE
    long = {
        function.name: length
        for function in functions_in(tree)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    }
    assert not long


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_opens_with_what_it_is_for(module: Path) -> None:
    purpose = ast.get_docstring(tree_of(module))
    assert purpose
    opening = purpose.split("\n\n", 1)[0]
    assert len(opening.splitlines()) <= 3


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_names_avoid_the_retired_words(module: Path) -> None:
    retired = RETIRED - retired_words_allowed_in(module)
    assert not {name for name in names_in(module) if words_of(name) & retired or name == "key"}
