"""Asking for jobs inside a transaction; claiming, finishing, putting back and burying them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from uuid import UUID

import msgspec

from inbox.kit.clock import utc_now
from inbox.kit.db import Row, execute, fetch, fetch_value, wake_after_commit
from inbox.kit.ids import new_id
from inbox.kit.tracing import request_id
from inbox.outbox.jobs import HARMLESS_TYPES, JOB_TYPES, ClaimedJob, DeliverMessage, Job, NewJob, decode_job

CHANNEL = "switchboard_jobs"
"""The Postgres channel that sleeping workers listen on."""

ENQUEUE = """
WITH asked AS (
    INSERT INTO job (type, key, lane, payload, request_id, traceparent, available_at)
    SELECT j.payload->>'type', j.key, j.lane, j.payload, $4, j.traceparent,
           coalesce(j.at, now() + make_interval(secs => j.delay))
    FROM unnest($1::text[], $2::text[], $3::jsonb[], $5::timestamptz[], $6::float8[], $7::text[]) WITH ORDINALITY
         AS j(key, lane, payload, at, delay, traceparent, n)
    ORDER BY j.n
    RETURNING id
)
SELECT pg_notify('switchboard_jobs', '') FROM (SELECT count(*) FROM asked) AS once
"""

# The oldest unfinished job of each key, where its time has come and its lane has room; the lanes take turns, so that a
# loud one starves nobody. A paused lane's waiting jobs are passed over, and what stands behind them in their key by
# another lane does not wait for them (docs/decisions/0014). Types of a newer release are left to its workers, and what
# stands behind them in their key waits as well. More candidates than wanted, since another worker may hold the first.
CLAIM = """
WITH RECURSIVE known AS (
    (SELECT j.lane FROM job j WHERE j.state = 0 ORDER BY j.lane LIMIT 1)
    UNION ALL
    SELECT (SELECT j.lane FROM job j WHERE j.state = 0 AND j.lane > k.lane ORDER BY j.lane LIMIT 1)
    FROM known k WHERE k.lane IS NOT NULL
), due AS (
    SELECT o.id, o.available_at, row_number() OVER (PARTITION BY k.lane ORDER BY o.available_at, o.id) AS turn
    FROM known k, LATERAL (
        SELECT o.id, o.available_at FROM job o
        WHERE o.lane = k.lane AND o.state = 0 AND o.available_at <= now() AND o.type = ANY($5::text[])
          AND (NOT EXISTS (SELECT FROM outbox_hold) OR o.type = ANY($7::text[]))
          AND NOT EXISTS (SELECT 1 FROM job p WHERE p.key = o.key AND p.id <> o.id AND p.state < 2
                          AND (p.state = 1 OR p.id < o.id AND NOT (p.lane = ANY($6::text[]))))
        ORDER BY o.available_at, o.id LIMIT 2 * $1::int
    ) o
    WHERE NOT (k.lane = ANY($2::text[])) AND NOT (k.lane = ANY($6::text[]))
      AND NOT EXISTS (SELECT FROM resting_lane r WHERE r.lane = k.lane AND r.until > now())
), chosen AS (
    SELECT held.id
    FROM unnest(ARRAY(SELECT id FROM due ORDER BY turn, available_at, id LIMIT 2 * $1::int)) AS wanted(id),
         LATERAL (SELECT o.id FROM job o WHERE o.id = wanted.id AND o.state = 0 FOR UPDATE SKIP LOCKED) held
    LIMIT $1::int
)
UPDATE job o
SET state = 1, attempts = attempts + 1, lease_id = $3, lease_until = now() + make_interval(secs => $4)
WHERE o.id = ANY(ARRAY(SELECT id FROM chosen))
RETURNING o.id, o.key, o.lane, o.payload, o.attempts, o.request_id, o.traceparent
"""

REST = """
INSERT INTO resting_lane AS r (lane, until) VALUES ($1, now() + make_interval(secs => $2))
ON CONFLICT (lane) DO UPDATE SET until = greatest(r.until, excluded.until)
"""

RENEW = """
UPDATE job o SET lease_until = now() + make_interval(secs => $3)
FROM unnest($1::bigint[], $2::uuid[]) AS held(id, lease_id)
WHERE o.id = held.id AND o.lease_id = held.lease_id AND o.id = ANY($1) RETURNING o.id
"""

FORGET = """
DELETE FROM job o USING unnest($1::bigint[], $2::uuid[]) AS held(id, lease_id)
WHERE o.id = held.id AND o.lease_id = held.lease_id AND o.id = ANY($1)
"""

DROP = "DELETE FROM job WHERE key = $1 AND payload = $2::jsonb AND state <> 1"

BURY = """
UPDATE job SET state = 3, error = $3, lease_id = NULL, lease_until = NULL WHERE id = $1 AND lease_id = $2 RETURNING key
"""


_sending: ContextVar[set[str] | None] = ContextVar("sending", default=None)


@contextmanager
def noting_lanes() -> Iterator[set[str]]:
    """The lanes that messages are given to inside the `with`, so that the edge can refuse what one is behind with."""
    lanes: set[str] = set()
    token = _sending.set(lanes)
    try:
        yield lanes
    finally:
        _sending.reset(token)


async def enqueue_jobs(jobs: Sequence[NewJob]) -> None:
    """Ask for jobs, in the open transaction: they exist if and only if their cause does.

    Ids follow the order of commits only where writers of one key take turns, so lock the conversation first.
    """
    if not jobs:
        return
    keys, lanes = [job.key for job in jobs], [job.lane for job in jobs]
    payloads = [msgspec.json.encode(job.job).decode() for job in jobs]
    times, delays = [job.at for job in jobs], [job.delay_seconds for job in jobs]
    traces = [job.traceparent for job in jobs]
    await execute(ENQUEUE, keys, lanes, payloads, request_id(), times, delays, traces)
    wake_after_commit("jobs")
    noted = _sending.get()
    if noted is not None:
        noted.update(job.lane for job in jobs if isinstance(job.job, DeliverMessage))


async def move_jobs(key: str, *, at: datetime) -> None:
    """Let what waits under this key begin at another moment, in the open transaction."""
    await execute("UPDATE job SET available_at = $2 WHERE key = $1 AND state = 0", key, at)
    await _call_workers()


async def drop_job(job: Job, *, key: str) -> None:
    """Forget a job that nobody runs at the moment, in the open transaction, and let the next of its key come.

    One that is being run is left alone: it has to look, under the lock of its subject, whether it is still wanted.
    """
    await execute(DROP, key, msgspec.json.encode(job).decode())
    await _call_workers()


async def _call_workers() -> None:
    await execute("SELECT pg_notify($1, '')", CHANNEL)
    wake_after_commit("jobs")


async def claim_jobs(
    *, limit: int, lease_seconds: float, full_lanes: Sequence[str] = (), paused_lanes: Sequence[str] = ()
) -> list[ClaimedJob]:
    """Take due jobs under a lease, passing over lanes that have enough workers, and over those that are paused.

    While the outbox is held, only what sends nothing is claimed.
    """
    lease_id = new_id()
    rows = await fetch(
        CLAIM, limit, list(full_lanes), lease_id, float(lease_seconds), JOB_TYPES, list(paused_lanes), HARMLESS_TYPES
    )
    claimed = []
    for row in sorted(rows, key=lambda row: row["id"]):
        try:
            claimed.append(_claimed_job(row, lease_id))
        except msgspec.DecodeError as error:
            await execute(BURY, row["id"], lease_id, f"it cannot be read: {error}")
    return claimed


async def renew_leases(claimed: Sequence[ClaimedJob], *, lease_seconds: float) -> int:
    """Hold on to jobs for longer; how many are still ours: a lease that was lost is not renewed."""
    if not claimed:
        return 0
    rows = await fetch(RENEW, [one.id for one in claimed], [one.lease_id for one in claimed], float(lease_seconds))
    return len(rows)


async def finish_job(claimed: ClaimedJob) -> None:
    """It is done: forget it, and let the next of its key come."""
    await _settle("DELETE FROM job WHERE id = $1 AND lease_id = $2 RETURNING key", claimed.id, claimed.lease_id)


async def forget_jobs(claimed: Sequence[ClaimedJob]) -> None:
    """As `finish_job`, in the transaction of what must be kept, whoever has them by now: they will find them done."""
    if claimed:
        await execute(FORGET, [one.id for one in claimed], [one.lease_id for one in claimed])


async def put_back_job(claimed: ClaimedJob, *, at: datetime, error: str, counted: bool = True) -> None:
    """It failed for now: try again at the given time, in its turn. Not `counted` where it was not even tried.

    The time is handed over as seconds from now, so that it comes by the database's clock, however wrong ours is.
    """
    sql = """
        UPDATE job SET state = 0, available_at = now() + make_interval(secs => $3), error = $4, lease_id = NULL,
                       lease_until = NULL, attempts = attempts - $5
        WHERE id = $1 AND lease_id = $2 RETURNING key
    """
    seconds = (at - utc_now()).total_seconds()
    await _settle(sql, claimed.id, claimed.lease_id, seconds, error[:2000], 0 if counted else 1)


async def rest_lane(lane: str, *, seconds: float) -> None:
    """Let nobody claim from a lane for so long: its provider answered that we are to wait (Retry-After)."""
    await execute(REST, lane, float(seconds))


async def bury_job(claimed: ClaimedJob, *, error: str) -> None:
    """It failed for good: keep it for people to see, and let its key go on."""
    await _settle(BURY, claimed.id, claimed.lease_id, error[:2000])


async def release_jobs(ids: Sequence[int], *, lease_id: UUID) -> None:
    """Give claims back untried."""
    await execute(
        "UPDATE job SET state = 0, attempts = attempts - 1, lease_id = NULL, lease_until = NULL "
        "WHERE id = ANY($1::bigint[]) AND lease_id = $2 AND state = 1",
        list(ids),
        lease_id,
    )


async def recover_leases(*, attempts: int) -> int:
    """Put back what a dead worker held; returns how many. What was tried more often than that is dead as well.

    A job that kills whoever runs it would otherwise go on killing for ever.
    """
    sql = """
        WITH lost AS (
            UPDATE job SET state = CASE WHEN attempts > $1 THEN 3 ELSE 0 END, lease_id = NULL, lease_until = NULL,
                           error = CASE WHEN attempts > $1 THEN 'each of its workers vanished' ELSE error END
            WHERE state = 1 AND lease_until < now() RETURNING id
        )
        SELECT count(*) FROM lost
    """
    return int(await fetch_value(sql, attempts))


async def retry_jobs(ids: Sequence[int]) -> int:
    """Bring dead jobs back to life, with all their tries; returns how many."""
    sql = """
        WITH again AS (
            UPDATE job SET state = 0, attempts = 0, available_at = now() WHERE state = 3 AND id = ANY($1::bigint[])
            RETURNING id
        ), told AS (SELECT pg_notify('switchboard_jobs', ''))
        SELECT count(*) FROM again, told
    """
    return int(await fetch_value(sql, list(ids)))


def _claimed_job(row: Row, lease_id: UUID) -> ClaimedJob:
    return ClaimedJob(
        id=row["id"],
        job=decode_job(row["payload"]),
        key=row["key"],
        lane=row["lane"],
        attempts=row["attempts"],
        lease_id=lease_id,
        request_id=row["request_id"],
        traceparent=row["traceparent"],
    )


async def _settle(sql: str, *args: object) -> None:
    if await fetch_value(sql, *args) is None:
        raise LeaseLost("another worker has taken the job over")


class LeaseLost(Exception):
    """We held the job for too long, and somebody else has it now: what we did is to be rolled back."""
