"""The ways to somebody, those that are shut among them: so that a preview can say what stands in the way."""

from __future__ import annotations

from uuid import UUID

from channels.events import AddressKind
from inbox.contacts.queries import revoked_consents
from inbox.conversations.queries import MEDIA_OF_KIND
from inbox.conversations.sending.verdict import Way
from inbox.kit.db import Row, fetch, fetch_one, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id

KNOWN = """
SELECT ch.id AS channel_id, ch.adapter, ch.medium, ch.status, i.id AS identity_id, i.address,
       ct.blocked_at IS NOT NULL AS blocked, CASE WHEN ch.medium = 'email' THEN u.reason END AS bounced
FROM identity i JOIN contact ct ON ct.id = i.contact_id
JOIN unnest($2::text[], $3::text[]) AS can(kind, medium) ON can.kind = i.kind
LEFT JOIN undeliverable_address u ON u.identity_id = i.id
JOIN channel ch ON ch.medium = can.medium AND ch.deleted_at IS NULL
WHERE i.contact_id = $1
ORDER BY ch.status = 'paused', ch.created_at, ch.id, i.created_at, i.id
"""
STRANGER = """
SELECT ch.id AS channel_id, ch.adapter, ch.medium, ch.status, NULL::uuid AS identity_id, $4 AS address,
       false AS blocked, NULL::text AS bounced
FROM unnest($2::text[], $3::text[]) AS can(kind, medium)
JOIN channel ch ON ch.medium = can.medium AND ch.deleted_at IS NULL
WHERE can.kind = $1
ORDER BY ch.status = 'paused', ch.created_at, ch.id
"""
LAST_INBOUND = """
SELECT max(e.created_at) FROM conversation c JOIN entry e ON e.conversation_id = c.id
WHERE c.contact_id = $1 AND e.direction = 'inbound' AND e.channel_id = $2 AND e.identity_id = $3
"""


async def find_conversation_ways(conversation_id: UUID) -> tuple[UUID, list[Way]]:
    """The contact of a conversation, and the ways to them: first the one an answer takes by itself."""
    row = await fetch_one(
        "SELECT contact_id, reply_channel_id, reply_identity_id FROM conversation WHERE id = $1", conversation_id
    )
    if row is None:
        raise Problem("not_found", f"There is no conversation {show_id('cnv', conversation_id)}")
    used = row["reply_channel_id"], row["reply_identity_id"]
    ways = await find_contact_ways(row["contact_id"])
    ways.sort(
        key=lambda way: (way.status == "paused", (way.channel_id, way.identity_id) != used, way.identity_id != used[1])
    )
    return row["contact_id"], ways


async def find_contact_ways(contact_id: UUID) -> list[Way]:
    """The ways to a contact, the oldest channel first."""
    kinds, media = zip(*MEDIA_OF_KIND, strict=True)
    rows = await fetch(KNOWN, contact_id, kinds, media)
    revoked = await revoked_consents([(row["identity_id"], row["channel_id"]) for row in rows])
    return [_way(row, revoked=(row["identity_id"], row["channel_id"]) in revoked) for row in rows]


async def find_stranger_ways(kind: AddressKind, address: str) -> list[Way]:
    """The ways to an address that nobody we know has."""
    kinds, media = zip(*MEDIA_OF_KIND, strict=True)
    return [_way(row, revoked=False) for row in await fetch(STRANGER, kind, kinds, media, address)]


async def last_inbound(contact_id: UUID, way: Way) -> Way:
    """When the contact last wrote by this way: asked only where a reply window counts from it."""
    moment = await fetch_value(LAST_INBOUND, contact_id, way.channel_id, way.identity_id)
    return Way(**{name: getattr(way, name) for name in way.__struct_fields__} | {"last_inbound_at": moment})


async def conversation_subject(conversation_id: UUID | None) -> str | None:
    """What a conversation is about, if it says so."""
    sql = "SELECT subject FROM conversation WHERE id = $1"
    found: str | None = await fetch_value(sql, conversation_id) if conversation_id else None
    return found


def _way(row: Row, *, revoked: bool) -> Way:
    return Way(
        channel_id=row["channel_id"],
        adapter=row["adapter"],
        medium=row["medium"],
        status=row["status"],
        address=row["address"],
        identity_id=row["identity_id"],
        revoked=revoked,
        blocked=row["blocked"],
        bounced=row["bounced"],
    )
