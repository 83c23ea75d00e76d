"""The audit log is a hash chain: edits, deletions and reorderings are found, here and offline (trust.md, line 24)."""

import json
from collections.abc import Callable

import pytest

from lockstep.kit.sealing import Sealer
from lockstep.model import events as facts
from lockstep.model.audit import ChainBroken, NoAuditFile, verify_export
from lockstep.model.permissions import Actor
from lockstep.operations import audit, events
from lockstep.operations.gate import Gate
from lockstep.workers.sweeps.sequencer import sequence_all


@pytest.fixture
async def told(gate: Gate, owner: Actor) -> Actor:
    """A workspace whose log has six entries."""
    async with gate.transaction(owner.workspace_id) as tx:
        bookings = (facts.BookingCreated(booking_id=f"booking_{n}") for n in range(4))
        late = facts.AccessCodeLate(
            access_code_id="code_1", device_id="lock_1", cause="Zürich – späte Türe", starts_at=tx.now
        )
        await events.append(tx, owner, *bookings, late)
    await sequence_all(gate)
    return owner


async def export(gate: Gate, actor: Actor) -> list[str]:
    async with gate.reading(actor.workspace_id) as tx:
        return [line async for line in audit.export(tx, actor)]


async def public_key(gate: Gate, actor: Actor) -> bytes:
    async with gate.reading(actor.workspace_id) as tx:
        return audit.public_key_of(tx)


async def test_an_untouched_log_is_whole_here_and_offline(gate: Gate, told: Actor) -> None:
    async with gate.reading(told.workspace_id) as tx:
        assert await audit.check(tx, told) == audit.Checked(True, 6)
        assert [line.position for line in await audit.read(tx, told, 2, 2)] == [3, 4]
    head = verify_export(await export(gate, told), await public_key(gate, told))
    assert (head.position, head.workspace_id.startswith("ws_")) == (6, True)


EDITS = [
    pytest.param("update events set payload = '{\"x\": 1}' where id = $1", 3, id="payload edited"),
    pytest.param("update events set actor = 'operator:somebody' where id = $1", 3, id="actor edited"),
    pytest.param("update events set kind = 'booking.cancelled' where id = $1", 3, id="kind edited"),
    pytest.param(
        'update events set subjects = \'{"booking_id": "booking_9"}\' where id = $1', 3, id="subject edited"
    ),
    pytest.param("delete from events where id = $1", 3, id="event deleted"),
    pytest.param("delete from event_positions where event_id = $1", 3, id="position deleted"),
    pytest.param(
        """update event_positions set position = case position when 3 then 4 else 3 end + 1000
           where position in (3, 4) and $1::uuid is not null;""",
        3,
        id="two reordered",
    ),
    pytest.param("update event_positions set hash = '\\x00' where event_id = $1", 3, id="hash edited"),
]


@pytest.mark.parametrize(("sql", "position"), EDITS)
async def test_what_is_changed_in_the_database_is_found(
    gate: Gate, told: Actor, sql: str, position: int
) -> None:
    async with gate.database.transaction(told.workspace_id) as db:
        id = await db.fetchval("select event_id from event_positions where position = $1", position)
        await db.execute(sql, id)
        await db.execute("update event_positions set position = position - 1000 where position > 1000")
    async with gate.reading(told.workspace_id) as tx:
        checked = await audit.check(tx, told)
    assert (checked.is_whole, checked.broken_at) == (False, position)
    with pytest.raises(ChainBroken):
        verify_export(await export(gate, told))


async def test_entries_cut_off_at_the_end_are_found(gate: Gate, told: Actor) -> None:
    async with gate.database.transaction(told.workspace_id) as db:
        await db.execute("delete from event_positions where position = 6")
    async with gate.reading(told.workspace_id) as tx:
        assert (await audit.check(tx, told)).broken_at == 6


def without(lines: list[str], index: int) -> list[str]:
    return lines[:index] + lines[index + 1 :]


def swapped(lines: list[str]) -> list[str]:
    return [lines[0], lines[2], lines[1], *lines[3:]]


def edited(lines: list[str]) -> list[str]:
    return [line.replace("booking_1", "booking_7") for line in lines]


def head_edited(lines: list[str]) -> list[str]:
    head = json.loads(lines[-1])
    head["head"]["signed_at"] = "2030-01-01T00:00:00+00:00"
    return [*lines[:-1], json.dumps(head)]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param(edited, ChainBroken, id="edited"),
        pytest.param(lambda lines: without(lines, 0), ChainBroken, id="first deleted"),
        pytest.param(lambda lines: without(lines, 3), ChainBroken, id="one deleted"),
        pytest.param(lambda lines: without(lines, 5), ChainBroken, id="last deleted"),
        pytest.param(swapped, ChainBroken, id="reordered"),
        pytest.param(lambda lines: [lines[0], *lines], ChainBroken, id="one twice"),
        pytest.param(head_edited, ChainBroken, id="head edited"),
        pytest.param(lambda lines: [*lines, lines[0]], ChainBroken, id="one behind the head"),
        pytest.param(lambda lines: lines[:-1], NoAuditFile, id="head missing"),
        pytest.param(lambda lines: ["no json", *lines], NoAuditFile, id="not JSON"),
        pytest.param(lambda lines: ["[]", *lines], NoAuditFile, id="not an object"),
        pytest.param(lambda _: [], NoAuditFile, id="empty"),
    ],
)
async def test_a_file_that_was_changed_is_refused_offline(
    gate: Gate, told: Actor, change: Callable[[list[str]], list[str]], fault: type[Exception]
) -> None:
    lines = await export(gate, told)
    with pytest.raises(fault):
        verify_export(change(lines))


async def test_a_chain_made_anew_by_somebody_else_does_not_carry_our_signature(
    gate: Gate, told: Actor
) -> None:
    ours = await public_key(gate, told)
    gate.sealer = Sealer({1: b"x" * 32}, b"y" * 32)
    forged = await export(gate, told)
    verify_export(forged)
    with pytest.raises(ChainBroken, match="another installation"):
        verify_export(forged, ours)


async def test_the_public_key_outlives_a_rotation_of_the_master_key(gate: Gate, told: Actor) -> None:
    before = await public_key(gate, told)
    gate.sealer = Sealer({**gate.sealer.master_keys, 2: b"n" * 32}, gate.sealer.fingerprint_key)
    assert await public_key(gate, told) == before
