"""Our events in the shapes of Seam's types. Which types there are for each is in `event_types.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.http.seam.present.action_attempt import ACTION_TYPES
from lockstep.http.seam.present.event_types import types_of
from lockstep.http.seam.present.ids import shown
from lockstep.http.seam.present.instants import instant, instant_or_null
from lockstep.model.event import RecordedEvent
from lockstep.operations.event_surroundings import GrantAround, Surroundings

Shape = dict[str, Any]


def event(it: RecordedEvent, type: str, around: Surroundings, workspace_id: str) -> Shape:
    """One of the types that an event is told as. `workspace_id`: as our public id."""
    family = _FAMILIES[type.split(".")[0]]
    return {
        "event_id": told_id(it, type),
        "event_type": type,
        "workspace_id": shown(workspace_id),
        "created_at": instant(it.listed_at),
        "occurred_at": _occurred(it),
        **family(it, type, around),
        **_description(it),
    }


def _description(it: RecordedEvent) -> Shape:
    """What stays on locks when an account is deleted is a danger that Seam's types have no field for."""
    left = it.payload.get("codes_left", 0)
    if it.payload.get("is_on_lock"):
        said = "It may stand on its lock still, and open it: remove it in the manufacturer's app."
    elif left:
        said = f"{left} codes may stand on its locks still, and open them: remove them in the manufacturer's app."
    else:
        return {}
    return {"event_description": said}


def told_id(it: RecordedEvent, type: str) -> str:
    """The id under which an event is told as this type: the event's own as the first of its types; as another, one
    that is made from the two and leads back, see `ids_behind`."""
    own = shown(it.event_id)
    return own if types_of(it)[:1] == (type,) else _mixed(own, type)


def ids_behind(theirs: str, types: frozenset[str]) -> list[str]:
    """The ids of events, as Seam's callers know them, that may be told under this id as one of these types."""
    return [theirs, *(_mixed(theirs, type) for type in sorted(types))]


def _mixed(id: str, type: str) -> str:
    """The same number with its last 48 bits, which are chance, mixed with the type's; twice gives the first again."""
    try:
        number = UUID(id).int
    except ValueError:
        return f"{id}_{type.replace('.', '_')}"
    return str(UUID(int=number ^ int.from_bytes(hashlib.sha256(type.encode()).digest()[:6], "big")))


def has_its_device(it: RecordedEvent, around: Surroundings) -> bool:
    """Whether the device that an event is about, if it is about one, is there still. It is not after a sandbox was
    reset, and then nobody knows its account any more, which the contract wants told."""
    device_id = it.subjects.get("device_id")
    return device_id is None or device_id in around.devices


def _occurred(it: RecordedEvent) -> str:
    """When a door was opened, the vendor's log tells, and Lockstep hears of it later."""
    at = it.payload.get("at")
    return instant(datetime.fromisoformat(at) if at else it.occurred_at)


def _device(it: RecordedEvent, around: Surroundings) -> Shape:
    """Of what happened at a device: it, and its account."""
    device_id = it.subjects["device_id"]
    found = around.devices.get(device_id)
    if found is None:
        account = it.subjects.get("connected_account_id")
        return {
            "device_id": shown(device_id),
            **({"connected_account_id": shown(account)} if account else {}),
        }
    shape: Shape = {
        "device_id": shown(device_id),
        "connected_account_id": shown(found.account_public_id),
    }
    if found.custom_metadata:
        shape["device_custom_metadata"] = dict(found.custom_metadata)
    return shape | _owner(found.account_public_id, around)


def _owner(account_id: str, around: Surroundings) -> Shape:
    """Whose an account is, and what callers keep with it."""
    found = around.accounts.get(account_id)
    if found is None:
        return {}
    metadata = found.custom_metadata
    return {
        **({"customer_key": found.customer_key} if found.customer_key else {}),
        **({"connected_account_custom_metadata": dict(metadata)} if metadata else {}),
    }


def _no_faults(*nouns: str) -> Shape:
    return {f"{noun}_{list}": [] for noun in nouns for list in ("errors", "warnings")}


def _fault(it: RecordedEvent, code: str, otherwise: str) -> Shape:
    cause, next_step = it.payload.get("cause"), it.payload.get("next_step")
    message = f"{cause} {next_step}" if cause else otherwise
    return {"error_code": code, "message": message, "created_at": instant(it.occurred_at)}


_CODE_FAULTS = {
    "access_code.failed_to_set_on_device": "failed_to_set_on_device",
    "access_code.failed_to_issue": "failed_to_issue",
    "access_code.failed_to_update": "failed_to_update",
    "access_code.failed_to_remove_from_device": "failed_to_remove_from_device",
    "access_code.failed_to_expire": "failed_to_expire",
    "access_code.unmanaged.failed_to_convert_to_managed": "failed_to_convert_to_managed",
}
_CODE_DELAYS = {
    "access_code.delay_in_setting_on_device": "delay_in_setting_on_device",
    "access_code.delay_in_issuing": "delay_in_issuing",
    "access_code.delay_in_removing_from_device": "delay_in_removing_from_device",
}
_WITH_DIGITS = {
    "access_code.scheduled_on_device",
    "access_code.set_on_device",
    "access_code.issued",
    "access_code.deleted",
}


def _of_code(it: RecordedEvent, type: str, around: Surroundings) -> Shape:
    code_id = it.subjects.get("access_code_id") or it.subjects["unmanaged_code_id"]
    shape = {"access_code_id": shown(code_id), **_device(it, around)}
    if type in _CODE_FAULTS or type in _CODE_DELAYS:
        shape |= _no_faults("access_code", "device", "connected_account")
        if type in _CODE_FAULTS:
            shape["access_code_errors"] = [_fault(it, _CODE_FAULTS[type], "It failed.")]
        else:
            warning = _fault(it, _CODE_DELAYS[type], "It is late.")
            shape["access_code_warnings"] = [{**warning, "warning_code": warning["error_code"]}]
            del shape["access_code_warnings"][0]["error_code"]
    if type in _WITH_DIGITS:
        code = around.codes.get(code_id)
        digits = code.digits_at(it.payload.get("revision")) if code else None
        # Where they are not for this reader, or others by now, there is nothing to tell, and the contract wants text.
        shape["code"] = digits or (None if type == "access_code.deleted" else "")
    if it.type == "access_code.changed":
        shape |= _code_changed(it, type, around)
    elif it.type == "access_code.deleted":
        shape["requested_mutations"] = [{"mutation_code": "deleting"}]
    elif it.type == "access_code.backup_pulled":
        shape["backup_access_code_id"] = shown(it.subjects["backup_access_code_id"])
    return shape


def _code_changed(it: RecordedEvent, type: str, around: Surroundings) -> Shape:
    """What changed. Events keep neither digits nor names: only those of now can be told, and only for a reader who
    may see them."""
    code = around.codes.get(it.subjects["access_code_id"])
    frames = [
        {end: _said_instant(it, f"{end}{before}") for end in ("starts_at", "ends_at")}
        for before in ("_before", "")
    ]
    parts: Mapping[str, tuple[str, list[Shape]]] = {
        "code": ("updating_code", [{"code": None}, {"code": code.digits if code else None}]),
        "window": ("updating_time_frame", frames),
        "name": ("updating_name", [{"name": None}, {"name": code.name if code else None}]),
    }
    changed = [parts[part] for part in it.payload.get("changed", ()) if part in parts]
    if type == "access_code.changed":
        return {
            "changed_properties": [
                {"property": name, "from": before[name], "to": after[name]}
                for _, (before, after) in changed
                for name in before
            ]
        }
    if type == "access_code.mutations_requested":
        return {
            "requested_mutations": [
                {"mutation_code": mutation, "from": before, "to": after}
                for mutation, (before, after) in changed
            ]
        }
    part, description = _CHANGES[type]
    before, after = parts[part][1]
    return {"from": before, "to": after, "description": description}


_CHANGES = {
    "access_code.code_changed": ("code", "Its digits were changed."),
    "access_code.time_frame_changed": ("window", "Its time frame was changed."),
    "access_code.name_changed": ("name", "Its name was changed."),
}


def _said_instant(it: RecordedEvent, name: str) -> str | None:
    at = it.payload.get(name)
    return instant_or_null(datetime.fromisoformat(at) if at else None)


def _of_grant(it: RecordedEvent, type: str, around: Surroundings) -> Shape:
    grant_id = it.subjects["access_grant_id"]
    shape: Shape = {"access_grant_id": shown(grant_id)}
    if type == "access_grant.access_times_changed":
        found = around.grants.get(grant_id)
        ends = {end: at for end in ("starts_at", "ends_at") if (at := _said_instant(it, end)) is not None}
        shape |= ends | ({"access_grant_key": found.grant_key} if found and found.grant_key else {})
    elif type in ("access_grant.access_granted_to_door", "access_grant.access_to_door_lost"):
        shape["acs_entrance_id"] = shown(it.subjects["device_id"])
    return shape


def _of_method(it: RecordedEvent, type: str, around: Surroundings) -> Shape:
    grant_id = it.subjects["access_grant_id"]
    found = around.grants.get(grant_id)
    # A grant has one code method; where its row is gone, so is the method's.
    methods = found.method_public_ids if found else []
    shape: Shape = {
        "access_method_id": shown(methods[-1]) if methods else shown(grant_id),
        "access_grant_ids": [shown(grant_id)],
    }
    if found and found.grant_key:
        shape["access_grant_keys"] = [found.grant_key]
    if found and type in ("access_method.issued", "access_method.reissued"):
        shape |= _given(found, it, around)
    return shape


def _given(found: GrantAround, it: RecordedEvent, around: Surroundings) -> Shape:
    """The code that a guest was given, as long as it is as it was declared then."""
    if found.code_public_id is None or found.declared_at is None or found.declared_at > it.occurred_at:
        return {}
    code = around.codes.get(found.code_public_id)
    shown_digits = {"code": code.digits} if code is not None and code.digits is not None else {}
    return {**shown_digits, "is_backup_code": bool(found.is_backup)}


def _of_account(it: RecordedEvent, type: str, around: Surroundings) -> Shape:
    account_id = it.subjects["connected_account_id"]
    shape: Shape = {"connected_account_id": shown(account_id), **_owner(account_id, around)}
    if "connect_webview_id" in it.subjects and not type.endswith("_sync"):
        shape["connect_webview_id"] = shown(it.subjects["connect_webview_id"])
    if type == "connected_account.disconnected":
        refused = "The vendor refuses the credentials. Connect the account again."
        shape |= _no_faults("connected_account")
        shape["connected_account_errors"] = [_fault(it, "account_disconnected", refused)]
    return shape


def _of_device(it: RecordedEvent, type: str, around: Surroundings) -> Shape:
    shape = _device(it, around)
    found = around.devices.get(it.subjects["device_id"])
    match type:
        case "device.disconnected":
            code = "hub_disconnected" if it.payload.get("is_hub") else "device_disconnected"
            offline = "The vendor cannot reach it. Check its power and its connection."
            shape |= _no_faults("device", "connected_account")
            shape |= {"error_code": code, "device_errors": [_fault(it, code, offline)]}
        case "device.connection_became_flaky":
            shape |= _no_faults("device", "connected_account")
        case "device.error.subscription_required":
            paid = "Its vendor demands a paid subscription."
            shape |= _no_faults("device", "connected_account")
            shape["device_errors"] = [_fault(it, "subscription_required", paid)]
        case "device.low_battery":
            shape |= {"battery_level": it.payload["level"], "battery_source": "lock"}
        case "device.battery_status_changed":
            shape |= {"battery_level": it.payload["level"], "battery_status": it.payload["battery"]}
        case "device.name_changed" | "device.deleted":
            shape["device_name"] = found.name if found else ""
    return shape


_METHODS = {
    "code": "keycode",
    "keypad": "keycode",
    "manual": "manual",
    "button": "manual",
    "automatic": "automatic",
    "auto_lock": "automatic",
    "remote": "remote",
    "app": "remote",
    "card": "card",
}


def _of_lock(it: RecordedEvent, type: str, around: Surroundings) -> Shape:
    shape = _device(it, around)
    code_id, guest_id = it.subjects.get("access_code_id"), it.subjects.get("guest_id")
    if code_id is not None:
        shape["access_code_id"] = shown(code_id)
    if guest_id is not None:
        shape["user_identity_id"] = shown(guest_id)
    how = _METHODS.get(it.payload.get("how", ""), "unknown")
    if type == "lock.access_denied":
        if how == "keycode" and code_id is None:
            shape["reason"] = {
                "reason_code": "unknown_code",
                "message": "A code was typed that is not known.",
            }
        return shape
    shape["method"] = how
    if code_id is not None:
        shape["access_code_is_managed"] = True
        code = around.codes.get(code_id)
        if code is not None and code.digits is not None:
            shape["code"] = code.digits
    return shape


def _of_attempt(it: RecordedEvent, type: str, around: Surroundings) -> Shape:
    return {
        **_device(it, around),
        "action_attempt_id": shown(it.subjects["action_attempt_id"]),
        "action_type": ACTION_TYPES[it.payload["action"]],
        "status": "success" if it.type.endswith("succeeded") else "error",
    }


def space_of(it: RecordedEvent) -> str:
    """The space that an event is about: one within a property, or the property itself."""
    return it.subjects.get("space_id") or it.subjects.get("property_id", "")


def _of_space(it: RecordedEvent, type: str, around: Surroundings) -> Shape:
    space_id = space_of(it)
    found = around.spaces.get(space_id)
    return {
        "space_id": shown(space_id),
        **({"space_key": found.space_key} if found and found.space_key else {}),
        "device_ids": [shown(id) for id in found.device_public_ids] if found else [],
        "acs_entrance_ids": [],
    }


def _of_subjects(it: RecordedEvent, type: str, around: Surroundings) -> Shape:
    """Those that say nothing but whom they are about."""
    return {name: shown(id) for name, id in it.subjects.items()}


_FAMILIES: Mapping[str, Callable[[RecordedEvent, str, Surroundings], Shape]] = {
    "access_code": _of_code,
    "access_grant": _of_grant,
    "access_method": _of_method,
    "connected_account": _of_account,
    "device": _of_device,
    "lock": _of_lock,
    "action_attempt": _of_attempt,
    "space": _of_space,
    "connect_webview": _of_subjects,
    "client_session": _of_subjects,
}
