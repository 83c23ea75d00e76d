"""Between the virtual vendor's words and the contract's. Pure: no calls, no clock, nothing remembered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from lockstep.driver.changes import Action, ConfigureAutoLock, Lock, Unlock
from lockstep.driver.contract import LogEntry, ObservedEntry, Target, TargetKind, TargetState
from lockstep.driver.outcomes import Accepted, Done, Outcome, Reason, Refused, Unknown
from lockstep.driver.said import without_digits
from lockstep.model.capabilities import (
    Addressing,
    Apply,
    Capabilities,
    CodeChooser,
    Comparison,
    CredentialKind,
    Delete,
    DuplicateBehaviour,
    Duplicates,
    Evidence,
    NameRules,
    Pace,
    ReadBack,
    Reissue,
    Schedule,
    ScheduleKind,
    ScheduleZone,
    Scope,
)
from lockstep.model.window import Window
from lockstep.vendors.virtual import wire
from lockstep.vendors.virtual.limits import CODE_RULES
from lockstep.vendors.virtual.times import Times, window_of

_KINDS = {
    "door": TargetKind.DOOR,
    "thermostat": TargetKind.THERMOSTAT,
    "noise_sensor": TargetKind.NOISE_SENSOR,
}
_PROOF = {"device": Evidence.ACKNOWLEDGED, "cloud": Evidence.LISTED, "none": Evidence.ACCEPTED}


def capabilities_of(features: wire.Features) -> Capabilities:
    """The features that the vendor tells of a lock, in the contract's words. Raises ValueError for unknown words."""
    return Capabilities(
        credential_kinds=frozenset(CredentialKind(kind) for kind in features.credentials),
        chooser=CodeChooser(features.digits_by),
        reissue=Reissue(features.issuing_again),
        code_lengths=frozenset(features.code_lengths),
        constraints=tuple(CODE_RULES[rule] for rule in features.code_rules if rule in CODE_RULES),
        name=_name_rules(features.names),
        addressing=Addressing(features.addressing),
        most_codes=features.places,
        schedule=_schedule(features.schedule),
        read_back=ReadBack(features.shows),
        apply=Apply(features.answers),
        duplicates=Duplicates(
            DuplicateBehaviour(features.duplicates.answer),
            Comparison(features.duplicates.compared_by),
            Scope(features.duplicates.scope),
        ),
        delete=Delete(features.deleting),
        can_update=features.updates,
        targets_per_entry=features.locks_per_code,
        settling=timedelta(seconds=features.settling_seconds),
        late_apply=timedelta(seconds=features.late_seconds),
        best_evidence=_PROOF[features.proof],
        pace=Pace(features.calls_per_minute, features.calls_at_once),
        reads_whole_account=features.lists_account,
        upstream_converges=features.converges,
        has_offline_codes=features.offline_codes,
        has_push=features.pushes,
        can_unlock=features.unlocks,
        can_lock=features.locks,
        can_configure_auto_lock=features.auto_locks,
        has_log=features.log,
        has_battery=features.battery,
    )


def target_of(lock: wire.Lock, *, has_subscription: bool) -> Target:
    """A lock or door of the account, or what stands beside them; a person's doors are written site by site, a
    gateway's locks together. Raises KeyError for a kind that the manual does not name."""
    is_door = lock.kind == "lock" and lock.features.addressing == "person"
    kind = TargetKind.DOOR if is_door else TargetKind.LOCK if lock.kind == "lock" else _KINDS[lock.kind]
    domain = f"site:{lock.site}" if is_door else f"gateway:{lock.gateway}" if lock.gateway else lock.id
    return Target(
        lock.id,
        kind,
        lock.name,
        domain,
        capabilities_of(lock.features),
        lock.model,
        lock.time_zone,
        state_of(lock, has_subscription=has_subscription),
        lock.maker,
    )


def state_of(lock: wire.Lock, *, has_subscription: bool = True) -> TargetState:
    """A lock's health."""
    problems = list(lock.problems)
    if not has_subscription and "subscription_required" not in problems:
        problems.append("subscription_required")
    if any(rule not in CODE_RULES for rule in lock.features.code_rules):
        problems.append("code_rule_unknown")
    return TargetState(
        is_online=lock.online,
        is_locked=lock.locked,
        is_door_open=lock.door_open,
        is_auto_lock_enabled=None if lock.auto_lock is None else lock.auto_lock.enabled,
        auto_lock_delay_seconds=None if lock.auto_lock is None else lock.auto_lock.delay_seconds,
        battery_level=lock.battery,
        is_battery_critical=None if lock.battery is None else lock.battery < 0.2,
        seen_at=lock.seen_at,
        problems=tuple(problems),
    )


def entry_of(code: wire.Code, locks: Mapping[str, wire.Lock]) -> ObservedEntry:
    """One line of a listing. Raises KeyError and ValueError for what the manual does not allow."""
    lock = next(locks[id] for id in code.locks if id in locks)
    features = lock.features
    return ObservedEntry(
        reference_of(code),
        frozenset(code.locks),
        _evidence(code, features),
        _name_of(code, features.names),
        code.digits,
        None if code.version is None else str(code.version),
        window_of(code.starts_at, code.ends_at, lock),
        code.enabled,
        is_code=code.kind == "code",
    )


def _name_of(code: wire.Code, names: wire.Names) -> str | None:
    """As one text, also where the vendor has two."""
    if not names.kept:
        return None
    if names.split:
        return " ".join(part for part in (code.first_name, code.last_name) if part)
    return code.name


def reference_of(code: wire.Code) -> str:
    """An id, a person's id, or `lock/slot`. Raises ValueError where the vendor tells none."""
    if code.slot is not None:
        return slot_reference(code.locks[0], code.slot)
    reference = code.id or code.person
    if reference is None:
        raise ValueError("a code without id, slot or person")
    return reference


def slot_reference(lock: str, slot: int) -> str:
    """The reference of a numbered slot."""
    return f"{lock}/{slot}"


def path_of(reference: str, lock: wire.Lock) -> str:
    """Where a code is changed and deleted."""
    if lock.features.addressing == "slot":
        owner, _, slot = reference.rpartition("/")
        return f"/v1/locks/{quote(owner, safe='')}/slots/{quote(slot, safe='')}"
    kind = "persons" if lock.features.addressing == "person" else "codes"
    return f"/v1/{kind}/{quote(reference, safe='')}"


def body_of(name: str, times: Times | None, lock: wire.Lock) -> dict[str, Any]:
    """What every write carries: the name where names are kept, the whole window where windows are known."""
    body: dict[str, Any] = {}
    if lock.features.names.kept and lock.features.names.split:
        body["first_name"], _, body["last_name"] = name.partition(" ")
    elif lock.features.names.kept:
        body["name"] = name
    if times is not None:
        body["starts_at"], body["ends_at"] = times.starts_at, times.ends_at
    return body


def call_of(action: Action) -> tuple[str, str, dict[str, Any]]:
    """Method, path and body of an asked-for act."""
    path = f"/v1/locks/{quote(action.target, safe='')}"
    match action:
        case Unlock():
            return "POST", f"{path}/unlock", {}
        case Lock():
            return "POST", f"{path}/lock", {}
        case ConfigureAutoLock():
            delay = {} if action.delay_seconds is None else {"delay_seconds": action.delay_seconds}
            return "PUT", f"{path}/auto_lock", {"enabled": action.is_enabled, **delay}


def outcome_of(
    written: wire.Written,
    reference: str | None,
    asked: Window | None,
    actual: Window | None,
    *,
    is_issued: bool,
) -> Outcome:
    """What came of a write that the vendor said yes to."""
    code = written.code
    return Done(
        Evidence.ACCEPTED,
        reference_of(code) if code is not None else reference,
        None if code is None or code.version is None else str(code.version),
        code.digits if code is not None and is_issued else None,
        actual if actual != asked else None,
    )


def outcome_of_job(job: wire.Job, now: datetime | None = None, reference: str | None = None) -> Outcome:
    """What came of a job so far. Raises ValueError for a state that the manual does not name."""
    if job.state == "pending":
        # However long it has been under way, the next look lies ahead.
        look_at = (now or job.started_at) + timedelta(seconds=max(job.look_after_seconds, 1))
        return Accepted(job.id, look_at, job.give_up_at, reference)
    if job.state == "done":
        code = job.code
        if code is None:
            return Done(Evidence.ACKNOWLEDGED, reference)
        version = None if code.version is None else str(code.version)
        evidence = Evidence.ACKNOWLEDGED if code.state == "on_lock" else Evidence.LISTED
        return Done(evidence, reference_of(code), version, code.digits)
    if job.state != "failed":
        raise ValueError(f"a job in the state {without_digits(job.state)}")
    # A job that ran out of time says nothing about the lock; any other failure says that nothing was changed.
    if job.error == "timed_out":
        return Unknown(job.error)
    return Refused(Reason.OTHER, without_digits(job.error or "failed"))


def log_entry_of(visit: wire.Visit) -> LogEntry:
    """One line of the log."""
    return LogEntry(visit.lock, visit.at, visit.opened, visit.id, visit.code, visit.how)


def _name_rules(names: wire.Names) -> NameRules:
    return NameRules(
        names.shortest,
        names.longest,
        names.characters,
        names.unique,
        names.truncated,
        names.kept,
        names.split,
    )


def _schedule(schedule: wire.Schedule) -> Schedule:
    within = schedule.use_within_seconds
    return Schedule(
        ScheduleKind(schedule.kind),
        timedelta(seconds=schedule.step_seconds),
        ScheduleZone(schedule.zone),
        schedule.expires,
        None if within is None else timedelta(seconds=within),
        schedule.holds_disabled,
    )


def _evidence(code: wire.Code, features: wire.Features) -> Evidence:
    return (
        Evidence.ACKNOWLEDGED if features.proof == "device" and code.state == "on_lock" else Evidence.LISTED
    )
