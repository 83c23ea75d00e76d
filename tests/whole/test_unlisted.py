"""Locks that the vendor's listing lacks, once or for hours or for good: nothing on them counts as proven or as gone,
alarms go on, and what is found again ends as declared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from tests.whole.house import build_house
from tests.whole.stage import Let, Stage, connected, make_site

from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.faults import Fault, FaultKind
from lockstep.kit.ids import new_id
from lockstep.model.access_code import Standing
from lockstep.operations import accounts, devices, examining, figures
from lockstep.operations import today as page
from lockstep.operations.errors import Conflict
from lockstep.operations.today import AskToday, Today
from lockstep.storage import domains

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TROUBLES = ["cancel", "end", "arrival"]


@asynccontextmanager
async def build_annex(database_url: str, clock: VirtualClock) -> AsyncIterator[tuple[Stage, str]]:
    """Two old locks, and one that was added today: a listing of yesterday lacks this one alone."""
    site = make_site(clock, "nuki", locks=1)
    clock.set(clock.now() + 2 * DAY)
    annex = site.cloud().add_lock({"name": "Annex"})
    site.locks.append(annex)
    async with build_house(database_url, clock, {"vendor.test": site.app}) as house:
        yield await connected(house, site), annex


def lose(stage: Stage, times: int | None, days: float = 1) -> None:
    """The vendor's listing of locks is an old one, so often."""
    seconds = days * DAY.total_seconds()
    stage.site.faults.add(
        Fault(kind=FaultKind.STALE, method="GET", path="/smartlock", times=times, seconds=seconds)
    )


async def today(stage: Stage) -> Today:
    async with stage.house.gate.reading(stage.house.actor.workspace_id) as tx:
        return await page.today(tx, stage.house.actor, AskToday())


async def device_of(stage: Stage, let: Let) -> str:
    (code,) = (await stage.shown(let)).values()
    return code.row.device_public_id


async def seen_devices(stage: Stage) -> int:
    async with stage.house.gate.reading(stage.house.actor.workspace_id) as tx:
        return len(await devices.listed(tx, stage.house.actor, None, 50))


async def told(stage: Stage, kind: str) -> int:
    return len(await stage.told(kind))


async def let_for(stage: Stage, lock: str, trouble: str, ends_in: timedelta = 10 * MINUTE) -> Let:
    """`end`: over soon. `arrival`: begins in three hours."""
    starts_in = 3 * HOUR if trouble == "arrival" else -HOUR
    let = await stage.let(lock, starts_in, HOUR + 5 * MINUTE + ends_in if trouble == "end" else 2 * DAY)
    await stage.wait(5 * MINUTE)
    assert await stage.standing(let) == "proven"
    return let


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_one_listing_without_the_locks_hides_nothing_and_harms_nothing(
    database_url: str, clock: VirtualClock, trouble: str
) -> None:
    async with build_annex(database_url, clock) as (stage, lock):
        let = await let_for(stage, lock, trouble)
        before = await seen_devices(stage)
        lose(stage, times=1, days=30)
        await stage.describe()
        assert await seen_devices(stage) == before
        if trouble == "cancel":
            await stage.cancel(let)
        await stage.wait(11 * MINUTE)
        assert await told(stage, "device.removed") == 0
        assert stage.site.opens(lock, let.code or "") is False
        if trouble == "arrival":
            assert await stage.standing(let) == "proven"
            await stage.until(let.starts_at)
            assert stage.site.opens(lock, let.code or "")
        else:
            assert stage.site.held(lock) == []
            assert await stage.standing(let) == "gone"
        assert not [k for k in await stage.told() if k.endswith(("late", "failed_to_remove"))]
        assert (await today(stage)).ailing == ()


async def test_until_the_vendor_is_asked_again_the_arrival_stands_as_failed_with_the_reason(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_annex(database_url, clock) as (stage, lock):
        let = await let_for(stage, lock, "arrival")
        lose(stage, times=None)
        await stage.describe()
        shown = await today(stage)
        assert shown.counts == {Standing.FAILED: 1}
        (late,) = shown.late
        assert "does not list" in late.door.reason.cause
        assert f"/v1/devices/{await device_of(stage, let)}/give_up" in late.door.reason.next_step
        assert late.since == clock.now()
        (code,) = (await stage.shown(let)).values()
        assert (code.status.value, code.failure and code.failure["code"]) == ("unknown", "device_not_listed")
        async with stage.house.gate.reading(stage.house.actor.workspace_id) as tx:
            found = await examining.of_workspace(tx, stage.house.actor)
            (device,) = [d for d in await devices.listed(tx, stage.house.actor, None, 50) if d.missed_since]
            view = await devices.shown(tx, stage.house.actor, device.public_id)
        assert {f.check for f in found} == {"locks", "codes"}
        assert (view.unlisted_since, view.removed_at) == (clock.now(), None)
        counted = await figures.of_all(stage.house.gate)
        assert counted.arriving_codes[Standing.FAILED] == 1
        assert counted.proven_share == 0
        stage.site.faults.clear()
        await stage.wait(2 * MINUTE)
        assert await stage.standing(let) == "proven", "asked again within minutes"


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_lock_that_is_not_listed_for_hours_keeps_its_entries_and_ends_right_once_it_is_back(
    database_url: str, clock: VirtualClock, trouble: str
) -> None:
    async with build_annex(database_url, clock) as (stage, lock):
        let = await let_for(stage, lock, trouble, ends_in=20 * MINUTE)
        lose(stage, times=None)
        await stage.describe()
        await stage.wait(18 * MINUTE)
        if trouble == "cancel":
            await stage.cancel(let)
        await stage.wait(8 * MINUTE)
        assert await told(stage, "device.removed") == 0
        assert await told(stage, "access_code.failed_to_remove") == (trouble != "arrival")
        assert await stage.standing(let) == "failed"
        await stage.wait(150 * MINUTE)
        assert await told(stage, "device.removed") == 1
        assert await told(stage, "access_code.failed_to_remove") == (trouble != "arrival")
        # Who is inside while nothing can be proven has an alarm of his own.
        assert await told(stage, "access_code.late") == 1
        assert await stage.standing(let) == "failed"
        assert [late.door.standing for late in (await today(stage)).late] == [Standing.FAILED]
        assert let.code in stage.site.held(lock)
        assert await digits_are_taken(stage, let)
        stage.site.faults.clear()
        await stage.wait(30 * MINUTE)
        assert await told(stage, "device.added") == 3 + 1
        is_over = trouble != "arrival"
        assert stage.site.held(lock) == ([] if is_over else [let.code])
        assert await stage.standing(let) == ("gone" if is_over else "proven")
        assert await digits_are_taken(stage, let) is not is_over
        assert (await today(stage)).ailing == ()


async def test_a_stay_booked_while_the_lock_is_not_listed_is_told_and_gets_its_code_when_it_is_back(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_annex(database_url, clock) as (stage, lock):
        lose(stage, times=None)
        await stage.describe()
        let = await stage.let(lock, 5 * HOUR)
        await stage.wait(20 * MINUTE)
        assert await stage.standing(let) == "failed"
        stage.site.faults.clear()
        await stage.wait(20 * MINUTE)
        assert await stage.standing(let) == "proven"
        assert stage.site.held(lock) == [let.code]


async def test_several_locks_gone_at_once_are_a_doubt_for_a_day(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_annex(database_url, clock) as (stage, lock):
        let = await let_for(stage, lock, "cancel")
        lose(stage, times=None, days=30)
        await stage.describe()
        await stage.wait(23 * HOUR)
        assert await told(stage, "device.removed") == 0
        assert await told(stage, "access_code.late") == 1
        assert await stage.standing(let) == "failed"
        await stage.wait(3 * HOUR)
        assert await told(stage, "device.removed") == 3
        assert await seen_devices(stage) == 1, "the one that a code of ours may be on"
        stage.site.faults.clear()
        await stage.wait(65 * MINUTE)
        assert await stage.standing(let) == "proven"
        assert stage.site.opens(lock, let.code or "")


async def test_a_lock_that_left_the_account_is_alarmed_until_an_operator_says_that_it_is_gone_for_good(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_annex(database_url, clock) as (stage, lock):
        let = await let_for(stage, lock, "end", 6 * HOUR)
        device_id = await device_of(stage, let)
        with pytest.raises(Conflict, match="lists the device"):
            await give_up(stage, device_id)
        transport = httpx2.ASGITransport(stage.site.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://vendor.test") as http:
            gone = await http.delete(f"/smartlock/{lock}", headers={"Authorization": "Bearer tok"})
        assert gone.is_success
        await stage.describe()
        await stage.wait(9 * HOUR)
        assert await told(stage, "device.removed") == 1
        assert await told(stage, "access_code.late") == 1
        assert await told(stage, "access_code.failed_to_remove") == 1, "after its end"
        assert (await today(stage)).late
        assert (await figures.of_all(stage.house.gate)).late_codes == 1
        await give_up(stage, device_id)
        await stage.wait(HOUR)
        shown = await today(stage)
        assert (shown.late, shown.ailing) == ((), ())
        assert await seen_devices(stage) == 2
        assert (await figures.of_all(stage.house.gate)).late_codes == 0
        assert await stage.standing(let) == "failed", "nothing was proven"
        assert await digits_are_taken(stage, let)
        assert await told(stage, "access_code.deleted") == 1
        await give_up(stage, device_id)
        assert await told(stage, "device.removed") == 2, "once more, for good, and not again"


async def test_a_lock_that_was_given_up_and_is_listed_again_loses_what_is_left_of_ours(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_annex(database_url, clock) as (stage, lock):
        let = await let_for(stage, lock, "cancel")
        lose(stage, times=None)
        await stage.describe()
        await stage.wait(HOUR)
        await give_up(stage, await device_of(stage, let))
        await stage.wait(HOUR)
        assert stage.site.held(lock) == [let.code]
        stage.site.faults.clear()
        await stage.wait(HOUR + 5 * MINUTE)
        assert stage.site.held(lock) == []
        assert await stage.standing(let) == "gone"
        assert await seen_devices(stage) == 3


async def test_entries_whose_lock_is_not_in_their_domain_any_more_are_alarmed_and_not_settled(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_annex(database_url, clock) as (stage, lock):
        let = await let_for(stage, lock, "cancel")
        workspace_id = stage.house.actor.workspace_id
        async with stage.house.gate.transaction(workspace_id) as tx:
            (account,) = await accounts.listed(tx, stage.house.actor)
            elsewhere = await domains.ensure(
                tx.db, workspace_id, account.id, "elsewhere", new_id(), clock.now()
            )
            await tx.db.execute(
                "update devices set domain_id = $2 where workspace_id = $1 and reference = $3",
                workspace_id,
                elsewhere,
                lock,
            )
        await stage.cancel(let)
        await stage.wait(6 * MINUTE)
        assert await told(stage, "access_code.failed_to_remove") == 1
        assert await stage.standing(let) == "failed"
        assert await digits_are_taken(stage, let)


async def give_up(stage: Stage, device_id: str) -> Any:
    async with stage.house.gate.transaction(stage.house.actor.workspace_id) as tx:
        return await devices.give_up(tx, stage.house.actor, device_id)


async def digits_are_taken(stage: Stage, let: Let) -> bool:
    """Whether nobody else's entry could have these digits on the lock."""
    (code,) = (await stage.shown(let)).values()
    fingerprint = code.row.entry.declared.spec.fingerprint
    assert fingerprint is not None
    async with stage.house.gate.reading(stage.house.actor.workspace_id) as tx:
        return bool(
            await tx.db.fetchval(
                "select exists (select from occupancies where entry_id = $1 and fingerprint = $2)",
                code.row.entry.id,
                fingerprint,
            )
        )
