"""A scheduled message whose time has come: one transaction lets it leave and forgets its job."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

import structlog

from gateway.outcomes import Done, NotNow, Outcome, TryAgain
from gateway.runtime import Runtime
from inbox.conversations.scheduled.actions.leave import give_up_scheduled, leave_when_due
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, tx
from inbox.outbox.actions import LeaseLost, finish_job
from inbox.outbox.jobs import ClaimedJob, SendScheduled

log = structlog.get_logger()


async def send_scheduled(runtime: Runtime, claimed: ClaimedJob, job: SendScheduled) -> Outcome:
    """Let it leave exactly once: a worker that dies, or has lost the job to another, has done nothing."""
    try:
        later = await _leave(runtime, claimed, job.scheduled_id)
    except (*TRANSIENT, LeaseLost, asyncio.CancelledError):
        raise
    except Exception as error:
        log.exception("scheduled_broke", job=claimed.id)
        return TryAgain(f"{type(error).__name__}: {error}", last=lambda: _give_up(job.scheduled_id))
    return NotNow(later, "it was put off") if later else Done(settled=True)


async def _leave(runtime: Runtime, claimed: ClaimedJob, scheduled_id: UUID) -> datetime | None:
    async with tx():
        later = await leave_when_due(scheduled_id, adapters=runtime.adapters, now=utc_now())
        if later is None:
            await finish_job(claimed)
    return later


async def _give_up(scheduled_id: UUID) -> None:
    await give_up_scheduled(scheduled_id, now=utc_now())
