"""What is under an account, described again and again: what is known is told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.whole.stage import Stage, build_stage

from lockstep.driver.contract import Description, Target, TargetKind
from lockstep.emulation.clock import VirtualClock
from lockstep.model.capabilities import ReadBack
from lockstep.operations import accounts, devices
from lockstep.workers.reconciler.actor import RECONCILER


async def test_a_lock_that_is_described_otherwise_is_changed_and_not_told_as_added_again(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain") as stage:
        as_added = await stage.told("device.added")
        assert len(as_added) == len(stage.site.locks)
        targets = await _targets(stage)
        for capabilities in (
            replace(targets[0].capabilities, read_back=ReadBack.EXISTS),
            targets[0].capabilities,
        ):
            changed = replace(targets[0], capabilities=capabilities, name="Another name")
            await _describe(stage, changed, *targets[1:])
            assert (await _targets(stage))[0].capabilities == capabilities
        await _describe(stage, *targets)
        assert await stage.told("device.added") == as_added


async def test_a_lock_that_is_new_beside_known_ones_is_told_as_added(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "plain") as stage:
        before = len(await stage.told("device.added"))
        targets = await _targets(stage)
        await _describe(stage, *targets, replace(targets[0], reference="new", domain="new", name="New"))
        assert len(await stage.told("device.added")) == before + 1


async def _targets(stage: Stage) -> list[Target]:
    """As the vendor would describe what is known now."""
    async with stage.house.gate.reading(stage.house.actor.workspace_id) as tx:
        rows = await devices.listed(tx, stage.house.actor, None, 10)
    return [
        Target(r.reference, TargetKind(r.kind), r.name, r.reference, r.capabilities, r.model) for r in rows
    ]


async def _describe(stage: Stage, *targets: Target) -> None:
    stage.clock.advance(timedelta(hours=1))
    async with stage.house.gate.transaction(stage.house.actor.workspace_id) as tx:
        (account,) = await accounts.listed(tx, stage.house.actor)
        description = Description(account.vendor_account, targets)
        await accounts.take_description(tx, RECONCILER, account.id, description)
