"""What a reply of the vendor means: outcome, error or value. Lets no digits and no secrets through."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from lockstep.driver.outcomes import (
    CredentialsRefused,
    Done,
    Outcome,
    Reason,
    Refused,
    UnexpectedReply,
    Unknown,
    VendorBusy,
    VendorUnreachable,
)

T = TypeVar("T")


class SubscriptionLacking(CredentialsRefused):
    """Nuki answers for this account only with a Smart Hosting subscription. Take one out in Nuki Web."""

    code = "subscription_required"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `status` None: the call may have arrived, and no whole answer came; `lost` says how."""

    call: str
    """Method and path."""
    status: int | None
    body: bytes = field(default=b"", repr=False)
    retry_after: timedelta | None = None
    lost: str = ""
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """Secrets of this call, which no word about it may show."""


_REFUSALS = {
    # 422 without a reason is what a name of more than 20 characters brings (developer.nuki.io/t/35593).
    400: Reason.RULE_BROKEN,
    422: Reason.RULE_BROKEN,
    402: Reason.SUBSCRIPTION_REQUIRED,
    # "Account upgrade required" in the OpenAPI; what it means today is not told anywhere.
    426: Reason.SUBSCRIPTION_REQUIRED,
}
_DUPLICATE = 409
_TIMED_OUT = 408
_LOCKED, _TOO_MANY = 423, 429
_NOT_BUILT = 501

# docs.nuki.io, Smart Hosting: the words are given, the status is not.
_NO_SUBSCRIPTION = re.compile(rb"no active smart hosting subscription", re.IGNORECASE)


def outcome_of(
    reply: Reply, *, done: Done, absent_is_done: bool = False, writes_digits: bool = False
) -> Outcome:
    """What came of a mutating call; `done` where it was accepted.

    204 alone is a yes and an explicit 4xx alone a no: everything else may have been carried out.
    Raises VendorBusy (423 and 429: nothing was changed) and CredentialsRefused.
    """
    status = reply.status
    if status == 204 or (status == 404 and absent_is_done):
        return done
    words = said(reply)
    if status is None or status == _TIMED_OUT or not 400 <= status < 500:
        return Unknown(words)
    if _lacks_subscription(reply):
        return Refused(Reason.SUBSCRIPTION_REQUIRED, words)
    if status == 401:
        raise CredentialsRefused(words)
    if status in (_LOCKED, _TOO_MANY):
        raise VendorBusy(words, reply.retry_after, is_account_wide=status == _TOO_MANY)
    if status == _DUPLICATE and writes_digits:
        return Refused(Reason.DUPLICATE_DIGITS, words)
    return Refused(_REFUSALS.get(status, Reason.OTHER), words)


def value_of(reply: Reply, shape: type[T]) -> T:
    """The value that a read was answered with. Raises every DriverError but DeviceOffline.

    A body that is no JSON is a proxy's page or cut short: the vendor was not reached. JSON of another shape
    is something that Lockstep does not know.
    """
    if reply.status != 200:
        raise _error_of(reply)
    try:
        return msgspec.json.decode(reply.body, type=shape)
    except msgspec.ValidationError as error:
        raise UnexpectedReply(f"{hide(str(error), reply.hidden)}: {_kept(reply)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise VendorUnreachable(f"{reply.call}: the answer is no JSON, or cut short") from None


def said(reply: Reply) -> str:
    """The call, its status and the vendor's own words."""
    if reply.status is None:
        return f"{reply.call}: {reply.lost}"
    message = hide(_QUOTED.sub(rf"\g<1>'{_MASK}'", _message(reply.body)), reply.hidden)[:300]
    if _TYPE_REFUSED in message:
        message += " (a lock takes keypad codes only with a keypad paired)"
    return f"{reply.call}: {reply.status}" + (f" {message}" if message else "")


def hide(text: str, secrets: Collection[str] = ()) -> str:
    """`text` without these secrets, without anything that looks like digits, and without people's names."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, _MASK)
    text = _FIELDS.sub(rf'\g<1>"{_MASK}"', text)
    return _SIX_DIGITS.sub(_MASK, text)


_MASK = "******"
# The vendor repeats what it does not take, be it digits or a guest's name (developer.nuki.io/t/16794).
_QUOTED = re.compile(r"(supplied value )'.*?'(?= for parameter)")
# What type 13 brings on a lock without a keypad (developer.nuki.io/t/16794, t/39051).
_TYPE_REFUSED = "for parameter 'type' is not valid"
_FIELDS = re.compile(
    r'("(?:code|secret|token|password|name|email|inviteCode|latitude|longitude)"\s*:\s*)("(?:[^"\\]|\\.)*"?|-?[\d.]+)',
    re.IGNORECASE,
)
# Six digits are a code; ids and instants have other lengths or stand among hexadecimal digits.
_SIX_DIGITS = re.compile(r"(?<![0-9A-Fa-f])\d{6}(?![0-9A-Fa-f])")


def _error_of(reply: Reply) -> Exception:
    status, words = reply.status, said(reply)
    if status is None or status == _TIMED_OUT:
        return VendorUnreachable(words)
    if _lacks_subscription(reply):
        return SubscriptionLacking(words)
    if status in (401, 403):
        return CredentialsRefused(words)
    if status in (_LOCKED, _TOO_MANY) or (status >= 500 and reply.retry_after is not None):
        return VendorBusy(words, reply.retry_after)
    if status >= 500 and status != _NOT_BUILT:
        return VendorUnreachable(words)
    return UnexpectedReply(_kept(reply))


def _lacks_subscription(reply: Reply) -> bool:
    return (
        reply.status is not None and 400 <= reply.status < 500 and bool(_NO_SUBSCRIPTION.search(reply.body))
    )


def _kept(reply: Reply) -> str:
    text = reply.body.decode("utf-8", "replace")
    return f"{reply.call}: {reply.status} {hide(text, reply.hidden)[:2000]}"


def _message(body: bytes) -> str:
    try:
        parts: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if not isinstance(parts, dict):
        return ""
    words = (parts.get(name) for name in ("detailMessage", "error", "description"))
    return next((word for word in words if isinstance(word, str)), "")
