"""Which of Seam's types each of our events is told as: one, several or none. Their shapes are in `event.py`.

What Seam tells and Lockstep cannot know (keypads that are connected, privacy modes, cards), has no row here. Seam's
`access_granted_to_door` and `access_to_door_lost` name an entrance of an access system, so locks have none of these:
only codes at such doors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lockstep.http.seam.present.action_attempt import ACTION_TYPES
from lockstep.model.event import RecordedEvent


@dataclass(frozen=True, slots=True)
class Rule:
    """One type, where `when` holds of the event; None: always."""

    type: str
    when: Callable[[RecordedEvent], bool] | None = None


def types_of(event: RecordedEvent) -> tuple[str, ...]:
    """Seam's types that an event is told as, in their order."""
    return tuple(r.type for r in RULES.get(event.type, ()) if r.when is None or r.when(event))


def said(name: str, *values: object) -> Callable[[RecordedEvent], bool]:
    """That the event says one of these; of no value that it says anything."""

    def holds(event: RecordedEvent) -> bool:
        found = event.payload.get(name)
        return found in values if values else found is not None

    return holds


def not_said(name: str, *values: object) -> Callable[[RecordedEvent], bool]:
    """The contrary."""
    holds = said(name, *values)
    return lambda event: not holds(event)


def _changed(part: str) -> Callable[[RecordedEvent], bool]:
    return lambda event: part in event.payload.get("changed", ())


def _is_any_changed(event: RecordedEvent) -> bool:
    return any(_changed(part)(event) for part in ("code", "window", "name"))


def _came_by_webview(event: RecordedEvent) -> bool:
    return "connect_webview_id" in event.subjects


_of_grants = said("form", "grant")
"""Single codes are grants to Lockstep and none to Seam."""


def _moved(event: RecordedEvent) -> bool:
    return _of_grants(event) and bool(event.payload.get("is_moved"))


_at_doors = said("is_at_door", True)
_DOOR_LOST = Rule("access_grant.access_to_door_lost", _at_doors)
_NOT_UPDATED = Rule("access_code.failed_to_update", said("is_update", True))
_NOT_SET = (Rule("access_code.failed_to_set_on_device"), _NOT_UPDATED)


def _lost_by_change(event: RecordedEvent) -> bool:
    """Other digits open now than those that were given."""
    fields = {field.get("field") for field in event.payload.get("modified_fields", ())}
    return _at_doors(event) and "code" in fields


def _rules(*told: str | Rule) -> Sequence[Rule]:
    return [Rule(it) if isinstance(it, str) else it for it in told]


_ATTEMPTS = ("unlock", "lock", "simulate_keypad_entry", "simulate_manual_lock")
"""Acts whose end Seam tells of."""


def _attempts(end: str) -> Sequence[Rule]:
    return [
        Rule(f"action_attempt.{ACTION_TYPES[act].lower()}.{end}", said("action", act)) for act in _ATTEMPTS
    ]


RULES: Mapping[str, Sequence[Rule]] = {
    "access_code.created": _rules("access_code.created"),
    "access_code.changed": _rules(
        "access_code.changed",
        Rule("access_code.code_changed", _changed("code")),
        Rule("access_code.time_frame_changed", _changed("window")),
        Rule("access_code.name_changed", _changed("name")),
        Rule("access_code.mutations_requested", _is_any_changed),
    ),
    # Seam says "deleted" when it is off the lock. What a backup code replaces stays to be read.
    "access_code.deleted": _rules("access_code.mutations_requested"),
    "access_code.gone": _rules(Rule("access_code.deleted", not_said("is_replaced", True))),
    "access_code.left": _rules("access_code.deleted"),
    "access_code.set_on_device": _rules(
        Rule("access_code.scheduled_on_device", said("is_ahead", True)),
        Rule("access_code.set_on_device", not_said("is_ahead", True)),
        Rule("access_code.issued", not_said("is_ahead", True)),
        Rule("access_grant.access_granted_to_door", _at_doors),
    ),
    "access_code.started": _rules("access_code.set_on_device", "access_code.issued"),
    "access_code.removed_from_device": _rules("access_code.removed_from_device", _DOOR_LOST),
    "access_code.modified_outside": _rules(
        "access_code.modified_external_to_seam",
        Rule("access_grant.access_to_door_lost", _lost_by_change),
    ),
    "access_code.removed_outside": _rules("access_code.deleted_external_to_seam", _DOOR_LOST),
    "access_code.overwritten_again": _rules("device.third_party_integration_detected"),
    "access_code.failed_to_set": _NOT_SET,
    "access_code.full": _NOT_SET,
    "access_code.duplicate_taken": _NOT_SET,
    "access_code.late": _rules("access_code.delay_in_setting_on_device", "access_code.delay_in_issuing"),
    "access_code.missed_start": _rules(
        Rule("access_code.failed_to_issue", not_said("is_update", True)), _NOT_UPDATED
    ),
    "access_code.failed_to_remove": _rules(
        "access_code.delay_in_removing_from_device",
        "access_code.failed_to_remove_from_device",
        Rule("access_code.failed_to_expire", said("is_withdrawn", False)),
    ),
    "access_code.backup_pulled": _rules("access_code.backup_access_code_pulled"),
    "access_code.adopted": _rules("access_code.unmanaged.converted_to_managed"),
    "unmanaged_code.created": _rules("access_code.unmanaged.created"),
    "unmanaged_code.removed": _rules("access_code.unmanaged.removed"),
    "access_grant.created": _rules(
        Rule("access_grant.created", _of_grants), Rule("access_method.created", _of_grants)
    ),
    "access_grant.changed": _rules(
        Rule("access_grant.access_times_changed", _moved), Rule("access_method.revoked", _moved)
    ),
    "access_grant.met": _rules(
        "access_grant.access_granted_to_all_doors",
        Rule("access_method.issued", not_said("is_again", True)),
        Rule("access_method.reissued", said("is_again", True)),
    ),
    "access_grant.late": _rules("access_method.delay_in_issuing"),
    "access_grant.missed_start": _rules("access_method.failed_to_issue"),
    "access_grant.cancelled": _rules(
        Rule("access_grant.deleted", _of_grants), Rule("access_method.deleted", _of_grants)
    ),
    "connected_account.connected": _rules(
        Rule("connected_account.created", _came_by_webview),
        Rule("connected_account.successful_login", _came_by_webview),
        "connected_account.connected",
        Rule("connected_account.completed_first_sync", not_said("is_again", True)),
        Rule("connected_account.completed_first_sync_after_reconnection", said("is_again", True)),
    ),
    "connected_account.recovered": _rules(
        Rule("connected_account.connected", said("has_new_credentials", True)),
        Rule("connected_account.completed_first_sync_after_reconnection", said("has_new_credentials", True)),
    ),
    "connected_account.credentials_refused": _rules("connected_account.disconnected"),
    # Ours is the end of an account; Seam's word for it is "deleted".
    "connected_account.disconnected": _rules("connected_account.deleted"),
    "device.added": _rules("device.added", Rule("device.connected", not_said("is_online", False))),
    "device.removed": _rules(
        Rule("device.removed", not_said("is_for_good", True)),
        Rule("device.deleted", said("is_for_good", True)),
    ),
    "device.left": _rules("device.deleted"),
    "device.came_online": _rules("device.connected"),
    "device.went_offline": _rules("device.disconnected"),
    "device.connection_flaky": _rules("device.connection_became_flaky"),
    "device.connection_stabilized": _rules("device.connection_stabilized"),
    "device.low_battery": _rules(Rule("device.low_battery", said("level"))),
    "device.battery_changed": _rules(Rule("device.battery_status_changed", said("level"))),
    "device.renamed": _rules("device.name_changed"),
    "device.changed": _rules(Rule("device.name_changed", said("is_renamed", True))),
    "device.subscription_required": _rules("device.error.subscription_required"),
    "device.subscription_found": _rules("device.error.subscription_required.resolved"),
    "device.managed": _rules("device.unmanaged.converted_to_managed"),
    "device.unmanaged": _rules("device.converted_to_unmanaged"),
    "lock.locked": _rules("lock.locked"),
    "lock.unlocked": _rules("lock.unlocked"),
    "lock.access_denied": _rules("lock.access_denied"),
    "property.created": _rules("space.created"),
    "property.removed": _rules("space.deleted"),
    "property.changed": _rules(
        Rule("space.created", said("change", "space_created")),
        Rule("space.deleted", said("change", "space_removed")),
        Rule("space.device_membership_changed", said("change", "devices")),
    ),
    "action_attempt.succeeded": _attempts("succeeded"),
    "action_attempt.failed": _attempts("failed"),
    "connect_webview.login_succeeded": _rules("connect_webview.login_succeeded"),
    "connect_webview.login_failed": _rules("connect_webview.login_failed"),
    "client_session.deleted": _rules("client_session.deleted"),
}
