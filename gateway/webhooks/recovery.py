"""The job that sends an endpoint again what was told since a time, a chunk in each transaction."""

from __future__ import annotations

from gateway.outcomes import Done, Outcome
from gateway.runtime import Runtime
from inbox.kit.db import tx
from inbox.outbox.actions import finish_job
from inbox.outbox.jobs import ClaimedJob, RecoverWebhook
from inbox.webhooks.actions.repair import recover_chunk


async def recover_webhook(_: Runtime, claimed: ClaimedJob, job: RecoverWebhook) -> Outcome:
    """One chunk, and the job for the next: they are written together, so a kill loses and doubles nothing."""
    async with tx():
        await recover_chunk(job)
        await finish_job(claimed)
    return Done(settled=True)
