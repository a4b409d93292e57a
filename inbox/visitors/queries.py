"""Reading visitors, their sessions, and what they may see."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec

from channels.parts import AnyPart
from inbox.contacts.queries import find_contact
from inbox.conversations.queries import ENTRIES, find_entries
from inbox.kit.db import Row, fetch, fetch_one
from inbox.visitors.showing import EVENTS, HANDED_OVER
from inbox.visitors.visitor import NOWHERE, KnownSession, Standing, View, Visitor, VisitorSession

VISITOR = ", ".join(Visitor.__struct_fields__)
QUESTIONS = ("choices", "form")
MOST_VISITORS = 50
"""The visitors of one contact that are listed, those seen last."""
LAST_QUESTIONS = 50
"""How many messages with a question are looked at for the one that is answered."""

HELD = f"""
SELECT row_to_json(v)::text AS visitor, row_to_json(s)::text AS session
FROM (SELECT id, visitor_id, expires_at, token_hash, revoked_at FROM visitor_session) s
JOIN (SELECT {VISITOR} FROM visitor) v ON v.id = s.visitor_id
WHERE s.token_hash = $1 AND s.revoked_at IS NULL AND s.expires_at > now()
"""  # noqa: S608 (the columns are our own struct's)
ONE = f"SELECT row_to_json(v)::text AS visitor FROM (SELECT {VISITOR} FROM visitor WHERE {{}}) v"  # noqa: S608 (as above)

OF_CONTACT = f"""
SELECT row_to_json(v)::text AS visitor FROM (
    SELECT {VISITOR} FROM visitor WHERE address IN (
        SELECT address FROM identity WHERE contact_id = $1 AND kind = 'visitor'
    )
    ORDER BY last_seen_at DESC LIMIT $2
) v
"""  # noqa: S608 (as above)

# A user who has proven themselves sees what was said with any address of the person they are, if it is surely theirs:
# their chats, what a provider or a person vouches for, and the very mail address that was signed for.
STANDING = """
WITH own AS (
    SELECT i.id, i.contact_id FROM identity i WHERE i.kind = 'visitor' AND i.match_key = $1
), known AS (
    SELECT id FROM own
    UNION
    SELECT i.id FROM identity i JOIN own ON own.contact_id = i.contact_id
    WHERE $3 AND (i.kind = 'visitor' OR i.proof <> 'none' OR (i.kind = 'email' AND i.match_key = lower($4)))
)
SELECT own.contact_id, c.name AS contact_name, ARRAY(SELECT id FROM known) AS identity_ids, (
    SELECT t.id FROM conversation t
    WHERE t.merged_into IS NULL AND t.id IN (
        SELECT e.conversation_id FROM entry e
        WHERE e.medium = 'webchat' AND e.identity_id IN (SELECT id FROM known) AND e.channel_id = $2
    )
    ORDER BY t.status = 'closed', t.updated_at DESC, t.id DESC LIMIT 1
) AS conversation_id
FROM own JOIN contact c ON c.id = own.contact_id
"""

# `$4` is the one channel of a visitor who has proven nothing.
SEEN = """
((e.type = 'message' AND e.visibility = 'public' AND e.identity_id = ANY($3)
  AND ($4::uuid IS NULL OR e.channel_id = $4) AND (e.direction = 'inbound' OR e.delivery_state = ANY($5)))
 OR (e.type = 'event' AND e.event->>'name' = ANY($6)
     AND (e.identity_id IS NULL OR e.medium <> 'webchat' OR e.identity_id = ANY($3))))
"""
HISTORY = f"""
SELECT head.cursor AS head, page.* FROM feed_head head LEFT JOIN LATERAL (
    {ENTRIES} WHERE e.conversation_id = $1 AND e.seq < $2 AND {SEEN} ORDER BY e.seq DESC LIMIT $7
) page ON true ORDER BY page.seq
"""  # noqa: S608 (our own columns)

OWN = """
SELECT t.id FROM conversation t
WHERE t.merged_into IS NULL AND ($3::uuid IS NULL OR t.id = $3) AND ($4::uuid IS NULL OR t.id < $4) AND t.id IN (
    SELECT e.conversation_id FROM entry e
    WHERE e.medium = 'webchat' AND e.identity_id = ANY($1) AND e.channel_id = $2
)
ORDER BY t.id DESC LIMIT $5
"""
LAST = f"""
SELECT last.id FROM unnest($1::uuid[]) AS asked (id) CROSS JOIN LATERAL (
    SELECT e.id FROM entry e WHERE e.conversation_id = asked.id AND {SEEN} ORDER BY e.seq DESC LIMIT $2
) last
"""  # noqa: S608 (our own columns)

ASKED = """
SELECT e.parts FROM entry e
WHERE e.conversation_id = $1 AND e.identity_id = ANY($2) AND ($3::uuid IS NULL OR e.channel_id = $3)
    AND e.type = 'message' AND e.visibility = 'public' AND e.direction = 'outbound' AND e.delivery_state = ANY($4)
    AND e.redacted_at IS NULL AND EXISTS (
        SELECT FROM jsonb_array_elements(e.parts) AS part WHERE part->>'type' = ANY($5)
    )
ORDER BY e.seq DESC LIMIT $6
"""

UNREAD = """
SELECT e.conversation_id, count(*) AS unread FROM entry e
WHERE e.conversation_id = ANY($1) AND e.type = 'message' AND e.direction = 'outbound' AND e.medium = 'webchat'
    AND e.delivery_state IN ('sent', 'delivered') GROUP BY e.conversation_id
"""

UNREPORTED = """
SELECT d.id FROM entry e JOIN LATERAL (
    SELECT DISTINCT ON (piece) id, state FROM delivery WHERE entry_id = e.id ORDER BY piece, round DESC
) d ON true
WHERE e.conversation_id = $1 AND e.seq <= $2 AND e.identity_id = ANY($3) AND e.channel_id = $4
    AND e.type = 'message' AND e.direction = 'outbound' AND d.state = ANY($5)
ORDER BY e.seq DESC LIMIT $6
"""
BEHIND = {"delivered": ("sent",), "read": ("sent", "delivered")}
"""By what is reported: the states of messages for which it is news."""

# Their uploads, also those that a message of theirs carries by now: it may be sent once more under the same id.
UPLOADS = """
SELECT a.id FROM attachment a WHERE a.id = ANY($2) AND a.redacted_at IS NULL AND (
    EXISTS (SELECT FROM visitor_upload u WHERE u.attachment_id = a.id AND u.visitor_id = $1)
    OR EXISTS (
        SELECT FROM entry e JOIN identity i ON i.id = e.identity_id
        JOIN visitor v ON i.kind = 'visitor' AND v.address = i.match_key AND v.channel_id = e.channel_id
        WHERE e.id = a.entry_id AND e.direction = 'inbound' AND v.id = $1
    )
)
"""

LIVE_SESSIONS = """
SELECT id, visitor_id FROM visitor_session WHERE id = ANY($1) AND revoked_at IS NULL AND expires_at > now()
"""

_visitor = msgspec.json.Decoder(Visitor).decode
_parts = msgspec.json.Decoder(list[AnyPart]).decode
_session = msgspec.json.Decoder(VisitorSession).decode


class History(msgspec.Struct, frozen=True):
    """Part of a conversation as rows, oldest first, and where the feed was when it was read."""

    head: int
    rows: list[Row]
    has_more: bool


async def find_session(token_hash: bytes) -> KnownSession | None:
    """The session of a token, as long as it holds."""
    row = await fetch_one(HELD, token_hash)
    return KnownSession(session=_session(row["session"]), visitor=_visitor(row["visitor"])) if row else None


async def find_visitor(visitor_id: UUID) -> Visitor | None:
    """A visitor by id."""
    return _found(await fetch_one(ONE.format("id = $1"), visitor_id))


async def find_visitor_by(channel_id: UUID, address: str) -> Visitor | None:
    """The visitor of a channel who writes from this identity."""
    return _found(await fetch_one(ONE.format("channel_id = $1 AND address = $2"), channel_id, address))


async def list_contact_visitors(contact_id: UUID) -> list[Visitor]:
    """The visitors that a contact is, who was there last first; the contact has to be there."""
    contact = await find_contact(contact_id)
    return [_visitor(row["visitor"]) for row in await fetch(OF_CONTACT, contact.id, MOST_VISITORS)]


async def find_standing(visitor: Visitor) -> Standing:
    """Where a visitor stands in the inbox: nowhere before they have written."""
    row = await fetch_one(STANDING, visitor.address, visitor.channel_id, visitor.verified, visitor.proven_email)
    if row is None:
        return NOWHERE
    return Standing(
        contact_id=row["contact_id"],
        contact_name=row["contact_name"],
        identity_ids=frozenset(row["identity_ids"]),
        conversation_id=row["conversation_id"],
    )


async def read_history(conversation_id: UUID | None, view: View, *, before_seq: int | None, limit: int) -> History:
    """The last entries before `before_seq` that a visitor may see; nothing where there is no conversation."""
    rows = await fetch(
        HISTORY,
        conversation_id,
        before_seq if before_seq is not None else 2**31 - 1,
        list(view.identity_ids),
        view.channel_id,
        HANDED_OVER,
        list(EVENTS),
        limit + 1,
    )
    found = [row for row in rows if row["id"] is not None]
    return History(head=rows[0]["head"], rows=found[-limit:], has_more=len(found) > limit)


async def list_own_conversations(
    standing: Standing, channel_id: UUID, *, only: UUID | None = None, before: UUID | None = None, limit: int = 1
) -> list[UUID]:
    """The conversations a visitor has had in a chat, the newest first; those before one of them, or one `only`."""
    rows = await fetch(OWN, list(standing.identity_ids), channel_id, only, before, limit)
    return [row["id"] for row in rows]


async def find_last_messages(conversation_ids: Sequence[UUID], view: View) -> dict[UUID, Row]:
    """The newest message of each of these conversations that a visitor may see."""
    rows = await fetch(LAST, list(conversation_ids), 1, list(view.identity_ids), view.channel_id, HANDED_OVER, [])
    entries = await find_entries([row["id"] for row in rows])
    return {entry["conversation_id"]: entry for entry in entries.values()}


async def list_asked_parts(conversation_id: UUID, view: View) -> list[AnyPart]:
    """The parts of messages to this visitor that ask something, the newest message first."""
    rows = await fetch(
        ASKED, conversation_id, list(view.identity_ids), view.channel_id, HANDED_OVER, QUESTIONS, LAST_QUESTIONS
    )
    return [part for row in rows for part in _parts(row["parts"])]


async def list_uploads(visitor_id: UUID, ids: Sequence[UUID]) -> list[UUID]:
    """Of these files those that the visitor has uploaded."""
    return [row["id"] for row in await fetch(UPLOADS, visitor_id, list(ids))]


async def count_unread(conversation_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many of our messages in the chat their visitor has not read, by conversation."""
    rows = await fetch(UNREAD, list(conversation_ids))
    return {row["conversation_id"]: row["unread"] for row in rows}


async def list_unreported(
    standing: Standing, channel_id: UUID, *, up_to_seq: int, state: str, limit: int
) -> list[UUID]:
    """The deliveries to this visitor, up to a place, that are not known to have got so far."""
    if standing.conversation_id is None:
        return []
    identities = list(standing.identity_ids)
    rows = await fetch(UNREPORTED, standing.conversation_id, up_to_seq, identities, channel_id, BEHIND[state], limit)
    return [row["id"] for row in rows]


async def live_sessions(session_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Of these sessions those that hold, and whose each of them is now."""
    rows = await fetch(LIVE_SESSIONS, list(session_ids))
    return {row["id"]: row["visitor_id"] for row in rows}


def _found(row: Row | None) -> Visitor | None:
    return _visitor(row["visitor"]) if row else None
