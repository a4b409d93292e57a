"""Setting how long things are kept, and taking away what is older, batch by batch."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from inbox.attachments.actions import forget_files
from inbox.audit.actions import record_audit
from inbox.feed.actions import append_event
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.db import Row, execute, fetch, fetch_value
from inbox.kit.ids import show_id
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import DeleteFile, NewJob
from inbox.privacy.actions import blank_entries
from inbox.privacy.retention.queries import HELD, NO_CHANNEL, Keeping

What: TypeAlias = Literal["messages", "attachments"]
BATCH = 500
"""Entries blanked in one transaction."""
WALKED = 5000
"""Entries looked at in one transaction."""

SPEAKING = ("csat_received", "transcript_sent")
"""Events with words or files of a person: a comment beside a rating, a transcript that was mailed."""

SET = """
INSERT INTO channel_retention (channel_id, message_days, attachment_days, raw_event_days) VALUES ($1, $2, $3, $4)
ON CONFLICT (channel_id) DO UPDATE SET message_days = excluded.message_days,
    attachment_days = excluded.attachment_days, raw_event_days = excluded.raw_event_days
"""
FORGET_PLACES = "DELETE FROM retention_place WHERE channel_id = $1"
PLACE = "SELECT reached FROM retention_place WHERE channel_id = $1 AND what = $2"
# Whoever walks a channel holds its place: two processes never blank the same batch.
TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended('retention ' || $1::text || $2::text, 0))"
MOVE = """
INSERT INTO retention_place (channel_id, what, reached) VALUES ($1, $2, $3)
ON CONFLICT (channel_id, what) DO UPDATE SET reached = excluded.reached
"""
# Along the ids, which are in the order of time; the last one looked at says where the next batch begins.
OLD = f"""
WITH walked AS (
    SELECT id, conversation_id, channel_id, type, event->>'name' AS event, redacted_at FROM entry
    WHERE id > $2 AND id < $3 ORDER BY id LIMIT $4
)
SELECT e.id, e.conversation_id FROM walked e
WHERE coalesce(e.channel_id, '{NO_CHANNEL}') = $1 AND (e.type <> 'event' OR e.event = ANY($6))
  AND e.redacted_at IS NULL AND NOT {HELD}
ORDER BY e.id LIMIT $5
"""  # noqa: S608 (ours)
LAST = """
SELECT max(id::text)::uuid AS last, count(*) AS seen
FROM (SELECT id FROM entry WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) walked
"""
# The conversations' locks first, as whoever changes an entry takes them.
HOLD = "SELECT id, contact_id FROM conversation WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"


async def set_keeping(channel_id: UUID, keeping: Keeping, *, actor: Actor) -> None:
    """Keep a channel's things for so long from now on; what is older goes with the next round."""
    await execute(SET, channel_id, keeping.message_days, keeping.attachment_days, keeping.raw_event_days)
    await execute(FORGET_PLACES, channel_id)
    facts = msgspec.to_builtins(keeping)
    await record_audit(actor, "channel.retention_changed", target=show_id("cha", channel_id), facts=facts)


async def take_away_old(channel_id: UUID, what: What, *, before: UUID, now: datetime) -> int | None:
    """The next batch of a channel's entries made before this id; how many, None where nothing old is left.

    Entries keep their place in the timeline, so that its numbers have no hole.
    """
    if not await fetch_value(TURN, str(channel_id), what):
        return None
    after = await fetch_value(PLACE, channel_id, what) or NO_CHANNEL
    rows = await fetch(OLD, channel_id, after, before, WALKED, BATCH, SPEAKING)
    if len(rows) == BATCH:
        reached, more = rows[-1]["id"], True
    else:
        seen = (await fetch(LAST, after, before, WALKED))[0]
        reached, more = seen["last"] or after, seen["seen"] == WALKED
    await TAKEN[what](rows, now)
    await execute(MOVE, channel_id, what, reached)
    return len(rows) if more or rows else None


async def _blank(rows: list[Row], now: datetime) -> None:
    threads = await fetch(HOLD, sorted({row["conversation_id"] for row in rows}))
    await blank_entries([row["id"] for row in rows], now=now, unlink=False)
    for thread in threads:
        count = sum(row["conversation_id"] == thread["id"] for row in rows)
        facts = {"because": "retention", "entries": count}
        await append_event(
            "conversation.updated", actor=SYSTEM, conversation_id=thread["id"], contact_id=thread["contact_id"],
            facts=facts, changed=["entries", "preview"],
        )  # fmt: skip


async def _drop_files(rows: list[Row], now: datetime) -> None:
    keys = await forget_files([], entry_ids=[row["id"] for row in rows], now=now)
    await enqueue_jobs([NewJob(job=DeleteFile(storage_key=key), key=f"file:{key}") for key in keys])


TAKEN = {"messages": _blank, "attachments": _drop_files}
