"""Workspaces: shown, renamed, and confirmed as the ones that rule."""

import asyncio

import pytest
from tests.operations.places import ask, until_somebody_waits

from lockstep.model.permissions import Actor
from lockstep.operations import workspaces
from lockstep.operations.errors import Invalid
from lockstep.operations.gate import Gate
from lockstep.operations.workspaces import ChangeWorkspace
from lockstep.storage import workspaces as stored


async def test_a_workspace_is_made_with_a_name_and_a_default_retention(gate: Gate, owner: Actor) -> None:
    async with gate.reading(owner.workspace_id) as tx:
        workspace = await workspaces.get(tx, owner)
    assert (workspace.name, workspace.retention_days, workspace.is_ruling) == ("Harbour flats", 365, True)


async def test_what_is_not_told_to_change_stays(gate: Gate, owner: Actor) -> None:
    async with gate.transaction(owner.workspace_id) as tx:
        await workspaces.change(tx, owner, ChangeWorkspace(retention_days=30))
        workspace = await workspaces.change(tx, owner, ChangeWorkspace(name="Quay flats"))
    assert (workspace.name, workspace.retention_days) == ("Quay flats", 30)


async def test_of_two_who_change_different_things_at_the_same_time_neither_takes_back_the_others(
    gate: Gate, owner: Actor
) -> None:
    await ask(gate, owner, workspaces.change, ChangeWorkspace(is_publishable_key_enabled=True))
    async with gate.transaction(owner.workspace_id) as tx:
        await workspaces.change(tx, owner, ChangeWorkspace(is_publishable_key_enabled=False))
        other = asyncio.create_task(ask(gate, owner, workspaces.change, ChangeWorkspace(name="Quay flats")))
        await until_somebody_waits(gate)
    after = await other
    assert (after.name, after.is_publishable_key_enabled) == ("Quay flats", False)


@pytest.mark.parametrize(
    "command",
    [ChangeWorkspace(name="  "), ChangeWorkspace(retention_days=0), ChangeWorkspace(retention_days=9999)],
)
async def test_what_makes_no_sense_is_refused(gate: Gate, owner: Actor, command: ChangeWorkspace) -> None:
    async with gate.transaction(owner.workspace_id) as tx:
        with pytest.raises(Invalid):
            await workspaces.change(tx, owner, command)


async def test_a_restored_database_rules_once_it_is_confirmed(gate: Gate, owner: Actor) -> None:
    async with gate.transaction(owner.workspace_id) as tx:
        await stored.set_ruling(tx.db, tx.workspace_id, is_ruling=False)
        assert (await workspaces.confirm(tx, owner)).is_ruling
