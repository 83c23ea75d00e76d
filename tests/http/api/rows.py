"""One request for each route of the description, such as a good key could make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tests.http.api.furnished import GRANT, TOKEN, Ids

from lockstep.model.permissions import Scope

Elsewhere = Literal["refused", "hidden", "shared"]
"""For a key confined to another property: refused; hidden from a list; or nothing of any property."""


@dataclass(frozen=True, slots=True)
class Row:
    """A request that a good key can make. `elsewhere`: what a key confined to another property gets."""

    scope: Scope
    body: Callable[[Ids], Any] = lambda ids: None
    elsewhere: Elsewhere = "refused"
    answers: int | None = None
    """Of a good key; None: as described. Another where what it needs is not there."""


def credentials(host: str = "nuki.test") -> dict[str, str]:
    return {"token": TOKEN, "endpoint": f"http://{host}"}


def body(value: Any) -> Callable[[Ids], Any]:
    return lambda ids: value


# In an order in which each can be made: what destroys comes last.
ROWS: dict[str, Row] = {
    "list_vendors": Row(Scope.ACCOUNTS_READ, elsewhere="shared"),
    "list_connected_accounts": Row(Scope.ACCOUNTS_READ),
    "get_connected_account": Row(Scope.ACCOUNTS_READ),
    "connect_account": Row(
        Scope.ACCOUNTS_WRITE, body({"vendor": "nuki", "credentials": credentials("second.test")})
    ),
    "change_credentials": Row(Scope.ACCOUNTS_WRITE, body({"credentials": credentials()})),
    "look_at_connected_account": Row(Scope.ACCOUNTS_WRITE),
    "list_devices": Row(Scope.DEVICES_READ, elsewhere="hidden"),
    "get_device": Row(Scope.DEVICES_READ),
    "look_at_device": Row(Scope.GRANTS_WRITE),
    "set_backup_pool": Row(Scope.GRANTS_WRITE, body({"size": 2})),
    "unlock_device": Row(Scope.DEVICES_UNLOCK),
    "lock_device": Row(Scope.DEVICES_LOCK),
    "configure_auto_lock": Row(Scope.DEVICES_LOCK, body({"is_enabled": True, "delay_seconds": 30})),
    "give_up_device": Row(Scope.ACCOUNTS_WRITE, answers=409),
    "list_unmanaged_codes": Row(Scope.GRANTS_READ),
    "list_action_attempts": Row(Scope.DEVICES_READ, elsewhere="hidden"),
    "get_action_attempt": Row(Scope.DEVICES_READ),
    "list_spaces": Row(Scope.PROPERTIES_READ, elsewhere="hidden"),
    "get_space": Row(Scope.PROPERTIES_READ),
    "list_devices_of_space": Row(Scope.DEVICES_READ),
    "create_space": Row(
        Scope.PROPERTIES_WRITE, lambda ids: {"name": "Attic", "parent_space_id": ids["space_id"]}
    ),
    "change_space": Row(Scope.PROPERTIES_WRITE, body({"name": "Flat one"})),
    "add_devices_to_space": Row(Scope.PROPERTIES_WRITE, lambda ids: {"device_ids": [ids["device_id"]]}),
    "list_calendars": Row(Scope.CALENDARS_READ, elsewhere="hidden"),
    "get_calendar": Row(Scope.CALENDARS_READ),
    "add_calendar": Row(
        Scope.CALENDARS_WRITE,
        lambda ids: {"space_id": ids["space_id"], "url": "https://calendar.example/other.ics"},
    ),
    "change_calendar": Row(Scope.CALENDARS_WRITE, body({"name": "Airbnb"})),
    "import_calendar": Row(Scope.CALENDARS_WRITE),
    "confirm_calendar": Row(Scope.CALENDARS_WRITE, answers=409),
    "release_calendar": Row(Scope.CALENDARS_WRITE, answers=409),
    "list_bookings": Row(Scope.BOOKINGS_READ, elsewhere="hidden"),
    "get_booking": Row(Scope.BOOKINGS_READ),
    "create_booking": Row(
        Scope.BOOKINGS_WRITE,
        lambda ids: {"space_id": ids["space_id"], "arrives": "2026-07-01", "departs": "2026-07-03"},
    ),
    "change_booking": Row(Scope.BOOKINGS_WRITE, body({"departs": "2026-06-06"})),
    "confirm_booking": Row(Scope.BOOKINGS_WRITE),
    "list_guests": Row(Scope.GUESTS_READ),
    "get_guest": Row(Scope.GUESTS_READ),
    "create_guest": Row(Scope.GUESTS_WRITE, body({"name": "Ben"})),
    "change_guest": Row(Scope.GUESTS_WRITE, body({"language": "nl"})),
    "list_access_grants": Row(Scope.GRANTS_READ, elsewhere="hidden"),
    "get_access_grant": Row(Scope.GRANTS_READ),
    "create_access_grant": Row(
        Scope.GRANTS_WRITE, lambda ids: GRANT | {"device_ids": [ids["device_id"]], "code": None}
    ),
    "change_access_grant": Row(Scope.GRANTS_WRITE, body({"name": "Cleaning again"})),
    "list_access_codes": Row(Scope.GRANTS_READ, elsewhere="hidden"),
    "get_access_code": Row(Scope.GRANTS_READ),
    "pull_backup_code": Row(Scope.GRANTS_WRITE, answers=409),
    "list_arrivals": Row(Scope.GRANTS_READ, elsewhere="hidden"),
    "get_workspace": Row(Scope.WORKSPACE_READ, elsewhere="shared"),
    "change_workspace": Row(Scope.WORKSPACE_WRITE, body({"name": "Harbour flats"})),
    "confirm_workspace": Row(Scope.WORKSPACE_WRITE),
    "list_api_keys": Row(Scope.API_KEYS_WRITE),
    "get_api_key": Row(Scope.API_KEYS_WRITE),
    "create_api_key": Row(Scope.API_KEYS_WRITE, body({"name": "Sync"})),
    "list_events": Row(Scope.EVENTS_READ),
    "get_event": Row(Scope.EVENTS_READ, answers=404),
    "list_webhooks": Row(Scope.WEBHOOKS_READ),
    "get_webhook": Row(Scope.WEBHOOKS_READ),
    "create_webhook": Row(Scope.WEBHOOKS_WRITE, body({"url": "https://hooks.example/second"})),
    "change_webhook": Row(Scope.WEBHOOKS_WRITE, body({"types": ["booking.created"]})),
    "rotate_webhook_secret": Row(Scope.WEBHOOKS_WRITE),
    "list_deliveries": Row(Scope.WEBHOOKS_READ),
    "send_delivery_again": Row(Scope.WEBHOOKS_WRITE, answers=404),
    "list_audit": Row(Scope.AUDIT_READ),
    "check_audit": Row(Scope.AUDIT_READ),
    "get_audit_head": Row(Scope.AUDIT_READ),
    "export_audit": Row(Scope.AUDIT_READ),
    "cancel_access_grant": Row(Scope.GRANTS_WRITE, body({"is_compromised": True})),
    "cancel_booking": Row(Scope.BOOKINGS_WRITE),
    "erase_guest": Row(Scope.GUESTS_WRITE),
    "remove_calendar": Row(Scope.CALENDARS_WRITE),
    "remove_device_from_space": Row(Scope.PROPERTIES_WRITE),
    "remove_space": Row(Scope.PROPERTIES_WRITE, answers=409),
    "remove_webhook": Row(Scope.WEBHOOKS_WRITE),
    "disconnect_account": Row(Scope.ACCOUNTS_WRITE, body({"codes": "leave"})),
    "revoke_api_key": Row(Scope.API_KEYS_WRITE),
}
