"""What may be asked of API keys, and who a key is. A secret is shown once; only its hash is remembered."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from uuid import UUID

from lockstep.kit import bearer
from lockstep.kit.frozen import dataclass
from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.permissions import (
    DEFAULT_SCOPES,
    Actor,
    ActorKind,
    Scope,
    ScopeUnknown,
    parse_scopes,
    require,
    require_no_more_than,
    require_whole_workspace,
)
from lockstep.operations import events as recorded
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.words import words
from lockstep.storage import api_keys, spaces
from lockstep.storage.api_keys import ApiKeyRow


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it may be shown: `shown` is how its secret begins."""

    api_key_id: str
    name: str
    shown: str
    scopes: tuple[str, ...]
    property_ids: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class CreateApiKey:
    """`scopes` None: the usual ones. `property_ids` None: all properties; else only those and what lies in them."""

    name: str
    scopes: Sequence[str] | None = None
    property_ids: Sequence[str] | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """The only time that the secret is shown."""

    api_key: ApiKey
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a valid key is, and until when."""

    actor: Actor
    expires_at: datetime | None
    is_paced: bool | None = None
    """Whether the pace of callers is kept in its workspace; None: it was not looked up."""

    def is_over(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


async def authenticate(gate: Gate, secret: str) -> SignedIn | None:
    """Whoever this key is; None where it is not known, revoked or expired."""
    if not bearer.may_be_secret(secret):
        return None

    async def ask(hashes: Sequence[bytes]) -> Sequence[tuple[ApiKeyRow, bool] | None]:
        async with gate.database.reading(None) as db:
            return await api_keys.find_in_every_workspace(db, hashes)

    # With all who ask at the same time. The question begins after each of them came: what was revoked before is found.
    found = await gate.questions.one("api keys", ask, bearer.hash_of(secret))
    return None if found is None else _signed_in(gate, *found)


async def recognise(gate: Gate, workspace_id: UUID, api_key_id: str) -> SignedIn | None:
    """Whoever showed this key's secret before, as the key stands now; None where it was revoked or expired."""
    async with gate.database.reading(workspace_id) as db:
        row = await api_keys.find(db, workspace_id, api_key_id)
    return _signed_in(gate, row)


async def create(tx: Tx, actor: Actor, command: CreateApiKey) -> NewApiKey:
    """Make a key that may do no more than the one that asks for it."""
    return await _create(tx, actor, command, bearer.new_secret(bearer.API_KEY))


async def import_secret(tx: Tx, actor: Actor, command: CreateApiKey, secret: str) -> NewApiKey:
    """As `create`, with a secret that is known from elsewhere: for a sandbox that is seeded, and nothing else.

    Raises Invalid where the secret does not begin as they all do."""
    if not bearer.may_be_secret(secret):
        raise Invalid(f"A secret begins with {bearer.ANY}.", code="secret_invalid", field="secret")
    return await _create(tx, actor, command, secret)


async def listed(tx: Tx, actor: Actor, behind: str | None, most: int) -> list[ApiKey]:
    """Oldest first, behind the key `behind`; revoked ones too."""
    require(actor, Scope.API_KEYS_WRITE)
    require_whole_workspace(actor)
    last = await _found(tx, behind) if behind is not None else None
    rows = await api_keys.listed(tx.db, tx.workspace_id, last.id if last else None, most)
    return [await _shown(tx, row) for row in rows]


async def get(tx: Tx, actor: Actor, api_key_id: str) -> ApiKey:
    require(actor, Scope.API_KEYS_WRITE)
    require_whole_workspace(actor)
    return await _shown(tx, await _found(tx, api_key_id))


async def revoke(tx: Tx, actor: Actor, api_key_id: str) -> ApiKey:
    """Refuse it from now on. A key may revoke itself; doing so again changes nothing."""
    if actor.public_id != api_key_id:
        require(actor, Scope.API_KEYS_WRITE)
        require_whole_workspace(actor)
    row = await _found(tx, api_key_id, to_change=True)
    if row.revoked_at is None:
        await api_keys.revoke(tx.db, tx.workspace_id, row.id, tx.now)
        await recorded.append(tx, actor, events.ApiKeyRevoked(api_key_id=row.public_id))
    return await _shown(tx, await _found(tx, api_key_id))


async def _create(tx: Tx, actor: Actor, command: CreateApiKey, secret: str) -> NewApiKey:
    require(actor, Scope.API_KEYS_WRITE)
    require_whole_workspace(actor)
    scopes = _scopes(command.scopes)
    require_no_more_than(actor, scopes)
    if command.expires_at is not None and command.expires_at <= tx.now:
        raise Invalid("The key would have expired already.", code="expired", field="expires_at")
    id = new_id()
    row = ApiKeyRow(
        workspace_id=tx.workspace_id,
        id=id,
        public_id=public_id("key", id),
        name=words(command.name, "name"),
        secret_hash=bearer.hash_of(secret),
        shown=bearer.beginning(secret, bearer.API_KEY),
        scopes=sorted(scopes),
        property_ids=await _property_ids(tx, command.property_ids),
        created_at=tx.now,
        expires_at=command.expires_at,
        revoked_at=None,
    )
    await api_keys.insert(tx.db, tx.workspace_id, row)
    await recorded.append(tx, actor, events.ApiKeyCreated(api_key_id=row.public_id))
    return NewApiKey(await _shown(tx, row), secret)


def _signed_in(gate: Gate, row: ApiKeyRow | None, is_paced: bool | None = None) -> SignedIn | None:
    if row is None or row.revoked_at is not None:
        return None
    scopes = _known_scopes(tuple(row.scopes))
    property_ids = frozenset(row.property_ids) if row.property_ids is not None else None
    actor = Actor(ActorKind.API_KEY, row.workspace_id, row.public_id, scopes, property_ids)
    signed_in = SignedIn(actor, row.expires_at, is_paced)
    return None if signed_in.is_over(gate.clock.now()) else signed_in


# Keys of a workspace mostly have the same ones.
@functools.lru_cache(maxsize=256)
def _known_scopes(names: tuple[str, ...]) -> frozenset[Scope]:
    return frozenset(Scope(s) for s in names if s in Scope._value2member_map_)


def _scopes(names: Sequence[str] | None) -> frozenset[Scope]:
    if names is None:
        return DEFAULT_SCOPES
    try:
        scopes = parse_scopes(names)
    except ScopeUnknown as fault:
        raise Invalid(str(fault), code=fault.code, field="scopes") from fault
    if not scopes:
        raise Invalid("A key without a scope can do nothing.", code="scopes_empty", field="scopes")
    return scopes


async def _property_ids(tx: Tx, ids: Sequence[str] | None) -> list[UUID] | None:
    if ids is None:
        return None
    found = []
    for property_id in dict.fromkeys(ids):
        row = await spaces.by_public_id(tx.db, tx.workspace_id, property_id)
        if row is None or row.parent_id is not None:
            raise NotFound("property", property_id)
        found.append(row.id)
    if not found:
        raise Conflict("A key confined to no property can do nothing.", code="properties_empty")
    return found


async def _found(tx: Tx, api_key_id: str, *, to_change: bool = False) -> ApiKeyRow:
    row = await api_keys.find(tx.db, tx.workspace_id, api_key_id, to_change=to_change)
    if row is None:
        raise NotFound("API key", api_key_id)
    return row


async def _shown(tx: Tx, row: ApiKeyRow) -> ApiKey:
    property_ids = None
    if row.property_ids is not None:
        found = [await spaces.get(tx.db, tx.workspace_id, id) for id in row.property_ids]
        property_ids = tuple(space.public_id for space in found if space is not None)
    return ApiKey(
        row.public_id,
        row.name,
        row.shown,
        tuple(row.scopes),
        property_ids,
        row.created_at,
        row.expires_at,
        row.revoked_at,
    )
