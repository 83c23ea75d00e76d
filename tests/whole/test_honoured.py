"""Edits in the vendor's app that a grant honours: they become the declaration, and nothing is written back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.whole.stage import Let, Stage, build_stage
from tests.whole.test_edited import HOUR, MINUTE, a_code, found, payloads, reference, shown, text

from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.faults import FaultKind
from lockstep.model.edit import Edit
from lockstep.operations import access_codes, grants
from lockstep.operations.adopting import AdoptCode
from lockstep.operations.adopting import adopt as adopt_code
from lockstep.operations.grants import AccessGrant
from lockstep.operations.unmanaged_codes import ListUnmanagedCodes, listed

PROFILES = ["nuki", "plain"]


async def granted(stage: Stage, let: Let) -> AccessGrant:
    async with stage.house.gate.reading(stage.house.actor.workspace_id) as tx:
        row = (await grants.get(tx, stage.house.actor, let.grant_id)).row
        (grant,) = await grants.shown(tx, stage.house.actor, [row.id])
    return grant


def words(edit: Edit | None) -> tuple[str, list[str], bool]:
    assert edit is not None
    return edit.change_type.value, [c.which.value for c in edit.fields], edit.is_honoured


@pytest.mark.parametrize("profile", PROFILES)
async def test_an_edit_that_is_honoured_is_the_declaration_and_nothing_is_written_back(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with build_stage(database_url, clock, profile, locks=1) as stage:
        lock, let = await a_code(stage, honours_edits=True)
        assert let.ends_at is not None
        stays_until, writes = let.ends_at + 2 * HOUR, stage.writes()
        stage.site.app_put(lock, reference(stage, lock, "482913"), "664422")
        stage.site.app_edit(lock, reference(stage, lock, "664422"), name="Anna and Bo", ends_at=stays_until)
        assert words(await found(stage, let)) == ("modified", ["name", "code", "ends_at"], True)
        code, grant = await shown(stage, let), await granted(stage, let)
        assert (code.standing.value, code.digits, code.pending) == ("proven", "664422", ())
        assert (code.name_on_lock, code.window.ends_at) == ("Anna and Bo", stays_until)
        assert (grant.name, grant.ends_at) == ("Anna and Bo", stays_until)
        assert grant.access_method is not None
        assert grant.access_method.code == "664422"
        (told,) = await payloads(stage, "access_code.modified_outside")
        assert told["is_honoured"]
        assert "664422" not in str(told)
        assert {"field": "ends_at", "from": text(let.ends_at), "to": text(stays_until)} in told[
            "modified_fields"
        ]
        assert len(await stage.told("access_code.changed")) == 1
        await stage.until(let.ends_at + HOUR)
        assert stage.site.opens(lock, "664422")
        assert not stage.site.opens(lock, "482913")
        assert (stage.writes(), await stage.standing(let)) == (writes, "proven")
        assert words((await shown(stage, let)).edit)[2]
        assert not await stage.told("access_code.overwritten_again")
        await stage.until(stays_until + HOUR)
        assert stage.site.held(lock) == []


@pytest.mark.parametrize("profile", PROFILES)
async def test_after_an_edit_was_honoured_a_change_through_the_api_goes_to_the_lock_as_any(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with build_stage(database_url, clock, profile, locks=1) as stage:
        lock, let = await a_code(stage, honours_edits=True)
        stage.site.app_edit(lock, reference(stage, lock, "482913"), name="Anna and Bo")
        await found(stage, let)
        await stage.change(let, ends_at=let.starts_at + 5 * HOUR)
        await stage.wait(20 * MINUTE)
        code = await shown(stage, let)
        assert (code.standing.value, code.edit) == ("proven", None)
        assert (code.name_on_lock, code.digits) == ("Anna and Bo", "482913")
        await stage.change(let, name="Cleo")
        await stage.wait(20 * MINUTE)
        assert (await shown(stage, let)).name_on_lock.startswith("Cleo ")
        await stage.until(let.starts_at + 4 * HOUR)
        assert stage.site.opens(lock, "482913")


async def test_an_edit_of_what_was_not_proven_yet_is_put_right_though_the_grant_honours_edits(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", locks=1) as stage:
        lock, let = await a_code(stage, honours_edits=True)
        # Declared anew, and not written yet: whoever edits now edits what is declared no more.
        await stage.change(let, ends_at=let.starts_at + 5 * HOUR)
        stage.site.app_put(lock, reference(stage, lock, "482913"), "664422")
        await stage.wait(20 * MINUTE)
        assert stage.site.held(lock) == ["482913"]
        code = await shown(stage, let)
        assert (code.standing.value, code.edit) == ("proven", None)


@pytest.mark.parametrize("locks", [1, 2])
async def test_a_code_that_is_taken_off_a_lock_stays_off_it_and_the_grant_goes_on_with_its_others(
    database_url: str, clock: VirtualClock, locks: int
) -> None:
    async with build_stage(database_url, clock, "plain", locks=locks) as stage:
        let = await stage.let(stage.site.locks, HOUR / 2, 3 * HOUR, code="482913", honours_edits=True)
        await stage.wait(10 * MINUTE)
        front, *others = stage.site.locks
        stage.site.app_delete(front, reference(stage, front, "482913"))
        await stage.wait(20 * MINUTE)
        code = (await stage.shown(let))[front]
        assert words(code.edit) == ("removed", [], True)
        assert code.status.value == "removed"
        assert stage.site.held(front) == []
        assert ((await granted(stage, let)).cancelled_at is None) is (locks == 2)
        if others:
            await stage.change(let, ends_at=let.starts_at + 5 * HOUR)
            await stage.wait(10 * MINUTE)
            assert [stage.site.held(lock) for lock in stage.site.locks] == [[], ["482913"]]
            await stage.change(let, honours_edits=False)
            await stage.wait(10 * MINUTE)
            assert [stage.site.held(lock) for lock in stage.site.locks] == [["482913"], ["482913"]]


@pytest.mark.parametrize("profile", ["nuki", "versions"])
async def test_digits_that_cannot_be_read_after_an_edit_are_unknown_and_never_written_over(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    switches: dict[str, Any] = {"returns_digits": False} if profile == "nuki" else {"shows": "version"}
    profile = "nuki" if profile == "nuki" else "plain"
    async with build_stage(database_url, clock, profile, locks=1, **switches) as stage:
        lock, let = await a_code(stage, honours_edits=True)
        at = reference(stage, lock, "482913")
        stage.site.app_put(lock, at, "664422")
        stage.site.app_edit(lock, at, name="Anna and Bo")
        await found(stage, let)
        code, grant = await shown(stage, let), await granted(stage, let)
        assert (code.digits, code.standing.value) == (None, "proven")
        assert grant.access_method is not None
        assert grant.access_method.code is None
        await stage.change(let, ends_at=let.starts_at + 5 * HOUR)
        await stage.wait(20 * MINUTE)
        assert await stage.standing(let) == "proven"
        assert stage.site.held(lock) == ["664422"]
        await stage.until(let.starts_at + 4 * HOUR)
        assert stage.site.opens(lock, "664422")
        await stage.change(let, code="593847")
        await stage.wait(20 * MINUTE)
        assert stage.site.held(lock) == ["593847"]
        assert (await shown(stage, let)).digits == "593847"


async def test_all_locks_of_a_grant_follow_an_edit_on_one(database_url: str, clock: VirtualClock) -> None:
    async with build_stage(database_url, clock, "plain", locks=2) as stage:
        let = await stage.let(stage.site.locks, HOUR / 2, 3 * HOUR, code="482913", honours_edits=True)
        await stage.wait(10 * MINUTE)
        front, back = stage.site.locks
        assert let.ends_at is not None
        at = reference(stage, front, "482913")
        stage.site.app_put(front, at, "664422")
        stage.site.app_edit(front, at, ends_at=let.ends_at + HOUR)
        await stage.wait(20 * MINUTE)
        assert [stage.site.held(lock) for lock in (front, back)] == [["664422"], ["664422"]]
        codes = await stage.shown(let)
        assert {c.standing.value for c in codes.values()} == {"proven"}
        assert [codes[lock].edit is None for lock in (front, back)] == [False, True]
        await stage.until(let.ends_at + HOUR / 2)
        assert stage.site.opens(back, "664422")


async def test_digits_of_another_code_of_ours_are_not_taken_over(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", locks=2) as stage:
        front, back = stage.site.locks
        let = await stage.let([front, back], HOUR / 2, 3 * HOUR, code="482913", honours_edits=True)
        await stage.let(back, HOUR / 2, 3 * HOUR, code="664422")
        await stage.wait(10 * MINUTE)
        stage.site.app_put(front, reference(stage, front, "482913"), "664422")
        await stage.wait(20 * MINUTE)
        assert stage.site.held(front) == ["482913"]
        assert {c.digits for c in (await stage.shown(let)).values()} == {"482913"}


async def test_vendor_errors_and_stale_readings_are_no_edits(database_url: str, clock: VirtualClock) -> None:
    async with build_stage(database_url, clock, "plain", locks=1) as stage:
        _, let = await a_code(stage)
        assert let.ends_at is not None
        stage.fault(FaultKind.ERROR_BEFORE, mutating=False, times=6)
        await stage.wait(2 * HOUR)
        stage.fault(FaultKind.STALE, mutating=False, seconds=600, times=4)
        await stage.change(let, ends_at=let.ends_at + HOUR, name="Berta")
        await stage.wait(HOUR)
        assert not [k for k in await stage.told() if k.endswith("_outside")]
        assert (await shown(stage, let)).edit is None
        assert await stage.standing(let) == "proven"


async def test_the_change_to_summer_time_is_no_edit(database_url: str) -> None:
    clock = VirtualClock(datetime(2027, 3, 27, 23, tzinfo=UTC))
    async with build_stage(database_url, clock, "lock_local", locks=1) as stage:
        (lock,) = stage.site.locks
        let = await stage.let(lock, HOUR, 6 * HOUR, code="482913")
        await stage.wait(4 * HOUR)
        assert not [k for k in await stage.told() if k.endswith("_outside")]
        assert await stage.standing(let) == "proven"
        assert stage.site.opens(lock, "482913")


async def test_a_code_that_was_taken_over_from_the_app_may_go_on_to_follow_it(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "nuki", locks=1) as stage:
        (lock,) = stage.site.locks
        stage.site.app_put(lock, None, "734512")
        await stage.wait(16 * MINUTE)
        (stranger,) = await stage.ask(listed, ListUnmanagedCodes(device_id=stage.device_id(lock)))
        code = await stage.ask(adopt_code, AdoptCode(stranger.unmanaged_code_id, honours_edits=True))
        writes = stage.writes()
        stage.site.app_edit(lock, reference(stage, lock, "734512"), name="Cleaner")
        await stage.wait(40 * MINUTE)
        async with stage.house.gate.reading(stage.house.actor.workspace_id) as tx:
            code = await access_codes.get(tx, stage.house.actor, code.row.public_id)
        assert (code.name_on_lock, code.row.grant_name, code.digits) == ("Cleaner", "Cleaner", "734512")
        assert words(code.edit) == ("modified", ["name"], True)
        assert (code.standing.value, stage.writes()) == ("proven", writes)
