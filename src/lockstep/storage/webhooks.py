"""Webhooks: who is told of events. Addresses and secrets lie here sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """`kinds` None: every kind; they are named as `form` names them. `position`: events behind it are sent."""

    id: UUID
    public_id: str
    url: bytes
    url_host: str
    secret: bytes
    old_secret: bytes | None
    old_secret_until: datetime | None
    kinds: list[str] | None
    position: int
    failing_since: datetime | None
    failed_tries: int
    disabled_at: datetime | None
    created_at: datetime
    form: str
    shows_digits: bool
    """Whether what is sent to it may hold digits."""


_COLUMNS = (
    "id, public_id, url, url_host, secret, old_secret, old_secret_until, kinds, position, failing_since, "
    "failed_tries, disabled_at, created_at, form, shows_digits"
)


async def insert(db: Connection, workspace_id: UUID, row: WebhookRow) -> None:
    await db.execute(
        f"""insert into webhooks (workspace_id, {_COLUMNS})
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)""",  # noqa: S608
        workspace_id,
        row.id,
        row.public_id,
        row.url,
        row.url_host,
        row.secret,
        row.old_secret,
        row.old_secret_until,
        row.kinds,
        row.position,
        row.failing_since,
        row.failed_tries,
        row.disabled_at,
        row.created_at,
        row.form,
        row.shows_digits,
    )


async def find(
    db: Connection, workspace_id: UUID, public_id: str, *, to_change: bool = False
) -> WebhookRow | None:
    lock = "for no key update" if to_change else ""
    return _row(
        await db.fetchrow(
            f"""select {_COLUMNS} from webhooks
                where workspace_id = $1 and public_id = $2 and removed_at is null {lock}""",  # noqa: S608
            workspace_id,
            public_id,
        )
    )


async def get(db: Connection, workspace_id: UUID, id: UUID, *, to_change: bool = False) -> WebhookRow | None:
    lock = "for no key update" if to_change else ""
    return _row(
        await db.fetchrow(
            f"""select {_COLUMNS} from webhooks
                where workspace_id = $1 and id = $2 and removed_at is null {lock}""",  # noqa: S608
            workspace_id,
            id,
        )
    )


async def listed(db: Connection, workspace_id: UUID, behind: UUID | None, most: int) -> list[WebhookRow]:
    """Oldest first, behind the id `behind`."""
    rows = await db.fetch(
        f"""select {_COLUMNS} from webhooks
            where workspace_id = $1 and removed_at is null and ($2::uuid is null or id > $2)
            order by id limit $3""",  # noqa: S608
        workspace_id,
        behind,
        most,
    )
    return [WebhookRow(**dict(row)) for row in rows]


async def listening(db: Connection, workspace_id: UUID) -> list[WebhookRow]:
    """Those to whom new events are sent."""
    rows = await db.fetch(
        f"""select {_COLUMNS} from webhooks
            where workspace_id = $1 and removed_at is null and disabled_at is null order by id""",  # noqa: S608
        workspace_id,
    )
    return [WebhookRow(**dict(row)) for row in rows]


async def change(
    db: Connection, workspace_id: UUID, id: UUID, url: bytes, url_host: str, kinds: Sequence[str] | None
) -> None:
    await db.execute(
        "update webhooks set url = $3, url_host = $4, kinds = $5 where workspace_id = $1 and id = $2",
        workspace_id,
        id,
        url,
        url_host,
        list(kinds) if kinds is not None else None,
    )


async def rotate(
    db: Connection, workspace_id: UUID, id: UUID, secret: bytes, old_secret: bytes, until: datetime
) -> None:
    """Sign with both until `until`, then with the new one alone."""
    await db.execute(
        """update webhooks set secret = $3, old_secret = $4, old_secret_until = $5
           where workspace_id = $1 and id = $2""",
        workspace_id,
        id,
        secret,
        old_secret,
        until,
    )


async def note_failing(
    db: Connection, workspace_id: UUID, id: UUID, failing_since: datetime, failed_tries: int
) -> None:
    await db.execute(
        "update webhooks set failing_since = $3, failed_tries = $4 where workspace_id = $1 and id = $2",
        workspace_id,
        id,
        failing_since,
        failed_tries,
    )


async def note_working(db: Connection, workspace_id: UUID, id: UUID) -> None:
    await db.execute(
        """update webhooks set failing_since = null, failed_tries = 0
           where workspace_id = $1 and id = $2 and failing_since is not null""",
        workspace_id,
        id,
    )


async def disable(db: Connection, workspace_id: UUID, id: UUID, at: datetime) -> None:
    await db.execute(
        "update webhooks set disabled_at = $3 where workspace_id = $1 and id = $2", workspace_id, id, at
    )


async def enable(db: Connection, workspace_id: UUID, id: UUID, position: int) -> None:
    """Send what happens behind `position`, as if nothing had ever failed."""
    await db.execute(
        """update webhooks set disabled_at = null, failing_since = null, failed_tries = 0, position = $3
           where workspace_id = $1 and id = $2""",
        workspace_id,
        id,
        position,
    )


async def remove(db: Connection, workspace_id: UUID, id: UUID, at: datetime) -> None:
    await db.execute(
        "update webhooks set removed_at = $3 where workspace_id = $1 and id = $2", workspace_id, id, at
    )


def _row(row: Any) -> WebhookRow | None:
    return WebhookRow(**dict(row)) if row else None
