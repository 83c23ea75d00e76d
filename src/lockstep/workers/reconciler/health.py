"""How the devices of an account are, as a reading shows it: stored and told where it changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lockstep.driver.contract import Reading
from lockstep.model import events
from lockstep.model.lock_health import Battery, battery, has_steadied, is_flaky, outages_with
from lockstep.operations import events as recorded
from lockstep.operations.gate import Tx
from lockstep.storage import devices
from lockstep.storage.devices import DeviceRow
from lockstep.storage.encoding import to_document
from lockstep.workers.reconciler.actor import RECONCILER


async def store_states(tx: Tx, known: Sequence[DeviceRow], reading: Reading) -> set[str]:
    """Health of the locks, written only where it changed (but `seen_at` alone is no change); returns those that are
    back."""
    back = set()
    for device in known:
        state = reading.states.get(device.reference)
        if state is None:
            continue
        document = to_document(state)
        before = {k: v for k, v in device.state.items() if k != "seen_at"}
        if before == {k: v for k, v in document.items() if k != "seen_at"}:
            await _steady(tx, device, reading.begun_at)
            continue
        await devices.set_state(tx.db, tx.workspace_id, device.id, document, state.is_online)
        told = _health_events(device, document, reading.begun_at)
        if any(isinstance(event, events.DeviceWentOffline) for event in told):
            told += await _outage(tx, device, reading.begun_at)
        await recorded.append(tx, RECONCILER, *told)
        if any(isinstance(event, events.DeviceCameOnline) for event in told):
            back.add(device.reference)
    return back


async def _outage(tx: Tx, device: DeviceRow, at: datetime) -> list[events.Event]:
    """It went offline once more. Returns what that means, where it means more."""
    outages = outages_with(device.outages, at)
    await devices.set_outages(tx.db, tx.workspace_id, device.id, outages)
    if is_flaky(outages) and not is_flaky(device.outages):
        return [events.DeviceConnectionFlaky(device_id=device.public_id)]
    return []


async def _steady(tx: Tx, device: DeviceRow, at: datetime) -> None:
    if device.is_online and has_steadied(device.outages, at):
        await devices.set_outages(tx.db, tx.workspace_id, device.id, [])
        steadied = events.DeviceConnectionStabilized(device_id=device.public_id)
        await recorded.append(tx, RECONCILER, steadied)


def _health_events(device: DeviceRow, after: dict[str, Any], at: datetime) -> list[events.Event]:
    found: list[events.Event] = []
    before = device.state
    if before.get("is_online") is not False and after.get("is_online") is False:
        is_hub = "hub_disconnected" in after.get("problems", ())
        found.append(events.DeviceWentOffline(device_id=device.public_id, is_hub=is_hub))
    if before.get("is_online") is False and after.get("is_online"):
        found.append(events.DeviceCameOnline(device_id=device.public_id))
    if after.get("is_locked") and before.get("is_locked") is False:
        # Vendors' logs tell of openings alone; when exactly it was locked nobody says.
        found.append(events.LockLocked(device_id=device.public_id, at=at))
    if after.get("is_battery_critical") and not before.get("is_battery_critical"):
        level = after.get("battery_level")
        found.append(events.DeviceLowBattery(device_id=device.public_id, level=level))
    found += _battery_events(device, after)
    was_refused, is_refused = ("subscription_required" in s.get("problems", ()) for s in (before, after))
    if is_refused and not was_refused:
        found.append(events.DeviceSubscriptionRequired(device_id=device.public_id))
    if was_refused and not is_refused:
        found.append(events.DeviceSubscriptionFound(device_id=device.public_id))
    return found


def _battery_events(device: DeviceRow, after: dict[str, Any]) -> list[events.Event]:
    was, now = (_battery(s) for s in (device.state, after))
    if now is None or was is None or was is now:
        return []
    level = after.get("battery_level")
    return [events.DeviceBatteryChanged(device_id=device.public_id, battery=now.value, level=level)]


def _battery(state: dict[str, Any]) -> Battery | None:
    return battery(state.get("battery_level"), is_critical=state.get("is_battery_critical"))
