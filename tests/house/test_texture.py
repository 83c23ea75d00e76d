"""How the house is written: files and functions of readable length, names from the glossary."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

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
    "http/seam/": {"user", "data"},  # user_identities and push_data are Seam's own paths
    "model/code_choice": {"common"},  # the length that all locks of a grant have in common
    "storage/server": {"data"},  # PostgreSQL's data directory
    "vendors/nuki": {"user"},  # Nuki's account users
}
# Only HTTP may speak of handlers.
MAY_HANDLE = "http"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
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


def test_a_file_reads_in_one_sitting() -> None:
    lengths = {name_of(m): len(m.read_text(encoding="utf-8").splitlines()) for m in MODULES}
    assert not {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FILE}


def test_a_function_is_seen_at_one_glance() -> None:
    lengths = {
        f"{name_of(module)}: {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for module in MODULES
        for function in functions_in(tree_of(module))
    }
    assert not {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FUNCTION}


def test_a_module_opens_with_what_it_is_for() -> None:
    purposes = {name_of(m): ast.get_docstring(tree_of(m)) or "" for m in MODULES}
    openings = {name: purpose.split("\n\n", 1)[0] for name, purpose in purposes.items()}
    assert not {name for name, opening in openings.items() if not 1 <= len(opening.splitlines()) <= 3}


def test_names_avoid_the_retired_words() -> None:
    found = {
        f"{name_of(module)}: {name}"
        for module in MODULES
        for name in names_in(module)
        if words_of(name) & (RETIRED - retired_words_allowed_in(module)) or name == "key"
    }
    assert not found
