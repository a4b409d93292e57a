"""The later steps of an erasure: tables where no key leads to the person are walked through, a stretch at a time.

Each function takes where the stretch begins (None at the start) and gives where the next does, None at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inbox.conversations.redaction.blanks import GONE
from inbox.kit.db import Row, execute, fetch, fetch_one
from inbox.kit.errors import KINDS
from inbox.kit.ids import show_id
from inbox.privacy.actions import blank_entries
from inbox.privacy.erasure.actions.person import delete_files, read_files
from inbox.privacy.erasure.traces import Erasure, Traces, spell_needles

STRETCH = 5000
JOURNAL_STRETCH = 1000
"""Requests are searched byte by byte."""
ANSWERS = 500
NOWHERE = UUID(int=0)

ELSEWHERE = """
WITH stretch AS (SELECT id, identity_id, author, parts FROM entry WHERE id > $1 ORDER BY id LIMIT $2)
SELECT (SELECT max(id::text)::uuid FROM stretch) AS last, (SELECT count(*) FROM stretch) AS seen,
       ARRAY(SELECT id FROM stretch WHERE identity_id = ANY($3) OR author->>'id' = ANY($4)) AS theirs,
       ARRAY(SELECT DISTINCT f FROM stretch, unnest($5::text[]) AS f
             WHERE parts @> jsonb_build_array(jsonb_build_object('attachment', jsonb_build_object('id', f)))) AS used
"""
# Who got a copy of a mail to somebody else is no longer told; the mail itself stays.
UNADDRESS = """
UPDATE entry e SET version = e.version + 1, recipients = coalesce((
    SELECT jsonb_agg(r ORDER BY place) FROM jsonb_array_elements(e.recipients) WITH ORDINALITY AS r(r, place)
    WHERE NOT lower(r->>'address') = ANY($3)), '[]')
WHERE e.id > $1 AND e.id <= $2 AND EXISTS (
    SELECT FROM jsonb_array_elements(e.recipients) AS r WHERE lower(r->>'address') = ANY($3))
"""
DROP_FILES = """
DELETE FROM attachment a WHERE a.id = ANY($1) AND a.entry_id IS NULL
    AND NOT EXISTS (SELECT FROM draft WHERE strpos(parts::text, replace(a.id::text, '-', '')) > 0)
    AND NOT EXISTS (SELECT FROM scheduled_message WHERE strpos(parts::text, replace(a.id::text, '-', '')) > 0)
    AND NOT EXISTS (SELECT FROM canned_reply WHERE strpos(variants::text, replace(a.id::text, '-', '')) > 0)
RETURNING storage_key
"""
# What came in after the person was erased is somebody new's.
JOURNAL = """
WITH stretch AS (
    SELECT id FROM raw_event WHERE channel_id = $1 AND id > $2 ORDER BY id LIMIT $3
), blanked AS (
    UPDATE raw_event r
    SET body_sha256 = coalesce(r.body_sha256, sha256(r.body)), body = '', url = split_part(r.url, '?', 1),
        headers = '{}', redacted_at = coalesce(r.redacted_at, now())
    FROM stretch
    WHERE r.channel_id = $1 AND r.id = stretch.id AND r.received_at <= $5 AND EXISTS (
        SELECT FROM unnest($4::bytea[]) AS needle
        WHERE position(needle IN r.body) > 0 OR position(needle IN convert_to(r.url, 'UTF8')) > 0
           OR position(needle IN convert_to(r.headers::text, 'UTF8')) > 0)
    RETURNING r.id
), told AS (
    UPDATE quarantine q SET error = '[erased]', resolved_at = coalesce(resolved_at, now())
    FROM blanked WHERE q.channel_id = $1 AND q.raw_event_id = blanked.id
)
SELECT max(id) AS last, count(*) AS seen, (SELECT count(*) FROM blanked) AS hits FROM stretch
"""
NEXT_CHANNEL = "SELECT channel_id FROM lane WHERE channel_id > $1 ORDER BY channel_id LIMIT 1"
FEED = """
WITH stretch AS (
    SELECT position FROM feed_event WHERE position > $1 ORDER BY position LIMIT $2
), blanked AS (
    UPDATE feed_event e SET facts = NULL,
        actor = CASE WHEN actor->>'type' = 'contact' THEN '{"type": "contact"}'::jsonb ELSE actor END
    FROM stretch WHERE e.position = stretch.position
        AND (e.contact_id = ANY($3) OR e.conversation_id = ANY($4) OR e.actor->>'id' = ANY($5))
    RETURNING 1
)
SELECT max(position) AS last, count(*) AS seen, (SELECT count(*) FROM blanked) AS hits FROM stretch
"""
DELIVERIES = """
WITH stretch AS (
    SELECT id FROM webhook_delivery WHERE id > $1 ORDER BY id LIMIT $2
), blanked AS (
    UPDATE webhook_delivery d SET attempts = '[]',
        event = (event - 'facts') || CASE WHEN event->'actor'->>'type' = 'contact'
                                          THEN '{"actor": {"type": "contact"}}'::jsonb ELSE '{}' END
    FROM stretch WHERE d.id = stretch.id AND (
        d.conversation_id = ANY($4) OR (event->>'contact_id')::uuid = ANY($3) OR event->'actor'->>'id' = ANY($5))
    RETURNING 1
)
SELECT max(id::text)::uuid AS last, count(*) AS seen, (SELECT count(*) FROM blanked) AS hits FROM stretch
"""
LIST_ANSWERS = """
SELECT api_key_id, key, body, status, media_type, fingerprint FROM remembered_request
WHERE (api_key_id, key) > ($1, $2) ORDER BY api_key_id, key LIMIT $3
"""
BLANK_ANSWERS = """
UPDATE remembered_request r SET status = $3, media_type = 'application/problem+json', body = $4
FROM unnest($1::uuid[], $2::text[]) AS w(api_key_id, key) WHERE r.api_key_id = w.api_key_id AND r.key = w.key
"""
# Errors quote what they are about; $1 are the needles.
QUOTED = "EXISTS (SELECT FROM unnest($1::text[]) AS needle WHERE strpos(lower({}), lower(needle)) > 0)"
WORDS = {
    "UPDATE job SET error = '[erased]' WHERE error IS NOT NULL AND ": "error",
    "UPDATE quarantine SET error = '[erased]' WHERE ": "error",
    "UPDATE transfer_error SET detail = '[erased]' WHERE ": "detail",
    "UPDATE draft SET mail = NULL WHERE mail IS NOT NULL AND ": "mail::text",
    "UPDATE draft_version SET mail = NULL WHERE mail IS NOT NULL AND ": "mail::text",
    "UPDATE scheduled_message SET mail = NULL WHERE mail IS NOT NULL AND ": "mail::text",
    "DELETE FROM saved_view WHERE ": "query",
    "UPDATE segment SET query = 'name:erased' WHERE ": "query",
}


class Stretch(msgspec.Struct, frozen=True):
    """Where the next stretch begins, None at the end, and how much was found in this one."""

    after: Any
    hits: int = 0


async def sweep_entries(erasure: Erasure, traces: Traces, *, now: datetime) -> Stretch:
    """What they said in others' conversations is blanked; files we sent them go, unless somebody else got them too."""
    after = UUID(erasure.place) if erasure.place else NOWHERE
    row = await fetch_one(
        ELSEWHERE, after, STRETCH, list(traces.identity_ids), _contacts(erasure), sorted(traces.file_ids)
    )
    if row is None:
        raise RuntimeError("an aggregate has a row")
    traces.file_ids -= set(row["used"])
    await blank_entries(row["theirs"], now=now, unlink=True)
    if row["last"] is not None:
        await execute(UNADDRESS, after, row["last"], [address.lower() for address in traces.addresses])
    if row["seen"] == STRETCH:
        return Stretch(str(row["last"]), len(row["theirs"]))
    keys = [one["storage_key"] for one in await fetch(DROP_FILES, read_files(traces.file_ids)) if one["storage_key"]]
    await delete_files(keys)
    return Stretch(None, len(row["theirs"]))


async def sweep_journal(erasure: Erasure, traces: Traces) -> Stretch:
    """Providers' requests up to the erasure that hold one of their addresses, channel by channel."""
    channel, after = erasure.place or (str(NOWHERE), None)
    if after is None:
        row = await fetch_one(NEXT_CHANNEL, UUID(channel))
        return Stretch(None) if row is None else Stretch((str(row["channel_id"]), 0))
    needles = [needle.encode() for needle in spell_needles(traces.addresses)]
    row = await fetch_one(JOURNAL, UUID(channel), int(after), JOURNAL_STRETCH, needles, erasure.erased_at)
    last = row["last"] if row and row["seen"] == JOURNAL_STRETCH else None
    return Stretch((channel, last), row["hits"] if row else 0)


async def sweep_feed(erasure: Erasure, traces: Traces) -> Stretch:
    """What the feed told of them keeps its place and its ids, and loses its facts."""
    return await _sweep(FEED, erasure, traces, start=erasure.place or 0)


async def sweep_deliveries(erasure: Erasure, traces: Traces) -> Stretch:
    """As the feed, in the log of webhooks; what endpoints answered goes as well."""
    return await _sweep(DELIVERIES, erasure, traces, start=UUID(erasure.place) if erasure.place else NOWHERE)


async def list_answers(after: tuple[str, str] | None) -> list[Row]:
    """The next answers that are remembered under an Idempotency-Key."""
    key_id, key = after or (str(NOWHERE), "")
    return await fetch(LIST_ANSWERS, UUID(key_id), key, ANSWERS)


async def blank_answers(rows: Sequence[Row]) -> None:
    """These say from now on that what was answered is gone; what was done under their keys stays done once."""
    keys = [row["api_key_id"] for row in rows], [row["key"] for row in rows]
    await execute(BLANK_ANSWERS, *keys, KINDS["gone_redacted"].status, GONE)


def needles_of(erasure: Erasure, traces: Traces) -> list[bytes]:
    """By what an answer is known to speak of them: their ids, their conversations' ids, their addresses."""
    shown = [*_contacts(erasure), *(show_id("cnv", one) for one in traces.conversation_ids)]
    return [text.encode() for text in (*shown, *spell_needles(traces.addresses))]


async def sweep_words(traces: Traces) -> None:
    """Texts of ours that may quote an address: errors, saved queries."""
    needles = spell_needles(traces.addresses)
    for sql, column in WORDS.items():
        await execute(sql + QUOTED.format(column), needles)


async def _sweep(sql: str, erasure: Erasure, traces: Traces, *, start: object) -> Stretch:
    row = await fetch_one(sql, start, STRETCH, erasure.contact_ids, _list(traces.conversation_ids), _contacts(erasure))
    if row is None:
        raise RuntimeError("an aggregate has a row")
    after = row["last"] if row["seen"] == STRETCH else None
    return Stretch(str(after) if isinstance(after, UUID) else after, row["hits"])


def _contacts(erasure: Erasure) -> list[str]:
    return [show_id("ctc", one) for one in erasure.contact_ids]


def _list(ids: Collection[UUID]) -> list[UUID]:
    return sorted(ids)
