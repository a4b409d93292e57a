"""Reading contacts, and whether somebody may be written to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from inbox.contacts.contact import ALL_PURPOSES, SUPPORT, Consent, Contact
from inbox.contacts.segments.fields import FIELDS, read_contact_query
from inbox.kit.db import fetch, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id
from inbox.kit.query import compile_query

# Each contact is one JSON text, its identities and their newest consents inside, so that a page is one statement.
CONTACTS = """
SELECT row_to_json(found)::text AS contact FROM (
    SELECT c.id, c.name, c.language, c.attributes, c.external, c.version, c.created_at, c.updated_at, c.blocked_at, (
        SELECT json_build_object('id', y.id, 'name', y.name) FROM company y WHERE y.id = c.company_id
    ) AS company, ARRAY(
        WITH RECURSIVE gone AS (
            SELECT from_id FROM contact_merge WHERE into_id = c.id AND undone_at IS NULL
            UNION ALL
            SELECT m.from_id FROM contact_merge m JOIN gone ON m.into_id = gone.from_id WHERE m.undone_at IS NULL
        ) SELECT from_id FROM gone ORDER BY from_id
    ) AS merged_ids, (
        SELECT coalesce(json_agg(known ORDER BY known.created_at, known.id), '[]') FROM (
            SELECT i.id, i.kind, i.address, i.proof, i.created_at, (
                SELECT coalesce(json_agg(newest ORDER BY newest.purpose, newest.channel_id NULLS FIRST), '[]') FROM (
                    SELECT DISTINCT ON (purpose, channel_id) id, purpose, channel_id, state, source, proof, created_at
                    FROM consent WHERE identity_id = i.id ORDER BY purpose, channel_id, id DESC
                ) newest
            ) AS consents
            FROM identity i WHERE i.contact_id = c.id
        ) known
    ) AS identities
    FROM contact c
"""
END = ") found"

PAGE = """
WHERE ($1::text[] IS NULL OR EXISTS (
        SELECT FROM identity i JOIN unnest($1::text[], $2::text[]) AS wanted(kind, match_key) USING (kind, match_key)
        WHERE i.contact_id = c.id))
    AND ($3::text IS NULL OR strpos(lower(c.name), lower($3)) > 0)
    AND ($4::timestamptz IS NULL OR c.updated_at > $4)
    AND ($5::timestamptz IS NULL OR (c.created_at, c.id) < ($5, $6::uuid))
    AND ($8::uuid IS NULL OR c.company_id = $8)
    AND ($9::boolean IS NULL OR (c.blocked_at IS NOT NULL) = $9)
"""
NEWEST_FIRST = f"ORDER BY c.created_at DESC, c.id DESC LIMIT $7 {END} ORDER BY created_at DESC, id DESC"

# Where an id leads that was merged away, however often; a merge that is undone leads nowhere.
SURVIVOR = """
WITH RECURSIVE way AS (
    SELECT into_id, 1 AS step FROM contact_merge WHERE from_id = $1 AND undone_at IS NULL
    UNION ALL
    SELECT m.into_id, way.step + 1 FROM contact_merge m JOIN way ON m.from_id = way.into_id WHERE m.undone_at IS NULL
)
SELECT into_id FROM way ORDER BY step DESC LIMIT 1
"""

# The channel's own newest word counts, unless a newer one takes back everything on all channels: STOP ends the channel
# it was sent to, only START on that channel lifts it, and who says "never again" is heard everywhere at once.
REVOKED = """
SELECT pair.identity_id, pair.channel_id
FROM unnest($1::uuid[], $2::uuid[]) AS pair(identity_id, channel_id)
WHERE EXISTS (
    SELECT FROM unnest($3::text[]) AS asked(purpose)
    LEFT JOIN LATERAL (
        SELECT id, state FROM consent
        WHERE identity_id = pair.identity_id AND purpose = asked.purpose AND channel_id = pair.channel_id
        ORDER BY id DESC LIMIT 1
    ) own ON true
    LEFT JOIN LATERAL (
        SELECT id, state FROM consent
        WHERE identity_id = pair.identity_id AND purpose = asked.purpose AND channel_id IS NULL
        ORDER BY id DESC LIMIT 1
    ) everywhere ON true
    WHERE own.state = 'revoked' OR (everywhere.state = 'revoked' AND everywhere.id > coalesce(own.id, 0))
)
"""

HISTORY = """
SELECT row_to_json(line)::text AS consent FROM (
    SELECT c.id, c.purpose, c.channel_id, c.state, c.source, c.proof, c.created_at
    FROM consent c JOIN identity i ON i.id = c.identity_id
    WHERE i.id = $1 AND i.contact_id = $2 AND ($3::bigint IS NULL OR c.id < $3)
    ORDER BY c.id DESC LIMIT $4
) line ORDER BY id DESC
"""

_decode_contact = msgspec.json.Decoder(Contact).decode
_decode_consent = msgspec.json.Decoder(Consent).decode


class ContactFilter(msgspec.Struct, kw_only=True, frozen=True):
    """What a list of contacts is narrowed to; None means no narrowing.

    `identities` are (kind, match key) pairs of which a contact has one, `name` is part of theirs in any case; of the
    `queries` each has to find them.
    """

    identities: tuple[tuple[str, str], ...] | None = None
    name: str | None = None
    updated_after: datetime | None = None
    company_id: UUID | None = None
    blocked: bool | None = None
    queries: tuple[str, ...] = ()


async def revoked_consents(pairs: Collection[tuple[UUID, UUID]], *, purpose: str = SUPPORT) -> set[tuple[UUID, UUID]]:
    """Those of the (identity, channel) pairs over which nothing may be sent for this purpose."""
    if not pairs:
        return set()
    identities, channels = zip(*pairs, strict=True)
    rows = await fetch(REVOKED, identities, channels, [ALL_PURPOSES, purpose])
    return {(row["identity_id"], row["channel_id"]) for row in rows}


async def find_contacts(ids: Sequence[UUID]) -> dict[UUID, Contact]:
    """Contacts by id; those that do not exist are left out."""
    rows = await fetch(f"{CONTACTS} WHERE c.id = ANY($1) {END}", list(ids))
    found = [_decode_contact(row["contact"]) for row in rows]
    return {contact.id: contact for contact in found}


async def find_contact(contact_id: UUID) -> Contact:
    """One contact, or the `not_found` problem. The id of one that was merged away finds the contact it lives on in."""
    found = await find_contacts([contact_id])
    if contact_id in found:
        return found[contact_id]
    survivor = await find_survivor(contact_id)
    found = await find_contacts([survivor]) if survivor else {}
    if survivor is None or survivor not in found:
        raise Problem("not_found", f"There is no contact {show_id('ctc', contact_id)}")
    return found[survivor]


async def find_survivor(contact_id: UUID) -> UUID | None:
    """The contact in which one that was merged away lives on; None for one that was not."""
    found: UUID | None = await fetch_value(SURVIVOR, contact_id)
    return found


async def is_blocked(contact_id: UUID) -> bool:
    """Whether nothing may be written to this contact, whatever they allowed."""
    return bool(await fetch_value("SELECT blocked_at IS NOT NULL FROM contact WHERE id = $1", contact_id))


async def blocked_contacts(contact_ids: Collection[UUID]) -> set[UUID]:
    """Those of these contacts to whom nothing may be written."""
    sql = "SELECT id FROM contact WHERE id = ANY($1) AND blocked_at IS NOT NULL"
    return {row["id"] for row in await fetch(sql, list(contact_ids))} if contact_ids else set()


async def list_contacts(narrowed: ContactFilter, *, after: tuple[datetime, UUID] | None, limit: int) -> list[Contact]:
    """One page, the newest contact first; `after` is `created_at` and id of the last one of the page before."""
    identities = narrowed.identities
    kinds = None if identities is None else [kind for kind, _ in identities]
    keys = None if identities is None else [key for _, key in identities]
    moment, contact_id = after or (None, None)
    args: list[object] = [
        kinds, keys, narrowed.name, narrowed.updated_after, moment, contact_id, limit, narrowed.company_id,
        narrowed.blocked,
    ]  # fmt: skip
    asked = [f"AND {compile_query(read_contact_query(text), FIELDS, args)}" for text in narrowed.queries]
    rows = await fetch(" ".join([CONTACTS, PAGE, *asked, NEWEST_FIRST]), *args)
    return [_decode_contact(row["contact"]) for row in rows]


async def list_consents(contact_id: UUID, identity_id: UUID, *, after: int | None, limit: int) -> list[Consent]:
    """The ledger of one address, newest line first; `after` is the id of the last line of the page before."""
    rows = await fetch(HISTORY, identity_id, contact_id, after, limit)
    return [_decode_consent(row["consent"]) for row in rows]
