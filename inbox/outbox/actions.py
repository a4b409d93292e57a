"""Asking for jobs inside a transaction; claiming, finishing, putting back and burying them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from inbox.kit.db import Row, execute, fetch, fetch_value, wake_after_commit
from inbox.kit.ids import new_id
from inbox.kit.tracing import request_id
from inbox.outbox.jobs import JOB_TYPES, ClaimedJob, NewJob, decode_job

CHANNEL = "switchboard_jobs"
"""The Postgres channel that sleeping workers listen on."""

ENQUEUE = """
WITH asked AS (
    INSERT INTO job (type, key, lane, payload, request_id)
    SELECT j.payload->>'type', j.key, j.lane, j.payload, $4
    FROM unnest($1::text[], $2::text[], $3::jsonb[]) WITH ORDINALITY AS j(key, lane, payload, n) ORDER BY j.n
    RETURNING id
)
SELECT pg_notify('switchboard_jobs', '') FROM (SELECT count(*) FROM asked) AS once
"""

# The oldest unfinished job of each key, where its time has come and its lane has room. Types of a newer release are
# left to its workers, and what stands behind them in their key waits as well.
CLAIM = """
WITH due AS (
    SELECT o.id FROM job o
    WHERE o.state = 0 AND o.available_at <= now() AND NOT (o.lane = ANY($2::text[])) AND o.type = ANY($5::text[])
      AND NOT EXISTS (SELECT 1 FROM job p WHERE p.key = o.key AND p.id < o.id AND p.state < 2)
    ORDER BY o.id LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE job o
SET state = 1, attempts = attempts + 1, lease_id = $3, lease_until = now() + make_interval(secs => $4)
FROM due WHERE o.id = due.id
RETURNING o.id, o.key, o.lane, o.payload, o.attempts, o.request_id
"""

BURY = """
UPDATE job SET state = 3, error = $3, lease_id = NULL, lease_until = NULL WHERE id = $1 AND lease_id = $2 RETURNING key
"""


async def enqueue_jobs(jobs: Sequence[NewJob]) -> None:
    """Ask for jobs, in the open transaction: they exist if and only if their cause does.

    Ids follow the order of commits only where writers of one key take turns, so lock the conversation first.
    """
    if not jobs:
        return
    keys, lanes = [job.key for job in jobs], [job.lane for job in jobs]
    payloads = [msgspec.json.encode(job.job).decode() for job in jobs]
    await execute(ENQUEUE, keys, lanes, payloads, request_id())
    wake_after_commit("jobs")


async def claim_jobs(*, limit: int, lease_seconds: float, full_lanes: Sequence[str] = ()) -> list[ClaimedJob]:
    """Take due jobs under a lease, passing over lanes that have enough workers."""
    lease_id = new_id()
    rows = await fetch(CLAIM, limit, list(full_lanes), lease_id, float(lease_seconds), JOB_TYPES)
    claimed = []
    for row in sorted(rows, key=lambda row: row["id"]):
        try:
            claimed.append(_claimed_job(row, lease_id))
        except msgspec.DecodeError as error:
            await execute(BURY, row["id"], lease_id, f"it cannot be read: {error}")
    return claimed


async def renew_lease(claimed: ClaimedJob, *, lease_seconds: float) -> bool:
    """Hold on to a job for longer; False when the lease was lost."""
    sql = "UPDATE job SET lease_until = now() + make_interval(secs => $3) WHERE id = $1 AND lease_id = $2 RETURNING id"
    return await fetch_value(sql, claimed.id, claimed.lease_id, float(lease_seconds)) is not None


async def finish_job(claimed: ClaimedJob) -> None:
    """It is done: forget it, and let the next of its key come."""
    await _settle("DELETE FROM job WHERE id = $1 AND lease_id = $2 RETURNING key", claimed.id, claimed.lease_id)


async def put_back_job(claimed: ClaimedJob, *, at: datetime, error: str, counted: bool = True) -> None:
    """It failed for now: try again at the given time, in its turn. Not `counted` where it was not even tried."""
    sql = """
        UPDATE job SET state = 0, available_at = $3, error = $4, lease_id = NULL, lease_until = NULL,
                       attempts = attempts - $5
        WHERE id = $1 AND lease_id = $2 RETURNING key
    """
    await _settle(sql, claimed.id, claimed.lease_id, at, error[:2000], 0 if counted else 1)


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
    )


async def _settle(sql: str, *args: object) -> None:
    if await fetch_value(sql, *args) is None:
        raise LeaseLost("another worker has taken the job over")


class LeaseLost(Exception):
    """We held the job for too long, and somebody else has it now: what we did is to be rolled back."""
