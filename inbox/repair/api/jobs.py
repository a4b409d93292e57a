"""Many dead jobs at once."""

from __future__ import annotations

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.repair.actions.jobs import count_dead_jobs, discard_dead_jobs, retry_dead_jobs
from inbox.repair.api.shapes import ChangedObject, JobChoice, read_jobs

ADMIN = {"scope": "admin", "problems": ["validation_failed", "not_found"]}


class JobRepairController(Controller):
    """Dead jobs, chosen by number or by what they have in common."""

    path = "/jobs"
    tags = ("Jobs",)

    @post("/retry", opt=ADMIN, operation_id="retryJobs", summary="Bring dead jobs back", status_code=200)
    async def retry_jobs(self, *, caller: NamedDependency[Caller], data: JSONBody[JobChoice]) -> ChangedObject:
        """They get all their tries again; at most 10,000 a call."""
        selection = read_jobs(data)
        matched = await count_dead_jobs(selection)
        changed = 0 if data.dry_run else await retry_dead_jobs(selection, actor=caller.actor)
        return _counted("job.retried", matched, changed, data)

    @post("/discard", opt=ADMIN, operation_id="discardJobs", summary="Let dead jobs go", status_code=200)
    async def discard_jobs(self, *, caller: NamedDependency[Caller], data: JSONBody[JobChoice]) -> ChangedObject:
        """They will never be done, and a message among them has failed; at most 10,000 a call."""
        selection = read_jobs(data)
        matched = await count_dead_jobs(selection)
        changed = 0 if data.dry_run else await discard_dead_jobs(selection, actor=caller.actor, now=utc_now())
        return _counted("job.discarded", matched, changed, data)


def _counted(action: str, matched: int, changed: int, choice: JobChoice) -> ChangedObject:
    return ChangedObject(
        id=action, matched=matched, changed=changed, remaining=max(matched - changed, 0), dry_run=choice.dry_run
    )
