"""The word `status`: who arrives in the next 24 hours or is inside, door by door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from lockstep.cli.running import operators_of, with_lockstep
from lockstep.cli.tables import plain, print_table
from lockstep.cli.terminal import AsJson, print_json, print_text
from lockstep.cli.wiring import Built
from lockstep.model.access_code import Standing
from lockstep.model.permissions import Actor
from lockstep.operations.gate import Tx
from lockstep.operations.stays import Door, Late, Stay
from lockstep.operations.today import AskToday, Today, today

_COLOURS = {
    Standing.PROVEN: "green",
    Standing.SCHEDULED: "blue",
    Standing.UNCONFIRMED: "yellow",
    Standing.FAILED: "bold red",
    Standing.GONE: "dim",
}


def status(
    workspace: Annotated[str | None, typer.Option(help="Only the one of this public id.")] = None,
    standing: Annotated[Standing | None, typer.Option(help="Only stays with such a door.")] = None,
    as_json: AsJson = False,
) -> None:
    """Arrivals of the next 24 hours and guests who are inside: how the code stands on each door, and why."""

    async def work(lockstep: Built) -> list[Today]:
        found = []
        for actor in await operators_of(lockstep.gate, workspace):
            async with lockstep.gate.reading(actor.workspace_id) as tx:
                found += [page async for page in _pages(tx, actor, standing)]
        return found

    pages = with_lockstep(work)
    if as_json:
        print_json(pages)
        return
    for page in pages:
        _show(page)


async def _pages(tx: Tx, actor: Actor, standing: Standing | None) -> AsyncIterator[Today]:
    number = 1
    while True:
        page = await today(tx, actor, AskToday(standing, number))
        yield page
        if number >= page.stays_page.count:
            return
        number += 1


def _show(page: Today) -> None:
    if page.stays_page.number == 1:
        counts = ", ".join(f"{page.counts.get(s, 0)} {s}" for s in Standing if s is not Standing.GONE)
        print_text(f"{page.workspace}: {counts}.")
        if not page.is_ruling:
            print_text("This database was restored or copied and only looks: lockstep confirm-ruling")
    rows = [row for stay in page.stays for row in _rows_of(stay)]
    if rows:
        print_table(("arrives", "leaves", "guest", "place", "door", "code is", "why", "next step"), rows)
    elif page.stays_page.number == 1:
        print_text("Nobody arrives in the next 24 hours, and nobody is inside.")
    removals = [late for late in page.late if late.is_removal]
    if removals and page.stays_page.number == 1:
        print_table(
            ("was to be gone", "guest", "door", "why", "next step"),
            (_row_of_removal(late) for late in removals),
            title="Codes that should be gone",
        )


def _rows_of(stay: Stay) -> Iterator[tuple[str | None, ...]]:
    arrives = "is inside" if stay.is_inside else _local(stay.starts_at, stay.time_zone)
    leaves = _local(stay.ends_at, stay.time_zone) if stay.ends_at else "never"
    place = ", ".join(name for name in (stay.property_name, stay.space_name) if name)
    who = (arrives, leaves, plain(stay.name or stay.id), plain(place))
    if stay.obstacle is not None and stay.standing is not None:
        yield (*who, "none", *_standing_and(stay.standing, stay.obstacle.cause, stay.way_on))
    for door in stay.doors:
        yield (*who, *_cells_of(door, stay.time_zone))
        # Said once for each stay.
        who = ("", "", "", "")


def _cells_of(door: Door, time_zone: str | None) -> tuple[str, ...]:
    why = door.reason.cause
    if door.written_from is not None:
        why = f"{why} It goes onto the lock at {_local(door.written_from, time_zone)}."
    return (plain(door.lock), *_standing_and(door.standing, why, door.reason.next_step))


def _standing_and(standing: Standing, why: str, next_step: str) -> tuple[str, ...]:
    return (f"[{_COLOURS[standing]}]{standing}[/]", plain(why), plain(next_step))


def _row_of_removal(late: Late) -> tuple[str, ...]:
    stay, door = late.stay, late.door
    return (
        _local(stay.ends_at, stay.time_zone) if stay.ends_at else "",
        plain(stay.name or stay.id),
        plain(door.lock),
        plain(door.reason.cause),
        plain(door.reason.next_step),
    )


def _local(at: datetime, time_zone: str | None) -> str:
    return f"{at.astimezone(ZoneInfo(time_zone or 'UTC')):%d %b %H:%M}{'' if time_zone else ' UTC'}"
