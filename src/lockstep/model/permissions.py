"""Who may do what: actors, the closed list of scopes, and the question that every operation asks first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from enum import StrEnum
from uuid import UUID

from lockstep.kit.frozen import dataclass


class Scope(StrEnum):
    """What a key may do. Public API: a scope is never renamed."""

    WORKSPACE_READ = "workspace:read"
    WORKSPACE_WRITE = "workspace:write"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    DEVICES_READ = "devices:read"
    DEVICES_UNLOCK = "devices:unlock"
    """Open a door from afar; never given unless asked for."""
    DEVICES_LOCK = "devices:lock"
    """Lock a door from afar, and say whether it locks by itself; given only where asked for."""
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
    SESSIONS_WRITE = "client_sessions:write"
    """Make, see and revoke client sessions and instant keys, for whoever may do all that these may."""


ALL_SCOPES = frozenset(Scope)
FIRST_SCOPES = ALL_SCOPES - {Scope.DEVICES_UNLOCK}
"""Of the first key: all but opening doors from afar, which is given only where somebody asks for it."""
DEFAULT_SCOPES = ALL_SCOPES - {
    Scope.DEVICES_UNLOCK,
    Scope.DEVICES_LOCK,
    Scope.CODES_READ,
    Scope.API_KEYS_WRITE,
    Scope.SESSIONS_WRITE,
    Scope.WORKSPACE_WRITE,
}
"""Scopes of a new key: neither opens nor locks doors, shows no digits, and makes no other key and no session."""


SESSION_SCOPES = frozenset(
    {
        Scope.WORKSPACE_READ,
        Scope.ACCOUNTS_READ,
        Scope.DEVICES_READ,
        Scope.DEVICES_UNLOCK,
        Scope.DEVICES_LOCK,
        Scope.GUESTS_READ,
        Scope.GRANTS_READ,
        Scope.GRANTS_WRITE,
        Scope.CODES_READ,
        Scope.CODES_WRITE,
    }
)
"""Of a client session, on what it was given: a person's own locks, their codes and their doors."""
CUSTOMER_SCOPES = SESSION_SCOPES | {Scope.PROPERTIES_READ, Scope.PROPERTIES_WRITE, Scope.ACCOUNTS_WRITE}
"""Of one that is a customer's, on all that is the customer's."""


class Role(StrEnum):
    """What an operator is in a workspace."""

    OWNER = "owner"
    MEMBER = "member"
    """May not change the workspace itself, nor who may use it."""


_MEMBER_SCOPES = ALL_SCOPES - {Scope.WORKSPACE_WRITE, Scope.API_KEYS_WRITE, Scope.SESSIONS_WRITE}


SEAM_SCOPES = ALL_SCOPES - {Scope.API_KEYS_WRITE, Scope.AUDIT_READ}
"""Of a key for Seam's SDKs, whose methods see digits and open doors: only where somebody asks for such a key."""


class ActorKind(StrEnum):
    OPERATOR = "operator"
    API_KEY = "api_key"
    CLIENT_SESSION = "client_session"
    PUBLISHABLE_KEY = "publishable_key"
    GUEST_LINK = "guest_link"
    CONNECT_WEBVIEW = "connect_webview"
    CUSTOMER_PORTAL = "customer_portal"
    WORKER = "worker"
    SYSTEM = "system"


NO_WORKSPACE = UUID(int=0)
"""Of an actor who has said of none: there never is one with this id."""


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
    account_ids: frozenset[UUID] = frozenset()
    """Of one who is confined: besides its properties, these connected accounts and their devices."""
    device_ids: frozenset[UUID] = frozenset()
    """The same, these devices, wherever they stand."""
    webview_ids: frozenset[UUID] = frozenset()
    guest_ids: frozenset[UUID] = frozenset()
    customer_key: str | None = field(default=None, repr=False)
    """Of a client session whose all this is because it is a customer's."""

    @property
    def name(self) -> str:
        """As events name it: `api_key:key_01...`, `worker:reconciler`."""
        return f"{self.kind}:{self.public_id}"

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    def may_reach(self, property_id: UUID) -> bool:
        return self.property_ids is None or property_id in self.property_ids

    def may_reach_account(self, account_id: UUID) -> bool:
        return self.property_ids is None or account_id in self.account_ids


def worker(workspace_id: UUID, part: str) -> Actor:
    """A worker: what it declares was decided by an operator's settings, so it may do everything but open and lock
    doors."""
    return Actor(
        ActorKind.WORKER, workspace_id, part, ALL_SCOPES - {Scope.DEVICES_UNLOCK, Scope.DEVICES_LOCK}
    )


def system(workspace_id: UUID, part: str) -> Actor:
    """Lockstep's own command line and set-up, on the machine itself."""
    return Actor(ActorKind.SYSTEM, workspace_id, part, ALL_SCOPES)


def operator(workspace_id: UUID, public_id: str, role: Role) -> Actor:
    """A person who signed in, in one of the workspaces that they belong to."""
    scopes = ALL_SCOPES if role is Role.OWNER else _MEMBER_SCOPES
    return Actor(ActorKind.OPERATOR, workspace_id, public_id, scopes)


def operator_without_workspace(public_id: str) -> Actor:
    """The same, as long as they have not said in which; may do nothing."""
    return Actor(ActorKind.OPERATOR, NO_WORKSPACE, public_id, property_ids=frozenset())


def client_session(
    workspace_id: UUID,
    public_id: str,
    *,
    account_ids: Iterable[UUID],
    device_ids: Iterable[UUID],
    webview_ids: Iterable[UUID],
    guest_ids: Iterable[UUID],
    customer_key: str | None = None,
    property_ids: Iterable[UUID] = (),
) -> Actor:
    """A person's app: it reaches what it was given, and no property but a customer's, where it is this customer's."""
    return Actor(
        ActorKind.CLIENT_SESSION,
        workspace_id,
        public_id,
        SESSION_SCOPES if customer_key is None else CUSTOMER_SCOPES,
        property_ids=frozenset(property_ids),
        account_ids=frozenset(account_ids),
        device_ids=frozenset(device_ids),
        webview_ids=frozenset(webview_ids),
        guest_ids=frozenset(guest_ids),
        customer_key=customer_key,
    )


def webview(workspace_id: UUID, public_id: str) -> Actor:
    """Whoever follows the link of a connect webview: connects one account, which is all that is asked for them."""
    scopes = frozenset({Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE})
    return Actor(ActorKind.CONNECT_WEBVIEW, workspace_id, public_id, scopes)


def guest_link(workspace_id: UUID, public_id: str, device_ids: Iterable[UUID], guest_id: UUID) -> Actor:
    """A guest who follows a link of theirs: sees their own codes, and opens these doors."""
    scopes = frozenset({Scope.DEVICES_READ, Scope.DEVICES_UNLOCK, Scope.GRANTS_READ, Scope.CODES_READ})
    return Actor(
        ActorKind.GUEST_LINK,
        workspace_id,
        public_id,
        scopes,
        property_ids=frozenset(),
        device_ids=frozenset(device_ids),
        guest_ids=frozenset({guest_id}),
    )


def portal(workspace_id: UUID, public_id: str, scopes: frozenset[Scope]) -> Actor:
    """Whoever follows the link of a customer's portal: sees what is asked for them, and changes nothing."""
    return Actor(ActorKind.CUSTOMER_PORTAL, workspace_id, public_id, scopes)


def publisher(workspace_id: UUID, public_id: str) -> Actor:
    """Whoever shows a workspace's key that stands in public pages: it may get client sessions, and has no scope."""
    return Actor(ActorKind.PUBLISHABLE_KEY, workspace_id, public_id, property_ids=frozenset())


def require(actor: Actor, scope: Scope) -> None:
    """The first line of an operation. Raises NotAllowed, which says what is missing."""
    if actor.may(scope):
        return
    if actor.kind is ActorKind.GUEST_LINK:
        raise NotAllowed("A guest's link may not do this.", "Ask your host.", scope)
    if actor.kind is ActorKind.CLIENT_SESSION:
        raise NotAllowed("A client session may not do this.", "Use an API key, on your server.", scope)
    raise NotAllowed(
        f"The scope {scope} is missing.",
        # A key cannot hand on what it lacks itself; the command line, which is the machine's own, may.
        f"Use a key that has the scope {scope}, or make one: lockstep keys create NAME --scope {scope}",
        scope,
    )


def require_or_own(actor: Actor, scope: Scope) -> None:
    """For what a client session may do with what it was given, though it has not the scope, which is of all there is.
    Whoever asks this looks at what was given. Raises NotAllowed."""
    if actor.kind is not ActorKind.CLIENT_SESSION:
        require(actor, scope)


def require_property(actor: Actor, property_id: UUID) -> None:
    """Raises NotAllowed where the actor is confined to other properties."""
    if not actor.may_reach(property_id):
        raise NotAllowed(
            "This key is confined to other properties.", "Use a key that may reach this property."
        )


def require_accounts(actor: Actor) -> None:
    """For what shows connected accounts: of these a client session has its own, and a key that is confined to
    properties none. Raises NotAllowed."""
    if actor.kind is not ActorKind.CLIENT_SESSION:
        require_whole_workspace(actor)


def require_account(actor: Actor, account_id: UUID) -> None:
    """The same for one account. Raises NotAllowed."""
    require_accounts(actor)
    if not actor.may_reach_account(account_id):
        raise NotAllowed(
            "This connected account was not given to the client session.",
            "Give it to the session, or make another.",
        )


def require_sessions(actor: Actor) -> None:
    """Whether it may make and see client sessions: of the whole workspace, and nothing that it may not do itself.
    Raises NotAllowed."""
    require(actor, Scope.SESSIONS_WRITE)
    require_no_more_than(actor, CUSTOMER_SCOPES)
    require_whole_workspace(actor)


def customer_of(actor: Actor, asked: str | None) -> str | None:
    """Whose it is what this actor makes: what a client session makes is its customer's, and no other's. `asked`: whose
    it is to be. Raises NotAllowed."""
    if actor.kind is not ActorKind.CLIENT_SESSION:
        return asked
    if asked not in (None, actor.customer_key):
        raise NotAllowed("The client session is not this customer's.", "Leave the customer's key out.")
    return actor.customer_key


def require_whole_workspace(actor: Actor) -> None:
    """For what cannot be split by property. Raises NotAllowed for an actor confined to some."""
    if actor.kind is ActorKind.CLIENT_SESSION:
        raise NotAllowed(
            "A client session reaches what it was given, and this concerns the whole workspace.",
            "Use an API key, on your server.",
        )
    if actor.property_ids is not None:
        raise NotAllowed(
            "This key is confined to some properties, and this concerns the whole workspace.",
            "Use a key that is not confined.",
        )


def require_own_or_whole(actor: Actor, customer_key: str | None) -> None:
    """For what cannot be split by property, but may be a customer's: then that customer's session may do it, too.
    Raises NotAllowed."""
    if actor.customer_key is None or actor.customer_key != customer_key:
        require_whole_workspace(actor)


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
