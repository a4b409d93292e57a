"""What a redaction leaves to be done after its transaction: files deleted, copies in the journal blanked."""

from __future__ import annotations

import msgspec

from gateway.outcomes import Done, Outcome, TryAgain
from gateway.runtime import Runtime
from inbox.intake.actions.scrub import scrub_journal
from inbox.kit.db import tx
from inbox.outbox.actions import enqueue_jobs, finish_job
from inbox.outbox.jobs import ClaimedJob, DeleteFile, NewJob, ScrubJournal


async def delete_stored_file(runtime: Runtime, claimed: ClaimedJob, job: DeleteFile) -> Outcome:
    """Delete the bytes of a file nobody may read any more; that it is gone already is as well."""
    try:
        await runtime.storage.delete_file(job.storage_key)
    except Exception as error:  # noqa: BLE001 (each storage has errors of its own; the file must go in the end)
        return TryAgain(f"the storage did not delete it: {type(error).__name__}")
    return Done()


async def scrub_journal_step(runtime: Runtime, claimed: ClaimedJob, job: ScrubJournal) -> Outcome:
    """Blank what repeats a redacted message in the next part of the journal, and ask for the part after it."""
    async with tx():
        reached = await scrub_journal(job.channel_id, job.needles, after=job.after, until=job.until)
        if reached is not None:
            following = msgspec.structs.replace(job, after=reached)
            await enqueue_jobs([NewJob(job=following, key=claimed.key)])
        await finish_job(claimed)
    return Done(settled=True)
