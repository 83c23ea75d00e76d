"""Rows are locked so that whoever refers to them need not wait; only what is about to be deleted is locked whole."""

import re
from pathlib import Path

STORAGE = Path(__file__).parents[2] / "src" / "lockstep" / "storage"


def test_rows_are_locked_for_update_only_to_be_deleted() -> None:
    found = {}
    for path in sorted(STORAGE.rglob("*.py")):
        for text in re.findall(r'"""(?:.|\n)*?"""|"[^"\n]*"', path.read_text(encoding="utf-8")):
            # Between backticks it is spoken of, not done.
            if re.search(r"(?<!`)\bfor update\b", text) and "delete from" not in text:
                found[path.name] = text
    assert not found
