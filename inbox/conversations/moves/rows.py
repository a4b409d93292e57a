"""The rows of a move: entries and what hangs on them go over, stubs come, and all of it back again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inbox.conversations.entry import NewEntry
from inbox.conversations.moves.plan import STUB, Before, Found, Kind, Place
from inbox.conversations.thread import Held, Thread
from inbox.kit.callers import Actor
from inbox.kit.db import execute, fetch, fetch_one, fetch_value

FIND = f"""
SELECT id, seq, client_message_id, moved_from FROM entry
WHERE conversation_id = $1 AND event->>'name' IS DISTINCT FROM '{STUB}' ORDER BY seq
"""  # noqa: S608 (the name is ours)

# A client_message_id names a message of one conversation: it goes on doing so through the record of the move, and can
# never be taken for another message in the conversation it moves to.
MOVE = """
UPDATE entry e
SET conversation_id = $2, seq = p.to_seq, version = e.version + 1, client_message_id = NULL,
    moved_from = jsonb_build_object(
        'conversation_id', $1::uuid, 'seq', p.from_seq,
        'client_message_id', coalesce(e.client_message_id, e.moved_from->>'client_message_id')
    )
FROM unnest($3::uuid[], $4::int[], $5::int[]) AS p(entry_id, from_seq, to_seq) WHERE e.id = p.entry_id
"""
BACK = """
UPDATE entry e
SET conversation_id = $2, seq = m.from_seq, version = e.version + 1, moved_from = m.moved_from,
    client_message_id = m.client_message_id
FROM entry_move m WHERE m.move_id = $1 AND e.id = m.entry_id
"""
REMEMBER = """
INSERT INTO conversation_move (id, kind, source_id, target_id, actor, reason, entries, before, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
PLACES = """
INSERT INTO entry_move (move_id, entry_id, stub_id, from_seq, to_seq, client_message_id, moved_from)
SELECT $1, p.entry_id, p.stub_id, p.from_seq, p.to_seq, e.client_message_id, e.moved_from
FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::int[]) AS p(entry_id, stub_id, from_seq, to_seq)
JOIN entry e ON e.id = p.entry_id
"""
STUBS = """
INSERT INTO entry (id, conversation_id, seq, type, direction, visibility, author, event, occurred_at, created_at)
SELECT id, conversation_id, seq, type, direction, visibility, author, event, occurred_at, created_at
FROM jsonb_populate_recordset(NULL::entry, $1)
"""

# Deliveries keep their order in the conversation their message is in: the key of a job is its conversation.
REKEY = """
UPDATE job SET key = $2 WHERE key = $1 AND type = 'deliver_message' AND (payload->>'entry_id')::uuid = ANY($3)
"""
DRAFTS = "UPDATE draft SET conversation_id = $2 WHERE conversation_id = $1 AND state <> 'sent' RETURNING id"
DRAFTS_BACK = """
UPDATE draft SET conversation_id = $2 WHERE conversation_id = $1 AND id = ANY($3) AND state <> 'sent'
"""
SCHEDULED = """
UPDATE scheduled_message s
SET conversation_id = $2,
    client_message_id = CASE WHEN EXISTS (
        SELECT FROM scheduled_message o WHERE o.conversation_id = $2 AND o.client_message_id = s.client_message_id
    ) THEN NULL ELSE s.client_message_id END
WHERE s.conversation_id = $1 AND s.state = 'scheduled' RETURNING s.id
"""
SCHEDULED_BACK = """
UPDATE scheduled_message SET conversation_id = $2 WHERE conversation_id = $1 AND id = ANY($3) AND state = 'scheduled'
"""

SUMMARY = """
WITH answered AS (
    SELECT max(created_at) AS at FROM entry
    WHERE conversation_id = $1 AND type = 'message' AND direction = 'outbound'
      AND NOT coalesce((letter->>'automatic')::boolean, false)
)
SELECT count(*) FILTER (WHERE e.direction = 'inbound' AND e.seq > $2) AS unread,
       max(e.created_at) FILTER (WHERE e.direction = 'inbound') AS last_inbound_at,
       max(answered.at) AS last_outbound_at,
       min(e.created_at) FILTER (
           WHERE e.direction = 'inbound' AND e.created_at > coalesce(answered.at, '-infinity')
       ) AS waiting_since,
       coalesce(array_agg(DISTINCT e.medium) FILTER (WHERE e.medium IS NOT NULL), '{}') AS media
FROM answered LEFT JOIN entry e ON e.conversation_id = $1 AND e.type = 'message'
"""
ROUTE = """
SELECT e.channel_id, e.identity_id FROM entry e JOIN identity i ON i.id = e.identity_id AND i.contact_id = $2
WHERE e.conversation_id = $1 AND e.type = 'message' ORDER BY e.created_at DESC, e.seq DESC LIMIT 1
"""
PREVIEW = """
SELECT left(text, 160) FROM entry WHERE conversation_id = $1 AND type = 'message' ORDER BY created_at DESC, seq DESC
LIMIT 1
"""


async def find_movable(conversation_id: UUID) -> list[Found]:
    """Everything of a timeline but the stubs."""
    return [msgspec.convert(dict(row), Found) for row in await fetch(FIND, conversation_id)]


async def move_entries(source: UUID, target: UUID, places: Sequence[Place], *, stubs: list[NewEntry]) -> None:
    """Entries go to the end of another timeline, their jobs with them, and stubs come into their places."""
    ids, from_seqs, to_seqs = _columns(places)
    await execute(MOVE, source, target, ids, from_seqs, to_seqs)
    await execute(STUBS, _json(stubs))
    await execute(REKEY, str(source), str(target), ids)


async def return_entries(
    move_id: UUID, source: UUID, target: UUID, places: Sequence[Place], *, stubs: list[NewEntry]
) -> None:
    """Entries go back into the places they had, whose stubs go; stubs come where they were."""
    ids, _, _ = _columns(places)
    await execute("DELETE FROM entry WHERE id = ANY($1)", [place.stub_id for place in places])
    await execute(BACK, move_id, source)
    await execute(STUBS, _json(stubs))
    await execute(REKEY, str(target), str(source), ids)


async def move_writing(source: UUID, target: UUID) -> tuple[list[UUID], list[UUID]]:
    """Drafts and scheduled messages go along; their ids."""
    drafts = await fetch(DRAFTS, source, target)
    scheduled = await fetch(SCHEDULED, source, target)
    return [row["id"] for row in drafts], [row["id"] for row in scheduled]


async def return_writing(source: UUID, target: UUID, before: Before) -> None:
    """Those that were not sent meanwhile go back."""
    await execute(DRAFTS_BACK, target, source, before.draft_ids)
    await execute(SCHEDULED_BACK, target, source, before.scheduled_ids)


async def remember_move(
    move_id: UUID,
    kind: Kind,
    places: Sequence[Place],
    *,
    source: UUID,
    target: UUID,
    before: Before,
    actor: Actor,
    reason: str | None,
    now: datetime,
) -> None:
    """Keep what an undo needs; before the entries move, as they still say what they were."""
    args = (move_id, kind, source, target, _json(actor), reason, len(places), _json(before), now)
    await execute(REMEMBER, *args)
    ids, from_seqs, to_seqs = _columns(places)
    await execute(PLACES, move_id, ids, [place.stub_id for place in places], from_seqs, to_seqs)


async def sum_up(held: Held) -> None:
    """Let a conversation say what its entries amount to, after some have come or gone."""
    thread = held.thread
    row = await fetch_one(SUMMARY, thread.id, thread.read_seq)
    if row is None:
        raise RuntimeError("an aggregate has a row")
    thread.unread = row["unread"]
    thread.last_inbound_at, thread.last_outbound_at = row["last_inbound_at"], row["last_outbound_at"]
    thread.waiting_since = None if thread.status == "closed" else row["waiting_since"]
    known = [medium for medium in thread.media if medium in row["media"]]
    thread.media = [*known, *(medium for medium in row["media"] if medium not in known)]
    route = await fetch_one(ROUTE, thread.id, thread.contact_id)
    if route is not None:
        thread.reply_channel_id, thread.reply_identity_id = route["channel_id"], route["identity_id"]
    await renew_preview(thread)
    held.touched = True


async def renew_preview(thread: Thread) -> None:
    """The beginning of its newest message."""
    thread.preview = await fetch_value(PREVIEW, thread.id) or ""


async def count_unread(thread: Thread) -> None:
    """How many messages of the contact nobody has read."""
    sql = "SELECT count(*) FROM entry WHERE conversation_id = $1 AND seq > $2 AND direction = 'inbound'"
    thread.unread = await fetch_value(sql, thread.id, thread.read_seq)


def _columns(places: Collection[Place]) -> tuple[list[UUID], list[int], list[int]]:
    return (
        [place.entry_id for place in places],
        [place.from_seq for place in places],
        [place.to_seq for place in places],
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
