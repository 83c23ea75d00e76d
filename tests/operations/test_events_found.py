"""Events are found by what they tell of and by what they are told as, without looking at all the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lockstep.emulation.clock import VirtualClock
from lockstep.model import events as facts
from lockstep.model.permissions import Actor
from lockstep.operations import events
from lockstep.operations.events import FindEvents, RecordedEvent
from lockstep.operations.gate import Gate
from lockstep.storage import events as stored
from lockstep.workers.sweeps.sequencer import sequence

_READ = "select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) from pg_stat_xact_user_tables"
CREATED = facts.AccessGrantCreated.kind


def of_grants(it: RecordedEvent) -> bool:
    return it.payload.get("form") == "grant"


async def tell(gate: Gate, actor: Actor, *told: facts.Event) -> None:
    async with gate.transaction(actor.workspace_id) as tx:
        await events.append(tx, actor, *told)
    await sequence(gate, actor.workspace_id)


async def found_by_reading(gate: Gate, actor: Actor, wanted: FindEvents) -> tuple[list[RecordedEvent], int]:
    """What is found, and how many rows the database read for it."""
    async with gate.transaction(actor.workspace_id) as tx:
        # Of so few events the planner would rather read all.
        await tx.db.execute("set local enable_seqscan = off")
        before = await tx.db.fetchval(_READ)
        found = await events.find(tx, actor, wanted)
        return found, await tx.db.fetchval(_READ) - before


@pytest.mark.parametrize(
    "wanted",
    [
        {"types": [CREATED], "is_told": of_grants},
        {"types": [CREATED], "is_told": of_grants, "is_newest_first": True},
        {"types": [facts.LockUnlocked.kind]},
        {"about": {"device_id": ["device_1"]}},
        {"about": {"device_id": ["device_1"]}, "is_newest_first": True},
        {"about": {"device_id": ["device_1"]}, "since": timedelta(days=-1)},
    ],
    ids=["as a type", "newest as a type", "of a kind", "of a device", "newest of a device", "since then"],
)
async def test_where_nothing_is_to_be_found_little_is_read(
    gate: Gate,
    owner: Actor,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    wanted: dict[str, Any],
) -> None:
    codes = (facts.AccessGrantCreated(access_grant_id=f"grant_{n}", form="code") for n in range(600))
    await tell(gate, owner, *codes)
    if "since" in wanted:
        wanted = {**wanted, "since": clock.now() + wanted["since"]}
    found, rows_read = await found_by_reading(gate, owner, FindEvents(500, **wanted))
    assert found == []
    assert rows_read < 200


def _is_of(device: str) -> Callable[[RecordedEvent], bool]:
    return lambda it: it.subjects.get("device_id") == device


@pytest.mark.parametrize("few", [0, 50], ids=["many varieties", "few varieties"])
async def test_each_way_of_looking_finds_the_same_in_the_order_of_positions(
    gate: Gate, owner: Actor, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(stored, "_FEW", few)
    begun = clock.now()
    for n in range(12):
        device = f"device_{n % 3}"
        await tell(
            gate,
            owner,
            facts.AccessGrantCreated(access_grant_id=f"grant_{n}", form=("code", "grant")[n % 2]),
            facts.DeviceCameOnline(device_id=device) if n % 4 else facts.DeviceWentOffline(device_id=device),
        )
        clock.set(clock.now() + timedelta(minutes=1))
    async with gate.reading(owner.workspace_id) as tx:
        every = await events.read(tx, owner, 0, 100)
    since, until = begun + timedelta(minutes=3), begun + timedelta(minutes=9)
    both = [CREATED, facts.DeviceCameOnline.kind]
    searches: list[tuple[dict[str, Any], Callable[[RecordedEvent], bool]]] = [
        ({"types": both}, lambda it: it.type in both),
        ({"is_told": of_grants}, of_grants),
        (
            {"types": both, "since": since, "until": until},
            lambda it: it.type in both and since <= it.listed_at < until,
        ),
        ({"types": both, "behind": 9}, lambda it: it.type in both and it.position > 9),
        ({"about": {"device_id": ["device_1"]}}, _is_of("device_1")),
        (
            {"about": {"device_id": ["device_1"]}, "since": since, "types": both},
            lambda it: _is_of("device_1")(it) and it.listed_at >= since and it.type in both,
        ),
    ]
    for wanted, fits in searches:
        for most in (3, 100):
            found, _ = await found_by_reading(gate, owner, FindEvents(most, **wanted))
            assert found == [it for it in every if fits(it)][:most], wanted
            if "behind" not in wanted:
                newest = FindEvents(most, **wanted, is_newest_first=True)
                found, _ = await found_by_reading(gate, owner, newest)
                assert found == [it for it in reversed(every) if fits(it)][:most], wanted
