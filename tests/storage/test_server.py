"""The embedded server as its callers see it: started, shared, killed and found again."""

import multiprocessing
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from lockstep.storage.server import EmbeddedServer, default_directory
from lockstep.storage.server.binaries import find_binaries
from lockstep.storage.server.errors import (
    BinariesMissing,
    DataOfAnotherVersion,
    DirectoryNotOurs,
    DirectoryUnreachable,
    ServerStaysBetween,
)
from lockstep.storage.server.postmaster import State, read_postmaster, state_of

IS_ROOT = os.geteuid() == 0
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")

# A process of its own that uses the server until it is told to go.
SHARER = """
import sys
from pathlib import Path
from lockstep.storage.server import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), fast_and_unsafe=True)
print(server.start(), flush=True)
sys.stdin.readline()
print(server.stop(), flush=True)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that an unprivileged account may pass through; servers below it end with the test."""
    place = Path(tempfile.mkdtemp(prefix="lockstep-"))
    place.chmod(0o755)
    yield place
    for pid_file in place.glob("**/data/postmaster.pid"):
        if is_alive(pid := int(pid_file.read_text().split()[0])) and pid != os.getpid():
            os.kill(pid, signal.SIGQUIT)
            wait_until(lambda pid=pid: not is_alive(pid))  # type: ignore[misc]
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def set_up() -> Iterator[Path]:
    """A server's folder as its first start leaves it, which takes most of the time of that start."""
    place = Path(tempfile.mkdtemp(prefix="lockstep-"))
    place.chmod(0o755)
    server = EmbeddedServer(place / "pg", fast_and_unsafe=True)
    server.start()
    server.stop()
    yield place / "pg"
    shutil.rmtree(place)


@pytest.fixture
def directory(place: Path, set_up: Path) -> Path:
    """The folder of a server that was started before."""
    subprocess.run(["cp", "-a", set_up, place / "pg"], check=True)
    return place / "pg"


async def ask(dsn: str, question: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_at, "waited 30 s in vain"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        # Where nobody reaps orphans, what was killed stays as a zombie.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def pid_of(directory: Path) -> int:
    postmaster = read_postmaster(directory / "data")
    assert postmaster is not None
    return postmaster.pid


def sharer(directory: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", SHARER, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def address_from(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def as_plain_account(act: Callable[[], None]) -> None:
    """Run `act` in a process of an account without rights: `nobody` where root runs the tests."""

    def run() -> None:
        if IS_ROOT:
            nobody = pwd.getpwnam("nobody")
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
        act()

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    assert process.exitcode == 0


def copy_of_programs(target: Path) -> Path:
    """PostgreSQL's programs, copied with the libraries that a wheel keeps beside its package."""
    folder = find_binaries(None, data=target).folder
    package, prefix, programs = folder.parts[-3:]
    for part in (f"{package}/{prefix}", f"{package}.libs"):
        if (folder.parents[2] / part).is_dir():
            shutil.copytree(folder.parents[2] / part, target / part, symlinks=True)
    return target / package / prefix / programs


async def test_a_new_directory_becomes_a_server_that_nobody_else_can_enter(place: Path) -> None:
    server = EmbeddedServer(place / "pg")
    dsn = server.start()
    try:
        assert await ask(dsn, "select current_user || ' in ' || current_database()") == "lockstep in lockstep"
        assert await ask(dsn, "show listen_addresses") == ""
        assert await ask(dsn, "show fsync") == "on"
        for part in (place / "pg", place / "pg" / "socket"):
            assert stat.S_IMODE(part.stat().st_mode) == 0o700
        passwords = place / "pg" / "pgpass"
        assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
        assert passwords.read_text().strip().rsplit(":", 1)[1] not in dsn
    finally:
        assert server.stop()


async def test_a_connection_without_the_password_is_refused(directory: Path) -> None:
    server = EmbeddedServer(directory, fast_and_unsafe=True)
    without = server.start().replace("pgpass", "nothing-there")
    try:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(without)
    finally:
        server.stop()


async def test_what_a_broken_constraint_was_about_is_not_logged(directory: Path) -> None:
    server = EmbeddedServer(directory, fast_and_unsafe=True)
    dsn = server.start()
    try:
        await ask(dsn, "create table codes (digits text primary key)")
        await ask(dsn, "insert into codes values ('592817')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await ask(dsn, "insert into codes values ('592817')")
    finally:
        server.stop()
    said = "".join(path.read_text() for path in (directory / "log").iterdir())
    assert "duplicate key value" in said
    assert "592817" not in said


def test_a_plain_account_runs_its_own_server(place: Path) -> None:
    programs = copy_of_programs(place / "reachable")
    home = place / "home"
    home.mkdir()
    home.chmod(0o777)

    def act() -> None:
        server = EmbeddedServer(home / "pg", programs, fast_and_unsafe=True)
        server.start()
        assert (home / "pg" / "data").stat().st_uid == os.geteuid() != 0
        EmbeddedServer(home / "pg", programs).start()
        assert server.stop()

    as_plain_account(act)


@pytest.mark.skipif(
    not DEBIAN_15.is_dir(), reason=f"needs PostgreSQL 15 in {DEBIAN_15}: apt-get install postgresql"
)
async def test_debians_postgresql_15_serves_too_and_is_found_again_by_its_data(place: Path) -> None:
    server = EmbeddedServer(place / "pg", DEBIAN_15, fast_and_unsafe=True)
    dsn = server.start()
    try:
        assert str(await ask(dsn, "show server_version")).startswith("15.")
    finally:
        server.stop()
    again = EmbeddedServer(place / "pg", fast_and_unsafe=True)
    try:
        assert str(await ask(again.start(), "show server_version")).startswith("15.")
        assert again.programs == DEBIAN_15
    finally:
        again.stop()


async def test_processes_that_come_first_at_once_share_one_server_and_the_last_ends_it(place: Path) -> None:
    first, second = sharer(place / "pg"), sharer(place / "pg")
    dsn = address_from(first)
    assert address_from(second) == dsn
    pid = pid_of(place / "pg")

    assert first.communicate("go\n")[0].strip() == "False"
    assert await ask(dsn, "select 1") == 1
    assert pid_of(place / "pg") == pid
    assert second.communicate("go\n")[0].strip() == "True"
    assert not is_alive(pid)


async def test_it_survives_a_kill_of_the_process_that_started_it_and_is_adopted(directory: Path) -> None:
    starter = sharer(directory)
    dsn = address_from(starter)
    pid = pid_of(directory)
    starter.kill()
    starter.communicate()

    server = EmbeddedServer(directory, fast_and_unsafe=True)
    assert server.start() == dsn
    assert pid_of(directory) == pid
    assert await ask(dsn, "select 1") == 1
    assert server.stop()
    assert not is_alive(pid)


async def test_a_killed_server_is_started_anew_with_what_it_held(directory: Path) -> None:
    server = EmbeddedServer(directory)
    dsn = server.start()
    await ask(dsn, "create table kept as select 7 as number")
    # Connections keep backends alive, which hold the memory of the dead server for a moment.
    connections = [await asyncpg.connect(dsn) for _ in range(5)]
    os.kill(pid_of(directory), signal.SIGKILL)
    try:
        assert await ask(server.start(), "select number from kept") == 7
    finally:
        for connection in connections:
            connection.terminate()
        server.stop()


async def test_a_server_that_waits_for_whoever_is_connected_is_told_with_what_to_do(directory: Path) -> None:
    server = EmbeddedServer(directory, fast_and_unsafe=True)
    connection = await asyncpg.connect(server.start())
    # A smart shutdown: no newcomers, and whoever is there may stay.
    os.kill(pid_of(directory), signal.SIGTERM)
    wait_until(lambda: state_of(directory / "data") is State.CHANGING)
    late = EmbeddedServer(directory, fast_and_unsafe=True, patience=0.1)
    with pytest.raises(ServerStaysBetween, match="End what is connected to it, or wait, then start again"):
        late.start()
    await connection.close()
    wait_until(lambda: state_of(directory / "data") is State.GONE)
    assert await ask(server.start(), "select 1") == 1
    server.stop()


async def test_a_dead_servers_number_that_passed_to_another_process_is_no_hindrance(directory: Path) -> None:
    server = EmbeddedServer(directory, fast_and_unsafe=True)
    server.start()
    pid_file = directory / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    owner = (directory / "data").stat()
    stranger = subprocess.Popen(["sleep", "600"], user=owner.st_uid if IS_ROOT else None)
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        assert await ask(server.start(), "select 1") == 1
        assert is_alive(stranger.pid)
        server.stop()
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_path_too_long_for_a_socket_gets_one_elsewhere(place: Path) -> None:
    directory = place / ("deep" * 20) / "pg"
    server = EmbeddedServer(directory, fast_and_unsafe=True)
    dsn = server.start()
    try:
        assert await ask(dsn, "select 1") == 1
        sockets = Path(str(await ask(dsn, "show unix_socket_directories")))
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    finally:
        server.stop()
    sockets.rmdir()


async def test_a_set_up_that_was_interrupted_is_begun_again(place: Path) -> None:
    directory = place / "pg"
    (directory / "data.unfinished" / "base").mkdir(parents=True)
    (directory / "start.lock").touch()
    server = EmbeddedServer(directory, fast_and_unsafe=True)
    try:
        assert await ask(server.start(), "select 1") == 1
    finally:
        server.stop()


def _left_alone(place: Path) -> tuple[int, int, int, float, list[str]]:
    """All but the time of the last look, which looking itself moves."""
    seen = place.stat()
    return seen.st_mode, seen.st_uid, seen.st_gid, seen.st_mtime, sorted(p.name for p in place.iterdir())


def test_a_directory_with_other_files_is_refused_and_left_alone(place: Path) -> None:
    (place / "letter.txt").write_text("dear")
    before = _left_alone(place)
    with pytest.raises(DirectoryNotOurs, match=r"not those of a Lockstep server"):
        EmbeddedServer(place).start()
    assert _left_alone(place) == before


def test_stopping_what_was_never_started_does_nothing(place: Path) -> None:
    assert not EmbeddedServer(place / "pg").stop()
    assert not (place / "pg").exists()


def test_missing_programs_are_named_with_where_they_were_looked_for(place: Path) -> None:
    with pytest.raises(BinariesMissing, match=str(place)):
        EmbeddedServer(place / "pg", place / "nothing").start()


def test_data_of_a_version_that_is_not_here_is_not_touched(place: Path) -> None:
    (place / "PG_VERSION").write_text("9\n")
    with pytest.raises(DataOfAnotherVersion, match="PostgreSQL 9"):
        find_binaries(None, data=place)


if IS_ROOT:

    async def test_root_lends_the_server_an_account_and_programs_that_it_can_reach(place: Path) -> None:
        closed = place / "home-of-root"
        closed.mkdir(mode=0o700)
        server = EmbeddedServer(place / "pg", copy_of_programs(closed), fast_and_unsafe=True)
        try:
            assert await ask(server.start(), "select 1") == 1
            assert (place / "pg" / "data").stat().st_uid != 0
            assert list((place / "pg" / "programs").glob("*/*/*/bin/postgres"))
        finally:
            server.stop()

    def test_root_is_told_where_the_servers_account_cannot_follow(place: Path) -> None:
        closed = place / "home-of-root"
        closed.mkdir(mode=0o700)
        with pytest.raises(DirectoryUnreachable, match=str(default_directory({}))):
            EmbeddedServer(closed / "pg").start()
        assert not (closed / "pg").exists()
