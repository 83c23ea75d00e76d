"""Edits in the vendor's app: overwritten and told, and shown on the code until it is proven right again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.whole.stage import Let, Stage, build_stage

from lockstep.emulation.clock import VirtualClock
from lockstep.http.seam.present.access_code import access_code
from lockstep.model.edit import Edit
from lockstep.operations.access_codes import AccessCode

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

PROFILES = ["nuki", "plain"]


async def a_code(stage: Stage, **more: Any) -> tuple[str, Let]:
    """Anna's code, proven on the one lock; she comes in half an hour and stays for three."""
    (lock,) = stage.site.locks
    let = await stage.let(lock, HOUR / 2, 3 * HOUR, **{"code": "482913", **more})
    await stage.wait(10 * MINUTE)
    assert await stage.standing(let) == "proven"
    return lock, let


async def shown(stage: Stage, let: Let) -> AccessCode:
    (code,) = (await stage.shown(let)).values()
    return code


def reference(stage: Stage, lock: str, code: str) -> str:
    found = stage.site.reference_of(lock, code)
    assert found is not None
    return found


async def payloads(stage: Stage, kind: str) -> list[dict[str, Any]]:
    async with stage.house.gate.database.reading(stage.house.actor.workspace_id) as db:
        rows = await db.fetch("select payload from events where kind = $1 order by id", kind)
    return [r["payload"] for r in rows]


@pytest.mark.parametrize("profile", PROFILES)
async def test_an_edit_is_put_right_and_stands_on_the_code_as_a_conflict_until_that_is_proven(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with build_stage(database_url, clock, profile, locks=1) as stage:
        lock, let = await a_code(stage)
        before = await shown(stage, let)
        assert (before.edit, before.pending) == (None, ())
        assert let.ends_at is not None
        stays_until = let.ends_at + 2 * HOUR
        stage.site.app_edit(lock, reference(stage, lock, "482913"), name="Somebody", ends_at=stays_until)
        edit = await found(stage, let)
        assert (edit.change_type.value, edit.is_honoured) == ("modified", False)
        changes = {c.which.value: (c.before, c.after) for c in edit.fields}
        assert changes == {
            "name": (before.name_on_lock, "Somebody"),
            "ends_at": (text(let.ends_at), text(stays_until)),
        }
        (told,) = await payloads(stage, "access_code.modified_outside")
        assert told["change_type"] == "modified"
        assert not told["is_honoured"]
        assert told["modified_fields"] == [
            {"field": "name", "from": None, "to": None},
            {"field": "ends_at", "from": text(let.ends_at), "to": text(stays_until)},
        ]
        await stage.wait(20 * MINUTE)
        after = await shown(stage, let)
        assert (after.edit, after.standing.value) == (None, "proven")
        assert after.name_on_lock == before.name_on_lock
        assert after.window == before.window
        await stage.until(let.ends_at - HOUR)
        assert stage.site.opens(lock, "482913")
        await stage.wait(2 * HOUR)
        assert not stage.site.opens(lock, "482913")


async def test_a_code_that_was_deleted_in_the_app_is_set_again_and_says_so_meanwhile(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", locks=1) as stage:
        lock, let = await a_code(stage)
        stage.site.app_delete(lock, reference(stage, lock, "482913"))
        edit = await found(stage, let)
        assert (edit.change_type.value, edit.fields) == ("removed", ())
        (told,) = await payloads(stage, "access_code.removed_outside")
        assert (told["change_type"], told["modified_fields"]) == ("removed", [])
        await stage.wait(20 * MINUTE)
        assert (await shown(stage, let)).edit is None
        assert stage.site.held(lock) == ["482913"]


async def test_after_an_edit_was_overwritten_a_change_through_the_api_goes_to_the_lock_as_any(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "nuki", locks=1) as stage:
        lock, let = await a_code(stage)
        stage.site.app_put(lock, reference(stage, lock, "482913"), "664422")
        await found(stage, let)
        await stage.change(let, ends_at=let.starts_at + 5 * HOUR, name="Berta")
        await stage.wait(20 * MINUTE)
        code = await shown(stage, let)
        assert (code.standing.value, code.edit) == ("proven", None)
        assert code.name_on_lock.startswith("Berta ")
        await stage.until(let.starts_at + 4 * HOUR)
        assert stage.site.opens(lock, "482913")
        assert not stage.site.opens(lock, "664422")


async def test_where_the_vendor_keeps_a_first_and_a_last_name_a_code_has_both_and_an_edit_of_them_is_seen(
    database_url: str, clock: VirtualClock
) -> None:
    names = {"split": True, "longest": 24, "characters": "[A-Za-z0-9 -]"}
    async with build_stage(database_url, clock, "plain", locks=1, names=names) as stage:
        lock, let = await a_code(stage, name="Anna Smith, Reservation-12345")
        other = await stage.let(lock, HOUR, 3 * HOUR, code="593847", name="🎉")
        await stage.wait(10 * MINUTE)
        code, nameless = await shown(stage, let), await shown(stage, other)
        assert code.standing.value == nameless.standing.value == "proven"
        app = access_code(code, "ws_1", clock.now())["appearance"]
        assert app == {
            "name": code.name_on_lock,
            "first_name": "Anna",
            "last_name": code.name_on_lock.removeprefix("Anna "),
        }
        assert app["last_name"].startswith("Smith Reserv")
        assert nameless.name_on_lock.startswith("Guest "), "nothing was left of it, and both are wanted"
        stage.site.app_edit(lock, reference(stage, lock, "482913"), name="Bo Berg")
        edit = await found(stage, let)
        assert [(c.before, c.after) for c in edit.fields] == [(code.name_on_lock, "Bo Berg")]
        await stage.wait(20 * MINUTE)
        assert (await shown(stage, let)).name_on_lock == code.name_on_lock
        assert (await shown(stage, let)).edit is None


async def test_a_window_that_somebody_turned_around_is_put_right_and_keeps_no_other_code_from_the_lock(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", locks=1) as stage:
        lock, let = await a_code(stage)
        stage.site.app_edit(lock, reference(stage, lock, "482913"), ends_at=let.starts_at - HOUR)
        other = await stage.let(lock, HOUR, 3 * HOUR, code="593847")
        await stage.wait(40 * MINUTE)
        assert (await stage.standing(let), await stage.standing(other)) == ("proven", "proven")
        assert stage.site.held(lock) == ["482913", "593847"]


async def found(stage: Stage, let: Let) -> Edit:
    """What the code tells of an edit, as soon as a reading has shown it."""
    for _ in range(5):
        due_at = await stage.house.next_due()
        assert due_at is not None
        await stage.until(due_at)
        edit = (await shown(stage, let)).edit
        if edit is not None:
            return edit
    raise AssertionError("no reading has shown the edit")


def text(at: Any) -> str:
    return str(at.isoformat().replace("+00:00", "Z"))
