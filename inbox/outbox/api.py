"""The outbox over HTTP: what waits, runs or is dead, and bringing the dead back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from inbox.audit.actions import record_audit
from inbox.kit.callers import Caller
from inbox.kit.clock import show_time
from inbox.kit.db import Row
from inbox.kit.errors import Problem
from inbox.kit.ids import CHANNEL, read_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor
from inbox.outbox.actions import retry_jobs
from inbox.outbox.queries import STATES, find_job, list_jobs

State: TypeAlias = Literal["waiting", "running", "dead"]

NAMES: dict[int, State] = {0: "waiting", 1: "running", 3: "dead"}
ADMIN = {"scope": "admin"}

_payload = msgspec.json.Decoder(dict[str, Any]).decode


class JobObject(msgspec.Struct, kw_only=True, frozen=True):
    """Something to be done. Jobs of one `key` are done one at a time, in their order; `error` is the last failure."""

    object: Literal["job"] = "job"
    id: int
    type: str
    state: State
    key: str
    payload: dict[str, Any]
    attempts: int
    error: str | None
    request_id: str | None
    available_at: str
    created_at: str


class JobController(Controller):
    """What was promised and is not done yet."""

    path = "/jobs"
    tags = ("Jobs",)

    @get(opt={**ADMIN, "problems": ["not_found"]}, operation_id="listJobs", summary="List jobs")
    async def list_jobs(
        self,
        *,
        wanted: Annotated[
            State | None, QueryParameter(name="state", description="Only those waiting, running, or dead.")
        ] = None,
        kind: Annotated[
            str | None, QueryParameter(name="type", max_length=100, description="Only of this type: `deliver_message`.")
        ] = None,
        channel: Annotated[str | None, QueryParameter(max_length=100, description="Only this channel's.")] = None,
        since: Annotated[datetime | None, QueryParameter(description="Asked for from this moment on.")] = None,
        until: Annotated[datetime | None, QueryParameter(description="Asked for before this moment.")] = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[JobObject]:
        """In the order they were asked for. What is done is not kept; a dead job stays until it is retried."""
        lane = str(read_id(CHANNEL, channel)) if channel else None
        asked = ["jobs", wanted, kind, lane, since, until]
        rows = await list_jobs(
            state=wanted,
            kind=kind,
            lane=lane,
            since=_zoned(since),
            until=_zoned(until),
            limit=limit + 1,
            after=read_cursor(cursor, int, of=asked) or 0,
        )
        return cut_page(rows, limit, key=lambda row: row["id"], of=asked, show=show_job)

    @post("/{job_number:int}/retry", opt={**ADMIN, "problems": ["state_conflict"]}, operation_id="retryJob",
          summary="Bring a dead job back", status_code=200)  # fmt: skip
    async def retry_job(self, *, caller: NamedDependency[Caller], job_number: FromPath[int]) -> JobObject:
        """It gets all its tries again."""
        found = await find_job(job_number)
        if found is None:
            raise Problem("not_found", f"There is no job {job_number}, or it is done")
        if found["state"] != STATES["dead"]:
            raise Problem("state_conflict", f"The job is {NAMES[found['state']]}", hint="Only dead jobs are retried")
        await retry_jobs([job_number])
        await record_audit(caller.actor, "job.retried", target=str(job_number), facts={"type": found["type"]})
        return show_job(await find_job(job_number))


def show_job(row: Row) -> JobObject:
    """A job's row."""
    return JobObject(
        id=row["id"],
        type=row["type"],
        state=NAMES[row["state"]],
        key=row["key"],
        payload=_payload(row["payload"]),
        attempts=row["attempts"],
        error=row["error"],
        request_id=row["request_id"],
        available_at=show_time(row["available_at"]),
        created_at=show_time(row["created_at"]),
    )


def _zoned(moment: datetime | None) -> datetime | None:
    """One that names no zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
