"""Why something asked of Lockstep was not done. Knows nothing of HTTP: each way in maps these classes itself."""

from __future__ import annotations


class Problem(Exception):
    """What was asked could not be done.

    `code` is public API, `cause` says what was wrong and where, `next_step` what to do about it. None of them
    ever holds digits or a secret.
    """

    code = "problem"
    next_step = "Read the cause, correct what was sent, and ask again."

    def __init__(
        self, cause: str | None = None, *, code: str | None = None, next_step: str | None = None
    ) -> None:
        self.cause = cause or " ".join((type(self).__doc__ or "").split())
        self.code = code or type(self).code
        self.next_step = next_step or type(self).next_step
        super().__init__(self.cause)


class NotSignedIn(Problem):
    """No valid API key came with the request."""

    code = "not_signed_in"
    next_step = "Send `Authorization: Bearer lockstep_...` with a key that is neither revoked nor expired."


class NotAllowed(Problem):
    """This key may not do that."""

    code = "not_allowed"
    next_step = "Use a key that has the scope, or have one made."


class NotFound(Problem):
    """There is no such thing in this workspace."""

    code = "not_found"
    next_step = "Check the id; it may belong to another workspace or have been removed."


class Invalid(Problem):
    """What was sent cannot be right. `field` says where, as the caller wrote it, such as `window.ends_at`."""

    code = "invalid"

    def __init__(
        self,
        cause: str | None = None,
        *,
        field: str | None = None,
        code: str | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(cause, code=code, next_step=next_step)
        self.field = field


class Conflict(Problem):
    """This contradicts what is there already. Nothing was replaced."""

    code = "conflict"
    next_step = "Look at what is there, then change that or ask for something else."


class AccountInError(Problem):
    """The connected account that this needs is in error."""

    code = "account_in_error"
    next_step = "Reconnect the account with fresh credentials, then ask again."


class VendorRefused(Problem):
    """The vendor did not accept what was given."""

    code = "vendor_refused"


class VendorNotReached(Problem):
    """The vendor could not be reached or did not answer in time. Nothing was changed."""

    code = "vendor_not_reached"
    next_step = "Ask again in a minute."
