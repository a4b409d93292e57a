"""Reading the journal: what waits to be projected, and what an operator wants to see."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from inbox.kit.db import Row, fetch, fetch_one

COLUMNS = "r.id, r.channel_id, r.kind, r.method, r.url, r.headers, r.body, r.received_at, r.request_id"

LISTED = f"""
SELECT {COLUMNS}, l.projected_id, q.code, q.error, q.attempts, q.resolved_at
FROM raw_event r
JOIN lane l ON l.channel_id = r.channel_id
LEFT JOIN quarantine q ON q.channel_id = r.channel_id AND q.raw_event_id = r.id
"""  # noqa: S608 (the columns are ours)


async def waiting_lanes() -> list[UUID]:
    """The channels whose journal is not projected to its end."""
    sql = """
        SELECT l.channel_id FROM lane l
        WHERE EXISTS (SELECT FROM raw_event r WHERE r.channel_id = l.channel_id AND r.id > l.projected_id)
    """
    return [row["channel_id"] for row in await fetch(sql)]


async def waiting_events(channel_id: UUID, *, limit: int, after: int | None = None) -> list[Row]:
    """The next requests of a channel to project, in journal order: behind its cursor, or behind the one given."""
    return await fetch(
        f"SELECT {COLUMNS} FROM raw_event r "  # noqa: S608 (the columns are ours)
        "WHERE r.channel_id = $1 AND r.id > coalesce($3, (SELECT projected_id FROM lane WHERE channel_id = $1)) "
        "ORDER BY r.id LIMIT $2",
        channel_id,
        limit,
        after,
    )


async def find_raw_events(ids: Sequence[int]) -> list[Row]:
    """Journaled requests by their numbers, with where they stand."""
    return await fetch(f"{LISTED} WHERE r.id = ANY($1) ORDER BY r.id", list(ids))


async def list_raw_events(*, state: str | None, channel_id: UUID | None, limit: int) -> list[Row]:
    """The newest journaled requests: all, or those `waiting`, `projected` or in `quarantine`."""
    conditions = {
        None: "true",
        "waiting": "r.id > l.projected_id",
        "projected": "r.id <= l.projected_id AND (q.raw_event_id IS NULL OR q.resolved_at IS NOT NULL)",
        "quarantine": "q.raw_event_id IS NOT NULL AND q.resolved_at IS NULL",
    }
    return await fetch(
        f"{LISTED} WHERE {conditions[state]} AND ($1::uuid IS NULL OR r.channel_id = $1) ORDER BY r.id DESC LIMIT $2",
        channel_id,
        limit,
    )


async def count_waiting() -> int:
    """How many journaled requests are still to be projected."""
    row = await fetch_one(
        "SELECT count(*) AS n FROM lane l JOIN raw_event r ON r.channel_id = l.channel_id AND r.id > l.projected_id"
    )
    return row["n"] if row else 0
