"""What can go wrong on a call out. Shows only scheme and host of an address: the rest may be a secret."""

from __future__ import annotations

import httpx2


class OutboundError(Exception):
    """The call did not come to an answer."""

    code = "outbound_failed"
    next_step = "Try again later."

    def __init__(self, at: str) -> None:
        super().__init__(f"{self.__doc__} ({at})")
        self.at = at


class UrlRefused(OutboundError):
    """The address is not one that can be called: it needs http or https and a host."""

    code = "url_refused"
    next_step = "Correct the address; it starts with https://."


class AddressRefused(OutboundError):
    """The host's address is private, local or reserved, and this installation calls public addresses only."""

    code = "address_refused"
    next_step = (
        "Give a public address, or set LOCKSTEP_ALLOW_PRIVATE_ADDRESSES=1 where a private one is meant."
    )


class RedirectUnsafe(OutboundError):
    """The host redirects from https to http, which would show the address to anybody on the way."""

    code = "redirect_unsafe"
    next_step = "Copy the address anew from where it was issued."


class TooManyRedirects(OutboundError):
    """The host redirects again and again."""

    code = "too_many_redirects"
    next_step = "Copy the address anew from where it was issued."


class NameNotFound(OutboundError):
    """The host's name could not be resolved."""

    code = "name_not_found"
    next_step = "Check the spelling of the address and this server's DNS."


class Unreachable(OutboundError):
    """The host could not be reached."""

    code = "unreachable"
    next_step = "It is tried again; if it lasts, open the address in a browser."


class TlsRefused(OutboundError):
    """The host's certificate is not valid for its name."""

    code = "tls_refused"
    next_step = "The host has to renew its certificate; nothing was sent to it."


class TooSlow(OutboundError):
    """The host did not finish its answer in time."""

    code = "too_slow"
    next_step = "It is tried again; nothing was changed."


class TooLarge(OutboundError):
    """The answer is larger than anything that belongs here; reading it was stopped."""

    code = "too_large"
    next_step = "Check that the address is the right one."


class AnswerBroken(OutboundError):
    """The answer broke off or is no proper HTTP."""

    code = "answer_broken"
    next_step = "It is tried again; nothing was changed."


def where(url: str | httpx2.URL) -> str:
    """Scheme and host of `url`, for people; never its path, query or credentials."""
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, TypeError, ValueError):
        return "address not readable"
    return f"{parsed.scheme}://{parsed.host}" if parsed.host else "address without a host"
