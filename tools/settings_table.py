"""Writes docs/settings.md from the settings' own dataclasses and the words under their fields.

python tools/settings_table.py          writes the file
python tools/settings_table.py --check  exits with 1 where the file is not up to date
"""

from __future__ import annotations

import ast
import inspect
import sys
from dataclasses import Field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from lockstep.cli.settings import Settings, variable

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"

_HEAD = """\
# Settings

Written by `tools/settings_table.py` from the settings' own words; do not edit it by hand. Each setting is a variable of
the environment, read once when a process starts. A secret may lie in a file instead: give its path in the variable of
the same name with `_FILE` behind it, and leave the variable itself unset. An empty variable is an unset one.
"""

_KINDS = {str: "text", int: "number", float: "number", bool: "1 or 0", Path: "path"}


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for group in fields(Settings):
        kind = get_type_hints(Settings)[group.name]
        parts.append(f"## {_title(group.name)}\n\n{inspect.getdoc(kind)}\n")
        rows = [["variable", "value", "default", "what it is"], ["---"] * 4]
        rows += [_row(kind, one) for one in fields(kind)]
        parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n")
    return "\n".join(parts)


def words_under(kind: Any) -> dict[str, str]:
    """Field -> the docstring under it."""
    (body,) = [n for n in ast.parse(inspect.getsource(kind)).body if isinstance(n, ast.ClassDef)]
    found = {}
    for before, after in zip(body.body, body.body[1:], strict=False):
        is_words = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and is_words:
            assert isinstance(after, ast.Expr)
            assert isinstance(after.value, ast.Constant)
            found[before.target.id] = " ".join(str(after.value.value).split())
    return found


def _row(kind: Any, one: Field[Any]) -> list[str]:
    is_secret = bool(one.metadata.get("is_secret"))
    name = f"`{variable(one.name)}`" + (", `_FILE`" if is_secret else "")
    return [name, _kind(get_type_hints(kind)[one.name]), _default(one.default), words_under(kind)[one.name]]


def _kind(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(hint))
    if isinstance(hint, UnionType):
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    return _KINDS[hint]


def _default(value: Any) -> str:
    if value is None:
        return "–"
    return f"`{int(value) if isinstance(value, bool) else value}`"


def _title(name: str) -> str:
    return {"http": "HTTP", "api": "API"}.get(name, name.capitalize())


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` compare it."""
    text = page()
    if "--check" in arguments:
        is_current = PAGE.is_file() and PAGE.read_text("utf-8") == text
        print(f"{PAGE.name} is {'up to date' if is_current else 'out of date; run tools/settings_table.py'}")
        return 0 if is_current else 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
