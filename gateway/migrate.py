"""Bringing the tables up to this release, or back: one caller at a time, however many start at once."""

from __future__ import annotations

import pkgutil
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, redirect_stdout
from functools import cache
from importlib import import_module
from io import StringIO
from typing import Any

import asyncpg
from piccolo.apps.migrations.commands.backwards import BackwardsMigrationManager
from piccolo.apps.migrations.commands.base import MigrationResult
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager

from inbox.kit.db import DB
from migrations import versions
from migrations.piccolo_app import APP_NAME

MIGRATION_LOCK = 0x5B0A4D
"""The advisory lock that those who migrate pass through one by one; Piccolo itself has none."""
RAN = "SELECT name FROM migration WHERE app_name = $1"


class MigrationFailed(Exception):
    """Piccolo refused to run the migrations; what it said is the message."""


async def migrate_database(url: str) -> list[str]:
    """Run every migration the database lacks, oldest first; returns the ids of those that ran."""
    async with _alone(url) as connection:
        missing = pending_after(await _ran(connection))
        if missing:
            await _say_nothing(ForwardsMigrationManager(APP_NAME).run())
    return missing


async def revert_database(url: str, *, steps: int | None = None) -> list[str]:
    """Undo the newest `steps` migrations, or all; returns the ids of those undone, newest first."""
    async with _alone(url) as connection:
        undone = sorted(await _ran(connection), reverse=True)[:steps]
        if undone:
            await _say_nothing(BackwardsMigrationManager(APP_NAME, undone[-1], auto_agree=True).run())
    return undone


async def pending_migrations(url: str) -> list[str]:
    """The ids of the migrations the database lacks, oldest first."""
    connection = await asyncpg.connect(url)
    try:
        return pending_after(await _ran(connection))
    finally:
        await connection.close()


def pending_after(ran: list[str]) -> list[str]:
    """What this release has beyond the given ids. Ids it does not know are a newer release's, and none of ours."""
    return [migration for migration in known_migrations() if migration not in set(ran)]


@cache
def known_migrations() -> tuple[str, ...]:
    """The ids of this release's migrations, oldest first."""
    names = [module.name for module in pkgutil.iter_modules(versions.__path__)]
    return tuple(sorted(import_module(f"{versions.__name__}.{name}").ID for name in names))


@asynccontextmanager
async def _alone(url: str) -> AsyncIterator[Any]:
    """A connection that holds the lock, with Piccolo's engine pointed at the same database."""
    connection = await asyncpg.connect(url)
    before, DB.config = DB.config, {"dsn": url}
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        yield connection
    finally:
        DB.config = before
        await connection.close()


async def _ran(connection: Any) -> list[str]:
    if not await connection.fetchval("SELECT to_regclass('migration') IS NOT NULL"):
        return []
    return [row["name"] for row in await connection.fetch(RAN, APP_NAME)]


async def _say_nothing(work: Awaitable[MigrationResult]) -> None:
    """Piccolo reports to standard output, which belongs to our commands and their `--json`."""
    with redirect_stdout(StringIO()):
        result = await work
    if not result.success:
        raise MigrationFailed(result.message or "the migrations did not run")
