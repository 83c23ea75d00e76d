"""The database of a seeded sandbox: cloned from a template that was seeded once, on a server that stays warm."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from lockstep.cli.settings import (
    OutboundSettings,
    SealingSettings,
    Settings,
    StorageSettings,
    WorkSettings,
    own_folder,
    read_settings,
)
from lockstep.storage import passing
from lockstep.storage.migrations import migrate, migrations
from lockstep.storage.server import EmbeddedServer

_KEY = base64.b64encode(b"sandbox " * 4).decode()
_SEALS = SealingSettings(f"1:{_KEY}", _KEY)
"""Known to everybody, as all else in it: they seal nothing but sandboxes."""


def settings_of_sandbox() -> Settings:
    """Fast, and free to call this machine, where the programs under test listen."""
    given = read_settings()
    return Settings(
        StorageSettings(postgres_binaries=given.storage.postgres_binaries, database_connections=6),
        _SEALS,
        given.http,
        given.api,
        OutboundSettings(allow_private_addresses=True),
        WorkSettings(reading_pause_seconds=0.0),
        given.log,
    )


@asynccontextmanager
async def database() -> AsyncIterator[str]:
    """The address of a fresh one; it is dropped at the end."""
    server = _server()
    own = server.start()
    address = await passing.clone(own, _digest(), _fill)
    try:
        yield address
    finally:
        with suppress(OSError):
            await passing.drop(address)
            await passing.drop_forsaken(own)
        # The server stays: bringing it up takes longer than all the rest.
        server.leave()


def stop_server() -> bool:
    """Whether it ran, and was ended."""
    server = _server()
    server.start()
    return server.stop()


def _server() -> EmbeddedServer:
    given = read_settings()
    return EmbeddedServer(
        own_folder(given) / "sandboxes", given.storage.postgres_binaries, fast_and_unsafe=True
    )


def _digest() -> str:
    """Of what a template is made of: the schema, what is seeded and how, what its keys may do, and how its emulated
    locks are kept."""
    texts = [text for _, text in migrations()]
    texts += [path.read_text(encoding="utf-8") for path in made_by()]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def made_by() -> list[Path]:
    """The files by which a template is what it is."""
    here = Path(__file__).parent
    program = here.parents[1]
    virtual = program / "vendors" / "virtual"
    return [
        here / "seed.py",
        here.parent / "emulated" / "emulator.py",
        program / "operations" / "seeding.py",
        program / "operations" / "sandboxes.py",
        program / "operations" / "emulated.py",
        program / "model" / "permissions.py",
        virtual / "models.json",
        *sorted((virtual / "emulator").glob("*.py")),
    ]


async def _fill(address: str) -> None:
    from lockstep.cli.crew import work_once
    from lockstep.cli.sandbox.seed import SEED
    from lockstep.cli.wiring import built_on
    from lockstep.operations.seeding import seed

    await migrate(address)
    async with built_on(address, settings_of_sandbox()) as lockstep:
        await seed(lockstep.gate, SEED)
        await work_once(lockstep)
