"""Making a backup while everything runs: one snapshot of the database, and the files that snapshot names.

The spool is copied first. What was acknowledged before the backup began is then either in that copy, or was moved into
the database before the snapshot; what is in both is known there by its id, and happens once.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec

from gateway.backup.manifest import (
    DUMP,
    FILES,
    FOLDER,
    SPOOL,
    BackedAttachment,
    BackupError,
    Manifest,
    hash_file,
    read_attachments,
    sync_path,
    write_manifest,
)
from gateway.backup.programs import find_program, run_program
from gateway.migrate import RAN
from gateway.sealed import SEALED
from gateway.storage import Storage
from inbox.kit.clock import utc_now
from migrations.piccolo_app import APP_NAME

COUNTED = ("entry", "conversation", "contact", "raw_event", "delivery", "attachment", "job")
COPIES_AT_ONCE = 4
NAMED = """
SELECT storage_key AS key, sha256, size FROM attachment WHERE state = 'stored' AND storage_key IS NOT NULL ORDER BY id
"""
PAGE = 1000


class Source(msgspec.Struct, kw_only=True, frozen=True):
    """What is backed up: a database, the storage of its files, and the spool's folder on this machine.

    `key_id` names the key that new secrets are sealed with.
    """

    url: str
    key_id: str
    storage: Storage
    spool: Path
    pg_bin: Path | None = None


class Snapshot(msgspec.Struct, kw_only=True, frozen=True):
    """A moment of the database that other connections can look at, and what it is like there."""

    id: str
    postgres: int
    migrations: list[str]
    key_ids: list[str]
    rows: dict[str, int]


async def create_backup(source: Source, target: Path) -> Manifest:
    """Write a backup to a directory, or to a tar file where the name ends so; BackupError if something is there.

    It appears under its name when it is whole, and never before.
    """
    beside = await asyncio.to_thread(_make_beside, target)
    try:
        manifest = await _fill(source, beside)
        await asyncio.to_thread(_finish, beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return manifest


def _make_beside(target: Path) -> Path:
    if target.exists():
        raise BackupError(f"{target} exists: a backup is never written over something")
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{uuid4().hex[:8]}")
    beside.mkdir(mode=0o700)
    return beside


async def _fill(source: Source, folder: Path) -> Manifest:
    spooled = await asyncio.to_thread(_copy_spool, source.spool, folder / SPOOL)
    async with _snapshot(source.url) as (connection, snapshot):
        program = await find_program("pg_dump", server=snapshot.postgres, pg_bin=source.pg_bin)
        await _list_attachments(connection, folder / FILES)
        await run_program(
            program,
            f"--snapshot={snapshot.id}",
            "--format=custom",
            "--compress=gzip:1",
            "--no-owner",
            "--no-privileges",
            "--exclude-table-data=outbox_hold",  # a copy has a hold of its own, before its first row
            "--lock-wait-timeout=30s",
            f"--file={folder / DUMP}",
            url=source.url,
        )
    count, size, lacking = await _copy_attachments(source.storage, folder)
    names = [DUMP, FILES, *(f"{SPOOL}/{name}" for name in spooled)]
    manifest = Manifest(
        created_at=utc_now(),
        version=_version(),
        postgres=snapshot.postgres,
        migrations=snapshot.migrations,
        key_ids=sorted({*snapshot.key_ids, source.key_id}),
        rows=snapshot.rows,
        files=[await asyncio.to_thread(hash_file, folder / name, name=name) for name in names],
        attachments=count,
        attachment_bytes=size,
        lacking=lacking,
    )
    await asyncio.to_thread(write_manifest, folder, manifest)
    return manifest


def _copy_spool(spool: Path, to: Path) -> list[str]:
    """The spool's files as they are now; a record half written is recognised by whoever reads them."""
    to.mkdir(mode=0o700)
    names = []
    for path in sorted(spool.glob("*.spool")):
        try:
            shutil.copyfile(path, to / path.name)
        except FileNotFoundError:  # drained meanwhile: the snapshot has it
            continue
        names.append(path.name)
    return names


@asynccontextmanager
async def _snapshot(url: str) -> AsyncIterator[tuple[Any, Snapshot]]:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection, await _look(connection)
    finally:
        await connection.close()


async def _look(connection: Any) -> Snapshot:
    snapshot_id = await connection.fetchval("SELECT pg_export_snapshot()")
    migrations = [row["name"] for row in await connection.fetch(RAN, APP_NAME)]
    key_ids: set[str] = set()
    for one in SEALED:
        sql = f"SELECT DISTINCT encode(substr({one.column}, 2, 4), 'hex') AS id FROM {one.table}"  # noqa: S608 (ours)
        key_ids |= {row["id"] for row in await connection.fetch(f"{sql} WHERE length({one.column}) > 0")}
    rows = {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in COUNTED}  # noqa: S608 (ours)
    return Snapshot(
        id=snapshot_id,
        postgres=connection.get_server_version().major,
        migrations=sorted(migrations),
        key_ids=sorted(key_ids),
        rows=rows,
    )


async def _list_attachments(connection: Any, path: Path) -> None:
    with path.open("wb") as lines:
        async for row in connection.cursor(NAMED, prefetch=PAGE):
            named = BackedAttachment(key=row["key"], sha256=row["sha256"] or "", size=row["size"] or 0)
            lines.write(msgspec.json.encode(named) + b"\n")


async def _copy_attachments(storage: Storage, folder: Path) -> tuple[int, int, list[str]]:
    """Copy what the list names, some at a time: how many files and bytes, and the keys of those that are not right."""
    room = asyncio.Semaphore(COPIES_AT_ONCE)
    lacking: list[str] = []
    count = size = 0

    async def copy(named: BackedAttachment) -> None:
        try:
            if not await copy_out(storage, named, folder / FOLDER / named.key):
                lacking.append(named.key)
        finally:
            room.release()

    async with asyncio.TaskGroup() as group:
        for named in read_attachments(folder):
            count, size = count + 1, size + named.size
            await room.acquire()
            group.create_task(copy(named))
    return count, size, sorted(lacking)


async def copy_out(storage: Storage, named: BackedAttachment, to: Path) -> bool:
    """A file out of the storage; False if it is not there, or is not what the database says. It is kept either way."""
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    try:
        pieces = await storage.open_file(named.key)
        with to.open("wb") as file:
            async for piece in pieces:
                digest.update(piece)
                await asyncio.to_thread(file.write, piece)
    except FileNotFoundError:
        return False
    return digest.hexdigest() == named.sha256


def _finish(folder: Path, target: Path) -> None:
    """On disk, and then under its name."""
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        if path.is_file():
            sync_path(path)
    made = folder
    if target.suffix == ".tar":
        made = folder.with_name(f"{folder.name}.tar")
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                tar.add(folder, arcname=target.stem)
            file.flush()
            os.fsync(file.fileno())
    made.rename(target)
    sync_path(target.parent)


def _version() -> str:
    try:
        return metadata.version("switchboard")
    except metadata.PackageNotFoundError:
        return "0"
