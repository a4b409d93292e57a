"""What visitors have not seen, where they can be written to, and by which channel of ours."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from channels.parts import AnyPart
from inbox.conversations.thread import Route
from inbox.kit.db import Row, fetch, fetch_one, fetch_value
from inbox.visitors.mail.mailing import MailWay, Unseen

UNSEEN = """
SELECT e.id AS entry_id, e.channel_id, e.identity_id, i.address, e.author->>'name' AS author, e.parts, e.text,
       e.created_at AS written_at
FROM entry e JOIN identity i ON i.id = e.identity_id
WHERE e.conversation_id = $1 AND e.type = 'message' AND e.direction = 'outbound' AND e.medium = 'webchat'
  AND e.delivery_state IN ('sent', 'delivered') AND e.redacted_at IS NULL AND e.author->>'type' <> 'system'
  AND e.created_at > $2 AND NOT EXISTS (SELECT FROM mailed_entry m WHERE m.entry_id = e.id)
ORDER BY e.seq
"""
# The address somebody proved to be theirs goes before the one they only gave.
READER = """
SELECT max(v.last_seen_at) AS last_seen_at,
       (array_agg(coalesce(v.proven_email, v.email) ORDER BY v.last_seen_at DESC)
            FILTER (WHERE coalesce(v.proven_email, v.email) IS NOT NULL))[1] AS email,
       (array_agg(v.locale ORDER BY v.last_seen_at DESC) FILTER (WHERE v.locale IS NOT NULL))[1] AS locale
FROM visitor v WHERE v.address = $1 AND v.channel_id = $2
"""
MAILBOX = """
SELECT id AS channel_id, medium, provider, adapter FROM channel
WHERE medium = 'email' AND deleted_at IS NULL AND status = 'active' AND ($1::uuid IS NULL OR id = $1)
ORDER BY created_at, id LIMIT 1
"""
# Whoever it belongs to: nothing goes to who opted out, is blocked, or cannot be reached there.
REACHABLE = """
SELECT NOT (c.blocked_at IS NOT NULL OR EXISTS (SELECT FROM undeliverable_address u WHERE u.identity_id = i.id))
FROM identity i JOIN contact c ON c.id = i.contact_id WHERE i.id = $1
"""

_parts = msgspec.json.Decoder(list[AnyPart]).decode


async def list_unseen(conversation_id: UUID, *, since: datetime) -> list[Unseen]:
    """Our messages in the chat that were not read and did not go by mail, the oldest first; of one address alone."""
    rows = await fetch(UNSEEN, conversation_id, since)
    found = [msgspec.convert({**dict(row), "parts": _parts(row["parts"])}, Unseen) for row in rows]
    return [one for one in found if (one.address, one.channel_id) == (found[0].address, found[0].channel_id)]


async def find_reader(address: str, channel_id: UUID) -> Row | None:
    """When whoever reads there was last seen, the mail address they left, and their language."""
    row = await fetch_one(READER, address, channel_id)
    return row if row and row["last_seen_at"] else None


async def find_mailbox(channel_id: UUID | None) -> Row | None:
    """The mail channel that is named, else the oldest; None where none runs."""
    return await fetch_one(MAILBOX, channel_id)


async def is_reachable(identity_id: UUID) -> bool:
    """Whether mail may go to this address as far as its contact and our own tries tell."""
    return bool(await fetch_value(REACHABLE, identity_id))


def open_way(mailbox: Row, *, identity_id: UUID, address: str) -> MailWay:
    """The way from a mailbox of ours to an address."""
    route = Route(channel_id=mailbox["channel_id"], medium=mailbox["medium"], provider=mailbox["provider"])
    return MailWay(route=route, adapter=mailbox["adapter"], identity_id=identity_id, address=address)
