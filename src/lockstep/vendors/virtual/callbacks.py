"""The virtual vendor's calls to us: the signature checked, the event turned into hints. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import msgspec

from lockstep.driver.contract import Callback, CallbackRefused
from lockstep.driver.outcomes import UnexpectedReply
from lockstep.vendors.virtual import convert, wire
from lockstep.vendors.virtual.limits import SIGNATURE


def read_callback(headers: Mapping[str, str], body: bytes, secret: str) -> Callback:
    """Where to look, and results by job. Raises CallbackRefused, and UnexpectedReply for an unknown body."""
    given = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE.lower(), "")
    wanted = f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise CallbackRefused(CallbackRefused.__doc__)
    try:
        event = msgspec.json.decode(body, type=wire.Event)
        results = {} if event.job is None else {event.job.id: convert.outcome_of_job(event.job)}
    except (msgspec.DecodeError, ValueError):
        raise UnexpectedReply("a callback that cannot be read") from None
    return Callback(frozenset(event.locks) or None, results)
