"""Forgetting deliveries after their time, and those of endpoints that were removed, a batch at a time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from inbox.kit.db import fetch_value

BATCH = 1000

# Ids grow with time, so the oldest are found by the primary key. What is still to be sent is kept, however old.
PRUNE = """
WITH old AS (
    SELECT id FROM webhook_delivery WHERE id < $1 AND state > 2 ORDER BY id LIMIT $2
), gone AS (
    DELETE FROM webhook_delivery d USING old WHERE d.id = old.id RETURNING d.id
)
SELECT count(*) FROM gone
"""
CLEAR = """
WITH one AS (
    SELECT id FROM webhook WHERE deleted_at IS NOT NULL ORDER BY id LIMIT 1
), theirs AS (
    SELECT d.id FROM webhook_delivery d JOIN one ON d.webhook_id = one.id LIMIT $1
), gone AS (
    DELETE FROM webhook_delivery d USING theirs WHERE d.id = theirs.id RETURNING d.id
), empty AS (
    DELETE FROM webhook USING one WHERE webhook.id = one.id AND NOT EXISTS (SELECT FROM theirs) RETURNING webhook.id
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM empty)
"""


async def prune_deliveries(*, older_than: datetime) -> int:
    """Forget finished deliveries that were queued before a moment; returns how many, at most a batch."""
    least = UUID(int=max(int(older_than.timestamp() * 1000), 0) << 80)
    return int(await fetch_value(PRUNE, least, BATCH))


async def clear_removed_webhooks() -> int:
    """Forget the deliveries of a removed endpoint and then itself; 0 when there is none left."""
    return int(await fetch_value(CLEAR, BATCH))
