"""Carrying imports and exports on, chunk by chunk, as jobs."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import structlog

from gateway.exporting import export_chunk
from gateway.importing import import_chunk, prepare_import
from gateway.outcomes import Done, Outcome, TryAgain
from gateway.runtime import Runtime
from inbox.kit.db import TRANSIENT, tx
from inbox.kit.errors import Problem
from inbox.outbox.actions import LeaseLost, finish_job
from inbox.outbox.jobs import ClaimedJob, TransferStep
from inbox.transfers.actions import close_transfer, enqueue_transfer, tend_transfers
from inbox.transfers.queries import find_transfer

log = structlog.get_logger()

IDLE_SECONDS = 300.0
KEPT_DAYS = 30
FAILED = "a chunk failed each time it was tried: see the service's log"


async def take_transfer_step(runtime: Runtime, claimed: ClaimedJob, job: TransferStep) -> Outcome:
    """One chunk of an import or export, and the job for the next."""
    try:
        seen = await find_transfer(job.transfer_id)
        if seen.state == "running" and seen.direction == "import" and seen.started_at is None:
            await prepare_import(runtime, seen)
        async with tx():
            await _take_chunk(runtime, job.transfer_id)
            await finish_job(claimed)
    except Problem as problem:
        await _fail(job.transfer_id, problem.detail)
        return Done()
    except LeaseLost:
        raise
    except TRANSIENT as error:
        return TryAgain(type(error).__name__, last=partial(_give_up, job.transfer_id))
    except Exception as error:
        log.exception("transfer_chunk_failed", job=claimed.id)
        return TryAgain(type(error).__name__, last=partial(_give_up, job.transfer_id))
    return Done(settled=True)


async def tend_all_transfers() -> None:
    """Go on with what was left lying, and let files expire; runs as a chore."""
    async with tx():
        resumed = await tend_transfers(idle_seconds=IDLE_SECONDS, kept_days=KEPT_DAYS)
    if resumed:
        log.warning("transfers_resumed", count=resumed)


async def _take_chunk(runtime: Runtime, transfer_id: UUID) -> None:
    transfer = await find_transfer(transfer_id, lock=True)
    if transfer.state != "running":
        return
    if transfer.direction == "export":
        await export_chunk(runtime, transfer)
    elif transfer.started_at is not None:
        await import_chunk(runtime, transfer)
    if (await find_transfer(transfer_id)).state == "running":
        await enqueue_transfer(transfer_id)


async def _fail(transfer_id: UUID, error: str) -> None:
    async with tx():
        try:
            await close_transfer(transfer_id, "failed", error=error)
        except Problem:
            return  # it was forgotten meanwhile


async def _give_up(transfer_id: UUID) -> None:
    await close_transfer(transfer_id, "failed", error=FAILED)
