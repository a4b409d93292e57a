"""What has happened since a backup was made and must happen again to what is restored from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from gateway.backup.manifest import BackupError
from gateway.erasing import reapply_ledger
from gateway.ledger import LEDGER_FILE, LedgerProblem, read_ledger_file
from gateway.storage import Storage
from inbox.contacts.erased import lend_ledger_box
from inbox.kit.db import execute, fetch
from inbox.kit.secrets import SecretBox
from inbox.transfers.actions import close_transfer, expire_transfer

TRANSFER_LOST = "its files were not in the backup that this system was restored from: start it again"
RUNNING_OR_THERE = """
SELECT id, state FROM transfer WHERE state = 'running' OR (direction = 'export' AND state = 'done') ORDER BY id
"""


class RestoredPlace(msgspec.Struct, kw_only=True, frozen=True):
    """A restored system whose database is open; `ledgers` are files of erasures from elsewhere."""

    data_dir: Path
    storage: Storage
    box: SecretBox
    ledgers: tuple[Path, ...] = ()


Redo: TypeAlias = Callable[[RestoredPlace], Awaitable[int]]
"""Does it in the database that is open; returns how often."""


async def redo_erasures(place: RestoredPlace) -> int:
    """Erase again whom the ledgers name: the restored system's own, and those that were handed over."""
    lend_ledger_box(place.box)
    repeated = 0
    for path in dict.fromkeys((place.data_dir / LEDGER_FILE, *place.ledgers)):
        if path.exists():
            try:
                repeated += await reapply_ledger(read_ledger_file(path), box=place.box, data_dir=place.data_dir)
            except LedgerProblem as problem:
                raise BackupError(str(problem)) from problem
    if repeated:
        await delete_pending_files(place.storage)
    return repeated


async def end_transfers() -> None:
    """No backup holds the files of exports and imports: what runs has failed, and what could be fetched is gone.

    In the open transaction. To go on would make a file whose first parts are missing.
    """
    for row in await fetch(RUNNING_OR_THERE):
        if row["state"] == "running":
            await close_transfer(row["id"], "failed", error=TRANSFER_LOST)
        else:
            await expire_transfer(row["id"])


async def delete_pending_files(storage: Storage) -> None:
    """The files of the erased, now: the copy may lie there for long before a worker looks at it."""
    for row in await fetch("SELECT id, payload FROM job WHERE type = 'delete_file' AND state <> 1"):
        await storage.delete_file(msgspec.json.decode(row["payload"])["storage_key"])
        await execute("DELETE FROM job WHERE id = $1", row["id"])


AFTER_RESTORE: Mapping[str, Redo] = {"erasures": redo_erasures}
"""By the name it is reported under. Whoever keeps a ledger that outlives a restore, as that of erasures, is listed."""


async def redo_after_restore(place: RestoredPlace) -> dict[str, int]:
    """Do all of it, in order; what was done, by name."""
    return {name: await redo(place) for name, redo in AFTER_RESTORE.items()}
