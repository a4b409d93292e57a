"""What agents who were let go leave behind: the conversations they hold are nobody's again."""

from __future__ import annotations

from gateway.outcomes import Done, Outcome
from gateway.runtime import Runtime
from inbox.kit.clock import utc_now
from inbox.kit.db import tx
from inbox.outbox.actions import enqueue_jobs, finish_job
from inbox.outbox.jobs import ClaimedJob, NewJob, ReleaseConversations
from inbox.routing.actions import RELEASED_AT_ONCE, release_some


async def release_conversations(_: Runtime, claimed: ClaimedJob, job: ReleaseConversations) -> Outcome:
    """Release some, and ask for the next job where there may be more."""
    async with tx():
        if await release_some(utc_now()) == RELEASED_AT_ONCE:
            await enqueue_jobs([NewJob(job=job, key=f"release {job.agent_id}")])
        await finish_job(claimed)
    return Done(settled=True)


async def release_reopened() -> None:
    """Of conversations that are open again those that nobody is left to answer."""
    async with tx():
        await release_some(utc_now())
