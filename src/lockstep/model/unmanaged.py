"""What may be done with a code that somebody else put on a lock, as far as the lock's ways decide. Pure."""

from __future__ import annotations

from enum import StrEnum

from lockstep.model.capabilities import Addressing, Capabilities, CodeChooser, Delete, ReadBack


class Hindrance(StrEnum):
    """Why not."""

    NOT_SHOWN = "not_shown"
    """The lock does not show which codes are on it."""
    NOT_RECOGNISED = "not_recognised"
    """It stands in a numbered place, and nothing tells it from another that may stand there next."""
    OF_A_PERSON = "of_a_person"
    """It is part of a person's record at the vendor, and cannot be treated alone."""
    ISSUED = "issued"
    """The vendor computes its codes; what it issued to others is theirs."""
    NOT_REVOCABLE = "not_revocable"
    """The vendor cannot take a code back."""


def hindrance_to_manage(capabilities: Capabilities) -> Hindrance | None:
    """What keeps such a code from becoming an access code of Lockstep's."""
    if capabilities.chooser is CodeChooser.VENDOR:
        return Hindrance.ISSUED
    return hindrance_to_remove(capabilities)


def hindrance_to_remove(capabilities: Capabilities) -> Hindrance | None:
    """What keeps Lockstep from taking such a code off the lock and proving it."""
    if capabilities.delete is Delete.IMPOSSIBLE:
        return Hindrance.NOT_REVOCABLE
    if capabilities.read_back is ReadBack.NONE:
        return Hindrance.NOT_SHOWN
    if capabilities.addressing is Addressing.PERSON:
        return Hindrance.OF_A_PERSON
    is_numbered = capabilities.addressing is Addressing.SLOT
    if is_numbered and capabilities.read_back is not ReadBack.DIGITS and capabilities.name.is_kept:
        return Hindrance.NOT_RECOGNISED
    return None
