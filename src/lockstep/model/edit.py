"""An edit made elsewhere, most often in the vendor's app: what a reading shows to differ from what was proven. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from lockstep.model.capabilities import Capabilities
from lockstep.model.declared import Spec
from lockstep.model.naming import is_shown_as
from lockstep.model.seen import Seen, starts_alike


class ChangeType(StrEnum):
    MODIFIED = "modified"
    REMOVED = "removed"


class EditedField(StrEnum):
    NAME = "name"
    CODE = "code"
    STARTS_AT = "starts_at"
    ENDS_AT = "ends_at"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, from what was proven to what is there now. Digits are never told: for `code` both are None."""

    which: EditedField
    before: str | None = field(default=None, repr=False)
    after: str | None = field(default=None, repr=False)
    """Instants as ISO 8601 in UTC; None for an end that is not there."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody else did to an entry. `fields` is empty for a removal, and for what no declaration could say:
    weekly hours, a code that was disabled, or a vendor that tells no more than that something changed."""

    change_type: ChangeType
    fields: tuple[FieldChange, ...]
    found_at: datetime
    """When the reading that found it so began."""
    is_honoured: bool = False
    """It has become the declaration. Otherwise it conflicts with it, until the declared state is proven again."""

    def has(self, which: EditedField) -> bool:
        return any(change.which is which for change in self.fields)


def edit_of(spec: Spec, seen: Seen | None, begun_at: datetime, capabilities: Capabilities) -> Edit:
    """What changed from `spec`, which was proven, to what a reading shows. `seen` None: it is not there any more."""
    if seen is None:
        return Edit(ChangeType.REMOVED, (), begun_at)
    return Edit(ChangeType.MODIFIED, tuple(_changes(spec, seen, begun_at, capabilities)), begun_at)


def _changes(spec: Spec, seen: Seen, begun_at: datetime, capabilities: Capabilities) -> list[FieldChange]:
    found = []
    if not is_shown_as(seen.name, spec.name, capabilities.name):
        found.append(FieldChange(EditedField.NAME, spec.name, seen.name))
    if None not in (seen.fingerprint, spec.fingerprint) and seen.fingerprint != spec.fingerprint:
        found.append(FieldChange(EditedField.CODE))
    if seen.window is None or not capabilities.schedule.is_own:
        return found
    written = spec.window.widened_to(capabilities.schedule.granularity)
    if not starts_alike(seen.window, written, begun_at):
        before, after = _text(spec.window.starts_at), _text(seen.window.starts_at)
        found.append(FieldChange(EditedField.STARTS_AT, before, after))
    if seen.window.ends_at != written.ends_at:
        before, after = _text(spec.window.ends_at), _text(seen.window.ends_at)
        found.append(FieldChange(EditedField.ENDS_AT, before, after))
    return found


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
