"""The budget of an account's calls: tokens that refill, permits that expire, and a wait that the vendor asked for.

A budget is taken before the intent, not in its transaction: the account's row would be held until the disk has the
intent, and a thousand locks of one account would write one after another. A crash in between loses a token and a
permit that expires. It need not reach the disk at once either (docs/decisions/0017)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from lockstep.storage.database import Connection

# Expired permits are those of workers that died; they are counted out, and dropped with the next one that is taken.
# A wait is rounded up to whole milliseconds: an instant just short of a token would send whoever comes then back to it.
_TAKE = """
with quick as materialized (select set_config('synchronous_commit', 'off', true)),
a as materialized (
  select blocked_until, permits,
    least($6::float8, tokens + case when tokens_at is null then $6::float8
      else greatest(0, extract(epoch from $4 - tokens_at)) * $7::float8 / 60 end) as tokens
  from accounts, quick where workspace_id = $1 and id = $2 for no key update of accounts
), live as (
  select a.*, (select coalesce(jsonb_object_agg(p.key, p.value), '{}') from jsonb_each_text(a.permits) p
    where p.value::timestamptz > clock_timestamp()) as held from a
), decided as (
  select live.*, case
    when blocked_until > $4 then blocked_until
    when tokens < $9::float8 then $4 + make_interval(secs => ceil(($9 - tokens) * 60000 / $7::float8) / 1000)
    when $3::text is not null and (select count(*) from jsonb_object_keys(held)) >= $8
      then $4 + interval '100 milliseconds'
    end as wait_until from live
), taken as (
  update accounts set tokens = d.tokens - $9, tokens_at = $4,
    permits = case when $3::text is null then d.held
      else d.held || jsonb_build_object($3::text, clock_timestamp() + $5::interval) end
  from decided d where workspace_id = $1 and id = $2 and d.wait_until is null
)
select wait_until from decided"""


async def take_call(
    db: Connection,
    workspace_id: UUID,
    account_id: UUID,
    permit_id: UUID,
    now: datetime,
    per_minute: int,
    at_once: int,
    held_for: timedelta,
    *,
    tokens: int = 1,
) -> datetime | None:
    """Take one call: a token (or none, where it is paid already) and a permit. None: taken; else when to ask again.

    Tokens refill with domain time at three quarters of the pace, up to a quarter of a minute's worth, less the calls
    that one reading may need beyond its own: so no minute ever has more calls than the vendor allows. Permits expire
    on the database's clock.
    """
    return await _take(db, workspace_id, account_id, permit_id, now, per_minute, at_once, held_for, tokens)


async def take_token(
    db: Connection, workspace_id: UUID, account_id: UUID, now: datetime, per_minute: int
) -> datetime | None:
    """As `take_call`, without a permit: for a call that will be handed one."""
    return await _take(db, workspace_id, account_id, None, now, per_minute, 0, timedelta(0), 1)


async def _take(
    db: Connection,
    workspace_id: UUID,
    account_id: UUID,
    permit_id: UUID | None,
    now: datetime,
    per_minute: int,
    at_once: int,
    held_for: timedelta,
    tokens: int,
) -> datetime | None:
    burst = max(1.0, per_minute / 4 - 3)
    at: datetime | None = await db.fetchval(
        _TAKE,
        workspace_id,
        account_id,
        str(permit_id) if permit_id else None,
        now,
        held_for,
        burst,
        per_minute * 0.75,
        at_once,
        float(tokens),
    )
    return at


async def give_back(
    db: Connection, workspace_id: UUID, account_id: UUID, permit_id: UUID | None, further_calls: int = 0
) -> None:
    """The call has ended: its permit, if it still has one, is free. The token is spent, and those of `further_calls`
    made with it."""
    await db.execute(
        """with quick as materialized (select set_config('synchronous_commit', 'off', true))
           update accounts set permits = permits - coalesce($3::text, ''), tokens = tokens - $4
           from quick where workspace_id = $1 and id = $2""",
        workspace_id,
        account_id,
        str(permit_id) if permit_id else None,
        float(further_calls),
    )
