"""The life of a code as Seam documents it, by a virtual clock on emulated locks: what it is called at each hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.whole.stage import Stage, build_stage

from lockstep.emulation.clock import VirtualClock
from lockstep.http.seam.present.access_code import access_code
from lockstep.model.access_code import Standing, Status
from lockstep.operations import access_codes, accounts, devices, lock_codes, today
from lockstep.operations.errors import Invalid, NotFound
from lockstep.operations.lock_codes import ChangeCode, CreateCode
from lockstep.operations.today import AskToday

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = timedelta(days=10)
LASTS = timedelta(days=2)


class Life:
    """One code on one lock."""

    def __init__(self, stage: Stage, starts_at: datetime | None = None) -> None:
        self.stage = stage
        self.starts_at = starts_at or stage.clock.now() + START
        self.id = ""

    async def create(self, **fields: Any) -> dict[str, Any]:
        fields = {"starts_at": self.starts_at, "ends_at": self.starts_at + LASTS, **fields}
        command = CreateCode(self.stage.device_id(self.stage.site.locks[0]), "Anna", **fields)
        made = await self.stage.ask(lock_codes.create, command)
        self.id = made.row.public_id
        return await self.shown()

    async def at(self, instant: datetime) -> tuple[str, bool, list[str]]:
        """Its status, whether it is scheduled, and what is under way; nothing was done until shortly before."""
        if instant - 2 * MINUTE > self.stage.clock.now():
            self.stage.clock.set(instant - 2 * MINUTE)
        await self.stage.until(instant)
        return await self.now()

    async def now(self) -> tuple[str, bool, list[str]]:
        shown = await self.shown()
        mutations = [m["mutation_code"] for m in shown["pending_mutations"]]
        return shown["status"], shown["is_scheduled_on_device"], mutations

    async def shown(self) -> dict[str, Any]:
        found = await self.stage.ask(access_codes.get, self.id)
        return access_code(found, "ws_1", self.stage.clock.now())


@pytest.mark.parametrize("profile", ["nuki", "plain"])
async def test_on_a_lock_that_keeps_the_time_a_code_is_scheduled_72_hours_ahead(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with build_stage(database_url, clock, profile, 1) as stage:
        life = Life(stage)
        start, end = life.starts_at, life.starts_at + LASTS
        made = await life.create()
        assert (made["status"], made["type"]) == ("unset", "time_bound")
        (deferred,) = made["pending_mutations"]
        assert deferred["mutation_code"] == "deferring_creation"
        assert deferred["scheduled_at"] == (start - 72 * HOUR).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        assert await life.at(start - 73 * HOUR) == ("unset", False, ["deferring_creation"])
        assert await life.at(start - 71 * HOUR) == ("unset", True, [])
        assert await life.at(start - MINUTE) == ("unset", True, [])
        assert await life.at(start) == ("set", False, [])
        assert await life.at(end - MINUTE) == ("set", False, [])
        assert (await life.at(end + 30 * MINUTE))[0] == "unset", "what is over stays to be read"
        assert (await life.shown())["errors"] == []


async def test_on_a_lock_without_a_schedule_it_is_written_60_minutes_ahead_and_removed_at_its_end(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", 1, schedule={"kind": "none"}) as stage:
        life = Life(stage)
        start, end = life.starts_at, life.starts_at + LASTS
        await life.create()
        assert await life.at(start - 61 * MINUTE) == ("unset", False, ["deferring_creation"])
        assert await life.at(start - 55 * MINUTE) == ("set", False, [])
        assert await life.at(end - MINUTE) == ("set", False, [])
        assert await life.at(end + 10 * MINUTE) == ("unset", False, [])
        digits = (await life.shown())["code"]
        assert not stage.site.opens(stage.site.locks[0], digits)


async def test_one_that_is_due_is_setting_then_set_then_removing_then_gone(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", 1) as stage:
        life = Life(stage)
        await life.create(starts_at=None, ends_at=None)
        assert await life.now() == ("setting", False, ["creating"])
        await stage.wait(MINUTE)
        assert await life.now() == ("set", False, [])
        await stage.ask(lock_codes.cancel, life.id)
        assert await life.now() == ("removing", False, ["deleting"])
        assert [w["warning_code"] for w in (await life.shown())["warnings"]] == ["being_deleted"]
        await stage.wait(5 * MINUTE)
        with pytest.raises(NotFound):
            await stage.ask(lock_codes.get, life.id)


async def test_what_changes_is_told_until_the_lock_has_it(database_url: str, clock: VirtualClock) -> None:
    async with build_stage(database_url, clock, "plain", 1) as stage:
        life = Life(stage, stage.clock.now())
        digits = (await life.create())["code"]
        await stage.wait(MINUTE)
        later = life.starts_at + 5 * DAY
        changed = await stage.ask(
            _change(life.id), ChangeCode(name="Anna Berg", ends_at=later, code="295175")
        )
        shown = access_code(changed, "ws_1", stage.clock.now())
        told = {m["mutation_code"]: m for m in shown["pending_mutations"]}
        assert set(told) == {"updating_code", "updating_name", "updating_time_frame"}
        assert told["updating_time_frame"]["to"]["ends_at"] == shown["ends_at"]
        assert told["updating_code"]["from"] == {"code": digits}
        assert told["updating_code"]["to"] == {"code": "295175"}
        again = await stage.ask(_change(life.id), ChangeCode(code="473829"))
        shown = access_code(again, "ws_1", stage.clock.now())
        told = {m["mutation_code"]: m for m in shown["pending_mutations"]}
        assert told["updating_code"]["from"] == {"code": digits}, "the lock still has the first"
        await stage.wait(MINUTE)
        assert await life.now() == ("set", False, [])
        await stage.ask(_change(life.id), ChangeCode(is_ongoing=True))
        assert (await life.now())[2] == ["updating_time_frame"]
        assert (await life.shown())["type"] == "ongoing"
        await stage.wait(MINUTE)
        await stage.ask(_change(life.id), ChangeCode(starts_at=life.starts_at, ends_at=later))
        await stage.wait(MINUTE)
        shown = await life.shown()
        assert (shown["type"], shown["status"], shown["pending_mutations"]) == ("time_bound", "set", [])


async def test_one_that_lies_ahead_and_becomes_ongoing_opens_from_now_on(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", 1) as stage:
        life = Life(stage)
        made = await life.create()
        assert await life.now() == ("unset", False, ["deferring_creation"])
        await stage.ask(_change(life.id), ChangeCode(is_ongoing=True))
        assert await life.now() == ("setting", False, ["creating"])
        await stage.wait(MINUTE)
        assert await life.now() == ("set", False, [])
        assert stage.site.opens(stage.site.locks[0], made["code"])
        for half in (ChangeCode(starts_at=life.starts_at), ChangeCode(is_time_bound=True)):
            with pytest.raises(Invalid) as refused:
                await stage.ask(_change(life.id), half)
            assert refused.value.code == "window_incomplete"
        assert await life.now() == ("set", False, [])


async def test_of_two_guests_with_the_same_digits_the_second_waits_and_nothing_failed(
    database_url: str, clock: VirtualClock
) -> None:
    """Where the lock takes digits but once at a time, the first keeps them until the hour at which the second comes."""
    async with build_stage(database_url, clock, "plain", 1) as stage:
        lock = stage.site.locks[0]
        first, second = Life(stage, stage.clock.now()), Life(stage, stage.clock.now() + LASTS)
        await first.create(code="482913")
        await second.create(code="482913")
        await stage.wait(HOUR)
        assert ((await first.now())[0], (await second.now())[0]) == ("set", "unset")
        assert ((await second.shown())["errors"], (await second.shown())["warnings"]) == ([], [])
        assert "access_code.duplicate_taken" not in await stage.told()
        of_the_first = await stage.ask(_with_digits(stage), "482913")
        await stage.until(second.starts_at + 3 * MINUTE)
        assert ((await first.now())[0], (await second.now())[0]) == ("unset", "set")
        assert stage.site.opens(lock, "482913")
        of_the_second = await stage.ask(_with_digits(stage), "482913")
        assert [it.row.public_id for it in (of_the_first, of_the_second)] == [first.id, second.id]


@pytest.mark.parametrize("profile", ["silent_duplicates", "hour_steps", "computed"])
async def test_digits_that_are_generated_suit_the_lock_or_there_are_none(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with build_stage(database_url, clock, profile, 1) as stage:
        lock_id = stage.device_id(stage.site.locks[0])
        if stage.site.features.digits_by == "vendor":
            with pytest.raises(Invalid) as refused:
                await stage.ask(lock_codes.generate, lock_id)
            assert refused.value.code == "code_cannot_be_chosen"
        else:
            digits = await stage.ask(lock_codes.generate, lock_id)
            made = await stage.ask(lock_codes.create, CreateCode(lock_id, "Anna", code=digits))
            assert made.digits == digits, "whoever asks gives them back, and they are taken"


async def test_one_that_does_not_come_through_is_late_then_failed_to_be_issued_and_removed(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", 1) as stage:
        lock = stage.site.locks[0]
        life = Life(stage, stage.clock.now() + 2 * HOUR)
        await life.create()
        stage.site.online(lock, False)
        assert await life.at(life.starts_at - 50 * MINUTE) == ("unset", False, ["creating"])
        shown = await life.shown()
        late = ["delay_in_setting_on_device", "delay_in_issuing"]
        assert [w["warning_code"] for w in shown["warnings"]] == late
        assert (await life.at(life.starts_at + 10 * MINUTE))[0] == "setting"
        shown = await life.shown()
        assert [w["warning_code"] for w in shown["warnings"]] == late
        assert [e["error_code"] for e in shown["errors"]] == ["device_offline", "failed_to_issue"]


async def test_nobody_knows_how_it_stands_while_the_vendor_refuses_the_credentials(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", 1) as stage:
        life = await _on_its_lock(stage)
        stage.site.refuse_credentials()
        await stage.wait(HOUR)
        await _is_unknown(life)
        code = await stage.ask(access_codes.get, life.id)
        assert (code.status, code.standing, code.proven_at) == (Status.UNKNOWN, Standing.UNCONFIRMED, None)
        assert (code.failure or {})["code"] == "credentials_refused"
        page = await stage.ask(today.today, AskToday())
        (door,) = page.stays[0].doors
        assert (door.standing, page.late) == (Standing.UNCONFIRMED, ()), "it may stand there still"
        assert "refuses the credentials" in door.reason.cause
        assert door.next_look_at is None
        stage.site.accept_credentials()
        await stage.reconnect(stage.site.credentials)
        await stage.wait(MINUTE)
        assert await life.now() == ("set", False, [])
        assert (await life.shown())["errors"] == []


async def test_one_that_finds_no_place_on_its_lock_says_so(database_url: str, clock: VirtualClock) -> None:
    async with build_stage(database_url, clock, "plain", 1, places=1) as stage:
        first, second = Life(stage, stage.clock.now()), Life(stage, stage.clock.now())
        await first.create()
        await stage.wait(MINUTE)
        await second.create()
        await stage.wait(MINUTE)
        assert ((await first.now())[0], (await second.now())[0]) == ("set", "setting")
        assert [e["error_code"] for e in (await second.shown())["errors"]] == [
            "no_space_for_access_code_on_device"
        ]


async def test_lengths_that_callers_report_are_those_of_new_digits_and_can_be_put_right(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "slots", 1) as stage:
        lock_id = stage.device_id(stage.site.locks[0])
        for reported in ({4}, {5, 6, 9}, {4, 5, 6}):
            await stage.ask(_report(lock_id), reported)
            await stage.describe()
            made = await stage.ask(lock_codes.create, CreateCode(lock_id, "Anna"))
            assert made.digits is not None
            assert len(made.digits) == max(reported & {4, 5, 6}), "the vendor takes no others"
        with pytest.raises(Invalid) as refused:
            await stage.ask(_report(lock_id), {9})
        assert refused.value.code == "code_length_impossible"


async def test_nobody_knows_how_it_stands_where_the_account_is_disconnected(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", 1) as stage:
        life = await _on_its_lock(stage)
        async with stage.house.gate.transaction(stage.house.actor.workspace_id) as tx:
            (account,) = await accounts.listed(tx, stage.house.actor)
            await accounts.disconnect(tx, stage.house.actor, account.public_id, "leave")
        await _is_unknown(life)


async def _on_its_lock(stage: Stage) -> Life:
    life = Life(stage, stage.clock.now())
    await life.create()
    await stage.wait(MINUTE)
    assert (await life.now())[0] == "set"
    return life


async def _is_unknown(life: Life) -> None:
    """Since nothing new can be read there."""
    assert (await life.now())[0] == "unknown"
    assert [e["error_code"] for e in (await life.shown())["errors"]] == ["account_disconnected"]


def _report(lock_id: str) -> Any:
    async def report(tx: Any, actor: Any, lengths: set[int]) -> Any:
        return await devices.report_code_lengths(tx, actor, lock_id, lengths)

    return report


def _with_digits(stage: Stage) -> Any:
    async def find(tx: Any, actor: Any, digits: str) -> Any:
        return await lock_codes.with_digits(tx, actor, stage.device_id(stage.site.locks[0]), digits)

    return find


def _change(code_id: str) -> Any:
    async def change(tx: Any, actor: Any, command: ChangeCode) -> Any:
        return await lock_codes.change(tx, actor, code_id, command)

    return change
