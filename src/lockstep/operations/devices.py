"""Devices as the ways in ask for them, and what may be done with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from lockstep.model import events
from lockstep.model.capabilities import Capabilities, CredentialKind
from lockstep.model.lock_health import is_flaky
from lockstep.model.permissions import (
    Actor,
    ActorKind,
    Scope,
    require,
    require_account,
    require_or_own,
    require_whole_workspace,
)
from lockstep.operations import declaring
from lockstep.operations import events as recorded
from lockstep.operations.backup_pools import BackupPool, may_have, pools_of
from lockstep.operations.chosen_digits import Wish
from lockstep.operations.confinement import confinement, given, require_devices
from lockstep.operations.custom_metadata import laid_over
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.failures import Failed, failed, failure_of_lock
from lockstep.operations.gate import Tx
from lockstep.operations.spaces import known_space
from lockstep.operations.words import words_or_none
from lockstep.storage import (
    access_codes,
    accounts,
    claims,
    devices,
    domains,
    entries,
    grants,
)
from lockstep.storage.database import Connection
from lockstep.storage.devices import DeviceFilter, DeviceRow, Surrounded

_MOST_OF_A_NAME = 50


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What the vendor last told of it; null: it does not tell."""

    is_online: bool | None
    is_locked: bool | None
    battery_level: float | None
    """0 to 1."""
    is_battery_critical: bool | None
    seen_at: datetime | None
    """When the vendor last was in touch with it, as far as known."""
    is_door_open: bool | None
    """Where a door sensor tells."""
    is_auto_lock_enabled: bool | None
    """Whether it locks by itself some time after it was opened."""
    auto_lock_delay_seconds: float | None
    problems: tuple[str, ...]
    """Why codes cannot be set on it, such as `keypad_missing` or `subscription_required`."""
    is_flaky: bool
    """It goes offline again and again."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What can be done with a device, as far as it matters to whoever declares access."""

    can_hold_codes: bool
    can_unlock: bool
    """From afar, as `can_lock`."""
    can_lock: bool
    can_configure_auto_lock: bool
    codes_chosen_by: str
    """`caller`, or `vendor` where the vendor computes the digits."""
    code_lengths: tuple[int, ...]
    code_rules: tuple[str, ...]
    most_codes: int | None
    schedule: str
    """`none`: codes are written shortly before their start and removed at their end; `window`; `weekly`."""
    schedule_step_seconds: int
    """Windows are widened to whole steps."""
    can_hold_backup_codes: bool
    """Whether it can have a pool of backup codes; a lock without a schedule once that is allowed for it."""
    best_evidence: str
    """The best proof of a code that this vendor can give: `accepted`, `listed` or `acknowledged`."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device as the ways in show it."""

    device_id: str
    connected_account_id: str
    vendor: str
    account_state: str
    """That of the connected account: codes can be set while it is `active`."""
    kind: str
    """`lock`, `door` or `site`; `thermostat` and `noise_sensor` hold no codes and open nothing."""
    name: str
    maker: str | None
    """Who made it, such as `nuki`, where the vendor tells."""
    model: str
    space_ids: tuple[str, ...]
    """The spaces in which it stands."""
    time_zone: str | None
    state: DeviceState
    abilities: Abilities
    backup_pool: BackupPool | None
    """Null: it has none."""
    looked_at: datetime | None
    """When the newest reading of its codes began."""
    next_look_at: datetime | None
    failure: Failed | None
    """Why it could not be read or written, as long as that lasts."""
    created_at: datetime
    unlisted_since: datetime | None
    """Since when the vendor does not list it; null: it does."""
    removed_at: datetime | None
    """When that was taken as a removal: after several listings without it, over 45 minutes or, with several devices
    missing at once, a day."""
    nickname: str | None = None
    """A name that callers gave it, instead of the vendor's."""
    custom_metadata: Mapping[str, str | bool] = field(default_factory=dict)
    """Values that only callers understand."""
    is_managed: bool = True
    """False: Lockstep neither looks at it nor writes to it."""


@dataclass(frozen=True, slots=True)
class ListDevices:
    """In the order in which they were found, behind the device `after`."""

    most: int = 50
    after: str | None = None
    connected_account_id: str | None = None
    space_id: str | None = None
    """Only devices that stand in this space itself."""
    connected_account_ids: tuple[str, ...] | None = None
    device_ids: tuple[str, ...] | None = None
    name_contains: str | None = None
    created_before: datetime | None = None
    is_managed: bool | None = None
    kind: str | None = None
    """Such as `door`, of an access system."""
    customer_key: str | None = None
    """Of the customer's accounts, or standing in the customer's spaces."""
    connect_webview_id: str | None = None
    guest_key: str | None = field(default=None, repr=False)
    """Given to this guest."""


@dataclass(frozen=True, slots=True)
class ChangeDevice:
    """What is UNSET stays."""

    nickname: str | UnsetType | None = UNSET
    custom_metadata: Mapping[str, str | bool | None] | UnsetType = UNSET
    """Laid over what there is; null or an empty text takes a value away."""


async def get(tx: Tx, actor: Actor, device_public_id: str) -> DeviceRow:
    require(actor, Scope.DEVICES_READ)
    return await known_device(tx, actor, device_public_id)


async def listed(
    tx: Tx, actor: Actor, after: UUID | None, most: int, account_public_id: str | None = None
) -> list[DeviceRow]:
    require(actor, Scope.DEVICES_READ)
    account_id = await _account_id(tx, account_public_id)
    wanted = DeviceFilter(
        [account_id] if account_id else None, property_ids=confinement(actor), besides=given(actor)
    )
    return [found.row for found in await devices.listed(tx.db, tx.workspace_id, wanted, after, most)]


async def shown(tx: Tx, actor: Actor, device_public_id: str) -> Device:
    """Raises NotFound, NotAllowed."""
    require(actor, Scope.DEVICES_READ)
    found = await tx.ask(_surrounded, device_public_id)
    if found is None:
        raise NotFound("device", device_public_id)
    await require_devices(tx, actor, [found.row.id])
    return (await _views(tx, [found]))[0]


async def list_shown(tx: Tx, actor: Actor, command: ListDevices) -> list[Device]:
    """Raises NotFound where the account or the space is not there."""
    require(actor, Scope.DEVICES_READ)
    after = None if command.after is None else await known_device(tx, actor, command.after)
    space = None if command.space_id is None else await known_space(tx, actor, command.space_id)
    account_ids = (
        (command.connected_account_id,) if command.connected_account_id else command.connected_account_ids
    )
    wanted = DeviceFilter(
        None if account_ids is None else [await _known_account_id(tx, id) for id in account_ids],
        [space.id] if space else None,
        confinement(actor),
        None if command.device_ids is None else list(command.device_ids),
        command.name_contains,
        command.created_before,
        given(actor),
        command.is_managed,
        command.kind,
        command.customer_key,
        command.connect_webview_id,
        command.guest_key,
    )
    found = await devices.listed(tx.db, tx.workspace_id, wanted, after.id if after else None, command.most)
    return await _views(tx, found)


async def named(tx: Tx, actor: Actor, name: str) -> Device:
    """The first device of exactly this name. Raises NotFound."""
    found = await list_shown(tx, actor, ListDevices(_MOST_OF_A_NAME, name_contains=name))
    for device in found:
        if name in (device.nickname, device.name):
            return device
    raise NotFound("device", name)


async def change(tx: Tx, actor: Actor, device_public_id: str, command: ChangeDevice) -> Device:
    """Give it another name, or values of the caller's own. Raises NotFound, Invalid."""
    device = await _own_device(tx, actor, device_public_id)
    nickname = device.nickname
    if not isinstance(command.nickname, UnsetType):
        nickname = words_or_none(command.nickname, "nickname")
    metadata = device.custom_metadata
    if not isinstance(command.custom_metadata, UnsetType):
        metadata = laid_over(metadata, command.custom_metadata)
    if (nickname, metadata) != (device.nickname, device.custom_metadata):
        await devices.describe(tx.db, tx.workspace_id, device.id, nickname, metadata)
        is_renamed = nickname != device.nickname
        told = events.DeviceChanged(device_id=device.public_id, is_renamed=is_renamed)
        await recorded.append(tx, actor, told)
    return await shown(tx, actor, device_public_id)


async def report_code_lengths(
    tx: Tx, actor: Actor, device_public_id: str, lengths: Collection[int]
) -> Device:
    """Callers found out which codes it takes: new digits follow that. Raises NotFound, and Invalid where none of these
    lengths is one that its vendor takes."""
    device = await _own_device(tx, actor, device_public_id)
    # Also those that an earlier report left out: it may have been wrong.
    taken = await devices.code_lengths_of_vendor(tx.db, tx.workspace_id, device.id)
    possible = sorted(taken.intersection(lengths))
    if not possible:
        takes = ", ".join(str(n) for n in sorted(taken))
        raise Invalid(
            f"The device {device.name} ({device.public_id}) takes codes of these lengths: {takes}.",
            code="code_length_impossible",
            next_step="Report some of these.",
            field="supported_code_lengths",
        )
    await devices.report_code_lengths(tx.db, tx.workspace_id, device.id, possible)
    await recorded.append(tx, actor, events.DeviceChanged(device_id=device.public_id))
    return await shown(tx, actor, device_public_id)


async def look_now(tx: Tx, actor: Actor, device_public_id: str) -> Device:
    """Ask Lockstep to read this lock now, and to try again what it had given up for the moment."""
    require(actor, Scope.GRANTS_WRITE)
    device = await get(tx, actor, device_public_id)
    await domains.look_now(tx.db, tx.workspace_id, [device.domain_id], tx.now)
    await domains.forgive(tx.db, tx.workspace_id, device.domain_id)
    await claims.wake(tx.db, tx.workspace_id, "domains", [device.domain_id], tx.now)
    return await shown(tx, actor, device_public_id)


async def give_up(tx: Tx, actor: Actor, device_public_id: str) -> Device:
    """Take it from an operator that a device which its vendor does not list is gone for good: nobody looks for its
    codes any more, and it stands nowhere. What it carried stays unproven; should it be listed again, our codes on it
    are removed.

    Raises NotFound, and Conflict where the vendor lists it."""
    require(actor, Scope.ACCOUNTS_WRITE)
    require_whole_workspace(actor)
    device = await known_device(tx, actor, device_public_id)
    if device.given_up_at is None and device.missed_since is None:
        raise Conflict(
            f"The vendor lists the device {device.public_id}, so it is not gone.",
            code="device_listed",
            next_step="Take it out of the account at the vendor first, then let Lockstep look at the account.",
        )
    if device.given_up_at is None:
        await devices.give_up(tx.db, tx.workspace_id, device.id, tx.now)
        await recorded.append(tx, actor, events.DeviceRemoved(device_id=device.public_id, is_for_good=True))
        await _drop_codes(tx, actor, device)
    return await shown(tx, actor, device_public_id)


async def _drop_codes(tx: Tx, actor: Actor, device: DeviceRow) -> None:
    """Settles without proof, so that the digits stay taken."""
    living = await entries.open_of_domain(tx.db, tx.workspace_id, device.domain_id)
    alone = [e.id for e in living if e.declared.spec.targets == {device.reference}]
    shared = [e.id for e in living if device.reference in e.declared.spec.targets and e.id not in alone]
    codes = await access_codes.of_entries(tx.db, tx.workspace_id, alone)
    dropped = [c for c in codes if c.withdrawn_at is None]
    await entries.withdraw(tx.db, tx.workspace_id, alone, tx.now)
    await access_codes.withdraw(tx.db, tx.workspace_id, [c.id for c in dropped], tx.now)
    told = (
        events.AccessCodeDeleted(
            access_code_id=c.public_id, device_id=c.device_public_id, access_grant_id=c.grant_public_id
        )
        for c in dropped
    )
    await recorded.append(tx, actor, *told)
    await entries.settle(tx.db, tx.workspace_id, alone, tx.now)
    # Credentials that open other doors as well are declared anew, without this one.
    for grant_id in {c.grant_id for c in await access_codes.of_entries(tx.db, tx.workspace_id, shared)}:
        grant = await grants.get(tx.db, tx.workspace_id, grant_id)
        if grant is not None and (grant.ends_at is None or grant.ends_at > tx.now):
            await declaring.declare_grant(tx, actor, grant, None, Wish())
    await claims.wake(tx.db, tx.workspace_id, "domains", [device.domain_id], tx.now)


async def known_device(tx: Tx, actor: Actor, device_id: str) -> DeviceRow:
    """For other operations. Raises NotFound, NotAllowed where it stands at none of the actor's properties."""
    found = await devices.by_public_ids(tx.db, tx.workspace_id, [device_id])
    if not found:
        raise NotFound("device", device_id)
    await require_devices(tx, actor, [found[0].id])
    return found[0]


async def _own_device(tx: Tx, actor: Actor, device_id: str) -> DeviceRow:
    """One that the actor may describe: whose account it is, and not whoever was given the device alone.

    Raises NotFound, NotAllowed."""
    require_or_own(actor, Scope.ACCOUNTS_WRITE)
    device = await known_device(tx, actor, device_id)
    if actor.kind is ActorKind.CLIENT_SESSION:
        require_account(actor, device.account_id)
    return device


async def _account_id(tx: Tx, account_public_id: str | None) -> UUID | None:
    return None if account_public_id is None else await _known_account_id(tx, account_public_id)


async def _known_account_id(tx: Tx, account_public_id: str) -> UUID:
    account = await accounts.by_public_id(tx.db, tx.workspace_id, account_public_id)
    if account is None:
        raise NotFound("connected account", account_public_id)
    return account.id


async def _surrounded(
    db: Connection, workspace_id: UUID, public_ids: Sequence[str]
) -> list[Surrounded | None]:
    found = {it.row.public_id: it for it in await devices.surrounded(db, workspace_id, public_ids)}
    return [found.get(id) for id in public_ids]


async def _views(tx: Tx, found: Sequence[Surrounded]) -> list[Device]:
    pools = await pools_of(tx, [it.row for it in found])
    return [_view(row, around, pools.get(row.id)) for row, around in found]


def last_seen(state: Mapping[str, Any], is_online: bool | None, read_at: datetime | None) -> datetime | None:
    """When the vendor last was in touch with a lock. `read_at`: when the newest reading of it began: one in which
    nothing had changed is kept as its time alone."""
    seen = state.get("seen_at")
    seen_at = datetime.fromisoformat(seen) if seen else None
    if is_online is False or read_at is None:
        return seen_at
    return max(seen_at or read_at, read_at)


def _view(row: DeviceRow, around: devices.Surroundings, pool: BackupPool | None) -> Device:
    state = row.state
    return Device(
        row.public_id,
        around.account_public_id,
        around.vendor,
        around.account_state,
        row.kind,
        row.name,
        row.maker,
        row.model,
        around.space_public_ids,
        row.time_zone,
        DeviceState(
            row.is_online,
            state.get("is_locked"),
            state.get("battery_level"),
            state.get("is_battery_critical"),
            last_seen(state, row.is_online, around.read_at),
            state.get("is_door_open"),
            state.get("is_auto_lock_enabled"),
            state.get("auto_lock_delay_seconds"),
            tuple(state.get("problems", ())),
            is_flaky(row.outages),
        ),
        _abilities(row.capabilities, can_have_pool=may_have(row)),
        pool,
        around.read_at,
        around.domain_due_at,
        failed(_failure(row, around)),
        row.created_at,
        row.missed_since,
        row.removed_at,
        row.nickname,
        row.custom_metadata,
        row.is_managed,
    )


def _failure(row: DeviceRow, around: devices.Surroundings) -> Mapping[str, Any] | None:
    noted = around.domain_failure or around.account_failure
    return failure_of_lock(noted, row.public_id, row.name, row.missed_since)


def _abilities(capabilities: Capabilities, *, can_have_pool: bool) -> Abilities:
    return Abilities(
        CredentialKind.CODE in capabilities.credential_kinds,
        capabilities.can_unlock,
        capabilities.can_lock,
        capabilities.can_configure_auto_lock,
        capabilities.chooser.value,
        tuple(sorted(capabilities.code_lengths)),
        capabilities.constraints,
        capabilities.most_codes,
        capabilities.schedule.kind.value,
        int(capabilities.schedule.granularity.total_seconds()),
        can_have_pool,
        capabilities.best_evidence.name.lower(),
    )
