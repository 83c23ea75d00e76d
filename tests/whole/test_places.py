"""Scarce places, strangers' codes, locks out of reach, copied databases: who keeps what, who waits, who is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.whole.stage import build_stage

from lockstep.emulation.clock import VirtualClock
from lockstep.operations import devices, workspaces

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def test_scarce_places_go_to_the_soonest_and_who_is_inside_stays(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "few_places", locks=1) as stage:
        (lock,) = stage.site.locks
        inside = await stage.let(lock, -HOUR, 2 * DAY)
        late = await stage.let(lock, 50 * MINUTE, DAY)
        later = await stage.let(lock, 55 * MINUTE, DAY)
        await stage.wait(5 * MINUTE)
        soonest = await stage.let(lock, 10 * MINUTE, DAY)
        await stage.wait(5 * MINUTE)
        assert sorted(stage.site.held(lock)) == sorted(
            [inside.code or "", late.code or "", soonest.code or ""]
        )
        assert (await stage.shown(later))[lock].failure["code"] == "lock_full"  # type: ignore[index]
        # Not of the soonest, who waited for a pass until the place was free.
        assert len(await stage.told("access_code.full")) == 1
        assert await stage.standing(later) == "failed", "told before the arrival"
        await stage.cancel(soonest)
        await stage.wait(5 * MINUTE)
        assert await stage.standing(later) == "proven"
        assert stage.site.opens(lock, inside.code or "")


async def test_digits_that_change_hands_never_stand_twice_and_leave_nobody_out(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "slots", locks=1) as stage:
        (lock,) = stage.site.locks
        first = await stage.let(lock, -HOUR, DAY)
        await stage.wait(5 * MINUTE)
        code = first.code
        await stage.change(first, code="445566")
        second = await stage.let(lock, 30 * HOUR, DAY, code=code)
        for _ in range(20):
            await stage.wait(timedelta(seconds=15))
            held = stage.site.held(lock)
            assert len(held) == len(set(held))
            assert any(stage.site.opens(lock, c) for c in held), "who is inside is never without a code"
        assert sorted(stage.site.held(lock)) == sorted(["445566", code or ""])
        assert await stage.standing(second) == "proven"


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(seconds=10)], ids=["at once", "under way"])
@pytest.mark.parametrize("places", [10, 2], ids=["a free slot", "no free slot"])
async def test_guests_who_come_one_after_the_other_exchange_their_digits_and_who_is_inside_keeps_a_code(
    database_url: str, clock: VirtualClock, places: int, apart: timedelta
) -> None:
    async with build_stage(database_url, clock, "slots", locks=1, places=places) as stage:
        (lock,) = stage.site.locks
        inside, later = await stage.let(lock, -HOUR, DAY), await stage.let(lock, 30 * HOUR, DAY)
        await stage.wait(5 * MINUTE)
        first, second = inside.code or "", later.code or ""
        assert sorted(stage.site.held(lock)) == sorted([first, second])
        stage.site.journal.clear()
        await stage.change(inside, code=second)
        await stage.wait(apart)
        await stage.change(later, code=first)
        for _ in range(60):
            held = stage.site.held(lock)
            assert len(held) == len(set(held)), "the same digits twice"
            assert any(stage.site.opens(lock, code) for code in held), "who is inside has no code"
            await stage.wait(timedelta(seconds=4))
        assert (inside.code, later.code) == (second, first)
        calls = [(call.method, call.status) for call in stage.site.journal.mutating()]
        assert calls == [("DELETE", 204), ("PUT", 200), ("PUT", 200)], "one is taken off, and none is refused"
        assert {await stage.standing(let) for let in (inside, later)} == {"proven"}
        assert sorted(stage.site.held(lock)) == sorted([first, second])
        assert [stage.site.opens(lock, code) for code in (second, first)] == [True, False]
        await stage.until(later.starts_at + MINUTE)
        assert [stage.site.opens(lock, code) for code in (second, first)] == [False, True]


@pytest.mark.parametrize("profile", ["plain", "slots", "shared_digits", "window_duplicates", "nuki"])
async def test_digits_that_two_guests_have_one_after_the_other_open_for_the_first_although_the_second_came_first(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with build_stage(database_url, clock, profile, locks=1) as stage:
        (lock,) = stage.site.locks
        second = await stage.let(lock, 9 * HOUR, DAY)
        await stage.wait(10 * MINUTE)
        first = await stage.let(lock, HOUR, 4 * HOUR, code=second.code)
        await stage.wait(2 * HOUR)
        assert await stage.standing(first) == "proven"
        assert stage.site.opens(lock, first.code or "")
        await stage.wait(5 * HOUR)
        assert await stage.standing(second) == "proven"
        assert not stage.site.opens(lock, first.code or "")
        await stage.wait(3 * HOUR)
        assert stage.site.opens(lock, second.code or "")


async def test_a_place_that_a_stranger_holds_unseen_is_left_to_him_and_another_one_taken(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "unreadable", locks=1) as stage:
        (lock,) = stage.site.locks
        stage.site.app_put(lock, None, "775533")
        let = await stage.let(lock, 50 * MINUTE, DAY)
        await stage.wait(20 * MINUTE)
        assert sorted(stage.site.held(lock)) == sorted(["775533", let.code or ""])


async def test_what_somebody_changes_in_the_app_is_put_right_and_told_again_and_again(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", locks=1) as stage:
        (lock,) = stage.site.locks
        stranger = "775533"
        stage.site.app_put(lock, None, stranger)
        let = await stage.let(lock, HOUR, 3 * DAY)
        assert let.code != stranger
        await stage.wait(10 * MINUTE)
        for _ in range(3):
            stage.site.app_put(lock, stage.site.reference_of(lock, let.code or ""), "664422")
            await stage.wait(40 * MINUTE)
            assert sorted(stage.site.held(lock)) == sorted([let.code or "", stranger])
        assert len(await stage.told("access_code.modified_outside")) == 3
        assert len(await stage.told("access_code.overwritten_again")) == 1
        assert await stage.standing(let) == "proven"


async def test_a_lock_that_goes_offline_again_and_again_is_told_as_flaky_and_later_as_steady(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "gateway", locks=1) as stage:
        (lock,) = stage.site.locks
        await stage.let(lock, HOUR, DAY)
        await stage.wait(10 * MINUTE)
        for _ in range(4):
            stage.site.online(lock, False)
            await stage.ask(devices.look_now, stage.device_id(lock))
            await stage.wait(MINUTE)
            stage.site.online(lock, True)
            await stage.ask(devices.look_now, stage.device_id(lock))
            await stage.wait(MINUTE)
        assert len(await stage.told("device.went_offline")) == 4
        assert len(await stage.told("device.connection_flaky")) == 1
        assert not await stage.told("device.connection_stabilized")
        await stage.wait(2 * HOUR)
        assert len(await stage.told("device.connection_stabilized")) == 1
        assert len(await stage.told("device.connection_flaky")) == 1


@pytest.mark.parametrize(
    ("profile", "dead_for", "arrivals"),
    [("nuki", 18 * HOUR, (90, 75, 80)), ("gateway", 26 * HOUR, (68, 53, 58))],
    ids=["nuki", "gateway"],
)
async def test_a_lock_dead_for_days_touches_no_other_and_its_backlog_drains_in_the_order_of_arrivals(
    database_url: str, clock: VirtualClock, profile: str, dead_for: timedelta, arrivals: tuple[int, ...]
) -> None:
    async with build_stage(database_url, clock, profile, locks=2) as stage:
        dead, alive = stage.site.locks
        stage.site.online(dead, False)
        lets = [await stage.let(dead, n * HOUR, 8 * DAY) for n in arrivals]
        other = await stage.let(alive, HOUR, 5 * DAY)
        await stage.wait(30 * MINUTE)
        assert await stage.standing(other) == "proven"
        calls = len(stage.site.journal)
        await stage.wait(dead_for)
        assert len(stage.site.journal) - calls < dead_for / HOUR * 12 * 3, (
            "asked at a pace, not without pause"
        )
        assert stage.site.held(dead) == []
        assert (await stage.shown(lets[1]))[dead].failure["code"] == "device_offline"  # type: ignore[index]
        assert await stage.told("device.went_offline")
        another = await stage.let(alive, HOUR, DAY)
        await stage.wait(10 * MINUTE)
        assert await stage.standing(another) == "proven"
        stage.site.journal.clear()
        stage.site.journal.keeps_digits = True
        stage.site.online(dead, True)
        await stage.wait(15 * MINUTE)
        by_arrival = [let.code or "" for let in sorted(lets, key=lambda let: let.starts_at)]
        assert stage.site.held(dead) == sorted(by_arrival)
        # As the calls left us, and so for vendors that take several at a time as well.
        writes = [
            code for call in stage.site.journal.mutating() for code in by_arrival if code in str(call.body)
        ]
        assert list(dict.fromkeys(writes)) == by_arrival
        assert len(writes) <= len(lets) + 3


async def test_several_doors_share_one_credential_and_a_visit_is_told_with_its_guest(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "doors", locks=3) as stage:
        let = await stage.let(stage.site.locks[:2], -HOUR, DAY)
        await stage.wait(5 * MINUTE)
        assert [stage.site.opens(lock, let.code or "") for lock in stage.site.locks] == [True, True, False]
        assert {c.standing.value for c in (await stage.shown(let)).values()} == {"proven"}
        assert stage.writes() == 1
        assert stage.site.enter(stage.site.locks[0], let.code or "")
        assert not stage.site.enter(stage.site.locks[0], "0000")
        await stage.wait(40 * MINUTE)
        async with stage.house.gate.database.reading(stage.house.actor.workspace_id) as db:
            rows = await db.fetch("select kind, subjects from events where kind like 'lock.%' order by kind")
        assert [r["kind"] for r in rows] == ["lock.access_denied", "lock.unlocked"]
        assert rows[1]["subjects"]["access_grant_id"] == let.grant_id
        assert "access_grant_id" not in rows[0]["subjects"] or rows[0]["subjects"]["access_grant_id"] is None


async def test_a_restored_database_only_looks_until_it_is_confirmed_and_then_wipes_and_doubles_nothing(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain", locks=1) as stage:
        (lock,) = stage.site.locks
        kept = await stage.let(lock, -HOUR, 5 * DAY)
        cancelled = await stage.let(lock, -HOUR, 5 * DAY)
        await stage.wait(10 * MINUTE)
        workspace_id = stage.house.actor.workspace_id
        async with stage.house.gate.database.transaction(None) as db:
            yesterday = await db.fetch("select * from entries where workspace_id = $1", workspace_id)
        await stage.cancel(cancelled)
        await stage.wait(DAY)
        assert stage.site.held(lock) == [kept.code]
        # As it was yesterday: what was cancelled since is believed to be wanted and on the lock.
        row = next(r for r in yesterday if cancelled.code and r["fingerprint"] is not None and r["id"])
        assert row is not None
        async with stage.house.gate.database.transaction(None) as db:
            await db.execute("update workspaces set is_ruling = false where id = $1", workspace_id)
            for r in yesterday:
                await db.execute(
                    "update entries set withdrawn_at = null, settled_at = null, possible = $3, tried = $4, "
                    "vendor_references = $5, last_write_at = $6, late_until = $7, read_at = $8, proven_at = $9 "
                    "where workspace_id = $1 and id = $2",
                    workspace_id,
                    r["id"],
                    r["possible"],
                    r["tried"],
                    r["vendor_references"],
                    r["last_write_at"],
                    r["late_until"],
                    r["read_at"],
                    r["proven_at"],
                )
        stage.house.restart()
        newer = "889977"
        stage.site.app_put(lock, None, newer)
        before = stage.writes()
        await stage.wait(DAY)
        assert stage.writes() == before, "it only looks"
        async with stage.house.gate.transaction(workspace_id) as tx:
            await workspaces.confirm(tx, stage.house.actor)
        await stage.wait(HOUR)
        assert sorted(stage.site.held(lock)) == sorted([kept.code or "", cancelled.code or "", newer])
