"""Why something asked of Lockstep is not done: a code, the cause in words, the next step. Knows no HTTP."""

from __future__ import annotations

CONNECT_AGAIN = (
    "Connect the account again with its credentials: lockstep connect, or in the API. "
    "Its locks keep their places."
)
"""The way back for an account that is disconnected, is about to be, or whose credentials are refused."""


class Problem(Exception):
    """What was asked is not done, and nothing of it was.

    `code` is public API. `cause` and `next_step` are shown to people: nothing secret or personal, no digits.
    """

    code = "problem"
    next_step = "Correct what was asked and send it again."

    def __init__(self, cause: str, *, code: str | None = None, next_step: str | None = None) -> None:
        """Where `code` or `next_step` is not given, the class's own is said."""
        super().__init__(cause)
        self.cause = cause
        self.code = code or type(self).code
        self.next_step = next_step or type(self).next_step


class NotFound(Problem):
    """There is no such thing here."""

    def __init__(self, noun: str, public_id: str, *, next_step: str | None = None) -> None:
        """`noun` as the glossary has it, such as `access code`; `public_id` is what was asked for. `next_step`: where
        there is no list to look into."""
        super().__init__(
            f"There is no {noun} {public_id} in this workspace.",
            code=f"{noun.lower().replace(' ', '_')}_not_found",
            next_step=next_step or f"Check the id; the list of {_plural(noun)} shows those that there are.",
        )
        self.noun = noun
        self.public_id = public_id


class Invalid(Problem):
    """A value cannot be taken."""

    code = "invalid"

    def __init__(
        self, cause: str, *, code: str | None = None, next_step: str | None = None, field: str | None = None
    ) -> None:
        """`field`: which value, as the command names it."""
        super().__init__(cause, code=code, next_step=next_step)
        self.field = field


class Conflict(Problem):
    """What is there already stands against it; nothing was replaced."""

    code = "conflict"
    next_step = "Look at what is there, and change that instead."


class NotAllowed(Problem):
    """This actor may not do this."""

    code = "not_allowed"
    next_step = "Use a key that has the scope, or ask an operator for one."


class NotSignedIn(Problem):
    """Nothing that came with the request says who asks."""

    code = "not_signed_in"
    next_step = (
        "Send `Authorization: Bearer seam_lockstep_...` with a key that is neither revoked nor expired."
    )


class AccountInError(Problem):
    """The connected account is in error, so nothing new is promised on its locks."""

    code = "account_in_error"
    next_step = f"{CONNECT_AGAIN} Then send this again."


class LinkOver(Problem):
    """A link that lets nobody in: never made, taken back, or over. Which of them is not told."""

    code = "link_over"
    next_step = "Ask whoever gave it to you for a new one."

    def __init__(self) -> None:
        super().__init__("This link is not valid any more.")


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"


class VendorFailed(Problem):
    """A vendor could not be asked, and nothing was stored."""

    code = "vendor_failed"
    next_step = "Try again in some minutes."


class Unavailable(Problem):
    """It could not be done at this moment, and nothing of it was."""

    code = "unavailable"
    next_step = "Send this again after as many seconds as `retry-after` says."
    retry_after_seconds = 2


class TooFast(Problem):
    """This was asked too often in too short a time."""

    code = "rate_limit_exceeded"
    next_step = "Wait as long as `retry-after` says, then ask again."

    def __init__(self, cause: str, retry_after_seconds: int) -> None:
        super().__init__(cause)
        self.retry_after_seconds = retry_after_seconds
