"""`switchboard erasures`: the ledger of whom was erased, kept beside backups, and done again after a restore."""

from __future__ import annotations

import asyncio
from pathlib import Path

import rich_click as click

from gateway.backup.after import delete_pending_files
from gateway.commands.exits import CommandFailed
from gateway.commands.given import given_settings
from gateway.commands.output import count_things, json_option, print_json, print_line, print_table
from gateway.commands.running import open_tables, run_operator
from gateway.erasing import reapply_ledger
from gateway.ledger import LEDGER_FILE, LedgerProblem, read_ledger_file, sync_ledger
from gateway.settings import Settings
from gateway.storage import open_storage
from inbox.contacts.erased import lend_ledger_box
from inbox.kit.secrets import SecretBox
from inbox.privacy.erasure.api import ErasureObject, show_erasure
from inbox.privacy.erasure.queries import list_erasures

MOST = 200


@click.group()
def erasures() -> None:
    """See whom was erased, keep the ledger beside your backups, and erase again after a restore."""


@erasures.command(name="list")
@json_option
def show_erasures(*, as_json: bool) -> None:
    """List erasures, the newest first: contacts' ids, never names."""
    settings = given_settings(serving=False)
    shown = run_operator(settings, lambda: _list(settings))
    if as_json:
        print_json(shown)
        return
    rows = [(one.id, one.state, one.contact_ids[0], one.requested_at, one.finished_at or "-") for one in shown]
    print_table(["ERASURE", "STATE", "CONTACT", "ASKED", "DONE"], rows)


@erasures.command(name="export")
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
def export_ledger(*, target: Path) -> None:
    """Copy the ledger to a file, to be kept with the backups and named at a restore: it holds hashes, and no names."""
    settings = given_settings()
    content = run_operator(settings, lambda: _export(settings))
    target.write_bytes(content)
    target.chmod(0o600)
    erased = max(0, len(content.splitlines()) - 1)
    print_line(f"{target}: {count_things(erased, 'erasure{s}')}")


@erasures.command(name="reapply")
@click.option("--ledger", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="The ledger's file; else that of the data directory.")  # fmt: skip
@json_option
def reapply_erasures(*, ledger: Path | None, as_json: bool) -> None:
    """Erase again whom the ledger names, where a restore has brought them back; at any time, and twice too."""
    settings = given_settings()
    count = run_operator(settings, lambda: _reapply(settings, ledger or settings.data_dir / LEDGER_FILE))
    if as_json:
        print_json({"repeated": count})
    else:
        print_line(f"{count_things(count, 'erasure{s}')} repeated")


async def _list(settings: Settings) -> list[ErasureObject]:
    async with open_tables(settings):
        return [show_erasure(one) for one in await list_erasures(after=None, limit=MOST)]


async def _export(settings: Settings) -> bytes:
    path = settings.data_dir / LEDGER_FILE
    async with open_tables(settings):
        await sync_ledger(settings.data_dir)
    return await asyncio.to_thread(path.read_bytes) if await asyncio.to_thread(path.exists) else b""


async def _reapply(settings: Settings, path: Path) -> int:
    box = SecretBox([settings.secret_key, *settings.old_secret_keys])
    lend_ledger_box(box)
    try:
        async with open_tables(settings):
            ledger = await asyncio.to_thread(read_ledger_file, path)
            repeated = await reapply_ledger(ledger, box=box, data_dir=settings.data_dir)
            if repeated:
                await delete_pending_files(open_storage(settings))
            return repeated
    except FileNotFoundError as error:
        raise CommandFailed(f"there is no ledger at {path}", hint="Name one with --ledger.") from error
    except LedgerProblem as problem:
        raise CommandFailed(str(problem)) from problem
