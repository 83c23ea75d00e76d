"""Unlocking and locking from afar: queued, carried out by the lock, its result told. Knows no HTTP.

While it is pending the lock has an `operationId`, and takes no other (423, developer.nuki.io/t/1178).
"""

from collections.abc import Callable
from datetime import datetime

from lockstep.emulation.faults import Fault, FaultKind
from lockstep.emulation.journal import Call
from lockstep.vendors.nuki.emulator.cloud import Cloud
from lockstep.vendors.nuki.emulator.locks import Lock
from lockstep.vendors.nuki.emulator.visits import Visits

Told = Callable[[bool], None]
"""Is called with whether the lock did it."""


def start(
    cloud: Cloud,
    visits: Visits,
    lock: Lock,
    action: int,
    call: Call,
    fault: Fault | None,
    told: Told = lambda succeeded: None,
) -> None:
    """Queue an action for a lock that has no operation pending."""
    now = cloud.clock.now()
    lock.operation_id = cloud.new_object_id()
    cloud.touch(lock, now)
    call.note(now, f"action {action} queued")
    is_lost = fault is not None and fault.kind is FaultKind.WRITE_LOST
    is_late = fault is not None and fault.kind is FaultKind.WRITE_LATE
    seconds = fault.seconds if fault is not None and is_late else cloud.switches.action_delay_seconds

    def land(at: datetime) -> None:
        lock.operation_id = None
        succeeded = lock.is_reachable and not is_lost
        if succeeded:
            visits.act(lock, action, at)
        else:
            cloud.touch(lock, at)
        call.note(at, f"action {action} done" if succeeded else f"action {action} lost")
        told(succeeded)

    cloud.effects.at(cloud.after(seconds), land)
