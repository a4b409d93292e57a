"""Whom a message is to be told to, in which browsers."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import msgspec

from inbox.kit.db import Row, fetch, fetch_one, fetch_value
from inbox.visitors.push.subscription import Subscription

# Sent, and not read yet: what has been seen, taken back or redacted meanwhile is told to nobody.
MESSAGE = """
SELECT e.id, e.conversation_id, e.channel_id, e.identity_id, e.text, e.author->>'name' AS author_name,
       e.author->>'type' AS author_type, e.created_at, i.address
FROM entry e JOIN identity i ON i.id = e.identity_id
WHERE e.id = $1 AND e.type = 'message' AND e.direction = 'outbound' AND e.medium = 'webchat'
  AND e.delivery_state IN ('sent', 'delivered') AND e.redacted_at IS NULL
"""
# Whoever writes from the address of the message, on the channel it went by.
READERS = "SELECT id, locale, page, last_seen_at FROM visitor WHERE address = $1 AND channel_id = $2"
SUBSCRIPTIONS = """
SELECT p.id, p.visitor_id, p.endpoint, p.p256dh, p.auth,
       CASE WHEN p.rests_until > now() THEN p.rests_until END AS rests_until
FROM visitor_push p JOIN visitor_session s ON s.id = p.session_id
WHERE p.visitor_id = ANY($1) AND p.told_entry_id IS DISTINCT FROM $2 AND s.revoked_at IS NULL AND s.expires_at > now()
ORDER BY p.created_at
"""


async def find_unseen(entry_id: UUID) -> Row | None:
    """A message that its visitor has not read; None where there is nothing to tell any more."""
    return await fetch_one(MESSAGE, entry_id)


async def find_readers(address: str, channel_id: UUID) -> list[Row]:
    """The visitors who read what is written to this address."""
    return await fetch(READERS, address, channel_id)


async def list_subscriptions(visitor_ids: Collection[UUID], *, untold: UUID) -> list[Subscription]:
    """The browsers of these visitors that want to be told, and have not been told of this message."""
    rows = await fetch(SUBSCRIPTIONS, list(visitor_ids), untold) if visitor_ids else []
    return [msgspec.convert(dict(row), Subscription) for row in rows]


async def find_sealed_key() -> bytes | None:
    """Our own key, sealed; None before the first browser asked for it."""
    found: bytes | None = await fetch_value("SELECT sealed FROM web_push_key ORDER BY id LIMIT 1")
    return found
