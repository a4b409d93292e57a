"""What waits, what runs and what is dead."""

from __future__ import annotations

from inbox.kit.db import Row, fetch, fetch_one

STATES = {"waiting": 0, "running": 1, "dead": 3}


COLUMNS = "id, type, key, lane, payload, state, attempts, available_at, lease_until, error, request_id, created_at"


async def find_job(job_id: int) -> Row | None:
    """One job that is not done."""
    return await fetch_one(f"SELECT {COLUMNS} FROM job WHERE id = $1", job_id)  # noqa: S608 (the columns are ours)


async def list_jobs(*, state: str | None = None, limit: int = 100, after: int = 0) -> list[Row]:
    """Jobs in the order they were asked for, of one state or of all."""
    return await fetch(
        f"SELECT {COLUMNS} FROM job WHERE ($1::int IS NULL OR state = $1) AND id > $2 ORDER BY id LIMIT $3",  # noqa: S608 (as above)
        None if state is None else STATES[state],
        after,
        limit,
    )


async def count_jobs() -> dict[str, int]:
    """How many jobs there are of each state."""
    names = {number: name for name, number in STATES.items()}
    rows = await fetch("SELECT state, count(*) AS n FROM job GROUP BY state")
    return {**dict.fromkeys(STATES, 0), **{names[row["state"]]: row["n"] for row in rows}}
