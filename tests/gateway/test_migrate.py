"""Bringing the tables up and back."""

from __future__ import annotations

import asyncio

import asyncpg

from gateway.migrate import known_migrations, migrate_database, pending_after, pending_migrations, revert_database

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


def test_a_newer_database_lacks_nothing() -> None:
    """Ids of a newer release are not ours to judge: the older release runs on its tables."""
    assert pending_after([*known_migrations(), "2099-01-01T00:00:00:000000"]) == []
    assert pending_after([]) == list(known_migrations())
