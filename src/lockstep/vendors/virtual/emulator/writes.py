"""Writes: taken in or refused by the cloud, under way, landed on the lock. Knows no HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lockstep.emulation.faults import Fault, FaultKind
from lockstep.vendors.virtual.emulator.cloud import Cloud
from lockstep.vendors.virtual.emulator.features import Features
from lockstep.vendors.virtual.emulator.records import Code, Job, Lock
from lockstep.vendors.virtual.emulator.replies import Refused, busy, lock_offline, rule_broken


@dataclass(frozen=True, slots=True)
class Taken:
    """A write that the cloud took in: `code` as it will be (None: a delete), and the job to follow."""

    code: Code | None
    job: Job | None


def put(cloud: Cloud, code: Code, previous: Code | None, fault: Fault | None) -> Taken:
    """Set or replace a code on its locks. Raises Refused."""
    locks = cloud.locks_of(code)
    features = locks[0].features
    _check_reach(cloud, locks)
    is_double = _check_duplicates(cloud, code, locks)
    _check_names(cloud, code, locks)
    if previous is None:
        _check_places(cloud, locks)
    _occupy(cloud, locks)
    now = cloud.clock.now()
    code = replace(code, version=previous.version + 1 if previous else cloud.new_number(), state="listed")
    job = _job(cloud, locks, features)
    is_late = fault is not None and fault.kind is FaultKind.WRITE_LATE
    if features.proof == "device" and not is_late and job is None:
        cloud.keep(code, now)
    if is_double or _is_lost(fault):
        return Taken(code, job)
    is_new = previous is None
    leaves = tuple(id for id in previous.locks if id not in code.locks) if previous else ()

    def land(at: datetime) -> None:
        if is_new or code.reference in cloud.codes or code.slot is not None:
            _land(cloud, code, leaves, job, at)

    cloud.effects.at(_lands_at(cloud, locks, fault), land)
    return Taken(code, job)


def remove(cloud: Cloud, code: Code, fault: Fault | None) -> Taken:
    """Take a code off its locks. Raises Refused."""
    locks = cloud.locks_of(code)
    features = locks[0].features
    if features.deleting == "impossible":
        raise Refused(422, "not_revocable", "Computed codes cannot be taken back.")
    _check_reach(cloud, locks)
    _occupy(cloud, locks)
    job = _job(cloud, locks, features)
    if features.proof == "device" and job is None:
        cloud.keep(replace(code, state="leaving"), cloud.clock.now())
    if not _is_lost(fault):
        cloud.effects.at(_lands_at(cloud, locks, fault), lambda at: _leave(cloud, code, job, at))
    return Taken(None, job)


def settle_on_lock(cloud: Cloud, code: Code, at: datetime) -> None:
    """A code is on its locks now, as it stands, whoever put it there."""
    for lock in cloud.locks_of(code):
        lock.door.put(code.entry(lock.features))
    cloud.keep(replace(code, state="on_lock"), at)
    cloud.tell("codes_changed", cloud.locks_of(code), at)


def take_off_lock(cloud: Cloud, code: Code, at: datetime) -> None:
    """A code is off its locks now, whoever took it."""
    for lock in cloud.locks_of(code):
        lock.door.remove(code.reference)
    cloud.strike_out(code, at)
    cloud.tell("codes_changed", cloud.locks_of(code), at)


def _land(cloud: Cloud, code: Code, leaves: Sequence[str], job: Job | None, at: datetime) -> None:
    locks = cloud.locks_of(code)
    if not _arrives([*locks, *(cloud.locks[id] for id in leaves if id in cloud.locks)]):
        _finish(cloud, job, at, error="lock_offline")
        return
    for id in leaves:
        if id in cloud.locks:
            cloud.locks[id].door.remove(code.reference)
    settle_on_lock(cloud, code, at)
    landed = cloud.codes.get(code.reference)
    if job is not None and landed is not None and locks:
        job.code = landed.json(locks[0])
        if locks[0].features.digits_by == "caller":
            job.code.pop("digits", None)
    _finish(cloud, job, at)


def _leave(cloud: Cloud, code: Code, job: Job | None, at: datetime) -> None:
    if not _arrives(cloud.locks_of(code)):
        _finish(cloud, job, at, error="lock_offline")
        return
    take_off_lock(cloud, code, at)
    _finish(cloud, job, at)


def _finish(cloud: Cloud, job: Job | None, at: datetime, error: str | None = None) -> None:
    if job is None or job.state != "pending":
        return
    job.state, job.error = ("failed", error) if error else ("done", None)
    cloud.tell("job_finished", [cloud.locks[id] for id in job.locks if id in cloud.locks], at, job)


def _arrives(locks: Sequence[Lock]) -> bool:
    return all(lock.is_online or lock.features.offline_codes for lock in locks)


def _is_lost(fault: Fault | None) -> bool:
    return fault is not None and fault.kind is FaultKind.WRITE_LOST


def _lands_at(cloud: Cloud, locks: Sequence[Lock], fault: Fault | None) -> datetime:
    if fault is not None and fault.kind is FaultKind.WRITE_LATE:
        return cloud.after(fault.seconds)
    return cloud.after(max(lock.takes_seconds for lock in locks))


def _job(cloud: Cloud, locks: Sequence[Lock], features: Features) -> Job | None:
    if features.answers not in ("job", "webhook"):
        return None
    now = cloud.clock.now()
    give_up_at = now + timedelta(seconds=features.settling_seconds * 4)
    job = Job(f"job_{cloud.new_number()}", tuple(lock.id for lock in locks), now, give_up_at)
    cloud.jobs[job.id] = job
    cloud.effects.at(give_up_at, lambda at: _finish(cloud, job, at, error="timed_out"))
    return job


def _check_reach(cloud: Cloud, locks: Sequence[Lock]) -> None:
    """Raise Refused where a lock is offline, or its gateway at work."""
    for lock in locks:
        if not lock.is_online and lock.nature.when_offline == "refuse" and not lock.features.offline_codes:
            raise lock_offline(lock.id)
    now = cloud.clock.now()
    for gateway in (lock.gateway for lock in locks if lock.gateway is not None):
        until = cloud.busy_until.get(gateway, now)
        if now < until:
            raise busy(gateway, (until - now).total_seconds())


def _occupy(cloud: Cloud, locks: Sequence[Lock]) -> None:
    for lock in locks:
        if lock.gateway is not None:
            cloud.busy_until[lock.gateway] = cloud.after(lock.takes_seconds)


def _check_duplicates(cloud: Cloud, code: Code, locks: Sequence[Lock]) -> bool:
    """Raise Refused where another code has the digits and the vendor says so; True where it says nothing."""
    rules = locks[0].features.duplicates
    if rules.answer == "accepted":
        return False
    doubles = [
        other
        for other in _held_in_scope(cloud, locks, rules.scope == "site")
        if other.digits == code.digits
        and other.reference != code.reference
        and (rules.compared_by == "presence" or other.overlaps(code))
    ]
    if doubles and rules.answer == "error":
        raise Refused(409, "duplicate", f"The digits {code.digits} are taken by {doubles[0].reference}.")
    return bool(doubles)


def _held_in_scope(cloud: Cloud, locks: Sequence[Lock], is_site: bool) -> list[Code]:
    sites = {lock.site for lock in locks}
    scope = [lock for lock in cloud.locks.values() if lock.site in sites] if is_site else locks
    held = [code for lock in scope for code in cloud.codes_on(lock)]
    # What the lock itself still holds counts too, also where the cloud has forgotten or changed it.
    held += [
        Code(entry.reference, (lock.id,), entry.code, "", entry.starts_at, entry.ends_at)
        for lock in scope
        for entry in lock.door
    ]
    return held


def _check_names(cloud: Cloud, code: Code, locks: Sequence[Lock]) -> None:
    if not locks[0].features.names.unique:
        return
    for other in (other for lock in locks for other in cloud.codes_on(lock)):
        if other.name == code.name and other.reference != code.reference:
            raise rule_broken("The name is taken.")


def _check_places(cloud: Cloud, locks: Sequence[Lock]) -> None:
    for lock in locks:
        places = lock.features.places
        held = {code.reference for code in cloud.codes_on(lock)} | {entry.reference for entry in lock.door}
        if places is not None and len(held) >= places:
            raise Refused(422, "full", f"{lock.id} has no place left of {places}.")
