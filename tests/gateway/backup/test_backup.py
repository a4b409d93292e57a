"""Backups made of a living system, checked, and restored: everything is there, and nothing leaves the copy."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import asyncpg
import msgspec
import pytest

from gateway.backup import after, restore
from gateway.backup.manifest import MANIFEST, BackupError, Manifest, read_manifest, write_manifest
from gateway.backup.programs import run_program, without_password
from gateway.backup.restore import UNFINISHED, check_fit
from gateway.backup.verify import opened_backup, verify_backup
from gateway.sealed import check_keys
from inbox.kit.callers import SYSTEM
from inbox.kit.db import fetch, fetch_value
from inbox.kit.secrets import SecretBox
from inbox.outbox.actions import claim_jobs
from inbox.repair.queries import outbox_status
from inbox.staff.actions import add_agent
from inbox.staff.invitations.actions import make_link
from inbox.staff.sessions.actions import Lifetime, SignIn, begin_session
from inbox.transfers.actions import begin_transfer, close_transfer
from inbox.transfers.transfer import ExportPlan
from tests.gateway.backup.copies import BOX, PHOTO, back_up, keep_photo, open_source, restore_into
from tests.gateway.runtimes import open_test_runtime
from tests.inbox.builders import committed, journal_row, rows_of

FOREIGN_KEYS = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated"


async def all_rows(tables: tuple[str, ...]) -> dict[str, list[tuple[object, ...]]]:
    """What these tables hold."""
    return {
        table: sorted(tuple(map(str, row.values())) for row in await fetch(f"SELECT * FROM {table}"))
        for table in tables
    }


def test_what_is_backed_up_comes_back_and_sends_nothing(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    """Rows, files, constraints and secrets are those of the original; the copy's outbox is held."""
    tables = ("contact", "identity", "conversation", "entry", "delivery", "job", "channel", "event_key", "api_key")

    async def run() -> None:
        async with open_source(database_url, tmp_path / "old") as (runtime, _):
            before, keys = await all_rows(tables), await fetch_value(FOREIGN_KEYS)
            manifest = await back_up(runtime, tmp_path / "backup")
        assert (manifest.rows["entry"], manifest.attachments, manifest.lacking) == (2, 1, [])
        assert manifest.key_ids == BOX.key_ids
        restored = await restore_into(tmp_path / "backup", empty_database_url, tmp_path / "new")
        assert (restored.attachments, restored.migrated) == (1, [])
        async with open_test_runtime(empty_database_url, tmp_path / "new") as runtime:
            assert await all_rows(tables) == before
            assert await fetch_value(FOREIGN_KEYS) == keys
            [file] = await rows_of("attachment")
            assert b"".join([piece async for piece in await runtime.storage.open_file(file["storage_key"])]) == PHOTO
            await check_keys(BOX)
            await runtime.directory.refresh()
            assert len(runtime.directory.all_channels()) == 1
            assert (await outbox_status()).held
            assert await claim_jobs(limit=10, lease_seconds=5) == []
            assert await fetch_value("SELECT action FROM audit_event ORDER BY at DESC LIMIT 1") == "backup.restored"

    asyncio.run(run())


def test_a_tar_file_is_the_same_in_one_piece(database_url: str, empty_database_url: str, tmp_path: Path) -> None:
    """A target that ends in .tar is one file, readable by its owner alone; it is checked and restored like a folder."""

    async def run() -> None:
        async with open_source(database_url, tmp_path / "old") as (runtime, _):
            await back_up(runtime, tmp_path / "b.tar")
        assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
        with opened_backup(tmp_path / "b.tar") as folder:
            assert verify_backup(folder)[1] == []
            await restore_into(folder, empty_database_url, tmp_path / "new")

    asyncio.run(run())
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_what_waits_in_the_spool_is_in_the_backup(database_url: str, empty_database_url: str, tmp_path: Path) -> None:
    """A request that was acknowledged into the spool is journaled from the copy's spool, once."""

    async def run() -> None:
        async with open_source(database_url, tmp_path / "old") as (runtime, _):
            channel_id = await fetch_value("SELECT id FROM channel")
            await runtime.spool.append([journal_row(channel_id, b"[]")])
            await back_up(runtime, tmp_path / "backup")
            await runtime.journal.drain()
        restored = await restore_into(tmp_path / "backup", empty_database_url, tmp_path / "new")
        assert restored.spooled == 1
        async with open_test_runtime(empty_database_url, tmp_path / "new") as runtime:
            assert await runtime.journal.drain() == 1
            assert [row["body"] for row in await rows_of("raw_event")] == [b"[]"]

    asyncio.run(run())


def test_a_damaged_backup_is_found_out(database_url: str, empty_database_url: str, tmp_path: Path) -> None:
    """A byte changed anywhere, or a file gone, is named; nothing is restored from it."""

    async def run() -> None:
        async with open_source(database_url, tmp_path / "old") as (runtime, _):
            await back_up(runtime, tmp_path / "backup")
        backup = tmp_path / "backup"
        photo = next(path for path in (backup / "attachments").rglob("*") if path.is_file())
        for path in (photo, backup / "database.dump", backup / "attachments.jsonl"):
            content = path.read_bytes()
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
            _, problems = verify_backup(backup)
            assert [path.name in problem for problem in problems] == [True]
            with pytest.raises(BackupError, match="not whole"):
                await restore_into(backup, empty_database_url, tmp_path / "new")
            path.write_bytes(content)
        photo.unlink()
        assert "missing" in verify_backup(backup)[1][0]
        (backup / MANIFEST).write_bytes((backup / MANIFEST).read_bytes().replace(b"entry", b"entri"))
        with pytest.raises(BackupError, match="as it was written"):
            verify_backup(backup)

    asyncio.run(run())


def test_files_lost_before_are_told_and_stop_nothing(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    """What the database names and the storage lacks, or has otherwise, is listed; the rest comes back."""

    async def run() -> None:
        async with open_source(database_url, tmp_path / "old") as (runtime, _):
            await keep_photo(runtime.storage, b"another")
            keys = [row["storage_key"] for row in await rows_of("attachment", "size")]
            await runtime.storage.delete_file(keys[0])
            (tmp_path / "old" / "attachments" / keys[1]).write_bytes(b"changed")
            good = await keep_photo(runtime.storage, b"good")
            manifest = await back_up(runtime, tmp_path / "backup")
        assert manifest.lacking == sorted(keys)
        assert verify_backup(tmp_path / "backup")[1] == []
        restored = await restore_into(tmp_path / "backup", empty_database_url, tmp_path / "new")
        assert (restored.attachments, restored.lacking) == (1, 2)
        assert (tmp_path / "new" / "attachments" / good.hex[:2] / good.hex).read_bytes() == b"good"

    asyncio.run(run())


def test_only_an_empty_place_is_restored_into(database_url: str, empty_database_url: str, tmp_path: Path) -> None:
    """A database with a table, a storage with a file or a spool with requests is refused, and left as it is."""

    async def run() -> None:
        async with open_source(database_url, tmp_path / "old") as (runtime, _):
            await back_up(runtime, tmp_path / "backup")
            with pytest.raises(BackupError, match="exists"):
                await back_up(runtime, tmp_path / "backup")
        with pytest.raises(BackupError, match="database is not empty"):
            await restore_into(tmp_path / "backup", database_url, tmp_path / "new")
        with pytest.raises(BackupError, match="storage of attachments"):
            await restore_into(tmp_path / "backup", empty_database_url, tmp_path / "old")
        spool = tmp_path / "spooled" / "spool"
        spool.mkdir(parents=True)
        (spool / "x.spool").write_bytes(b"")
        with pytest.raises(BackupError, match="requests wait there"):
            await restore_into(tmp_path / "backup", empty_database_url, tmp_path / "spooled")
        connection = await asyncpg.connect(empty_database_url)
        assert (
            await connection.fetchval("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
            == 0
        )
        await connection.close()

    asyncio.run(run())


def test_a_backup_needs_its_keys_and_a_release_that_knows_it(database_url: str, tmp_path: Path) -> None:
    """Without a key of that id, or with migrations nobody knows here, nothing is begun; the words say what to do."""

    async def run() -> Manifest:
        async with open_source(database_url, tmp_path / "old") as (runtime, _):
            return await back_up(runtime, tmp_path / "backup")

    manifest = asyncio.run(run())
    other = SecretBox(["another key altogether: 9876543210"])
    with pytest.raises(BackupError, match=f"{BOX.key_ids[0]}.*SWITCHBOARD_OLD_SECRET_KEYS"):
        check_fit(manifest, other)
    check_fit(manifest, SecretBox(["another key altogether: 9876543210", "a test's own key, long enough: 0123456789"]))
    newer = msgspec.structs.replace(manifest, migrations=[*manifest.migrations, "2036-01-01T00:00:00:000001"])
    with pytest.raises(BackupError, match="newer than this one"):
        check_fit(newer, BOX)
    text = (tmp_path / "backup" / MANIFEST).read_text()
    assert "a test's own key" not in text
    write_manifest(tmp_path / "backup", msgspec.structs.replace(manifest, format=2))
    with pytest.raises(BackupError, match="another format"):
        read_manifest(tmp_path / "backup")


def test_what_happened_since_happens_again(
    database_url: str, empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is listed to be done after a restore is done in the restored database, and counted."""

    async def erase(place: after.RestoredPlace) -> int:
        assert place.data_dir == tmp_path / "new"
        return int(
            await fetch_value("WITH gone AS (UPDATE contact SET name = NULL RETURNING 1) SELECT count(*) FROM gone")
        )

    monkeypatch.setattr(after, "AFTER_RESTORE", {"erasures": erase})

    async def run() -> None:
        async with open_source(database_url, tmp_path / "old") as (runtime, _):
            await back_up(runtime, tmp_path / "backup")
        restored = await restore_into(tmp_path / "backup", empty_database_url, tmp_path / "new")
        assert restored.redone == {"erasures": 1}

    asyncio.run(run())


def test_transfers_end_for_their_files_are_in_no_backup(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    """An export that ran has failed and one that was done is gone: none goes on with its first parts missing."""

    async def run() -> None:
        async with open_source(database_url, tmp_path / "old") as (runtime, _):
            done, running = [
                await committed(begin_transfer("export", "contacts", format="csv", plan=ExportPlan(), actor=SYSTEM))
                for _ in range(2)
            ]
            await committed(close_transfer(done, "done"))
            await back_up(runtime, tmp_path / "backup")
        await restore_into(tmp_path / "backup", empty_database_url, tmp_path / "new")
        async with open_test_runtime(empty_database_url, tmp_path / "new"):
            seen = {row["id"]: (row["state"], row["error"]) for row in await rows_of("transfer")}
            assert seen == {done: ("expired", None), running: ("failed", after.TRANSFER_LOST)}

    asyncio.run(run())


def test_a_session_ended_since_does_not_come_back(database_url: str, empty_database_url: str, tmp_path: Path) -> None:
    """Neither sessions nor links of the copy open anything: some may have been revoked after it was made."""

    async def run() -> None:
        async with open_source(database_url, tmp_path / "old") as (runtime, _):
            agent = await committed(add_agent(name="Ana", email="ana@example.org"))
            whole_day = Lifetime(timedelta(days=1), timedelta(days=1))
            signed_in = SignIn(method="password", address="", user_agent="", lifetime=whole_day)
            await committed(begin_session(agent.id, signed_in))
            await committed(make_link(agent.id, "reset", lasts=timedelta(hours=1)))
            await back_up(runtime, tmp_path / "backup")
        await restore_into(tmp_path / "backup", empty_database_url, tmp_path / "new")
        async with open_test_runtime(empty_database_url, tmp_path / "new"):
            [session] = await rows_of("agent_session")
            assert session["revoked_at"] is not None
            assert await rows_of("agent_link") == []

    asyncio.run(run())


def test_a_restore_that_broke_off_says_so(
    database_url: str, empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy whose files or erasures never came is held for that reason, and nobody takes it for a whole one."""

    async def broken(place: after.RestoredPlace) -> int:
        raise BackupError("the ledger cannot be read")

    monkeypatch.setattr(after, "AFTER_RESTORE", {"erasures": broken})

    async def run() -> None:
        async with open_source(database_url, tmp_path / "old") as (runtime, _):
            await back_up(runtime, tmp_path / "backup")
        with pytest.raises(BackupError, match="ledger"):
            await restore_into(tmp_path / "backup", empty_database_url, tmp_path / "new")
        async with open_test_runtime(empty_database_url, tmp_path / "new"):
            status = await outbox_status()
            assert status.held
            assert str(status.reason).startswith(UNFINISHED)

    asyncio.run(run())


@pytest.mark.parametrize("broken", ["data", "post-data"])
def test_a_copy_is_held_before_its_first_row(
    database_url: str, empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Whenever a restore is killed, what it leaves sends nothing."""

    async def run_until(program: Path, *arguments: str, url: str) -> None:
        if f"--section={broken}" in arguments:
            raise BackupError("killed")
        await run_program(program, *arguments, url=url)

    monkeypatch.setattr(restore, "run_program", run_until)

    async def run() -> None:
        async with open_source(database_url, tmp_path / "old") as (runtime, _):
            await back_up(runtime, tmp_path / "backup")
        with pytest.raises(BackupError, match="killed"):
            await restore_into(tmp_path / "backup", empty_database_url, tmp_path / "new")
        async with open_test_runtime(empty_database_url, tmp_path / "new"):
            assert str((await outbox_status()).reason).startswith(UNFINISHED)

    asyncio.run(run())


def test_a_spool_is_restored_whole_or_not_at_all(
    database_url: str, empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who drains the folder meanwhile sees no half of a file, which would be taken for a torn one."""
    seen: list[list[str]] = []
    copy = shutil.copyfile

    def copy_watched(source: Path, target: Path) -> None:
        copy(source, target)
        seen.append([path.name for path in target.parent.glob("*.spool")])

    async def run() -> None:
        async with open_source(database_url, tmp_path / "old") as (runtime, _):
            await runtime.spool.append([journal_row(await fetch_value("SELECT id FROM channel"), b"[]")])
            await back_up(runtime, tmp_path / "backup")
            runtime.spool.close()
        monkeypatch.setattr(shutil, "copyfile", copy_watched)
        restored = await restore_into(tmp_path / "backup", empty_database_url, tmp_path / "new")
        assert (restored.spooled, seen) == (1, [[]])
        assert len(list((tmp_path / "new" / "spool").glob("*.spool"))) == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "bare", "password"),
    [
        ("postgresql://app@/postgres?host=/run/x&port=5432", "postgresql://app@/postgres?host=/run/x&port=5432", None),
        ("postgresql://u:p%40x@h:1/db?sslmode=require", "postgresql://u@h:1/db?sslmode=require", "p@x"),
        ("postgresql://u@h/db?password=s%26x&sslmode=require", "postgresql://u@h/db?sslmode=require", "s&x"),
        ("postgresql:///db?host=h&password=s", "postgresql:///db?host=h", "s"),
    ],
)
def test_no_password_stands_among_the_arguments(url: str, bare: str, password: str | None) -> None:
    """Everybody on the machine can read a program's arguments; a password may stand in two places of a URL."""
    assert without_password(url) == (bare, password)
