"""All migrations forward, back to nothing, and forward again: `python -m tests.migrations_both_ways`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import asyncpg

from gateway.embedded import open_embedded
from gateway.migrate import migrate_database, pending_migrations, revert_database

TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public' AND table_name <> 'migration'"


async def go_both_ways() -> list[str]:
    """What was done, step by step; an error where a step leaves more or less than it should."""
    with tempfile.TemporaryDirectory(prefix="switchboard-migrations-") as folder:
        embedded = await open_embedded(Path(folder), redis=False)
        url = str(embedded.database_url)
        try:
            first = await migrate_database(url)
            made = await _count_tables(url)
            undone = await revert_database(url)
            left = await _count_tables(url)
            second = await migrate_database(url)
            if not (first == second == undone[::-1] and made and not left and not await pending_migrations(url)):
                raise RuntimeError(f"forward {first}, back {undone} leaving {left} tables, forward {second}")
        finally:
            await embedded.close()
    return [f"{len(first)} migrations forward: {made} tables", f"{len(undone)} back: none", f"{len(second)} forward"]


async def _count_tables(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(TABLES))
    finally:
        await connection.close()


if __name__ == "__main__":
    for line in asyncio.run(go_both_ways()):
        print(line)  # noqa: T201 (said to whoever runs it)
