"""What somebody changed in the manufacturer's app, as an error or a warning of the code.

Seam's page on the app and its contract name the same thing differently: the contract's name is the code, and the page's
stands beside it as `legacy_code`."""

from __future__ import annotations

from typing import Any

from lockstep.http.seam.present.instants import instant
from lockstep.model.edit import Edit
from lockstep.operations.access_codes import AccessCode

_LEGACY = "code_modified_external_to_seam"


def conflicts(it: AccessCode) -> list[dict[str, Any]]:
    """The error of a code that somebody changed and that is being put right."""
    edit = it.edit
    if edit is None or edit.is_honoured:
        return []
    return [
        {
            "error_code": "conflicting_external_modification",
            "legacy_code": _LEGACY,
            "is_access_code_error": True,
            "message": "Somebody changed it in the manufacturer's app; it is being set as declared again.",
            **_told(edit),
        }
    ]


def modifications_in_effect(it: AccessCode) -> list[dict[str, Any]]:
    """The warning of a code whose change in the app is honoured."""
    edit = it.edit
    if edit is None or not edit.is_honoured:
        return []
    return [
        {
            "warning_code": "external_modification_in_effect",
            "legacy_code": _LEGACY,
            "message": "Somebody changed it in the manufacturer's app, and so it stands now.",
            **_told(edit),
        }
    ]


def _told(edit: Edit) -> dict[str, Any]:
    fields = [{"field": c.which.value, "from": c.before, "to": c.after} for c in edit.fields]
    return {
        "change_type": edit.change_type.value,
        "modified_fields": fields,
        "created_at": instant(edit.found_at),
    }
