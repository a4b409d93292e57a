"""The first steps of an erasure: the person is out of reach at once, then their conversations go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from inbox.contacts.erased import find_ledger_key, hash_address
from inbox.conversations.actions.deliveries import stored_parts
from inbox.conversations.contact_merging.actions import forget_merges
from inbox.conversations.redaction.blanks import attachment_ids
from inbox.kit.db import Row, execute, fetch
from inbox.kit.ids import UnknownId, read_id
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import DeleteFile, NewJob
from inbox.privacy.erasure.traces import Erasure, Traces

CHUNK = 500
"""Entries that go in one transaction."""

LOCK = "SELECT id FROM contact WHERE id = ANY($1) ORDER BY id FOR UPDATE"
ADDRESSES = """
SELECT i.id, i.kind, i.address, i.match_key, (
    SELECT coalesce(jsonb_agg(jsonb_build_object('purpose', n.purpose, 'channel_id', n.channel_id)), '[]') FROM (
        SELECT DISTINCT ON (purpose, channel_id) purpose, channel_id, state FROM consent
        WHERE identity_id = i.id ORDER BY purpose, channel_id, id DESC
    ) n WHERE n.state = 'revoked'
)::text AS revoked
FROM identity i WHERE i.contact_id = ANY($1)
"""
LEAVE = """
DELETE FROM participant p USING unnest($1::text[], $2::text[]) AS gone(kind, match_key)
WHERE p.kind = gone.kind AND p.match_key = gone.match_key
"""
# What a visitor uploaded and no message carries, and links that are about to be mailed to them.
FORGET_UPLOADS = """
DELETE FROM attachment a USING visitor_upload u JOIN visitor v ON v.id = u.visitor_id
WHERE a.id = u.attachment_id AND a.entry_id IS NULL AND v.address = ANY($1) RETURNING a.storage_key
"""
FORGET_LINKS = "DELETE FROM job WHERE type = 'mail_resume_link' AND state <> 1 AND payload->>'address' = ANY($1)"
# With what they said of themselves go their sessions: an open chat closes.
FORGET_VISITORS = "DELETE FROM visitor WHERE address = ANY($1)"
REMEMBER = """
INSERT INTO erased_identity (kind, hash, erasure_id, revoked)
SELECT kind, hash, $1, revoked FROM unnest($2::text[], $3::bytea[], $4::jsonb[]) AS w(kind, hash, revoked)
ON CONFLICT DO NOTHING
"""
BLANK = """
UPDATE contact SET name = NULL, language = NULL, company_id = NULL, attributes = '{}', external = '{}',
    version = version + 1, updated_at = now()
WHERE id = ANY($1)
"""
VANISHED = "UPDATE erasure SET erased_at = coalesce(erased_at, $2) WHERE id = $1"

HOLD_THREADS = "SELECT id FROM conversation WHERE contact_id = ANY($1) ORDER BY id FOR UPDATE"
ENTRIES = """
SELECT id, direction, parts, channel_id, raw_event_id FROM entry
WHERE conversation_id = ANY($1) ORDER BY conversation_id, seq LIMIT $2
"""
DROP_ENTRIES = (
    "DELETE FROM delivery_attempt a USING delivery d WHERE d.entry_id = ANY($1) AND a.delivery_id = d.id",
    "DELETE FROM delivery WHERE entry_id = ANY($1)",
    "DELETE FROM job WHERE state <> 1 AND payload->>'entry_id' = ANY(SELECT id::text FROM unnest($1::uuid[]) AS id)",
    "DELETE FROM entry WHERE id = ANY($1)",
)
DROP_FILES = "DELETE FROM attachment WHERE entry_id = ANY($1) RETURNING storage_key"
BLANK_RAW = """
UPDATE raw_event r
SET body_sha256 = coalesce(r.body_sha256, sha256(r.body)), body = '', url = split_part(r.url, '?', 1), headers = '{}',
    redacted_at = now()
FROM unnest($1::uuid[], $2::bigint[]) AS w(channel_id, id) WHERE r.channel_id = w.channel_id AND r.id = w.id
"""
DROP_THREADS = (
    "DELETE FROM draft WHERE conversation_id = ANY($1)",
    "DELETE FROM scheduled_message WHERE conversation_id = ANY($1)",
    "UPDATE conversation SET merged_into = NULL WHERE merged_into = ANY($1)",
    "DELETE FROM conversation WHERE id = ANY($1)",
)
WRITING = """
SELECT parts FROM draft WHERE conversation_id = ANY($1)
UNION ALL SELECT parts FROM scheduled_message WHERE conversation_id = ANY($1)
UNION ALL SELECT v.parts FROM draft_version v JOIN draft d ON d.id = v.draft_id WHERE d.conversation_id = ANY($1)
"""


async def vanish(erasure: Erasure, traces: Traces, *, now: datetime) -> dict[str, int]:
    """Nobody finds the person any more, or can write to them; whoever writes from their address is somebody new.

    The ledger gets the addresses' hashes in the same transaction, with what each had opted out of.
    """
    await fetch(LOCK, erasure.contact_ids)
    rows = await fetch(ADDRESSES, erasure.contact_ids)
    key = await find_ledger_key(make=True)
    if key is None:
        raise RuntimeError("the ledger has a key once it was asked for")
    hashes = [hash_address(key, row["kind"], row["match_key"]) for row in rows]
    await execute(REMEMBER, erasure.id, [row["kind"] for row in rows], hashes, [row["revoked"] for row in rows])
    traces.identity_ids |= {row["id"] for row in rows}
    traces.addresses |= {row["address"] for row in rows} | {row["match_key"] for row in rows}
    await execute(LEAVE, [row["kind"] for row in rows], [row["match_key"] for row in rows])
    await _forget_visitors([row["address"] for row in rows if row["kind"] == "visitor"])
    await execute(FORGET_LINKS, [row["address"] for row in rows])
    await execute("DELETE FROM identity WHERE contact_id = ANY($1)", erasure.contact_ids)
    await execute(BLANK, erasure.contact_ids)
    await forget_merges(erasure.contact_ids)
    await execute(VANISHED, erasure.id, now)
    return {"identities": len(rows)}


async def erase_entries(erasure: Erasure, traces: Traces) -> tuple[bool, dict[str, int]]:
    """The next part of their conversations, and at the end the conversations; whether there is more.

    Files that came with a message go with it. Those we uploaded may be others' as well: they are looked for later.
    """
    threads = [row["id"] for row in await fetch(HOLD_THREADS, erasure.contact_ids)]
    traces.conversation_ids |= set(threads)
    rows = await fetch(ENTRIES, threads, CHUNK)
    for row in rows:
        traces.file_ids |= _uploaded(row)
    files = await drop_entries(rows)
    if len(rows) == CHUNK:
        return True, {"entries": len(rows), "files": files}
    for row in await fetch(WRITING, threads):
        traces.file_ids |= set(attachment_ids(stored_parts(row["parts"])))
    for sql in DROP_THREADS:
        await execute(sql, threads)
    return False, {"entries": len(rows), "files": files, "conversations": len(threads)}


async def drop_entries(rows: Sequence[Row]) -> int:
    """Delete entries with all that hangs on them, and blank the requests they came in; how many files went."""
    ids = [row["id"] for row in rows]
    if not ids:
        return 0
    keys = [row["storage_key"] for row in await fetch(DROP_FILES, ids) if row["storage_key"]]
    await delete_files(keys)
    raw = [(row["channel_id"], row["raw_event_id"]) for row in rows if row["raw_event_id"] is not None]
    await execute(BLANK_RAW, [channel for channel, _ in raw], [number for _, number in raw])
    for sql in DROP_ENTRIES:
        await execute(sql, ids)
    return len(keys)


async def delete_files(keys: Sequence[str]) -> None:
    """Have the bytes of files deleted after the commit."""
    await enqueue_jobs([NewJob(job=DeleteFile(storage_key=key), key=f"file:{key}") for key in keys])


def read_files(shown: set[str]) -> list[UUID]:
    """The ids of attachments as they are shown; what is none is passed over."""
    found = []
    for one in shown:
        try:
            found.append(read_id("att", one))
        except UnknownId:
            continue
    return sorted(found)


async def _forget_visitors(addresses: Sequence[str]) -> None:
    """Their sessions, notices, links and ratings go with them, and the files nobody else has seen."""
    keys = [row["storage_key"] for row in await fetch(FORGET_UPLOADS, list(addresses)) if row["storage_key"]]
    await delete_files(keys)
    await execute(FORGET_VISITORS, list(addresses))


def _uploaded(row: Row) -> set[str]:
    parts: list[Any] = stored_parts(row["parts"])
    return set(attachment_ids(parts)) if row["direction"] != "inbound" else set()
