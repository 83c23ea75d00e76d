"""What the API is measured against: Starlette and asyncpg alone, one insert or one select for each request.

`python -m bench.serve_bare DSN`; prints its address."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg
import msgspec
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lockstep.cli.serving import serving

COLUMNS = "id, public_id, name, starts_at, ends_at, created_at, changed_at"
TABLE = """create table bare (id uuid primary key, public_id text not null unique, name text not null,
  starts_at timestamptz not null, ends_at timestamptz, created_at timestamptz not null,
  changed_at timestamptz not null)"""


class _Sent(msgspec.Struct):
    name: str
    starts_at: datetime
    ends_at: datetime | None
    device_ids: list[str]


def create_app(pool: asyncpg.Pool) -> Starlette:
    """POST / inserts a row, GET / selects 50."""
    read = msgspec.json.Decoder(_Sent).decode
    write = msgspec.json.Encoder().encode

    async def insert(request: Request) -> Response:
        sent = read(await request.body())
        id = uuid.uuid4()
        row = (id, f"bare_{id.hex}", sent.name, sent.starts_at, sent.ends_at, sent.starts_at, sent.starts_at)
        await pool.execute(f"insert into bare ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7)", *row)
        return Response(write(row), 201, media_type="application/json")

    async def select(request: Request) -> Response:
        rows = await pool.fetch(f"select {COLUMNS} from bare order by id limit $1", 50)
        return Response(write([dict(row) for row in rows]), media_type="application/json")

    return Starlette(routes=[Route("/", insert, methods=["POST"]), Route("/", select, methods=["GET"])])


async def _main(dsn: str) -> None:
    @asynccontextmanager
    async def pooled() -> AsyncIterator[asyncpg.Pool]:
        async with asyncpg.create_pool(dsn, min_size=1, max_size=10) as pool:
            yield pool

    async with pooled() as pool, serving(create_app(pool)) as address:
        print(address, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(sys.argv[1]))
