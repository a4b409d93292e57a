"""Redacting entries and files, in the open transaction; the bytes of files go with a job after it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec

from channels.parts import AnyPart, plain_text
from inbox.attachments.actions import forget_files
from inbox.audit.actions import record_audit
from inbox.contacts.holds import refuse_held
from inbox.conversations.actions.deliveries import WAITING, stored_parts
from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.conversations.letters.actions import blank_letter
from inbox.conversations.moves.rows import renew_preview
from inbox.conversations.redaction.blanks import BLANK, GONE, attachment_ids, without_file
from inbox.conversations.thread import Held, record_change, tell
from inbox.kit.callers import Actor
from inbox.kit.db import Row, execute, fetch, fetch_one, fetch_value
from inbox.kit.errors import KINDS, Problem
from inbox.kit.ids import UnknownId, read_id, show_id
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import DeleteFile, NewJob, ScrubJournal

REPEAT_DAYS = 7
"""How long after a message its provider may have sent it again."""

SPOKEN = frozenset({"csat_received"})
"""Events with words of the contact."""
COLUMNS = (
    "id, seq, type, event->>'name' AS event, direction, delivery_state, redacted_at, parts, channel_id, raw_event_id, "
    "provider_message_id"
)
FIND = f"SELECT {COLUMNS} FROM entry WHERE id = $1 AND conversation_id = $2 FOR UPDATE"  # noqa: S608 (ours)
CARRYING = f"""
SELECT {COLUMNS} FROM entry WHERE conversation_id = $1 AND parts @> $2::jsonb ORDER BY seq FOR UPDATE
"""  # noqa: S608 (as above)

BLANK_ENTRY = """
UPDATE entry SET text = $2, parts = $3, redacted_at = $4, version = version + 1 WHERE id = $1
"""
CHANGE_PARTS = "UPDATE entry SET text = $2, parts = $3, edited_at = $4, version = version + 1 WHERE id = $1"
BLANK_DELIVERIES = "UPDATE delivery SET parts = '[]' WHERE entry_id = $1"

# What a message was written in before it left; the mail in which a chat went on; what was said beside a rating.
BLANK_WRITING = (
    'UPDATE delivery SET parts = \'[{"type": "text", "text": "[redacted]"}]\' '
    "WHERE entry_id IN (SELECT by_entry FROM mailed_entry WHERE entry_id = $1)",
    "UPDATE csat_rating SET comment = NULL WHERE received_entry_id = $1",
    "UPDATE draft SET text = '', parts = '[]', mail = NULL WHERE entry_id = $1",
    "UPDATE draft_version v SET text = '', parts = '[]', mail = NULL FROM draft d "
    "WHERE d.entry_id = $1 AND v.draft_id = d.id",
    "UPDATE scheduled_message SET text = '', parts = '[]', mail = NULL WHERE entry_id = $1",
)
BLANK_RAW = """
UPDATE raw_event
SET body_sha256 = coalesce(body_sha256, sha256(body)), body = '', url = split_part(url, '?', 1), redacted_at = $3
WHERE channel_id = $1 AND id = $2 RETURNING received_at
"""

# Remembered answers repeat the words: they say so instead, and what was done under their key stays done once.
BLANK_ANSWERS = """
UPDATE remembered_request SET status = $2, media_type = 'application/problem+json', body = $3
WHERE position($1::bytea IN body) > 0
"""


async def redact_entry(conversation_id: UUID, entry_id: UUID, *, reason: str, actor: Actor, now: datetime) -> None:
    """Blank one message or note: its words, parts and files, and every copy of them we keep. Twice is once."""
    held = await lock_thread(conversation_id)
    entry = await fetch_one(FIND, entry_id, conversation_id)
    if entry is None or (entry["type"] == "event" and entry["event"] not in SPOKEN):
        raise Problem("not_found", f"There is no {show_id('ent', entry_id)} to redact in this conversation")
    if entry["redacted_at"]:
        return
    await refuse_held(conversation_ids=[conversation_id])
    _check_settled(entry)
    parts = stored_parts(entry["parts"])
    blank: list[AnyPart] = [BLANK]
    await execute(BLANK_ENTRY, entry_id, plain_text(blank), _json(blank), now)
    await blank_letter(entry_id)
    await _forget_files(attachment_ids(parts), entry_ids=[entry_id], now=now)
    await _blank_copies(entry, now=now)
    await _tell(held, [entry], reason=reason, actor=actor, now=now)
    await record_audit(actor, "entry.redacted", target=show_id("ent", entry_id), facts={"reason": reason})


async def redact_attachment(
    conversation_id: UUID, attachment_id: UUID, *, reason: str, actor: Actor, now: datetime
) -> None:
    """Blank one file wherever this conversation carries it; the words beside it stay."""
    held, shown = await lock_thread(conversation_id), show_id("att", attachment_id)
    entries = await fetch(CARRYING, conversation_id, _json([{"attachment": {"id": shown}}]))
    if not entries:
        raise Problem("not_found", f"There is no {shown} in this conversation")
    await refuse_held(conversation_ids=[conversation_id])
    for entry in entries:
        _check_settled(entry)
    for entry in entries:
        parts = without_file(stored_parts(entry["parts"]), shown)
        await execute(CHANGE_PARTS, entry["id"], plain_text(parts), _json(parts), now)
        await _blank_copies(entry, now=now)
    await _forget_files([shown], entry_ids=[], now=now)
    await _tell(held, entries, reason=reason, actor=actor, now=now)
    await record_audit(actor, "attachment.redacted", target=shown, facts={"reason": reason})


def _check_settled(entry: Row) -> None:
    """What is on its way out cannot be taken back by forgetting it."""
    if entry["direction"] == "outbound" and entry["delivery_state"] in WAITING:
        state = entry["delivery_state"]
        raise Problem("state_conflict", f"The message is {state}", hint="Cancel it, or wait until it has been sent")


async def _forget_files(shown_ids: Collection[str], *, entry_ids: Sequence[UUID], now: datetime) -> None:
    keys = await forget_files([_read_attachment(shown) for shown in shown_ids], entry_ids=entry_ids, now=now)
    await enqueue_jobs([NewJob(job=DeleteFile(storage_key=key), key=f"file:{key}") for key in keys])


def _read_attachment(shown: str) -> UUID:
    try:
        return read_id("att", shown)
    except UnknownId:
        return UUID(int=0)


async def _blank_copies(entry: Row, *, now: datetime) -> None:
    """What was handed to the provider, what the provider sent us, what it was written in, and what was answered."""
    await execute(BLANK_DELIVERIES, entry["id"])
    for sql in BLANK_WRITING:
        await execute(sql, entry["id"])
    await execute(BLANK_ANSWERS, show_id("ent", entry["id"]).encode(), KINDS["gone_redacted"].status, GONE)
    if entry["raw_event_id"] is None:
        return
    received_at = await fetch_value(BLANK_RAW, entry["channel_id"], entry["raw_event_id"], now)
    if entry["provider_message_id"] and received_at:
        needles = sorted({entry["provider_message_id"], quote(entry["provider_message_id"], safe="")})
        until = received_at + timedelta(days=REPEAT_DAYS)
        job = ScrubJournal(channel_id=entry["channel_id"], after=entry["raw_event_id"], until=until, needles=needles)
        await enqueue_jobs([NewJob(job=job, key=f"scrub:{entry['id']}")])


async def _tell(held: Held, entries: Sequence[Row], *, reason: str, actor: Actor, now: datetime) -> None:
    for entry in entries:
        tell(held, "message.redacted", actor=actor, entry_id=entry["id"], seq=entry["seq"], changed=("text", "parts"))
        record_change(
            held,
            "message_redacted",
            event_type="conversation.updated",
            changed=("preview",),
            actor=actor,
            now=now,
            after={"entry_id": show_id("ent", entry["id"]), "seq": entry["seq"]},
            reason=reason,
        )
    await renew_preview(held.thread)
    await store_threads([held], now=now)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
