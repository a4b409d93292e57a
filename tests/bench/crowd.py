"""A database full of conversations, made by a few statements: what the read benchmark and the plan checks look into.

A conversation begins with an event; of its messages every fourth is ours. Nine in ten have 5 entries, the tenth has 55.
Words are drawn by their rank, so that few are in most texts and most are in few, as in any language. Every second
conversation is with a new contact.
"""

from __future__ import annotations

from hashlib import md5
from typing import Any
from uuid import UUID

ENTRIES_EACH = 10
"""On average."""
LONG_EVERY, LONG, SHORT = 10, 55, 5
LENGTH = f"CASE WHEN n % {LONG_EVERY} = 0 THEN {LONG} ELSE {SHORT} END"
VOCABULARY = 20_000
WORDS_A_TEXT = 12
CHUNK = 2_000
"""Conversations a transaction."""
AGENTS = 20

ID = """
CREATE OR REPLACE FUNCTION crowd_id(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT ('0190' || lpad(to_hex(kind), 4, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$
"""

WORD = """
CREATE OR REPLACE FUNCTION crowd_word(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT translate(substr(md5(n::text), 1, 4 + n::int % 5), '0123456789', 'ghijklmnop') $$
"""

STAFF = f"""
INSERT INTO agent (id, name, email)
SELECT crowd_id(1, n), 'Agent ' || n, 'agent' || n || '@crowd.test' FROM generate_series(1, {AGENTS}) n
ON CONFLICT DO NOTHING
"""

CONTACTS = """
INSERT INTO contact (id, name)
SELECT crowd_id(2, n / 2), initcap(crowd_word(1 + n % 19000) || ' ' || crowd_word(1 + n % 777))
FROM generate_series($1::int, $2::int - 1) n WHERE n % 2 = 0
"""

IDENTITIES = """
INSERT INTO identity (id, contact_id, kind, address, match_key, proof)
SELECT crowd_id(3, n / 2), crowd_id(2, n / 2), 'phone', '+1555' || lpad(n::text, 7, '0'),
       '+1555' || lpad(n::text, 7, '0'), 'provider'
FROM generate_series($1::int, $2::int - 1) n WHERE n % 2 = 0
"""

CONVERSATIONS = f"""
INSERT INTO conversation (id, contact_id, subject, status, assignee_id, tags, preview, media, reply_channel_id,
    reply_identity_id, last_seq, unread, waiting_since, last_inbound_at, created_at, updated_at, language)
SELECT crowd_id(4, n), crowd_id(2, n / 2),
       CASE WHEN n % 5 = 0 THEN crowd_word(1 + n % 19001) || ' ' || crowd_word(1 + n % 99) END,
       (ARRAY['open', 'closed', 'closed', 'pending', 'closed', 'snoozed', 'closed', 'closed'])[1 + n % 8],
       CASE WHEN n % 3 = 0 THEN crowd_id(1, 1 + n % {AGENTS}) END,
       CASE WHEN n % 10 = 0 THEN '{{vip}}' ELSE '{{}}' END::text[],
       crowd_word(1 + n % 300) || ' ' || crowd_word(1 + n % 4000), '{{sms}}', $3, crowd_id(3, n / 2), {LENGTH}, n % 3,
       CASE WHEN n % 8 = 0 THEN at END, at, at - interval '1 hour', at, 'en'
FROM generate_series($1::int, $2::int - 1) n,
     LATERAL (SELECT timestamptz '2025-01-01Z' + make_interval(secs => n * 60) AS at)
"""

OPENED = '{"name": "opened", "actor": {"type": "system"}, "from": null, "to": null}'
ENTRIES = f"""
INSERT INTO entry (id, conversation_id, seq, type, direction, visibility, channel_id, medium, provider, identity_id,
    author, recipients, text, parts, event, delivery_state, delivery_updated_at, provider_message_id, occurred_at,
    created_at)
SELECT crowd_id(5, n::bigint * {LONG} + seq), crowd_id(4, n), seq,
       CASE WHEN seq = 1 THEN 'event' ELSE 'message' END,
       CASE WHEN seq = 1 THEN 'internal' WHEN seq % 4 = 0 THEN 'outbound' ELSE 'inbound' END,
       CASE WHEN seq = 1 THEN 'internal' ELSE 'public' END, $3, 'sms', 'twilio', crowd_id(3, n / 2),
       '{{"type": "contact", "id": "ctc_01900000000000000000000000000001", "name": "Ana", "address": "+15550001111"}}',
       '[{{"role": "to", "address": "+15550002222"}}]', body,
       CASE WHEN seq = 1 THEN '[]' ELSE jsonb_build_array(jsonb_build_object('type', 'text', 'text', body)) END,
       CASE WHEN seq = 1 THEN '{OPENED}'::jsonb END,
       CASE WHEN seq = 1 THEN NULL WHEN seq % 4 = 0 THEN 'delivered' ELSE 'received' END,
       at, 'SM' || n || '-' || seq, at, at
FROM generate_series($1::int, $2::int - 1) n, generate_series(1, {LENGTH}) seq,
     LATERAL (SELECT timestamptz '2025-01-01Z' + make_interval(secs => n * 60 - {LONG} + seq) AS at),
     LATERAL (SELECT CASE WHEN seq = 1 THEN '' ELSE string_agg(crowd_word(rank), ' ') END AS body
              FROM (SELECT floor(exp(random() * ln({VOCABULARY})))::bigint AS rank
                    FROM generate_series(1, {WORDS_A_TEXT} + 0 * (n + seq))) drawn)
"""

WITH_CHANNEL = (CONVERSATIONS, ENTRIES)


def conversation_ids(entries: int, *, long: bool) -> list[str]:
    """The ids of the conversations there are beside so many entries: all of them, or those with most entries."""
    step = LONG_EVERY if long else 1
    return [f"cnv_01900004000070008000{number:012x}" for number in range(0, entries // ENTRIES_EACH, step)]


def word(rank: int) -> str:
    """The word of this rank, as the database spells it."""
    digits = md5(str(rank).encode(), usedforsecurity=False).hexdigest()[: 4 + rank % 5]
    return digits.translate(str.maketrans("0123456789", "ghijklmnop"))


async def grow_crowd(connection: Any, *, entries: int, channel_id: UUID) -> None:
    """Make the database hold so many entries, beside what it has; statistics and visibility are brought up to date."""
    for sql in (ID, WORD, STAFF, "SELECT setseed(0.5)"):
        await connection.execute(sql)
    present = await connection.fetchval("SELECT count(*) FROM conversation WHERE id < crowd_id(5, 0)")
    wanted = entries // ENTRIES_EACH
    for start in range(present, wanted, CHUNK):
        end = min(start + CHUNK, wanted)
        async with connection.transaction():
            for sql in (CONTACTS, IDENTITIES):
                await connection.execute(sql, start, end)
            for sql in WITH_CHANNEL:
                await connection.execute(sql, start, end, channel_id)
    await connection.execute("VACUUM (ANALYZE) contact, identity, conversation, entry")
