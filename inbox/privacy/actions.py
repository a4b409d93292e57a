"""Blanking entries that stay in their place: of others' timelines, and by age."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from channels.parts import AnyPart, plain_text
from inbox.attachments.actions import forget_files
from inbox.conversations.letters.actions import forget_letters
from inbox.conversations.redaction.blanks import BLANK
from inbox.kit.db import execute
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import DeleteFile, NewJob

PARTS: list[AnyPart] = [BLANK]
BLANK_ENTRIES = """
UPDATE entry
SET text = $2, parts = $3::jsonb, redacted_at = $4, version = version + 1, recipients = '[]', delivery_error = NULL,
    author = CASE WHEN author->>'type' <> 'contact' THEN author
                  WHEN $5 THEN '{"type": "contact"}' ELSE author - 'name' - 'address' END
WHERE id = ANY($1)
"""
BLANK_COPIES = (
    "UPDATE delivery SET parts = '[]', error = NULL WHERE entry_id = ANY($1)",
    "UPDATE delivery_attempt a SET detail = NULL, evidence = NULL, error = NULL FROM delivery d "
    "WHERE d.entry_id = ANY($1) AND a.delivery_id = d.id",
    "UPDATE draft SET text = '', parts = '[]', mail = NULL WHERE entry_id = ANY($1)",
    "UPDATE draft_version v SET text = '', parts = '[]', mail = NULL FROM draft d "
    "WHERE d.entry_id = ANY($1) AND v.draft_id = d.id",
    "UPDATE scheduled_message SET text = '', parts = '[]', mail = NULL WHERE entry_id = ANY($1)",
    "UPDATE csat_rating SET comment = NULL WHERE received_entry_id = ANY($1)",
    'UPDATE delivery SET parts = \'[{"type": "text", "text": "[redacted]"}]\' '
    "WHERE entry_id IN (SELECT by_entry FROM mailed_entry WHERE entry_id = ANY($1))",
)
BLANK_RAW = """
UPDATE raw_event r
SET body_sha256 = coalesce(r.body_sha256, sha256(r.body)), body = '', url = split_part(r.url, '?', 1), headers = '{}',
    redacted_at = now()
FROM entry e WHERE e.id = ANY($1) AND r.channel_id = e.channel_id AND r.id = e.raw_event_id
"""
# The beginning of the newest message that is left; nothing else of a conversation moves.
RENEW_PREVIEWS = """
UPDATE conversation c SET version = c.version + 1, preview = coalesce((
    SELECT left(e.text, 160) FROM entry e WHERE e.conversation_id = c.id AND e.type = 'message'
    ORDER BY e.seq DESC LIMIT 1), '')
WHERE c.id = ANY(SELECT DISTINCT conversation_id FROM entry WHERE id = ANY($1))
"""


async def blank_entries(ids: Collection[UUID], *, now: datetime, unlink: bool) -> None:
    """Leave only the place of these entries in the timeline; with `unlink` not even who wrote them."""
    entries = list(ids)
    if not entries:
        return
    await execute(BLANK_ENTRIES, entries, plain_text(PARTS), msgspec.json.encode(PARTS).decode(), now, unlink)
    await forget_letters(entries)
    for sql in (*BLANK_COPIES, BLANK_RAW, RENEW_PREVIEWS):
        await execute(sql, entries)
    keys = await forget_files([], entry_ids=entries, now=now)
    await enqueue_jobs([NewJob(job=DeleteFile(storage_key=key), key=f"file:{key}") for key in keys])
