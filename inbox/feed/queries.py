"""Reading the feed by cursor."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from inbox.kit.db import Row, fetch, fetch_one

AFTER = """
SELECT cursor, id, type, conversation_id, entry_id, contact_id, channel_id, seq, actor, facts, changed, request_id,
       created_at
FROM feed_event
WHERE cursor > $1 AND ($2::text[] IS NULL OR type = ANY($2)) AND ($3::uuid IS NULL OR conversation_id = $3)
ORDER BY cursor LIMIT $4
"""


class FeedHead(msgspec.Struct, frozen=True):
    """The newest cursor given, and the newest one forgotten by retention."""

    cursor: int
    pruned: int


async def feed_head() -> FeedHead:
    """Where the feed ends, and from where it can still be read."""
    row = await fetch_one("SELECT cursor, pruned FROM feed_head")
    return FeedHead(row["cursor"], row["pruned"]) if row else FeedHead(0, 0)


async def events_after(
    cursor: int,
    *,
    limit: int,
    types: Sequence[str] | None = None,
    conversation_id: UUID | None = None,
) -> list[Row]:
    """The next events after a cursor, in order."""
    return await fetch(AFTER, cursor, list(types) if types else None, conversation_id, limit)
