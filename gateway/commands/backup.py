"""`switchboard backup`: one consistent copy of everything, made while all runs, checked, and restored elsewhere."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click

from gateway.backup.create import Source, create_backup
from gateway.backup.manifest import BackupError, Manifest
from gateway.backup.restore import Restored, Target, restore_backup
from gateway.backup.verify import opened_backup, verify_backup
from gateway.commands.exits import CommandFailed
from gateway.commands.given import given_settings
from gateway.commands.output import count_things, json_option, print_json, print_line, say_aside
from gateway.commands.running import open_tables, run_operator, waiting
from gateway.embedded import open_embedded
from gateway.ledger import LEDGER_FILE
from gateway.settings import Settings
from gateway.storage import open_storage
from inbox.audit.actions import record_audit
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import show_time
from inbox.kit.db import tx
from inbox.kit.secrets import SecretBox

SPOOL = "spool"
DATABASES = ("postgresql://", "postgres://")

source_argument = click.argument("source", metavar="BACKUP", type=click.Path(path_type=Path))


@click.group()
def backup() -> None:
    """Copy everything consistently while it runs, check a copy, and restore it elsewhere."""


@backup.command(name="create")
@click.argument("target", metavar="TARGET", type=click.Path(path_type=Path))
@json_option
def create_copy(*, target: Path, as_json: bool) -> None:
    """Write a backup to a new directory, or to a tar file where TARGET ends in .tar.

    Everything goes on meanwhile. The backup holds what customers wrote, and no key: keep SWITCHBOARD_SECRET_KEY apart
    from it, and safe. Requests that wait in the spool of another machine are not in it.
    """
    settings = given_settings()
    manifest = run_operator(settings, lambda: _told(_create(settings, target)))
    if as_json:
        print_json({"backup": str(target), **_facts(manifest)})
    else:
        print_line(f"{target}: {manifest.rows['entry']} entries, {count_things(manifest.attachments, 'file{s}')}")
    if manifest.lacking:
        words = "named in the database but lost or changed in the storage before"
        say_aside(f"{count_things(len(manifest.lacking), 'file{s}')} {words}", label="warning", color="yellow")


@backup.command(name="verify")
@source_argument
@click.option("--restore", "test_restore", is_flag=True, help="Also restore it, into a place that is thrown away.")
@json_option
def verify_copy(*, source: Path, test_restore: bool, as_json: bool) -> None:
    """Read a whole backup and compare its checksums. It exits with 1 if something is missing or changed."""
    settings = given_settings(serving=test_restore)
    manifest, problems = run_operator(settings, lambda: _told(_verify(settings, source, test_restore=test_restore)))
    if as_json:
        print_json({"backup": str(source), "problems": problems, **_facts(manifest)})
    else:
        for problem in problems:
            say_aside(problem, label="broken", color="red")
        print_line(f"made {show_time(manifest.created_at)} by {manifest.version}, keys {', '.join(manifest.key_ids)}")
    if problems:
        raise CommandFailed(f"{count_things(len(problems), 'problem{s}')} found: do not rely on this backup")
    if not as_json:
        print_line("it is whole, and was restored" if test_restore else "it is whole")


@backup.command(name="restore")
@source_argument
@click.option("--into", required=True, metavar="WHERE", help="An empty database's URL, or a new data directory.")
@click.option(
    "--ledger",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    help="A file of erasures to be done again, beside that of this data directory; repeatable.",
)
@json_option
def restore_copy(*, source: Path, into: str, ledger: tuple[Path, ...], as_json: bool) -> None:
    """Restore a backup into an empty database, or into a new data directory with a private one.

    The copy is held: it takes messages and sends nothing until `switchboard outbox release`. With a database's URL the
    files go where the settings say: SWITCHBOARD_STORAGE_URL, or the data directory. Whoever was erased since the backup
    was made is erased again, as the ledger of this data directory and those named by --ledger say.
    """
    settings = given_settings()
    restored = run_operator(settings, lambda: _told(_restore(settings, source, into, ledger)))
    if as_json:
        print_json(restored)
        return
    print_line(f"restored as of {restored.created_at}: {restored.rows['entry']} entries, {restored.attachments} files")
    for name, count in restored.redone.items():
        print_line(f"done again since then: {count} {name}")
    print_line(
        "nothing leaves it: look around, then run `switchboard outbox release`, with --drop-before for what is old"
    )


def _facts(manifest: Manifest) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(manifest).items() if name != "files"}


async def _told(work: Any) -> Any:
    try:
        return await work
    except BackupError as error:
        raise CommandFailed(str(error)) from error


async def _create(settings: Settings, target: Path) -> Manifest:
    async with open_tables(settings) as url:
        source = Source(
            url=url,
            key_id=_box(settings).key_ids[0],
            storage=open_storage(settings),
            spool=settings.data_dir / SPOOL,
            pg_bin=settings.pg_bin,
        )
        with waiting("Copying"):
            manifest = await create_backup(source, target)
        async with tx():
            await record_audit(SYSTEM, "backup.created", facts={**manifest.rows, "files": manifest.attachments})
        return manifest


async def _verify(settings: Settings, source: Path, *, test_restore: bool) -> tuple[Manifest, list[str]]:
    with opened_backup(source) as folder, waiting("Reading"):
        manifest, problems = await asyncio.to_thread(verify_backup, folder)
        if test_restore and not problems:
            with tempfile.TemporaryDirectory(prefix="switchboard-verify-") as place:
                async with _opened_target(settings, place) as target:
                    await restore_backup(folder, target, box=_box(settings))
        return manifest, problems


async def _restore(settings: Settings, source: Path, into: str, ledgers: tuple[Path, ...]) -> Restored:
    known = (settings.data_dir / LEDGER_FILE, *ledgers)
    with opened_backup(source) as folder, waiting("Restoring"):
        async with _opened_target(settings, into) as opened:
            target = msgspec.structs.replace(opened, ledgers=known)
            return await restore_backup(folder, target, box=_box(settings))


@asynccontextmanager
async def _opened_target(settings: Settings, into: str) -> AsyncIterator[Target]:
    """A database by its URL, with the settings' storage; or a data directory with all that belongs into it."""
    if into.startswith(DATABASES):
        yield Target(url=into, storage=open_storage(settings), spool=settings.data_dir / SPOOL, pg_bin=settings.pg_bin)
        return
    place = Path(into).absolute()  # noqa: ASYNC240 - a moment before anything else runs
    there = msgspec.structs.replace(settings, data_dir=place, storage_url=None)
    embedded = await open_embedded(place, redis=False, pg_bin=settings.pg_bin)
    try:
        if embedded.database_url is None:
            raise CommandFailed("the private database did not say where it is")
        yield Target(
            url=embedded.database_url, storage=open_storage(there), spool=place / SPOOL, pg_bin=settings.pg_bin
        )
    finally:
        await embedded.close()


def _box(settings: Settings) -> SecretBox:
    return SecretBox([settings.secret_key, *settings.old_secret_keys])
