"""What is shown to whom, wherever the API shows it."""

from __future__ import annotations

from lockstep.model.permissions import Actor, Scope

MASK = "******"


def shown_code(actor: Actor, digits: str | None) -> str | None:
    """The digits for whoever may read codes, and else a mask that does not tell their number."""
    if digits is None:
        return None
    return digits if Scope.CODES_READ in actor.scopes else MASK
