"""Digits that the vendor computes: from the lock's secret, the window and the name. Knows no queue."""

import hmac
from dataclasses import replace

from lockstep.emulation.faults import Fault
from lockstep.vendors.virtual.emulator.bodies import CodeBody, issued_code
from lockstep.vendors.virtual.emulator.features import Features
from lockstep.vendors.virtual.emulator.records import Code, Lock
from lockstep.vendors.virtual.emulator.replies import Refused
from lockstep.vendors.virtual.emulator.rules import check_digits
from lockstep.vendors.virtual.emulator.world import VirtualWorld
from lockstep.vendors.virtual.emulator.writes import Taken, put


def issue(world: VirtualWorld, lock: Lock, body: CodeBody, fault: Fault | None) -> Taken:
    """Compute a code; the same window and name give the same one again where the features say so."""
    now = world.clock.now()
    wanted = issued_code(body, lock, world.new_reference(lock), now, digits="")
    if lock.features.issuing_again == "same":
        for held in world.codes_on(lock):
            if (held.name, held.starts_at, held.ends_at) == (wanted.name, wanted.starts_at, wanted.ends_at):
                return Taken(held, None)
    return put(world, replace(wanted, digits=_digits(world, lock, wanted)), None, fault)


def _digits(world: VirtualWorld, lock: Lock, code: Code) -> str:
    again = 0 if lock.features.issuing_again == "same" else world.new_number()
    taken = {held.digits for held in world.codes_on(lock)}
    for attempt in range(1000):
        seed = f"{code.name}|{code.starts_at}|{code.ends_at}|{again}|{attempt}".encode()
        number = int.from_bytes(hmac.new(lock.id.encode(), seed, "sha256").digest()[:8], "big")
        length = lock.features.code_lengths[0]
        digits = f"{number % 10**length:0{length}d}"
        if digits not in taken and _may_be(digits, lock.features):
            return digits
    raise Refused(422, "full", f"{lock.id} has no digits left.")


def _may_be(digits: str, features: Features) -> bool:
    try:
        check_digits(digits, features)
    except Refused:
        return False
    return True
