"""Who may do what: actors, the closed list of scopes, and the question that every operation asks first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class Scope(StrEnum):
    """What a key may do. Public API: a scope is never renamed."""

    WORKSPACE_READ = "workspace:read"
    WORKSPACE_WRITE = "workspace:write"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    DEVICES_READ = "devices:read"
    DEVICES_UNLOCK = "devices:unlock"
    """Open a door from afar; never given unless asked for."""
    PROPERTIES_READ = "properties:read"
    PROPERTIES_WRITE = "properties:write"
    CALENDARS_READ = "calendars:read"
    CALENDARS_WRITE = "calendars:write"
    BOOKINGS_READ = "bookings:read"
    BOOKINGS_WRITE = "bookings:write"
    GUESTS_READ = "guests:read"
    GUESTS_WRITE = "guests:write"
    GRANTS_READ = "grants:read"
    GRANTS_WRITE = "grants:write"
    CODES_READ = "codes:read"
    """See digits; without it they are masked. Never given unless asked for."""
    CODES_WRITE = "codes:write"
    EVENTS_READ = "events:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    AUDIT_READ = "audit:read"
    API_KEYS_WRITE = "api_keys:write"
    """Make and revoke keys, none of which may do more than the one that makes it."""


ALL_SCOPES = frozenset(Scope)
FIRST_SCOPES = ALL_SCOPES - {Scope.DEVICES_UNLOCK}
"""Of the first key: all but opening doors from afar, which is given only where somebody asks for it."""
DEFAULT_SCOPES = ALL_SCOPES - {
    Scope.DEVICES_UNLOCK,
    Scope.CODES_READ,
    Scope.API_KEYS_WRITE,
    Scope.WORKSPACE_WRITE,
}
"""Scopes of a new key: neither opens doors nor shows digits, and makes no other key."""


class ActorKind(StrEnum):
    OPERATOR = "operator"
    API_KEY = "api_key"
    GUEST_LINK = "guest_link"
    WORKER = "worker"
    SYSTEM = "system"


class NotAllowed(Exception):
    """This is not allowed. Ask whoever runs this workspace for a key that may."""

    code = "not_allowed"

    def __init__(self, cause: str, next_step: str, missing: Scope | None = None) -> None:
        super().__init__(f"{cause} {next_step}")
        self.cause = cause
        self.next_step = next_step
        self.missing = missing


class ScopeUnknown(ValueError):
    """There is no such scope. The documentation of API keys lists them all."""

    code = "scope_unknown"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever an operation runs as."""

    kind: ActorKind
    workspace_id: UUID
    public_id: str
    """Of the operator, key or guest link; for workers and the system, which part of it."""
    scopes: frozenset[Scope] = field(default_factory=frozenset)
    property_ids: frozenset[UUID] | None = None
    """Only these properties and what lies in them; None: all."""

    @property
    def name(self) -> str:
        """As events name it: `api_key:key_01...`, `worker:reconciler`."""
        return f"{self.kind}:{self.public_id}"

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    def may_reach(self, property_id: UUID) -> bool:
        return self.property_ids is None or property_id in self.property_ids


def worker(workspace_id: UUID, part: str) -> Actor:
    """A worker: what it declares was decided by an operator's settings, so it may do everything but open doors."""
    return Actor(ActorKind.WORKER, workspace_id, part, ALL_SCOPES - {Scope.DEVICES_UNLOCK})


def system(workspace_id: UUID, part: str) -> Actor:
    """Lockstep's own command line and set-up, on the machine itself."""
    return Actor(ActorKind.SYSTEM, workspace_id, part, ALL_SCOPES)


def require(actor: Actor, scope: Scope) -> None:
    """The first line of an operation. Raises NotAllowed, which says what is missing."""
    if actor.may(scope):
        return
    if actor.kind is ActorKind.GUEST_LINK:
        raise NotAllowed("A guest's link may not do this.", "Ask your host.", scope)
    raise NotAllowed(
        f"The scope {scope} is missing.",
        # A key cannot hand on what it lacks itself; the command line, which is the machine's own, may.
        f"Use a key that has the scope {scope}, or make one: lockstep keys create NAME --scope {scope}",
        scope,
    )


def require_property(actor: Actor, property_id: UUID) -> None:
    """Raises NotAllowed where the actor is confined to other properties."""
    if not actor.may_reach(property_id):
        raise NotAllowed(
            "This key is confined to other properties.", "Use a key that may reach this property."
        )


def require_whole_workspace(actor: Actor) -> None:
    """For what cannot be split by property. Raises NotAllowed for an actor confined to some."""
    if actor.property_ids is not None:
        raise NotAllowed(
            "This key is confined to some properties, and this concerns the whole workspace.",
            "Use a key that is not confined.",
        )


def parse_scopes(texts: Iterable[str]) -> frozenset[Scope]:
    """Scopes from their names. Raises ScopeUnknown."""
    found = set()
    for text in texts:
        if text not in Scope._value2member_map_:
            raise ScopeUnknown(f"There is no scope {text!r}. There are: {', '.join(Scope)}.")
        found.add(Scope(text))
    return frozenset(found)


def require_no_more_than(actor: Actor, scopes: frozenset[Scope]) -> None:
    """A key gives on only what it has. Raises NotAllowed, which names a scope that is missing."""
    for scope in sorted(scopes - actor.scopes):
        require(actor, scope)
