"""Bringing the tables up and back."""

from __future__ import annotations

import asyncio
import time
from contextlib import redirect_stdout
from io import StringIO

import asyncpg
import pytest
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager

from gateway import migrate
from gateway.migrate import known_migrations, migrate_database, pending_after, pending_migrations, revert_database
from inbox.kit.db import DB
from migrations import statements
from migrations.piccolo_app import APP_NAME
from migrations.statements import sql_migration

VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'half'::regclass"
TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public' AND table_name <> 'migration'"


def test_many_starters_run_each_migration_once(empty_database_url: str) -> None:
    """However many processes start on an empty database, each migration runs once and none of them fails."""

    async def start_four() -> list[list[str]]:
        return await asyncio.gather(*(migrate_database(empty_database_url) for _ in range(4)))

    ran = [migration for one in asyncio.run(start_four()) for migration in one]
    assert ran == list(known_migrations())


def test_every_migration_goes_back_and_forth(empty_database_url: str) -> None:
    """Each migration can be undone, down to an empty database, and run again."""

    async def there_and_back() -> None:
        await migrate_database(empty_database_url)
        assert await revert_database(empty_database_url, steps=1) == [known_migrations()[-1]]
        assert await pending_migrations(empty_database_url) == [known_migrations()[-1]]
        await revert_database(empty_database_url)
        connection = await asyncpg.connect(empty_database_url)
        assert await connection.fetchval(TABLES) == 0
        await connection.close()
        assert await migrate_database(empty_database_url) == list(known_migrations())
        assert await migrate_database(empty_database_url) == []

    asyncio.run(there_and_back())


def test_a_migration_waits_briefly_for_its_locks_and_comes_back(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table in long use holds a migration up, and never those who come behind it: it gives way and tries again."""
    monkeypatch.setattr(statements, "LOCK_SECONDS", 0.2)
    monkeypatch.setattr(migrate, "BUSY_SECONDS", 0.1)

    async def migrate_beside_a_reader() -> tuple[list[str], float]:
        await migrate_database(empty_database_url)
        undone = (await revert_database(empty_database_url))[0]
        assert undone == known_migrations()[-1]
        for name in known_migrations()[:6]:
            await run_up_to(empty_database_url, name)
        reader, neighbour = [await asyncpg.connect(empty_database_url) for _ in range(2)]
        await reader.execute("BEGIN; SELECT count(*) FROM entry")
        work = asyncio.create_task(migrate_database(empty_database_url))
        waits = []
        for _ in range(10):
            started = time.monotonic()
            await neighbour.fetchval("SELECT count(*) FROM entry")
            waits.append(time.monotonic() - started)
            await asyncio.sleep(0.1)
        assert not work.done()
        await reader.execute("COMMIT")
        ran = await work
        await reader.close()
        await neighbour.close()
        return ran, max(waits)

    ran, longest = asyncio.run(migrate_beside_a_reader())
    assert ran == list(known_migrations()[6:])
    assert longest < 30  # the reader goes when all have asked: who waited for it would wait for ever


def test_an_index_broken_off_in_the_middle_is_built_anew(empty_database_url: str) -> None:
    """A migration that was killed while it built an index leaves an invalid one, which the next run replaces."""
    statement = "CREATE INDEX CONCURRENTLY IF NOT EXISTS half ON thing (id)"
    manager = sql_migration(migration_id="x", description="x", up="SELECT 1", down="SELECT 1", indexes=[statement])

    async def break_and_mend() -> tuple[bool, bool]:
        connection = await asyncpg.connect(empty_database_url)
        await connection.execute("CREATE TABLE thing (id int); INSERT INTO thing VALUES (1), (1)")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("CREATE UNIQUE INDEX CONCURRENTLY half ON thing (id)")
        before = await connection.fetchval(VALID)
        DB.config = {"dsn": empty_database_url}
        await manager.run()
        after = await connection.fetchval(VALID)
        await connection.close()
        return before, after

    assert asyncio.run(break_and_mend()) == (False, True)


async def run_up_to(url: str, name: str) -> None:
    """Run the migrations up to this one, as an older release would have."""
    DB.config = {"dsn": url}
    with redirect_stdout(StringIO()):
        await ForwardsMigrationManager(APP_NAME, name).run()


def test_a_newer_database_lacks_nothing() -> None:
    """Ids of a newer release are not ours to judge: the older release runs on its tables."""
    assert pending_after([*known_migrations(), "2099-01-01T00:00:00:000000"]) == []
    assert pending_after([]) == list(known_migrations())
