"""Who may do what, and what somebody who may not is told."""

from __future__ import annotations

import pytest
from tests.model.simulated import entry_id

from lockstep.model.permissions import (
    ALL_SCOPES,
    DEFAULT_SCOPES,
    Actor,
    ActorKind,
    NotAllowed,
    Scope,
    ScopeUnknown,
    parse_scopes,
    require,
    require_no_more_than,
    require_property,
    require_whole_workspace,
    system,
    worker,
)

WORKSPACE, HERE, THERE = entry_id(1), entry_id(2), entry_id(3)
KEY = Actor(ActorKind.API_KEY, WORKSPACE, "key_01", DEFAULT_SCOPES)


@pytest.mark.parametrize("scope", sorted(ALL_SCOPES))
def test_a_scope_is_required_and_missed_by_its_name(scope: Scope) -> None:
    require(Actor(ActorKind.API_KEY, WORKSPACE, "key_01", frozenset({scope})), scope)
    with pytest.raises(NotAllowed, match=scope) as told:
        require(Actor(ActorKind.API_KEY, WORKSPACE, "key_01", ALL_SCOPES - {scope}), scope)
    assert (told.value.code, told.value.missing) == ("not_allowed", scope)
    assert scope in told.value.cause
    assert scope in told.value.next_step


def test_a_new_key_neither_opens_doors_nor_shows_digits_nor_makes_keys() -> None:
    for scope in (
        "devices:unlock",
        "devices:lock",
        "codes:read",
        "api_keys:write",
        "client_sessions:write",
        "workspace:write",
    ):
        assert not KEY.may(Scope(scope))
    for scope in ("codes:write", "bookings:write", "devices:read"):
        assert KEY.may(Scope(scope))


def test_a_guest_is_sent_to_the_host() -> None:
    guest = Actor(ActorKind.GUEST_LINK, WORKSPACE, "link_01")
    with pytest.raises(NotAllowed, match="Ask your host"):
        require(guest, Scope.BOOKINGS_READ)


def test_a_worker_opens_and_locks_no_door_and_the_machine_itself_may_do_all() -> None:
    assert not worker(WORKSPACE, "reconciler").may(Scope.DEVICES_UNLOCK)
    assert not worker(WORKSPACE, "reconciler").may(Scope.DEVICES_LOCK)
    assert worker(WORKSPACE, "reconciler").name == "worker:reconciler"
    assert system(WORKSPACE, "cli").scopes == ALL_SCOPES


def test_a_key_confined_to_properties_reaches_no_other_and_nothing_of_the_whole() -> None:
    confined = Actor(ActorKind.API_KEY, WORKSPACE, "key_02", DEFAULT_SCOPES, frozenset({HERE}))
    require_property(confined, HERE)
    require_property(KEY, THERE)
    require_whole_workspace(KEY)
    with pytest.raises(NotAllowed, match="other properties"):
        require_property(confined, THERE)
    with pytest.raises(NotAllowed, match="whole workspace"):
        require_whole_workspace(confined)


def test_a_key_gives_on_only_what_it_has() -> None:
    require_no_more_than(KEY, DEFAULT_SCOPES)
    with pytest.raises(NotAllowed) as told:
        require_no_more_than(KEY, DEFAULT_SCOPES | {Scope.DEVICES_UNLOCK})
    assert told.value.missing is Scope.DEVICES_UNLOCK


def test_scopes_are_read_from_their_names_and_unknown_ones_are_refused() -> None:
    assert parse_scopes(["codes:read", "events:read"]) == {Scope.CODES_READ, Scope.EVENTS_READ}
    with pytest.raises(ScopeUnknown, match="doors:kick"):
        parse_scopes(["codes:read", "doors:kick"])


def test_events_name_an_actor_by_kind_and_id() -> None:
    assert KEY.name == "api_key:key_01"
