"""A migration as plain SQL both ways, so that a reader sees the very statements the database sees.

It runs beside a working system: what takes a lock takes it in one short transaction and waits for it no longer than
LOCK_SECONDS, since everybody behind it waits as well; an index of a table that has rows is built CONCURRENTLY.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

LOCK_SECONDS = 2.0
"""How long a migration may wait for a lock, and so hold up everybody who comes after it; it is tried again later."""
INDEX_NAME = re.compile(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+)")
INVALID = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid"


def sql_migration(
    *, migration_id: str, description: str, up: str, down: str, indexes: Sequence[str] = ()
) -> MigrationManager:
    """A Piccolo migration that runs `up` and then builds `indexes` forwards, and runs `down` backwards.

    `up` and `down` are one transaction each, `indexes` are "CREATE INDEX CONCURRENTLY IF NOT EXISTS ..." one by one,
    for tables that have rows. Piccolo writes its bookkeeping afterwards, so all must bear being run twice.
    """
    manager = MigrationManager(
        migration_id=migration_id, app_name="switchboard", description=description, wrap_in_transaction=False
    )

    async def forwards() -> None:
        await _run(up, indexes)

    async def backwards() -> None:
        await _run(down)

    manager.add_raw(forwards)
    manager.add_raw_backwards(backwards)
    return manager


async def _run(sql: str, indexes: Sequence[str] = ()) -> None:
    async with _connected() as connection:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            await connection.execute(sql)
        for index in indexes:
            await _build(connection, index)


async def _build(connection: Any, statement: str) -> None:
    """Build an index; one that was broken off in the middle is there, but invalid, and has to go first."""
    found = INDEX_NAME.match(statement)
    if found is None:
        raise ValueError(f"not an index built concurrently: {statement}")
    if await connection.fetchval(INVALID, found[1]):
        await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {found[1]}")
    await connection.execute(statement)


@asynccontextmanager
async def _connected() -> AsyncIterator[Any]:
    """A connection of its own: Piccolo's transaction would keep an index from being built concurrently."""
    engine: Any = engine_finder()
    if engine is None:
        raise RuntimeError("a migration runs with Piccolo's engine pointed at the database")
    connection = await asyncpg.connect(**engine.config)
    try:
        yield connection
    finally:
        await connection.close()
