"""API keys: of their secrets only a hash is remembered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from lockstep.kit.frozen import dataclass
from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """`shown`: the beginning of the secret, for recognising it. `property_ids` None: all properties."""

    workspace_id: UUID
    id: UUID
    public_id: str
    name: str
    secret_hash: bytes
    shown: str
    scopes: list[str]
    property_ids: list[UUID] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


_COLUMNS = (
    "workspace_id, id, public_id, name, secret_hash, shown, scopes, property_ids, created_at, expires_at, "
    "revoked_at"
)


async def insert(db: Connection, workspace_id: UUID, row: ApiKeyRow) -> None:
    await db.execute(
        f"insert into api_keys ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",  # noqa: S608
        workspace_id,
        row.id,
        row.public_id,
        row.name,
        row.secret_hash,
        row.shown,
        row.scopes,
        row.property_ids,
        row.created_at,
        row.expires_at,
        row.revoked_at,
    )


async def find_in_every_workspace(
    db: Connection, secret_hashes: Sequence[bytes]
) -> list[tuple[ApiKeyRow, bool] | None]:
    """Whose keys these are, revoked and expired ones too, and whether callers' paces are kept there; for authentication
    alone."""
    # A planner that saw the array would plan anew each time.
    rows = await db.fetch(
        f"""with asked as materialized (select $1::bytea[] as hashes)
            select {_COLUMNS}, (select is_paced from workspaces where id = workspace_id) as is_paced
            from asked, lateral unnest(asked.hashes) as one (hash),
              lateral (select * from api_keys where secret_hash = one.hash offset 0) k""",  # noqa: S608
        list(dict.fromkeys(secret_hashes)),
    )
    found = {r["secret_hash"]: (ApiKeyRow(*r[:-1]), r["is_paced"]) for r in rows}
    return [found.get(hash) for hash in secret_hashes]


async def find(
    db: Connection, workspace_id: UUID, public_id: str, *, to_change: bool = False
) -> ApiKeyRow | None:
    lock = "for no key update" if to_change else ""
    row = await db.fetchrow(
        f"select {_COLUMNS} from api_keys where workspace_id = $1 and public_id = $2 {lock}",  # noqa: S608
        workspace_id,
        public_id,
    )
    return ApiKeyRow(**dict(row)) if row else None


async def listed(db: Connection, workspace_id: UUID, behind: UUID | None, most: int) -> list[ApiKeyRow]:
    """Oldest first, behind the id `behind`; revoked ones too."""
    rows = await db.fetch(
        f"""select {_COLUMNS} from api_keys where workspace_id = $1 and ($2::uuid is null or id > $2)
            order by id limit $3""",  # noqa: S608
        workspace_id,
        behind,
        most,
    )
    return [ApiKeyRow(**dict(row)) for row in rows]


async def revoke(db: Connection, workspace_id: UUID, id: UUID, at: datetime) -> None:
    await db.execute(
        "update api_keys set revoked_at = $3 where workspace_id = $1 and id = $2 and revoked_at is null",
        workspace_id,
        id,
        at,
    )
