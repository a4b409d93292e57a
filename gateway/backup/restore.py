"""Restoring a backup into something empty, held: the copy sends nothing until it is told to."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from gateway.backup.after import RestoredPlace, end_transfers, redo_after_restore
from gateway.backup.manifest import (
    DUMP,
    FOLDER,
    READ_BYTES,
    SPOOL,
    BackedAttachment,
    BackupError,
    Manifest,
    read_attachments,
    sync_path,
)
from gateway.backup.programs import find_program, run_program
from gateway.backup.verify import verify_backup
from gateway.migrate import MIGRATION_LOCK, known_migrations, migrate_database
from gateway.storage import Storage
from inbox.audit.actions import record_audit
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import show_time
from inbox.kit.db import close_database, execute, open_database, tx
from inbox.kit.secrets import SecretBox
from inbox.staff.sessions.actions import end_all_sessions

TABLES = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg_toast%'
"""
HOLD = """
INSERT INTO outbox_hold (reason, actor) VALUES ($1, $2)
ON CONFLICT (one_row) DO UPDATE SET reason = excluded.reason, actor = excluded.actor, held_at = now()
"""
HOLD_FIRST = "INSERT INTO outbox_hold (reason, actor) VALUES ($1, $2)"
RESTORE_OPTIONS = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--format=custom")
UNFINISHED = "DO NOT RELEASE: this copy is not whole, for nobody has finished restoring it from"
"""Why nothing leaves a copy whose files or erasures are still to come, or never came because the restore broke off."""
POOL_SIZE = 2
COPIES_AT_ONCE = 4


class Target(msgspec.Struct, kw_only=True, frozen=True):
    """Where a backup goes: an empty database, an empty storage, and a spool's folder without a spool.

    `ledgers` are files of erasures that are to happen again in the copy.
    """

    url: str
    storage: Storage
    spool: Path
    pg_bin: Path | None = None
    ledgers: tuple[Path, ...] = ()


class Restored(msgspec.Struct, kw_only=True, frozen=True):
    """What was restored; `migrated` are the migrations that the backup lacked, `lacking` files it never had.

    `redone` counts what has happened since the backup was made and happened again, such as erasures.
    """

    created_at: str
    version: str
    rows: dict[str, int]
    attachments: int
    spooled: int
    lacking: int
    migrated: list[str]
    redone: dict[str, int]


async def restore_backup(folder: Path, target: Target, *, box: SecretBox) -> Restored:
    """Check, restore, and hold the outbox before anybody can send; BackupError where something does not fit.

    Nothing is written before all checks are passed. A restore that breaks off leaves a database that is held.
    """
    manifest, problems = await asyncio.to_thread(verify_backup, folder)
    if problems:
        raise BackupError("the backup is not whole: " + "; ".join(problems[:5]))
    check_fit(manifest, box)
    await _check_empty(target)
    async with _alone(target.url) as connection:
        await _restore_database(folder, manifest, target, connection)
    migrated = await migrate_database(target.url)
    restored = await _restore_attachments(folder, manifest, target.storage)
    spooled = await asyncio.to_thread(_restore_spool, folder / SPOOL, target.spool)
    redone = await _settle(target, manifest, box)
    return Restored(
        created_at=show_time(manifest.created_at),
        version=manifest.version,
        rows=manifest.rows,
        attachments=restored,
        spooled=spooled,
        lacking=len(manifest.lacking),
        migrated=migrated,
        redone=redone,
    )


def check_fit(manifest: Manifest, box: SecretBox) -> None:
    """BackupError unless this release knows the backup's tables and holds its keys."""
    newer = sorted(set(manifest.migrations) - set(known_migrations()))
    if newer:
        raise BackupError(
            f"the backup was made by Switchboard {manifest.version}, which is newer than this one "
            f"({len(newer)} migrations are not known here): restore it with that release or a later one"
        )
    missing = sorted(set(manifest.key_ids) - set(box.key_ids))
    if missing:
        raise BackupError(
            f"the backup's secrets were sealed with the keys {', '.join(missing)}, and at hand are "
            f"{', '.join(box.key_ids)}: set SWITCHBOARD_SECRET_KEY to the key of that time, "
            "or name it in SWITCHBOARD_OLD_SECRET_KEYS"
        )


async def _check_empty(target: Target) -> None:
    if not await target.storage.is_empty():
        raise BackupError("the storage of attachments is not empty: restore into an empty folder or bucket")
    if await asyncio.to_thread(lambda: any(target.spool.glob("*.spool"))):
        raise BackupError(f"{target.spool} is not empty: requests wait there that belong to another database")


@asynccontextmanager
async def _alone(url: str) -> AsyncIterator[Any]:
    """A connection that keeps starting processes waiting: none sees the copy before its outbox is held."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        yield connection
    finally:
        await connection.close()


async def _restore_database(folder: Path, manifest: Manifest, target: Target, connection: Any) -> None:
    if await connection.fetchval(TABLES):
        raise BackupError("the database is not empty: restore into a new one")
    server = connection.get_server_version().major
    if server < manifest.postgres:
        raise BackupError(f"the backup is of Postgres {manifest.postgres}, and the server is {server}")
    program = await find_program("pg_restore", server=manifest.postgres, pg_bin=target.pg_bin)
    for section in ("pre-data", "data", "post-data"):
        options = (f"--section={section}", *RESTORE_OPTIONS)
        await run_program(program, *options, str(folder / DUMP), url=target.url)
        if section == "pre-data":  # before there is anything to send: whoever kills us now leaves a copy that is held
            reason = f"{UNFINISHED} {_name(manifest)}"
            await connection.execute(HOLD_FIRST, reason, msgspec.json.encode(SYSTEM).decode())
    await connection.execute("ANALYZE")


async def _restore_attachments(folder: Path, manifest: Manifest, storage: Storage) -> int:
    room, count = asyncio.Semaphore(COPIES_AT_ONCE), 0

    async def copy(named: BackedAttachment) -> None:
        try:
            await storage.put_file(named.key, _pieces(folder / FOLDER / named.key))
        finally:
            room.release()

    lacking = set(manifest.lacking)
    async with asyncio.TaskGroup() as group:
        for named in read_attachments(folder):
            if named.key not in lacking:
                await room.acquire()
                group.create_task(copy(named))
                count += 1
    return count


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, READ_BYTES):
            yield piece


def _restore_spool(kept: Path, spool: Path) -> int:
    """Requests that waited in the spool wait there again, and are moved into the journal when a process starts."""
    paths = sorted(kept.glob("*.spool"))
    if paths:
        spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in paths:
        # Whoever drains the folder already must never see a half of it: it would take the rest for torn off.
        beside = (spool / path.name).with_suffix(".new")
        shutil.copyfile(path, beside)
        sync_path(beside)
        beside.rename(spool / path.name)
    if paths:
        sync_path(spool)
    return len(paths)


async def _settle(target: Target, manifest: Manifest, box: SecretBox) -> dict[str, int]:
    """Let happen again what has happened since, and write down that there was a restore."""
    await open_database(target.url, size=POOL_SIZE)
    try:
        place = RestoredPlace(data_dir=target.spool.parent, storage=target.storage, box=box, ledgers=target.ledgers)
        redone = await redo_after_restore(place)
        async with tx():
            await end_transfers()
            await end_all_sessions()
            await execute(HOLD, f"restored from {_name(manifest)}", msgspec.json.encode(SYSTEM).decode())
            facts = {"created_at": show_time(manifest.created_at), "version": manifest.version, **manifest.rows}
            await record_audit(SYSTEM, "backup.restored", facts=facts)
    finally:
        await close_database()
    return redone


def _name(manifest: Manifest) -> str:
    return f"the backup of {show_time(manifest.created_at)}"
