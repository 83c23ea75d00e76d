"""What the server makes of the body of a write: a code, or a refusal. Knows no queue and no other codes."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from lockstep.vendors.virtual.emulator.features import Features
from lockstep.vendors.virtual.emulator.records import Code, Lock
from lockstep.vendors.virtual.emulator.replies import malformed, rule_broken, unsupported
from lockstep.vendors.virtual.emulator.rules import check_digits, checked_name, read_instant

_PAST_ALLOWED = timedelta(seconds=60)


class CodeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A code as a client writes it: always the whole of it."""

    name: str = ""
    first_name: str = ""
    last_name: str = ""
    digits: str | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    enabled: bool = True
    locks: tuple[str, ...] | None = None
    only_if_empty: bool = False


def read_body(raw: bytes) -> CodeBody:
    """Raises Refused for what is not a code."""
    try:
        return msgspec.json.decode(raw or b"{}", type=CodeBody)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed(str(error)) from error


def code_of(
    body: CodeBody,
    locks: list[Lock],
    reference: str,
    now: datetime,
    *,
    slot: int | None = None,
    held: Code | None = None,
) -> Code:
    """The code that a caller with digits of its own asks for. Raises Refused. `held`: the one that it replaces, whose
    digits stay where none are given."""
    features = locks[0].features
    if features.digits_by == "vendor":
        raise unsupported("take digits, it gives them")
    if body.digits is None and held is not None:
        return _code(body, locks, reference, now, held.digits, slot)
    if body.digits is None:
        raise malformed("The digits are missing.")
    check_digits(body.digits, features)
    return _code(body, locks, reference, now, body.digits, slot)


def issued_code(body: CodeBody, lock: Lock, reference: str, now: datetime, digits: str) -> Code:
    """The code that somebody asks the vendor to compute. Raises Refused."""
    if lock.features.digits_by != "vendor":
        raise unsupported("compute digits")
    if body.digits is not None:
        raise unsupported("take digits, it gives them")
    return _code(body, [lock], reference, now, digits, None)


def _code(
    body: CodeBody, locks: list[Lock], reference: str, now: datetime, digits: str, slot: int | None
) -> Code:
    features = locks[0].features
    if not body.enabled and not features.schedule.holds_disabled:
        raise unsupported("hold a disabled code")
    starts_at, ends_at = _times(body, locks[0], now)
    return Code(
        reference,
        tuple(lock.id for lock in locks),
        digits,
        checked_name(_name(body, features), features),
        starts_at,
        ends_at,
        is_enabled=body.enabled,
        slot=slot,
    )


def _name(body: CodeBody, features: Features) -> str:
    """As one text: the first name is what stands before its first space."""
    if not features.names.split:
        return body.name
    if not body.first_name or not body.last_name:
        raise rule_broken("A first and a last name are needed.")
    return f"{body.first_name} {body.last_name}"


def _times(body: CodeBody, lock: Lock, now: datetime) -> tuple[datetime | None, datetime | None]:
    schedule = lock.features.schedule
    if schedule.kind == "none":
        if body.starts_at is not None or body.ends_at is not None:
            raise unsupported("keep times")
        return None, None
    if body.starts_at is None:
        raise malformed("starts_at is missing.")
    starts_at = read_instant(body.starts_at, lock.features, lock.time_zone)
    ends_at = None if body.ends_at is None else read_instant(body.ends_at, lock.features, lock.time_zone)
    if ends_at is not None and (ends_at <= starts_at or ends_at <= now):
        raise rule_broken("The end must lie after the start and after the present.")
    past = max(timedelta(seconds=schedule.step_seconds), _PAST_ALLOWED)
    if schedule.refuses_past_starts and starts_at <= now - past:
        raise rule_broken(f"{body.starts_at} lies in the past.")
    return starts_at, ends_at


def as_app_writes(fields: dict[str, Any], held: Code | None, locks: tuple[str, ...], reference: str) -> Code:
    """A code as the app writes it: given fields replace those held, no rule is asked; times have offsets."""
    known = {"name", "digits", "starts_at", "ends_at", "enabled", "kind", "slot"}
    if unknown := set(fields) - known:
        raise malformed(f"The app knows no {sorted(unknown)}, only {sorted(known)}.")
    held = held or Code(reference, locks, "")

    def instant(name: str, value: datetime | None) -> datetime | None:
        text = fields.get(name)
        return value if name not in fields else None if text is None else msgspec.convert(text, datetime)

    return Code(
        reference,
        locks,
        str(fields.get("digits", held.digits)),
        str(fields.get("name", held.name)),
        instant("starts_at", held.starts_at),
        instant("ends_at", held.ends_at),
        is_enabled=bool(fields.get("enabled", held.is_enabled)),
        slot=fields.get("slot", held.slot),
        kind=str(fields.get("kind", held.kind)),
        version=held.version + 1,
    )
