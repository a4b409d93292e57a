"""What waits, what runs and what is dead."""

from __future__ import annotations

from datetime import datetime

from inbox.kit.db import Row, fetch, fetch_one

STATES = {"waiting": 0, "running": 1, "dead": 3}

COLUMNS = "id, type, key, lane, payload, state, attempts, available_at, lease_until, error, request_id, created_at"
CHOSEN = """
($1::int IS NULL OR state = $1) AND ($2::text IS NULL OR type = $2) AND ($3::text IS NULL OR lane = $3)
AND ($4::timestamptz IS NULL OR created_at >= $4) AND ($5::timestamptz IS NULL OR created_at < $5) AND id > $6
"""


async def find_job(job_id: int) -> Row | None:
    """One job that is not done."""
    return await fetch_one(f"SELECT {COLUMNS} FROM job WHERE id = $1", job_id)  # noqa: S608 (the columns are ours)


async def list_jobs(
    *,
    state: str | None = None,
    kind: str | None = None,
    lane: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
    after: int = 0,
) -> list[Row]:
    """Jobs in the order they were asked for, all or those for which this holds.

    `kind` is their type, `lane` the channel they are for, `since` and `until` are about when they were asked for.
    """
    args = (state and STATES[state], kind, lane, since, until, after, limit)
    return await fetch(f"SELECT {COLUMNS} FROM job WHERE {CHOSEN} ORDER BY id LIMIT $7", *args)  # noqa: S608 (ours)


async def count_jobs() -> dict[str, int]:
    """How many jobs there are of each state."""
    names = {number: name for name, number in STATES.items()}
    rows = await fetch("SELECT state, count(*) AS n FROM job GROUP BY state")
    return {**dict.fromkeys(STATES, 0), **{names[row["state"]]: row["n"] for row in rows}}


# By lane, how long the job that has waited longest could have begun: what stands behind another of its key does not
# count, nor what waits for its time.
LANE_AGES = """
WITH RECURSIVE known AS (
    (SELECT j.lane FROM job j WHERE j.state = 0 ORDER BY j.lane LIMIT 1)
    UNION ALL
    SELECT (SELECT j.lane FROM job j WHERE j.state = 0 AND j.lane > k.lane ORDER BY j.lane LIMIT 1)
    FROM known k WHERE k.lane IS NOT NULL
)
SELECT k.lane, extract(epoch FROM now() - oldest.available_at)::float8 AS age
FROM known k, LATERAL (
    SELECT o.available_at FROM job o
    WHERE o.lane = k.lane AND o.state = 0 AND o.available_at <= now()
      AND NOT EXISTS (SELECT 1 FROM job p WHERE p.key = o.key AND p.id < o.id AND p.state < 2)
    ORDER BY o.available_at, o.id LIMIT 1
) oldest
WHERE NOT EXISTS (SELECT FROM outbox_hold)
"""


async def lane_ages() -> dict[str, float]:
    """How many seconds the oldest due job of each lane has waited for a worker; lanes without one are left out.

    Nothing waits too long while the outbox is held: that is what it was held for.
    """
    return {row["lane"]: row["age"] for row in await fetch(LANE_AGES)}
