"""Every type that an event of ours may be told as has the shape that Seam's contract gives it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from openapi_schema_validator import OAS30ReadValidator, oas30_format_checker
from tests.http.seam.contract import document

from lockstep.http.seam.catalogue import event_types
from lockstep.http.seam.present.event import event, has_its_device, ids_behind, told_id
from lockstep.http.seam.present.event_types import RULES, types_of
from lockstep.http.seam.present.ids import shown
from lockstep.kit.ids import new_id, public_id
from lockstep.model import connecting_events, events
from lockstep.model.event import Event, RecordedEvent
from lockstep.model.event_variety import ABOUT, SAID, example_of, variety_of
from lockstep.operations.event_surroundings import CodeAround, Surroundings
from lockstep.storage.event_surroundings import AccountAround, DeviceAround, GrantAround, SpaceAround

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
STAY: dict[str, Any] = {"starts_at": AT - timedelta(hours=1), "ends_at": AT + timedelta(days=2)}


def id_of(noun: str) -> str:
    return public_id(noun, UUID(int=0x0190_0000_0000_7000_8000_0000_0000_0000 + len(noun)))


DEVICE, CODE, GRANT, ACCOUNT = id_of("lock"), id_of("code"), id_of("grant"), id_of("account")
OF_DEVICE: dict[str, Any] = {"device_id": DEVICE}
OF_CODE: dict[str, Any] = {**OF_DEVICE, "access_code_id": CODE, "access_grant_id": GRANT}
OF_ACCOUNT: dict[str, Any] = {"connected_account_id": ACCOUNT}
OF_PROPERTY: dict[str, Any] = {"property_id": id_of("space")}
FAILED: dict[str, Any] = {"code": "late", "cause": "The lock is offline.", "next_step": "Look at it."}
NEAR = Surroundings(
    {DEVICE: DeviceAround(DEVICE, ACCOUNT, "Front door", {"floor": "2", "is_main": True})},
    {ACCOUNT: AccountAround(ACCOUNT, "customer-1", {"region": "north"})},
    {CODE: CodeAround("Anna Smith", "472931", frozenset({2}))},
    {GRANT: GrantAround(GRANT, "stay-1", [id_of("method")], CODE, False, AT)},
    {id_of("space"): SpaceAround(id_of("space"), "flat-1", [DEVICE])},
)


def told() -> Iterator[Event]:
    """Each kind that is told, in each way that makes a difference."""
    yield events.AccessCodeCreated(**OF_CODE)
    before: dict[str, Any] = {"starts_at_before": AT, "ends_at_before": None}
    yield events.AccessCodeChanged(**OF_CODE, changed=("code", "window", "name"), **STAY, **before)
    yield events.AccessCodeChanged(**OF_CODE)
    yield events.AccessCodeDeleted(**OF_CODE)
    yield events.AccessCodeGone(**OF_CODE)
    yield events.AccessCodeLeft(**OF_CODE, is_on_lock=True)
    yield events.AccessCodeSetOnDevice(**OF_CODE, evidence="listed", is_ahead=True, revision=2)
    yield events.AccessCodeSetOnDevice(**OF_CODE, evidence="listed", revision=2)
    yield events.AccessCodeStarted(**OF_CODE, revision=2)
    yield events.AccessCodeRemovedFromDevice(**OF_CODE)
    yield events.AccessCodeModifiedOutside(**OF_CODE)
    yield events.AccessCodeRemovedOutside(**OF_CODE)
    yield events.AccessCodeOverwrittenAgain(**OF_CODE, **FAILED, times=3)
    for kind in (events.AccessCodeFailedToSet, events.AccessCodeFull, events.AccessCodeDuplicateTaken):
        yield kind(**OF_CODE, **FAILED)
        yield kind(**OF_CODE, **FAILED, is_update=True)
    yield events.AccessCodeMissedStart(**OF_CODE, **FAILED)
    yield events.AccessCodeMissedStart(**OF_CODE, **FAILED, is_update=True)
    at_door: dict[str, Any] = {**OF_CODE, "is_at_door": True}
    yield events.AccessCodeSetOnDevice(**at_door, evidence="listed")
    yield events.AccessCodeRemovedFromDevice(**at_door)
    yield events.AccessCodeRemovedOutside(**at_door)
    yield events.AccessCodeModifiedOutside(**at_door, modified_fields=({"field": "code"},))
    yield events.AccessCodeLate(**OF_CODE, **FAILED, starts_at=AT + timedelta(hours=1))
    yield events.AccessCodeFailedToRemove(**OF_CODE, **FAILED)
    yield events.AccessCodeFailedToRemove(**OF_CODE, **FAILED, is_withdrawn=False)
    yield events.AccessCodeAdopted(**OF_CODE)
    for seen in (events.UnmanagedCodeCreated, events.UnmanagedCodeRemoved):
        yield seen(**OF_DEVICE, unmanaged_code_id=CODE)
    yield events.AccessGrantCreated(access_grant_id=GRANT)
    yield events.AccessGrantChanged(access_grant_id=GRANT, is_moved=True, **STAY)
    yield events.AccessGrantMet(access_grant_id=GRANT)
    yield events.AccessGrantMet(access_grant_id=GRANT, is_again=True)
    yield events.AccessGrantLate(access_grant_id=GRANT)
    yield events.AccessGrantMissedStart(access_grant_id=GRANT)
    yield events.AccessGrantCancelled(access_grant_id=GRANT)
    yield connecting_events.ConnectWebviewLoginSucceeded(**OF_ACCOUNT, connect_webview_id=id_of("webview"))
    yield connecting_events.ConnectWebviewLoginFailed(connect_webview_id=id_of("webview"), **FAILED)
    yield events.ClientSessionDeleted(client_session_id=id_of("session"))
    yield events.AccessCodeBackupPulled(**OF_CODE, backup_access_code_id=id_of("backup"))
    yield events.ConnectedAccountConnected(**OF_ACCOUNT, connect_webview_id=id_of("webview"))
    yield events.ConnectedAccountConnected(**OF_ACCOUNT, is_again=True)
    yield events.ConnectedAccountRecovered(**OF_ACCOUNT, has_new_credentials=True)
    yield events.ConnectedAccountCredentialsRefused(**OF_ACCOUNT, **FAILED)
    yield events.ConnectedAccountDisconnected(**OF_ACCOUNT, codes_left=2)
    yield events.DeviceLeft(**OF_DEVICE)
    yield events.DeviceAdded(**OF_DEVICE, is_online=True)
    yield events.DeviceRemoved(**OF_DEVICE)
    yield events.DeviceRemoved(**OF_DEVICE, is_for_good=True)
    yield events.DeviceCameOnline(**OF_DEVICE)
    yield events.DeviceWentOffline(**OF_DEVICE)
    yield events.DeviceWentOffline(**OF_DEVICE, is_hub=True)
    yield events.DeviceConnectionFlaky(**OF_DEVICE)
    yield events.DeviceConnectionStabilized(**OF_DEVICE)
    yield events.DeviceLowBattery(**OF_DEVICE, level=0.04)
    yield events.DeviceBatteryChanged(**OF_DEVICE, battery="low", level=0.2)
    for device in (events.DeviceRenamed, events.DeviceSubscriptionRequired, events.DeviceSubscriptionFound):
        yield device(**OF_DEVICE)
    yield events.DeviceChanged(**OF_DEVICE, is_renamed=True)
    yield events.DeviceManaged(**OF_DEVICE)
    yield events.DeviceUnmanaged(**OF_DEVICE)
    yield events.LockLocked(**OF_DEVICE, at=AT)
    yield events.LockUnlocked(**OF_CODE, guest_id=id_of("guest"), at=AT, how="code")
    yield events.LockAccessDenied(**OF_DEVICE, at=AT, how="code")
    yield events.PropertyCreated(**OF_PROPERTY)
    yield events.PropertyRemoved(**OF_PROPERTY)
    for change in ("space_created", "space_removed", "devices"):
        yield events.PropertyChanged(**OF_PROPERTY, space_id=id_of("space"), change=change)
    for action in ("unlock", "lock", "simulate_keypad_entry", "simulate_manual_lock"):
        of: dict[str, Any] = {**OF_DEVICE, "action_attempt_id": id_of("attempt"), "action": action}
        yield events.ActionAttemptSucceeded(**of)
        yield events.ActionAttemptFailed(**of, **FAILED)


def recorded(fact: Event) -> RecordedEvent:
    listed_at = AT + timedelta(seconds=1)
    said = fact.payload()
    return RecordedEvent(
        public_id("event", new_id()), 7, fact.kind, AT, "worker:test", fact.subjects(), said, listed_at
    )


@functools.cache
def validator_of(type: str) -> OAS30ReadValidator:
    (variant,) = [
        v
        for v in document()["components"]["schemas"]["event"]["oneOf"]
        if v["properties"]["event_type"]["enum"] == [type]
    ]
    return OAS30ReadValidator(variant, format_checker=oas30_format_checker)


@pytest.mark.parametrize("fact", list(told()), ids=lambda fact: f"{fact.kind}")
def test_an_event_has_the_shape_of_each_type_that_it_is_told_as(fact: Event) -> None:
    row = recorded(fact)
    assert types_of(row)
    for type in types_of(row):
        shape = event(row, type, NEAR, id_of("ws"))
        faults = [
            f"{type}: {f.message} at {list(f.absolute_path)}" for f in validator_of(type).iter_errors(shape)
        ]
        assert not faults, faults


def test_every_rule_is_tried_here_and_names_a_type_of_the_contract() -> None:
    known = {rule.type for rules in RULES.values() for rule in rules}
    assert {type for fact in told() for type in types_of(recorded(fact))} == known
    assert {rule.type for rules in RULES.values() for rule in rules} <= event_types()
    assert event_types() == {
        v["properties"]["event_type"]["enum"][0]
        for v in document()["components"]["schemas"]["event"]["oneOf"]
    }


def test_the_guide_lists_the_types_that_are_told_and_no_other() -> None:
    page = (Path(__file__).parents[3] / "docs" / "seam-events.md").read_text("utf-8")
    table = page.partition("## What is told")[2].partition("## What is not told")[0]
    named = {
        name for line in table.splitlines() for name in re.findall(r"`([a-z_.]+)`", line.split(" | ")[0])
    }
    assert named == {rule.type for rules in RULES.values() for rule in rules}


def test_each_type_of_an_event_has_an_id_of_its_own_that_leads_back_to_it() -> None:
    row = recorded(events.AccessCodeStarted(**OF_CODE))
    types = types_of(row)
    ids = [told_id(row, type) for type in types]
    assert ids[0] == shown(row.event_id)
    assert len({UUID(id) for id in ids}) == len(types) == 2
    assert all(shown(row.event_id) in ids_behind(id, frozenset(types)) for id in ids)


def test_what_an_event_is_told_as_follows_from_its_variety() -> None:
    for fact in told():
        row = recorded(fact)
        variety = variety_of(row.type, row.subjects, row.payload)
        assert types_of(example_of(variety)) == types_of(row), variety


def test_no_rule_asks_of_an_event_what_its_variety_does_not_tell() -> None:
    looked_at: set[str] = set()

    class Noting(dict[str, Any]):
        """Says nothing, and notes what it is asked."""

        def get(self, name: str, default: Any = None) -> Any:
            looked_at.add(name)
            return True if name == "is_at_door" else super().get(name, default)

        def __contains__(self, name: object) -> bool:
            looked_at.add(str(name))
            return False

    for kind in RULES:
        types_of(replace(example_of(kind), payload=Noting(form="grant"), subjects=Noting()))
    assert looked_at == SAID | ABOUT


def test_an_event_of_a_device_that_is_gone_is_known_as_such() -> None:
    gone = replace(NEAR, devices={})
    assert not has_its_device(recorded(events.DeviceCameOnline(**OF_DEVICE)), gone)
    assert has_its_device(recorded(events.DeviceCameOnline(**OF_DEVICE)), NEAR)
    assert has_its_device(recorded(events.AccessGrantCreated(access_grant_id=GRANT)), gone)


def test_a_method_that_is_issued_tells_the_code_to_whoever_may_read_it_and_none_that_was_changed() -> None:
    row = recorded(events.AccessGrantMet(access_grant_id=GRANT))
    issued = event(row, "access_method.issued", NEAR, id_of("ws"))
    assert (issued["code"], issued["is_backup_code"]) == ("472931", False)
    blind = replace(NEAR, codes={CODE: CodeAround(None, None, frozenset({2}))})
    assert "code" not in event(row, "access_method.issued", blind, id_of("ws"))
    later = GrantAround(GRANT, None, [id_of("method")], CODE, False, AT + timedelta(hours=1))
    assert "code" not in event(row, "access_method.issued", replace(NEAR, grants={GRANT: later}), id_of("ws"))


def digits_in(type: str, near: Surroundings, revision: int) -> Any:
    row = recorded(events.AccessCodeSetOnDevice(**OF_CODE, evidence="listed", revision=revision))
    return event(row, type, near, id_of("ws"))["code"]


def test_digits_are_told_to_whoever_may_read_them_and_never_those_of_another_revision() -> None:
    assert digits_in("access_code.set_on_device", NEAR, 2) == "472931"
    assert digits_in("access_code.set_on_device", NEAR, 1) == ""
    blind = replace(NEAR, codes={CODE: CodeAround(None, None, frozenset({2}))})
    assert digits_in("access_code.set_on_device", blind, 2) == ""
