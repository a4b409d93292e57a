"""Making entries from before the search findable, a few at a time, from the newest to the oldest."""

from __future__ import annotations

from inbox.kit.db import fetch_value, tx

BATCH = 500
"""Entries a transaction: some ten milliseconds, so that nobody waits for their rows."""

# The row of the backlog is locked, so of several processes one goes on and the others see nothing to do.
INDEX = """
WITH place AS (
    SELECT up_to_id FROM search_backlog FOR UPDATE SKIP LOCKED
), chunk AS (
    SELECT e.id FROM entry e WHERE e.id <= (SELECT up_to_id FROM place) ORDER BY e.id DESC LIMIT $1
), indexed AS (
    UPDATE entry e SET search = search_vector(e.text) FROM chunk
    WHERE e.id = chunk.id AND e.search IS NULL AND e.type <> 'event' AND e.text <> '' AND e.redacted_at IS NULL
), moved AS (
    UPDATE search_backlog SET up_to_id = (SELECT min(id::text) FROM chunk)::uuid
    WHERE (SELECT count(*) FROM chunk) > 1
), done AS (
    DELETE FROM search_backlog WHERE EXISTS (SELECT FROM place) AND (SELECT count(*) FROM chunk) <= 1
)
SELECT count(*) FROM chunk
"""


async def index_backlog() -> None:
    """Index what was written before there was a search, each batch in a transaction of its own, until all is."""
    while await fetch_value("SELECT EXISTS (SELECT FROM search_backlog)") and await _index_batch():
        continue


async def _index_batch() -> bool:
    """Whether it did something: else there is nothing left, or another process is at it."""
    async with tx():
        return bool(await fetch_value(INDEX, BATCH))
