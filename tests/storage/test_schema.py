"""The schema: what the migrations make is what is written down, on every PostgreSQL that is supported."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import asyncpg
import pytest

from lockstep.kit.ids import new_id
from lockstep.storage.migrations import MigrationChanged, migrate, migrations
from lockstep.storage.server import EmbeddedServer

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "src" / "lockstep" / "storage" / "schema.txt"
DEBIANS = Path("/usr/lib/postgresql/15/bin")


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("schema_listing", ROOT / "tools" / "schema_listing.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["schema_listing"] = module
    spec.loader.exec_module(module)
    return module


async def test_the_schema_equals_its_migrations(database_url: str) -> None:
    assert await _tool().listing(database_url) == WRITTEN.read_text(encoding="utf-8"), (
        "run tools/schema_listing.py and look at the difference"
    )


async def test_every_table_is_bound_by_row_security_and_leads_with_its_workspace(database_url: str) -> None:
    text = WRITTEN.read_text(encoding="utf-8")
    policies = text.split("== row security\n")[1].splitlines()
    assert len(policies) > 25
    assert all(" on forced: " in line and "no policy" not in line for line in policies)
    # Operators belong to no workspace: only what looks across all of them sees theirs.
    of_nobody = [line for line in policies if line.startswith(("operators ", "operator_tokens "))]
    assert [line.split(": ", 1)[1] for line in of_nobody] == [
        "(current_setting('lockstep.workspace'::text, true) = '*'::text)"
    ] * 2
    primary = [
        line
        for line in text.splitlines()
        if "PRIMARY KEY" in line and not line.startswith(("workspaces:", "operators:", "operator_tokens:"))
    ]
    assert all("PRIMARY KEY (workspace_id" in line for line in primary)


async def test_a_plan_made_while_the_tables_are_empty_goes_by_the_id_not_by_the_workspace(
    server_url: str, template_database: str
) -> None:
    """In a database of its own: what other tests left behind may have been analysed meanwhile."""
    name = f"planned_{new_id().hex}"
    above = await asyncpg.connect(server_url)
    await above.execute(f'create database "{name}" template "{template_database}"')
    connection = await asyncpg.connect(server_url, database=name)
    try:
        await connection.execute("set plan_cache_mode = force_generic_plan")
        # Older servers take no statistics that nobody gathered: they plan anew once the tables were analysed.
        tables = ("grants", "entries", "domains") if connection.get_server_version().major >= 18 else ()
        for table in tables:
            statement = f"select from {table} where workspace_id = $1 and id = $2 for key share"
            await connection.execute(f"prepare one_{table} (uuid, uuid) as {statement}")
            plan = await connection.fetch(f"explain execute one_{table} (null, null)")
            assert any(f"Index Scan using {table}_pkey" in line for (line,) in plan), plan
    finally:
        await connection.close()
        await above.execute(f'drop database "{name}" with (force)')
        await above.close()


async def test_migrating_again_changes_nothing_and_a_changed_migration_is_refused(database_url: str) -> None:
    assert await migrate(database_url) == []
    connection = await asyncpg.connect(database_url)
    name = migrations()[0][0]
    digest = await connection.fetchval("select digest from lockstep_migrations where name = $1", name)
    await connection.execute("update lockstep_migrations set digest = 'other' where name = $1", name)
    try:
        with pytest.raises(MigrationChanged, match=name):
            await migrate(database_url)
    finally:
        await connection.execute("update lockstep_migrations set digest = $2 where name = $1", name, digest)
        await connection.close()


@pytest.mark.skipif(
    not DEBIANS.is_dir(), reason="Debian's PostgreSQL 15 is not installed: apt-get install postgresql"
)
async def test_the_oldest_supported_server_takes_the_same_schema() -> None:
    directory = Path(tempfile.mkdtemp(prefix="lockstep-pg15-"))
    server = EmbeddedServer(directory, DEBIANS, fast_and_unsafe=True)
    try:
        dsn = server.start()
        connection = await asyncpg.connect(dsn)
        assert connection.get_server_version().major == 15
        await connection.close()
        await migrate(dsn)
        assert await _tool().listing(dsn) == WRITTEN.read_text(encoding="utf-8")
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
