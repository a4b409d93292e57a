"""Bringing the tables up to this release, or back: one caller at a time, however many start at once."""

from __future__ import annotations

import asyncio
import pkgutil
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, redirect_stdout
from functools import cache
from importlib import import_module
from io import StringIO
from typing import Any

import asyncpg
import msgspec
import structlog
from piccolo.apps.migrations.commands.backwards import BackwardsMigrationManager
from piccolo.apps.migrations.commands.base import MigrationResult
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager

from inbox.kit.db import DB
from migrations import versions
from migrations.locks import Verdict, judge_migration
from migrations.piccolo_app import APP_NAME

MIGRATION_LOCK = 0x5B0A4D
"""The advisory lock that those who migrate pass through one by one; Piccolo itself has none."""
LOCK_POLL_SECONDS = 0.1
"""How often to ask for it. Who waits for a lock inside a statement would keep an index from being built."""
BUSY_TRIES = 30
BUSY_SECONDS = 2.0
"""How often, and after which pause, a migration is tried again that did not get its locks in time."""
TAKE_LOCK = "SELECT pg_try_advisory_lock($1)"
RAN = "SELECT name FROM migration WHERE app_name = $1"


log = structlog.get_logger()


class MigrationFailed(Exception):
    """The migrations could not run; the message says why, and what to do."""


class PlannedMigration(msgspec.Struct, kw_only=True, frozen=True):
    """A migration that would run: its statements, each with what it makes others wait for."""

    id: str
    description: str
    statements: list[Verdict]


async def migrate_database(url: str) -> list[str]:
    """Run every migration the database lacks, oldest first; returns the ids of those that ran.

    Each takes its locks within two seconds or gives way and is tried again, so that nobody at work waits longer.
    """
    async with _alone(url) as connection:
        missing = pending_after(await _ran(connection))
        if missing:
            await _run_patiently()
    return missing


async def revert_database(url: str, *, steps: int | None = None) -> list[str]:
    """Undo the newest `steps` migrations, or all; returns the ids of those undone, newest first."""
    async with _alone(url) as connection:
        undone = sorted(await _ran(connection), reverse=True)[:steps]
        if undone:
            await _say_nothing(BackwardsMigrationManager(APP_NAME, undone[-1], auto_agree=True).run())
    return undone


async def plan_migrations(url: str) -> list[PlannedMigration]:
    """What `migrate_database` would do to this database."""
    missing = set(await pending_migrations(url))
    return [migration for migration in describe_migrations() if migration.id in missing]


def describe_migrations() -> list[PlannedMigration]:
    """All migrations of this release, oldest first, with what their statements make others wait for."""
    return [_plan(module) for module in _modules()]


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
    return tuple(module.ID for module in _modules())


@cache
def _modules() -> tuple[Any, ...]:
    names = [module.name for module in pkgutil.iter_modules(versions.__path__)]
    return tuple(sorted((import_module(f"{versions.__name__}.{name}") for name in names), key=lambda one: str(one.ID)))


def _plan(module: Any) -> PlannedMigration:
    statements = judge_migration(module.UP, getattr(module, "INDEXES", ()))
    return PlannedMigration(id=module.ID, description=module.DESCRIPTION, statements=statements)


async def _run_patiently() -> None:
    """Piccolo goes on after the last that ran, so trying again repeats only what gave way."""
    for attempt in range(1, BUSY_TRIES + 1):
        try:
            return await _say_nothing(ForwardsMigrationManager(APP_NAME).run())
        except asyncpg.LockNotAvailableError:
            log.warning("migration_gave_way", attempt=attempt)
            await asyncio.sleep(BUSY_SECONDS)
    raise MigrationFailed("the tables were never free for a migration; look for long transactions in pg_stat_activity")


@asynccontextmanager
async def _alone(url: str) -> AsyncIterator[Any]:
    """A connection that holds the lock, with Piccolo's engine pointed at the same database."""
    connection = await asyncpg.connect(url)
    before, DB.config = DB.config, {"dsn": url}
    try:
        while not await connection.fetchval(TAKE_LOCK, MIGRATION_LOCK):  # noqa: ASYNC110 (others set no Event)
            await asyncio.sleep(LOCK_POLL_SECONDS)
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
