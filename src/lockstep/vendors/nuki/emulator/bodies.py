"""What the server makes of the body of a write: a grant, or a refusal. Knows no queue.

Sources of the rules: nuki.md section 2.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lockstep.vendors.nuki.emulator.grants import APP, FOB, KEYPAD_CODE, Grant, instant
from lockstep.vendors.nuki.emulator.locks import Lock
from lockstep.vendors.nuki.emulator.replies import bad_parameter, unprocessable

_CODE = re.compile(r"(?!12)[1-9]{6}")
_LONGEST_NAME = {KEYPAD_CODE: 20}
_LONGEST_OTHER_NAME = 32
_LIMITS = ("allowedFromDate", "allowedUntilDate", "allowedWeekDays", "allowedFromTime", "allowedUntilTime")


def creation(body: Any, locks: list[Lock], *, needs_account_user: bool = True) -> Grant:
    """The grant that a create asks for, on all these locks. Raises Refused: 400 or 422."""
    fields = _object(body)
    type_ = _whole(fields, "type", APP, FOB, KEYPAD_CODE, default=APP)
    if type_ == KEYPAD_CODE and not all(lock.keypad_paired or lock.keypad2_paired for lock in locks):
        raise bad_parameter("type", KEYPAD_CODE)
    account_user_id = _account_user(fields)
    if needs_account_user and type_ != KEYPAD_CODE and account_user_id is None:
        raise bad_parameter("accountUserId", None)
    # The official keypad example leaves remoteAllowed out, and works (developer.nuki.io/t/54).
    remote_allowed = _flag(fields, "remoteAllowed", default=False if type_ == KEYPAD_CODE else None)
    grant = Grant(
        type=type_,
        name=_name(fields, type_),
        code=_digits(fields, type_),
        remote_allowed=remote_allowed,
        account_user_id=account_user_id,
    )
    return _limited(grant, fields)


def change(body: Any, held: Grant) -> Grant:
    """The grant that an update asks for: restrictions are replaced as a whole, other fields if given."""
    fields = _object(body)
    wanted = replace(
        held,
        name=_name(fields, held.type),
        code=held.code if fields.get("code") is None else _digits(fields, held.type),
        is_enabled=_flag(fields, "enabled", default=held.is_enabled),
        remote_allowed=_flag(fields, "remoteAllowed", default=held.remote_allowed),
        account_user_id=_account_user(fields) or held.account_user_id,
    )
    return _limited(wanted, fields)


def is_fully_limited(body: Any) -> bool:
    """Whether a body names all five restrictions."""
    return isinstance(body, dict) and all(body.get(name) is not None for name in _LIMITS)


def as_body(grant: Grant) -> dict[str, Any]:
    """The update that changes nothing."""
    fields = {
        "name": grant.name,
        "allowedFromDate": instant(grant.allowed_from),
        "allowedUntilDate": instant(grant.allowed_until),
        "allowedWeekDays": grant.week_days,
        "allowedFromTime": grant.from_time,
        "allowedUntilTime": grant.until_time,
    }
    return {name: value for name, value in fields.items() if value is not None}


def instant_of(name: str, text: Any) -> datetime | None:
    """An RFC 3339 instant. Raises Refused: 400."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        raise bad_parameter(name, text) from None


def _limited(grant: Grant, fields: dict[str, Any]) -> Grant:
    limited = replace(
        grant,
        allowed_from=instant_of("allowedFromDate", fields.get("allowedFromDate")),
        allowed_until=instant_of("allowedUntilDate", fields.get("allowedUntilDate")),
        week_days=_number(fields, "allowedWeekDays", 127),
        from_time=_number(fields, "allowedFromTime", 24 * 60),
        until_time=_number(fields, "allowedUntilTime", 24 * 60),
    )
    begins, ends = limited.allowed_from, limited.allowed_until
    if begins is not None and ends is not None and begins >= ends:
        raise bad_parameter("allowedUntilDate", fields["allowedUntilDate"])
    return limited


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise bad_parameter("entity", None)
    return body


def _name(fields: dict[str, Any], type_: int) -> str:
    name = fields.get("name")
    longest = _LONGEST_NAME.get(type_, _LONGEST_OTHER_NAME)
    if not isinstance(name, str) or not name or len(name) > longest:
        raise unprocessable()
    return name


def _digits(fields: dict[str, Any], type_: int) -> str | None:
    value = fields.get("code")
    if type_ != KEYPAD_CODE:
        if value is not None:
            raise bad_parameter("code", value)
        return None
    # Clients send the digits as a number or as text, both are taken (developer.nuki.io/t/22356).
    if isinstance(value, bool) or not isinstance(value, int | str) or not _CODE.fullmatch(str(value)):
        raise bad_parameter("code", value)
    return str(value)


def _account_user(fields: dict[str, Any]) -> int | None:
    value = fields.get("accountUserId")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise bad_parameter("accountUserId", value)
    return value


def _flag(fields: dict[str, Any], name: str, *, default: bool | None) -> bool:
    value = fields.get(name)
    value = default if value is None else value
    if not isinstance(value, bool):
        raise bad_parameter(name, value)
    return value


def _whole(fields: dict[str, Any], name: str, *allowed: int, default: int) -> int:
    value = fields.get(name, default)
    if isinstance(value, bool) or value not in allowed:
        raise bad_parameter(name, value)
    return int(value)


def _number(fields: dict[str, Any], name: str, most: int) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise bad_parameter(name, value)
    return value
