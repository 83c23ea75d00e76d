"""Which place an entry's digits take on its locks: by presence or by window, per lock or per site."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from lockstep.model.capabilities import Capabilities, Comparison, DuplicateBehaviour, Scope
from lockstep.model.declared import Spec, effective_window
from lockstep.storage.devices import DeviceRow
from lockstep.storage.writes import Occupation


def occupation(
    spec: Spec, capabilities: Capabilities, account_id: UUID, locks: Iterable[DeviceRow], now: datetime
) -> Occupation | None:
    """From now on; None where digits are not known, or may stand there twice. `locks`: among them the entry's own."""
    if spec.fingerprint is None or capabilities.duplicates.behaviour is DuplicateBehaviour.ACCEPTED:
        return None
    window = effective_window(spec.window, capabilities)
    by_window = compares_windows(capabilities)
    return Occupation(
        scopes_of(spec, capabilities, account_id, locks),
        spec.fingerprint,
        window.starts_at if by_window else now,
        window.ends_at if by_window else None,
    )


def scopes_of(
    spec: Spec, capabilities: Capabilities, account_id: UUID, locks: Iterable[DeviceRow]
) -> list[UUID]:
    """Where digits must be unique: the locks themselves, or the whole account as one site."""
    if capabilities.duplicates.scope is Scope.SITE:
        return [account_id]
    return [d.id for d in locks if d.reference in spec.targets]


def compares_windows(capabilities: Capabilities) -> bool:
    """A lock that knows no windows can only compare presence."""
    return capabilities.duplicates.compared_by is Comparison.WINDOW and not capabilities.is_just_in_time
