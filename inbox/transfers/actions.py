"""An import or export from its beginning to its end: one row that says how far it is, and a job for the next chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from inbox.audit.actions import record_audit
from inbox.feed.actions import append_event
from inbox.feed.events import EventType
from inbox.kit.callers import Actor
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import EXPORT, IMPORT, new_id, show_id
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import DeleteFile, NewJob, TransferStep
from inbox.transfers.queries import find_transfer
from inbox.transfers.transfer import Direction, ExportPlan, ImportPlan, Transfer, part_key

TOLD_EVERY = 20
"""Chunks between two tellings of how far it is."""

BEGIN = """
INSERT INTO transfer (id, direction, kind, format, plan, source_key, actor)
VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7::jsonb)
"""
# Only from where it stood: of two that did the same chunk one is told that it was in vain.
GO_ON = """
UPDATE transfer SET part = part + 1, place = $3::jsonb, done = done + $4, bytes = bytes + $5, counts = $6::jsonb,
    updated_at = now()
WHERE id = $1 AND part = $2 AND state = 'running' RETURNING part
"""
PREPARED = """
UPDATE transfer SET total = $2, parts = $3, plan = $4::jsonb, started_at = now(), updated_at = now()
WHERE id = $1 AND started_at IS NULL AND state = 'running' RETURNING id
"""
CLOSE = """
UPDATE transfer SET state = $2, error = $3, finished_at = now(), updated_at = now(), source_key = NULL,
    expires_at = $4::timestamptz
WHERE id = $1 AND state = 'running' RETURNING id
"""
STRANDED = """
SELECT id FROM transfer t WHERE t.state = 'running' AND t.updated_at < now() - make_interval(secs => $1)
  AND NOT EXISTS (SELECT FROM job j WHERE j.key = 'transfer:' || t.id AND j.state < 2)
ORDER BY t.id LIMIT 100 FOR UPDATE SKIP LOCKED
"""
EXPIRED = """
SELECT id FROM transfer WHERE expires_at < now() AND state = 'done' ORDER BY expires_at LIMIT 100
FOR UPDATE SKIP LOCKED
"""
OLD = """
WITH old AS (
    SELECT id FROM transfer WHERE state <> 'running' AND state <> 'done'
        AND finished_at < now() - make_interval(days => $1) ORDER BY id LIMIT 100
), gone AS (
    DELETE FROM transfer USING old WHERE transfer.id = old.id RETURNING 1
)
SELECT count(*) FROM gone
"""
UNWITHDRAWN = (
    "SELECT id FROM transfer WHERE direction = 'export' AND state IN ('running', 'done') ORDER BY id FOR UPDATE"
)


async def begin_transfer(
    direction: Direction,
    kind: str,
    *,
    format: str,  # noqa: A002 (the API's own word)
    plan: ExportPlan | ImportPlan,
    actor: Actor,
    source_key: str | None = None,
    transfer_id: UUID | None = None,
) -> UUID:
    """Ask for an import or export, in the open transaction."""
    made = transfer_id or new_id()
    await execute(BEGIN, made, direction, kind, format, _json(plan), source_key, _json(actor))
    await enqueue_transfer(made)
    transfer = await find_transfer(made)
    await _tell(transfer, "started")
    facts = {"kind": kind, "format": format, "dry_run": getattr(plan, "dry_run", False)}
    await record_audit(actor, f"{direction}.started", target=show_transfer_id(transfer), facts=facts)
    return made


async def enqueue_transfer(transfer_id: UUID) -> None:
    """Ask for the next chunk."""
    job = TransferStep(transfer_id=transfer_id)
    await enqueue_jobs([NewJob(job=job, key=f"transfer:{transfer_id}", lane="transfer")])


async def store_prepared(
    transfer: Transfer, *, total: int, parts: int | None = None, plan: Mapping[str, Any] | None = None
) -> bool:
    """Its size is known, and so what its chunks will be; False where it ended meanwhile."""
    return await fetch_value(PREPARED, transfer.id, total, parts, _json(plan or transfer.plan)) is not None


async def store_chunk(
    transfer: Transfer, *, place: Any, rows: int, size: int = 0, counts: Mapping[str, int] | None = None
) -> bool:
    """Write down that a chunk is done; False where it was done already, or is not wanted any more."""
    added = Counter(transfer.counts)
    added.update(counts or {})
    part = await fetch_value(GO_ON, transfer.id, transfer.part, _json(place), rows, size, _json(dict(added)))
    if part is not None and part % TOLD_EVERY == 0:
        await _tell(await find_transfer(transfer.id), "progressed")
    return part is not None


async def close_transfer(
    transfer_id: UUID,
    state: Literal["done", "failed", "canceled"],
    *,
    error: str | None = None,
    expires_at: datetime | None = None,
    actor: Actor | None = None,
) -> bool:
    """It is over: the uploaded file goes, and the file of an export that is not complete; False if it was over."""
    transfer = await find_transfer(transfer_id, lock=True)
    if await fetch_value(CLOSE, transfer_id, state, error and error[:500], expires_at) is None:
        return False
    await drop_transfer_files(transfer, exported=state != "done")
    closed = await find_transfer(transfer_id)
    ending = "finished" if state == "done" else state
    await _tell(closed, ending)
    by, facts = actor or transfer.actor, {"rows": closed.done, **closed.counts}
    await record_audit(by, f"{transfer.direction}.{ending}", target=show_transfer_id(transfer), facts=facts)
    return True


async def cancel_transfer(transfer_id: UUID, direction: Direction, *, actor: Actor) -> None:
    """No further chunk is begun; `state_conflict` where it is over."""
    transfer = await find_transfer(transfer_id, direction=direction, lock=True)
    if not await close_transfer(transfer_id, "canceled", actor=actor):
        raise Problem("state_conflict", f"The {direction} is {transfer.state} already")


async def withdraw_exports() -> int:
    """Every export there is may hold what must be gone: files are deleted, what runs fails; returns how many."""
    rows = await fetch(UNWITHDRAWN)
    for row in rows:
        if not await close_transfer(row["id"], "failed", error="somebody was erased meanwhile: export again"):
            await expire_transfer(row["id"])
    return len(rows)


async def expire_transfer(transfer_id: UUID) -> None:
    """The file of an export goes; what it was stays known."""
    transfer = await find_transfer(transfer_id, lock=True)
    await drop_transfer_files(transfer, exported=True)
    await execute(
        "UPDATE transfer SET state = 'expired', expires_at = NULL, updated_at = now() WHERE id = $1", transfer_id
    )


async def tend_transfers(*, idle_seconds: float, kept_days: int) -> int:
    """Go on with what was left lying, let files expire, forget what is long over; returns how many were resumed."""
    for row in await fetch(EXPIRED):
        await expire_transfer(row["id"])
    stranded = await fetch(STRANDED, idle_seconds)
    for row in stranded:
        await enqueue_transfer(row["id"])
    await fetch_value(OLD, kept_days)
    return len(stranded)


async def drop_transfer_files(transfer: Transfer, *, exported: bool) -> None:
    """Delete the uploaded file and the chunks of an import, and those of an export where it is not to be had."""
    keys = [transfer.source_key] if transfer.source_key else []
    chunks = transfer.parts if transfer.direction == "import" else transfer.part + 1
    if transfer.direction == "import" or exported:
        keys += [part_key(transfer.id, number) for number in range(chunks or 0)]
    await enqueue_jobs([NewJob(job=DeleteFile(storage_key=key), key=f"file:{key}") for key in keys])


def show_transfer_id(transfer: Transfer) -> str:
    """Its id as the API shows it."""
    return show_id(IMPORT if transfer.direction == "import" else EXPORT, transfer.id)


async def _tell(transfer: Transfer, what: str) -> None:
    named = f"{transfer.direction}_id"
    facts: dict[str, Any] = {named: show_transfer_id(transfer), "kind": transfer.kind, "state": transfer.state}
    facts |= {"done": transfer.done, "total": transfer.total, "counts": transfer.counts, "error": transfer.error}
    event_type: EventType = msgspec.convert(f"{transfer.direction}.{what}", EventType)
    await append_event(event_type, actor=transfer.actor, facts=facts)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
