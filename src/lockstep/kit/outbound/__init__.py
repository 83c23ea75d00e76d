"""Calls to addresses that customers give: calendars and webhooks. Knows nothing of what is fetched or sent.

Such an address is a way to make this server knock at doors that only it can reach: the router, a database,
a cloud's metadata address. So private addresses are refused at every hop; only what was checked is dialled.
"""

from lockstep.kit.outbound.addresses import OutboundPolicy, Resolver, is_public, system_resolver
from lockstep.kit.outbound.errors import (
    AddressRefused,
    AnswerBroken,
    NameNotFound,
    OutboundError,
    RedirectUnsafe,
    TlsRefused,
    TooLarge,
    TooManyRedirects,
    TooSlow,
    Unreachable,
    UrlRefused,
    where,
)
from lockstep.kit.outbound.exchange import Answer, Fetched, OutboundLimits, check, fetch, post

__all__ = [
    "AddressRefused",
    "Answer",
    "AnswerBroken",
    "Fetched",
    "NameNotFound",
    "OutboundError",
    "OutboundLimits",
    "OutboundPolicy",
    "RedirectUnsafe",
    "Resolver",
    "TlsRefused",
    "TooLarge",
    "TooManyRedirects",
    "TooSlow",
    "Unreachable",
    "UrlRefused",
    "check",
    "fetch",
    "is_public",
    "post",
    "system_resolver",
    "where",
]
