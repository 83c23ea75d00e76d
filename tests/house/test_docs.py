"""What the pages say exists: paths, names, tests, commands, settings; and every line of trust has its tests."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lockstep.cli.demo.play import guest_of
from lockstep.cli.demo.story import ZONE, Books, Visit, visits
from lockstep.cli.words import WORDS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "lockstep"
PAGES = sorted(
    page
    for folder in (ROOT, ROOT / "docs", SOURCE / "vendors")
    for page in (folder.glob("*.md") if folder == ROOT else folder.rglob("*.md"))
)

# Lines of a promise that are kept from the first version on; the others of that list come with later versions.
TRUST = {*range(1, 9), 10, 11, 13, 14, 18, *range(21, 25), 27}
# Promised, and not shown by any test yet. Must end empty: a line that has its test is taken out here and there.
OPEN: set[int] = set()

_NAMED = re.compile(r"`([\w./*-]+?)(?:::(\w+))?`")
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#[^)\s]*)?\)")
_CASES = "src/lockstep/driver/conformance/cases/"


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def places_of(page: Path) -> Iterator[Path]:
    """Where a path on a page may begin."""
    yield from (page.parent, ROOT, SOURCE)


@functools.cache
def first_names() -> frozenset[str]:
    """A path is known by what it begins with; `scopes/like:this` and addresses are none."""
    ours = {p.name for p in SOURCE.iterdir() if p.is_dir()} | {p.name for p in ROOT.iterdir() if p.is_dir()}
    return frozenset(ours - {"__pycache__"})


def is_path(text: str, page: Path) -> bool:
    first, slash, _ = text.partition("/")
    if slash and first:
        return first in first_names() or (page.parent / first).is_dir()
    return bool(re.fullmatch(r"\w[\w-]*\.(py|md|txt|toml|json|sql|sh)", text))


def found(text: str, page: Path) -> list[Path]:
    places = [list(place.glob(text.rstrip("/"))) for place in places_of(page)]
    if "/" not in text:
        # A file's bare name stands for each file of that name.
        places.append(list(SOURCE.rglob(text)))
    return next((hits for hits in places if hits), [])


@functools.cache
def defined_in(module: Path) -> frozenset[str]:
    """Functions, classes, their members and constants."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return frozenset(names)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_and_name_on_a_page_exists(page: Path) -> None:
    missing = []
    for text, name in _NAMED.findall(page.read_text(encoding="utf-8")):
        if not (name or is_path(text, page)):
            continue
        hits = found(text, page)
        if not hits or (name and not any(name in defined_in(hit) for hit in hits)):
            missing.append(f"{text}::{name}" if name else text)
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    links = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_word_of_the_command_on_a_page_is_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    code = " \n".join(re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL))
    said = set(re.findall(r"(?:^|[\s`(/])lockstep (?!is\b)([a-z][a-z-]*)", code))
    assert said <= set(WORDS)


# -- trust


def lines_of_trust() -> dict[int, str]:
    """By the number of each line of docs/trust.md."""
    text = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    parts = re.split(r"^### (\d+)\. ", text, flags=re.MULTILINE)
    return {int(number): body for number, body in zip(parts[1::2], parts[2::2], strict=True)}


def named_in(body: str) -> list[tuple[str, str]]:
    return re.findall(r"`([\w./-]+\.py)::(\w+)`", body)


def test_every_line_of_trust_is_there() -> None:
    assert set(lines_of_trust()) == TRUST


@pytest.mark.parametrize("number", sorted(TRUST))
def test_a_line_of_trust_names_tests_that_exist_or_is_known_to_be_open(number: int) -> None:
    body = lines_of_trust()[number]
    named = named_in(body)
    assert named or number in OPEN
    assert [f"{path}::{name}" for path, name in named if not _is_a_test(path, name)] == []
    assert ("*Open:" in body) == (number in OPEN)


def _is_a_test(path: str, name: str) -> bool:
    """A test that pytest collects, or a case of the suite that every driver passes."""
    is_case = path.startswith(_CASES)
    is_ours = is_case or name.startswith("test_")
    return is_ours and (ROOT / path).is_file() and name in defined_in(ROOT / path)


# -- the first page that anybody sees


def test_the_readme_shows_lines_that_the_demo_prints() -> None:
    """Word for word, but for the widths of columns."""
    shown = re.findall(r"^ *(\d\d \w{3} .*\bright) *$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    books = Books()
    books.extend_chloe()
    books.cancel_david()
    printed = {_line(visit, books) for visit in visits()}
    assert shown
    assert [line for line in shown if tuple(line.split()) not in printed] == []


def _line(visit: Visit, books: Books) -> tuple[str, ...]:
    is_open = "open" if books.should_open(visit) else "closed"
    at = visit.at.astimezone(ZoneInfo(ZONE))
    told = f"{at:%d %b %H:%M} {guest_of(visit)} {visit.door} {visit.when} {is_open} {is_open} right"
    return tuple(told.split())


def test_a_decision_has_its_four_parts_and_stands_in_the_list() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(folder.glob("[0-9]*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    listed = (folder / "README.md").read_text(encoding="utf-8")
    for record in records:
        text = record.read_text(encoding="utf-8")
        title = text.splitlines()[0].removeprefix("# ")
        assert f"[{record.name[:4]}]({record.name}) | {title} |" in listed
        for part in ("Context", "Decision", "Consequences", "Turned down"):
            assert f"\n**{part}.** " in text
