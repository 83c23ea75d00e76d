"""Writes docs/capabilities.md from the drivers' own words. Knows no vendor: the roster does.

python tools/capability_table.py          writes the file
python tools/capability_table.py --check  exits with 1 where the file is not up to date
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from lockstep.driver.contract import Fleet
from lockstep.model.capabilities import Capabilities, CodeChooser, DuplicateBehaviour
from lockstep.model.constraints import CONSTRAINTS
from lockstep.vendors import VENDORS

PAGE = Path(__file__).parents[1] / "docs" / "capabilities.md"

_HEAD = """\
# What each lock can do

Written by `tools/capability_table.py` from what the drivers say of their locks; do not edit it by hand. A lock of an
account tells its own capabilities when the account is read, and those are what Lockstep goes by: a subscription, a
firmware or a setting may make them differ from this page.

*Evidence* is the best proof that the driver can give: *listed* in the vendor's cloud, or *acknowledged* by the device.
*Settling* is how long after a write a reading says nothing about it; *late* how long a write that was not seen may
still take effect.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for vendor in VENDORS.values():
        parts.append(f"## {vendor.label}\n")
        parts += [_table(title, columns, vendor.fleet) for title, columns in _TABLES]
    return "\n".join(parts)


def _table(title: str, columns: dict[str, Callable[[Capabilities], str]], fleet: Iterable[Fleet]) -> str:
    rows = [["lock", *columns], ["---"] * (len(columns) + 1)]
    rows += [[line.name, *(cell(line.capabilities) for cell in columns.values())] for line in fleet]
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"### {title}\n\n{text}\n"


def _words(value: StrEnum) -> str:
    return value.value.replace("_", " ")


def _yes(value: bool) -> str:
    return "yes" if value else "–"


def _chooser(lock: Capabilities) -> str:
    if lock.chooser is CodeChooser.CALLER:
        return "caller"
    return f"vendor; asked again: {_words(lock.reissue)}"


def _lengths(lock: Capabilities) -> str:
    lengths = sorted(lock.code_lengths)
    if len(lengths) > 2 and lengths == list(range(lengths[0], lengths[-1] + 1)):
        return f"{lengths[0]} to {lengths[-1]}"
    return " or ".join(str(length) for length in lengths)


def _rules(lock: Capabilities) -> str:
    return "; ".join(CONSTRAINTS[name].message for name in lock.constraints) or "–"


def _names(lock: Capabilities) -> str:
    rules = lock.name
    if not rules.is_kept:
        return "not kept"
    said = [f"{rules.shortest or 0} to {rules.longest}"]
    if rules.pattern is not None:
        said.append("each `" + rules.pattern.replace("|", "\\|") + "`")
    said += [
        word
        for word, holds in (
            ("unique", rules.is_unique),
            ("cut", rules.truncates),
            ("first and last", rules.is_split),
        )
        if holds
    ]
    return ", ".join(said)


def _schedule(lock: Capabilities) -> str:
    schedule = lock.schedule
    if not schedule.is_own:
        return "none"
    said = [_words(schedule.kind), f"steps of {_duration(schedule.granularity)}", _words(schedule.zone)]
    if not schedule.expires_by_itself:
        said.append("does not expire")
    if schedule.must_be_used_within is not None:
        said.append(f"used within {_duration(schedule.must_be_used_within)}")
    return ", ".join(said)


def _duplicates(lock: Capabilities) -> str:
    rules = lock.duplicates
    if rules.behaviour is DuplicateBehaviour.ACCEPTED:
        return "accepted"
    return f"{_words(rules.behaviour)}, by {_words(rules.compared_by)}, per {_words(rules.scope)}"


def _duration(value: timedelta) -> str:
    seconds = round(value.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds and not seconds % size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


_TABLES: list[tuple[str, dict[str, Callable[[Capabilities], str]]]] = [
    (
        "Codes",
        {
            "digits by": _chooser,
            "digits": _lengths,
            "rules": _rules,
            "names": _names,
            "addressed by": lambda lock: _words(lock.addressing),
            "most": lambda lock: "–" if lock.most_codes is None else str(lock.most_codes),
            "the same digits twice": _duplicates,
        },
    ),
    (
        "Time and proof",
        {
            "schedule": _schedule,
            "holds disabled": lambda lock: _yes(lock.schedule.can_hold_disabled),
            "reads back": lambda lock: _words(lock.read_back),
            "evidence": lambda lock: lock.best_evidence.name.lower(),
            "answers": lambda lock: _words(lock.apply),
            "settling": lambda lock: _duration(lock.settling),
            "late": lambda lock: _duration(lock.late_apply),
        },
    ),
    (
        "Beyond codes",
        {
            "deleting": lambda lock: _words(lock.delete),
            "changing in place": lambda lock: _yes(lock.can_update),
            "doors per code": lambda lock: str(lock.targets_per_entry),
            "whole account at once": lambda lock: _yes(lock.reads_whole_account),
            "calls": lambda lock: f"{lock.pace.calls_per_minute}/min, {lock.pace.at_once} at once",
            "offline codes": lambda lock: _yes(lock.has_offline_codes),
            "callbacks": lambda lock: _yes(lock.has_push),
            "remote unlock": lambda lock: _yes(lock.can_unlock),
            "remote lock": lambda lock: _yes(lock.can_lock),
            "auto lock": lambda lock: _yes(lock.can_configure_auto_lock),
            "log": lambda lock: _yes(lock.has_log),
            "battery": lambda lock: _yes(lock.has_battery),
        },
    ),
]


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` compare it."""
    text = page()
    if "--check" in arguments:
        is_current = PAGE.is_file() and PAGE.read_text("utf-8") == text
        print(
            f"{PAGE.name} is {'up to date' if is_current else 'out of date; run tools/capability_table.py'}"
        )
        return 0 if is_current else 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
