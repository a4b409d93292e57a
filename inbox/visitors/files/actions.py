"""Whose an upload is until a message carries it, and forgetting those that none ever did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from inbox.kit.db import execute, fetch
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import DeleteFile, NewJob

BATCH = 200

KEEP = "INSERT INTO visitor_upload (attachment_id, visitor_id, created_at) VALUES ($1, $2, $3)"
# A message that carries one has given it its entry; what no entry has is nobody's but the visitor's.
FORGET = """
DELETE FROM attachment a USING (
    SELECT u.attachment_id FROM visitor_upload u JOIN attachment f ON f.id = u.attachment_id
    WHERE u.created_at < $1 AND f.entry_id IS NULL ORDER BY u.created_at LIMIT $2 FOR UPDATE OF f SKIP LOCKED
) old
WHERE a.id = old.attachment_id RETURNING a.storage_key
"""
SETTLED = """
DELETE FROM visitor_upload u USING attachment f
WHERE f.id = u.attachment_id AND f.entry_id IS NOT NULL AND u.created_at < $1
"""


async def keep_upload(attachment_id: UUID, visitor_id: UUID, *, now: datetime) -> None:
    """This visitor has sent it; nobody else may put it into a message."""
    await execute(KEEP, attachment_id, visitor_id, now)


async def prune_uploads(*, before: datetime) -> int:
    """Forget a batch of the files that no message has carried since then, in the open transaction; how many."""
    await execute(SETTLED, before)
    keys: Sequence[str] = [row["storage_key"] for row in await fetch(FORGET, before, BATCH)]
    await enqueue_jobs([NewJob(job=DeleteFile(storage_key=key), key=f"file:{key}") for key in keys if key])
    return len(keys)
