"""Following the feed for visitors: each happening once, its cursor and its jobs in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from inbox.feed.queries import feed_head
from inbox.kit.db import Row, execute, fetch, fetch_value

BATCH = 500
"""Happenings taken in one transaction."""

# Held by whoever follows; the others go on.
CURSOR = "SELECT cursor FROM visitor_follow FOR UPDATE SKIP LOCKED"
MOVE = "UPDATE visitor_follow SET cursor = $1 WHERE cursor < $1"

SENT = """
SELECT f.cursor, 'sent' AS what, f.entry_id, f.conversation_id, e.channel_id
FROM feed_event f JOIN entry e ON e.id = f.entry_id
WHERE f.cursor > $1 AND f.cursor <= $2 AND f.type = 'message.delivery_updated' AND f.facts->>'to' = 'sent'
  AND e.medium = 'webchat' AND e.type = 'message'
UNION ALL
SELECT f.cursor, CASE WHEN f.type = 'conversation.created' THEN 'begun' ELSE 'closed' END, NULL, f.conversation_id, NULL
FROM feed_event f JOIN conversation c ON c.id = f.conversation_id
WHERE f.cursor > $1 AND f.cursor <= $2 AND c.media @> ARRAY['webchat'] AND (
    f.type = 'conversation.created' OR (f.type = 'conversation.status_changed' AND f.facts->>'to' = 'closed'))
ORDER BY cursor LIMIT $3
"""


class Happening(msgspec.Struct, kw_only=True, frozen=True):
    """A message of ours that the chat took, or a conversation that has begun or was closed."""

    what: Literal["sent", "begun", "closed"]
    conversation_id: UUID
    entry_id: UUID | None
    channel_id: UUID | None


async def take_happenings() -> Sequence[Happening] | None:
    """What happened since the last time, in the open transaction that asks for what follows; None while another does.

    The cursor of the feed never skips what commits late, so nothing is missed; older than its retention is too late.
    """
    cursor = await fetch_value(CURSOR)
    if cursor is None:
        return None
    head = (await feed_head()).cursor
    if head <= cursor:
        return []
    rows = await fetch(SENT, cursor, head, BATCH)
    await execute(MOVE, rows[-1]["cursor"] if len(rows) == BATCH else head)
    return [_happening(row) for row in rows]


def _happening(row: Row) -> Happening:
    return Happening(
        what=row["what"], conversation_id=row["conversation_id"], entry_id=row["entry_id"], channel_id=row["channel_id"]
    )
