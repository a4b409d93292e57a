"""Reading a whole timeline."""

from __future__ import annotations

from uuid import UUID

from inbox.conversations.queries import ENTRIES
from inbox.kit.db import Row, fetch

# In the order of time: what came from another conversation stands where it was said.
WHOLE = f"""
{ENTRIES} WHERE e.conversation_id = $1 AND ($2 OR e.visibility = 'public')
AND coalesce(e.event->>'name', '') <> 'entry_moved'
ORDER BY e.created_at, e.seq LIMIT $3
"""


async def read_timeline(conversation_id: UUID, *, internal: bool, limit: int) -> list[Row]:
    """What was said, and with `internal` also notes and events; stubs of what has moved away are left out."""
    return await fetch(WHOLE, conversation_id, internal, limit)
