"""What tests on every floor share: a server per run, a database per process, a clock that stands still."""

import asyncio
import fcntl
import gc
import hashlib
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import structlog
import uvloop
from tests.connections import Emptying, keeping

from lockstep.emulation.clock import VirtualClock
from lockstep.storage.migrations import migrate, migrations
from lockstep.storage.server import EmbeddedServer

# Faults are provoked by the thousand here: their tracebacks are told in plain words, which cost nothing.
structlog.configure(
    processors=[
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    ]
)

# Asked for at each request within a process, and not installed: it is not looked for through all folders each time.
# None is how Python says that there is none.
cast(dict[str, Any], sys.modules).setdefault("sniffio", None)

_ANY_LOCK = 7_062_026
_IS_COMPILED = (Path(__file__).parent / "tests/workers/__pycache__").exists()
"""Whether tests were run here before: those in this folder are among the last to be found."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long` runs what takes minutes too."""
    parser.addoption("--long", action="store_true", help="also run the tests that take minutes")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None]:
    """In a fresh checkout one process finds all tests while the others wait: what it compiles on the way takes as long
    as all else, and serves them too."""
    if _IS_COMPILED or not hasattr(session.config, "workerinput"):
        return (yield)
    assert session.config.cache is not None
    with (session.config.cache.mkdir("finding") / "turn").open("w") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(turn, fcntl.LOCK_SH)
        return (yield)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave long tests out unless asked for: deselected, since a skip means that something is missing. The slowest
    begin first, in each process some, lest all wait for one in the end."""
    if not config.getoption("--long"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = _dealt(items, processes)


def _dealt(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """Each process begins with a stretch of the list, as long as the others', and helps the others when it is done."""
    slow = [item for item in items if item.get_closest_marker("timeout")]
    quick = [item for item in items if not item.get_closest_marker("timeout")]
    share = -(-len(items) // processes)
    dealt: list[pytest.Item] = []
    for process in range(processes):
        own = slow[process::processes]
        stretch = share - len(own)
        dealt += [*own, *quick[:stretch]]
        quick = quick[stretch:]
    return [*dealt, *quick]


def pytest_collection_finish() -> None:
    """What was imported stays to the end: the collector need not go over it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests counted and drew (`record_property("told", ...)`): what a process beside this one prints is lost."""
    reports = [
        r for them in terminalreporter.stats.values() for r in them if isinstance(r, pytest.TestReport)
    ]
    told = [
        str(text) for r in reports if r.when == "call" for name, text in r.user_properties if name == "told"
    ]
    if told:
        terminalreporter.section("what was counted")
    for line in sorted(told):
        terminalreporter.write_line(line)


# pytest-asyncio's, and no part of what it promises: by its hook, tests that do not wait get another loop than those
# that do, and what lives as long as the process would be made anew at each change between the two.
@pytest.fixture(scope="session")
def _asyncio_loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """The loop that Lockstep itself is served on."""
    return uvloop.new_event_loop


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that stands at the beginning of June 2026 until it is moved."""
    return VirtualClock(datetime(2026, 6, 1, tzinfo=UTC))


@pytest.fixture(scope="session")
def run_id() -> str:
    """The same in all processes of one run, and in no other run."""
    return os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)[:12]  # noqa: TID251


@pytest.fixture(scope="session")
def server_url(run_id: str) -> Iterator[str]:
    """A superuser's address of the server that this run's databases lie on.

    The server of LOCKSTEP_TEST_DATABASE_URL, or one of the run's own, fast and without fsync.
    """
    if given := os.environ.get("LOCKSTEP_TEST_DATABASE_URL"):
        yield given
        return
    # Not pytest's own folder, whose parents the server's account may not enter where root runs the tests.
    directory = Path(tempfile.gettempdir()) / f"lockstep-tests-{run_id}"
    server = EmbeddedServer(directory, fast_and_unsafe=True)
    yield server.start()
    if server.stop():
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(server_url: str) -> str:
    """The name of a database with the schema and no rows, to be cloned; the same for the same migrations."""
    digest = hashlib.sha256("".join(text for _, text in migrations()).encode()).hexdigest()
    name = f"lockstep_template_{digest[:16]}"
    asyncio.run(_make_template(server_url, name))
    return name


@pytest.fixture(scope="session")
def process_database_url(server_url: str, template_database: str) -> Iterator[str]:
    """The database of this test process. Use `database_url`, which empties it first."""
    name = f"lockstep_{uuid.uuid4().hex[:20]}"  # noqa: TID251
    asyncio.run(_execute(server_url, f'create database "{name}" template "{template_database}"'))
    # As all do after some calls of a statement; tests are too many for finding out anew each time.
    asyncio.run(_execute(server_url, f'alter database "{name}" set plan_cache_mode = force_generic_plan'))
    yield with_database(server_url, name)
    asyncio.run(_execute(server_url, f'drop database if exists "{name}" with (force)'))


class _Emptier:
    """Empties a database, by a connection that stays: a new one takes several times as long to know all tables."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._connection: asyncpg.Connection | None = None

    def __call__(self) -> None:
        self._loop.run_until_complete(self._empty())

    async def _empty(self) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url)
            self._emptying = await Emptying.on(self._connection)
        await self._emptying()

    def close(self) -> None:
        if self._connection is not None:
            self._loop.run_until_complete(self._connection.close())
        self._loop.close()


@pytest.fixture(scope="session")
def emptier(process_database_url: str) -> Iterator[_Emptier]:
    """Empties the database of this test process."""
    it = _Emptier(process_database_url)
    yield it
    it.close()


@pytest.fixture(scope="session")
async def connections(process_database_url: str) -> AsyncIterator[None]:
    """To the database of this test process; `connected_to` gives them."""
    async with keeping(process_database_url):
        yield


@pytest.fixture
def database_url(process_database_url: str, emptier: _Emptier, connections: None) -> str:
    """The address of a database that has the schema and no rows."""
    emptier()
    return process_database_url


def with_database(url: str, name: str) -> str:
    """The same address, but of the database `name`."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _make_template(server_url: str, name: str) -> None:
    connection = await asyncpg.connect(server_url)
    try:
        # Several test processes come here at once; the first one makes it, the others wait.
        await connection.execute("select pg_advisory_lock($1)", _ANY_LOCK)
        if not await connection.fetchval("select true from pg_database where datname = $1", name):
            unfinished = f"{name}_unfinished"
            await connection.execute(f'drop database if exists "{unfinished}"')
            await connection.execute(f'create database "{unfinished}"')
            await migrate(with_database(server_url, unfinished))
            await connection.execute(f'alter database "{unfinished}" rename to "{name}"')
    finally:
        await connection.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
