"""How often callers may ask an act of a device: tokens, which refill with time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from lockstep.storage.database import Connection


async def spend(
    db: Connection, workspace_id: UUID, device_public_id: str, act: str, a_minute: int, now: datetime
) -> float | None:
    """Take a token. None: there was one, or nobody counts here. Else the tokens that there are, less than one."""
    spent = await db.fetchrow(_SPEND, workspace_id, device_public_id, act, float(a_minute), now)
    assert spent is not None
    if spent["is_spent"] or spent["device_id"] is None:
        return None
    # By a statement of its own: whoever was waited for took them since the first one began.
    tokens = await db.fetchval(_LEFT, workspace_id, spent["device_id"], act, float(a_minute), now)
    return min(float(tokens), 1.0)


async def are_kept(db: Connection, workspace_id: UUID) -> bool:
    """Whether this workspace counts."""
    return bool(await db.fetchval("select is_paced from workspaces where id = $1", workspace_id))


async def device_of_code(db: Connection, workspace_id: UUID, access_code_public_id: str) -> str | None:
    """The public id of the device that a code stands on."""
    public_id: str | None = await db.fetchval(
        """select d.public_id from access_codes a
             join devices d on d.workspace_id = a.workspace_id and d.id = a.device_id
           where a.workspace_id = $1 and a.public_id = $2""",
        workspace_id,
        access_code_public_id,
    )
    return public_id


async def devices_of_key(db: Connection, workspace_id: UUID, common_code_key: str) -> list[str]:
    """The public ids, in their order, of the devices that living codes of a key stand on."""
    rows = await db.fetch(
        """select distinct d.public_id from grants g
             join access_codes a on a.workspace_id = g.workspace_id and a.grant_id = g.id and a.withdrawn_at is null
             join devices d on d.workspace_id = a.workspace_id and d.id = a.device_id
           where g.workspace_id = $1 and g.common_code_key = $2 order by d.public_id""",
        workspace_id,
        common_code_key,
    )
    return [row["public_id"] for row in rows]


# The clock may be set back: time that is taken back takes no tokens.
_REFILLED = """least($4::double precision,
  p.tokens + greatest(extract(epoch from $5::timestamptz - p.at), 0) * $4 / 60)"""
_SPEND = f"""
  with paced as (
    select d.id from devices d where d.workspace_id = $1 and d.public_id = $2
      and (select is_paced from workspaces where id = $1)
  ), spent as (
    insert into paces as p (workspace_id, device_id, act, tokens, at)
    select $1, id, $3, $4 - 1, $5 from paced
    on conflict (workspace_id, device_id, act) do update set tokens = {_REFILLED} - 1, at = $5
      where {_REFILLED} >= 1
    returning 1
  )
  select exists (select from spent) as is_spent, (select id from paced) as device_id"""  # noqa: S608
_LEFT = f"select {_REFILLED} from paces p where p.workspace_id = $1 and p.device_id = $2 and p.act = $3"  # noqa: S608
