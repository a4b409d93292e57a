"""Everything we hold on one person, table by table, for themselves (GDPR articles 15 and 20)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from inbox.kit.db import fetch
from inbox.kit.ids import show_id

PAGE = 500
THEIRS = "conversation_id IN (SELECT id FROM conversation WHERE contact_id = ANY($1))"
CONSENTS = "consent n JOIN identity i ON i.id = n.identity_id WHERE i.contact_id = ANY($1)"
PARTICIPANTS = (
    "participant p WHERE (p.conversation_id IN (SELECT id FROM conversation WHERE contact_id = ANY($1)) "
    "OR EXISTS (SELECT FROM identity i WHERE i.contact_id = ANY($1) AND i.kind = p.kind AND i.match_key = p.match_key))"
)
VISITORS = "v.address IN (SELECT address FROM identity WHERE kind = 'visitor' AND contact_id = ANY($1))"
DELIVERIES = f"delivery d JOIN entry e ON e.id = d.entry_id WHERE e.{THEIRS}"
RAW = f"""(SELECT r.id, r.channel_id, r.received_at, r.kind, r.url, convert_from(r.body, 'LATIN1') AS body
    FROM raw_event r JOIN entry e ON e.channel_id = r.channel_id AND e.raw_event_id = r.id
    WHERE e.{THEIRS} AND position('\\000'::bytea IN r.body) = 0) r WHERE true"""  # noqa: S608 (ours)

# What each line is called, its columns, where they come from ($1 are the contact's ids, $3 as shown), and their order.
SECTIONS: tuple[tuple[str, str, str, str], ...] = (
    ("contact", "c.*", "contact c WHERE c.id = ANY($1)", "c.id::text"),
    ("identity", "i.*", "identity i WHERE i.contact_id = ANY($1)", "i.id::text"),
    ("consent", "n.*", CONSENTS, "lpad(n.id::text, 20, '0')"),
    ("contact_merge", "m.*", "contact_merge m WHERE (m.into_id = ANY($1) OR m.from_id = ANY($1))", "m.id::text"),
    ("conversation", "c.*", "conversation c WHERE c.contact_id = ANY($1)", "c.id::text"),
    ("entry", "e.id, e.conversation_id, e.seq, e.type, e.direction, e.visibility, e.medium, e.author, e.recipients, "
              "e.text, e.parts, e.event, e.delivery_state, e.provider_message_id, e.occurred_at, e.created_at, "
              "e.redacted_at, e.letter", f"entry e WHERE e.{THEIRS}", "e.id::text"),
    ("participant", "p.*", PARTICIPANTS, "p.id::text"),
    ("mail_id", "m.*", f"mail_id m JOIN entry e ON e.id = m.entry_id WHERE e.{THEIRS}",
     "m.entry_id::text || m.own::text || m.message_id"),
    ("delivery", "d.*", DELIVERIES, "d.id::text"),
    ("draft", "d.*", f"draft d WHERE d.{THEIRS}", "d.id::text"),
    ("scheduled_message", "s.*", f"scheduled_message s WHERE s.{THEIRS}", "s.id::text"),
    ("visitor", "v.*", f"visitor v WHERE {VISITORS}", "v.id::text"),
    ("visitor_push", "p.id, p.visitor_id, p.endpoint, p.created_at",
     f"visitor_push p JOIN visitor v ON v.id = p.visitor_id WHERE {VISITORS}", "p.id::text"),
    ("csat_rating", "r.*", f"csat_rating r JOIN entry e ON e.id = r.entry_id WHERE e.{THEIRS}", "r.entry_id::text"),
    ("request", "r.*", RAW, "r.channel_id::text || lpad(r.id::text, 20, '0')"),
    ("attachment", "a.id, a.entry_id, a.name, a.media_type, a.size, a.sha256, a.state, a.created_at",
     f"attachment a WHERE a.entry_id IN (SELECT id FROM entry WHERE {THEIRS})", "a.id::text"),  # noqa: S608 (ours)
    ("audit_event", "u.*", "audit_event u WHERE u.target = ANY($3)", "u.id::text"),
)  # fmt: skip
FILES = f"""
SELECT id, name, storage_key FROM attachment
WHERE state = 'stored' AND entry_id IN (SELECT id FROM entry WHERE {THEIRS}) ORDER BY id
"""  # noqa: S608 (ours)


async def list_held(section: int, contact_ids: Sequence[UUID], *, after: str) -> tuple[list[str], str | None]:
    """The next lines of a section, as JSON, and where the section goes on; None at its end."""
    name, columns, source, key = SECTIONS[section]
    sql = f"""
        SELECT k, (jsonb_build_object('object', $2::text) || to_jsonb(one) - 'k' - 'search')::text AS line FROM (
            SELECT {key} AS k, {columns} FROM {source}
                AND $1::uuid[] IS NOT NULL AND $3::text[] IS NOT NULL AND {key} > $4 ORDER BY 1 LIMIT {PAGE}
        ) one ORDER BY k
    """  # noqa: S608 (ours)
    rows = await fetch(sql, list(contact_ids), name, [show_id("ctc", one) for one in contact_ids], after)
    return [row["line"] for row in rows], (rows[-1]["k"] if len(rows) == PAGE else None)


async def list_person_files(contact_ids: Sequence[UUID]) -> list[Any]:
    """The files that came with their messages."""
    return await fetch(FILES, list(contact_ids))
