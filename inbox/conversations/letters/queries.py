"""What the ids and reply addresses of mails lead to, and which addresses are our own."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec

from inbox.contacts.matching import match_key
from inbox.conversations.letters.matching import Relation
from inbox.kit.db import Row, fetch, fetch_one
from inbox.kit.ids import MESSAGE, UnknownId, read_id

# What we sent is found by the id of its delivery, which its Message-ID holds, or by the id the provider gave it.
RELATIONS = """
SELECT found.message_id, found.own, found.sent, e.conversation_id, c.contact_id
FROM (
    SELECT message_id, entry_id, own, false AS sent FROM mail_id WHERE message_id = ANY($1)
    UNION
    SELECT asked.message_id, d.entry_id, true, true
    FROM unnest($2::text[], $3::uuid[]) AS asked(message_id, delivery_id) JOIN delivery d ON d.id = asked.delivery_id
    UNION
    SELECT d.provider_message_id, d.entry_id, true, true
    FROM channel ch JOIN delivery d ON d.channel_id = ch.id AND d.provider_message_id = ANY($1)
    WHERE ch.medium = 'email'
) found
JOIN entry e ON e.id = found.entry_id AND e.medium = 'email' JOIN conversation c ON c.id = e.conversation_id
"""

# A conversation that is merged into another goes on there; the tag was signed for the one it named.
NAMED = """
WITH RECURSIVE way AS (
    SELECT number, id, id AS at, merged_into, 1 AS step FROM conversation WHERE number = ANY($1)
    UNION ALL
    SELECT way.number, way.id, c.id, c.merged_into, way.step + 1 FROM conversation c JOIN way ON c.id = way.merged_into
)
SELECT DISTINCT ON (way.number) way.number, way.id, way.at, ARRAY(
    SELECT i.id FROM conversation c JOIN identity i ON i.contact_id = c.contact_id WHERE c.id IN (way.id, way.at)
) AS identity_ids
FROM way ORDER BY way.number, way.step DESC
"""
OWN = "SELECT addresses FROM channel WHERE medium = 'email' AND deleted_at IS NULL"

# What an answer answers: what is named, else the newest mail of theirs, else of ours. A stranger's is answered where it
# is named, and a machine's where there is no other. Redacted ones keep their ids.
ANSWERED = """
SELECT e.id, e.direction, e.letter, ch.addresses, d.id AS delivery_id, d.provider_message_id
FROM entry e JOIN conversation c ON c.id = e.conversation_id JOIN channel ch ON ch.id = e.channel_id
LEFT JOIN identity i ON i.id = e.identity_id LEFT JOIN LATERAL (
    SELECT id, provider_message_id FROM delivery WHERE entry_id = e.id ORDER BY round DESC, piece LIMIT 1
) d ON e.direction = 'outbound'
WHERE e.conversation_id = $1 AND e.type = 'message' AND e.medium = 'email'
  AND CASE WHEN $2::uuid IS NOT NULL THEN e.id = $2
           ELSE i.contact_id = c.contact_id OR coalesce((e.author->>'verified')::boolean, false) END
ORDER BY e.direction, e.letter->>'nature' IS NOT DISTINCT FROM 'auto_reply', e.seq DESC LIMIT 1
"""
QUOTED = "SELECT text, parts, author, occurred_at, redacted_at FROM entry WHERE id = $1"

_OURS = re.compile(r"(msg_[0-9a-f]{32})@")


class NamedThread(msgspec.Struct, kw_only=True, frozen=True):
    """The conversation a reply address names by its number, where it goes on, and whose address it may have been."""

    id: UUID
    at: UUID
    identity_ids: list[UUID]


async def find_relations(message_ids: Collection[str]) -> dict[str, list[Relation]]:
    """The messages of our mail channels that have these ids for their own, or refer to them."""
    ids = sorted(set(message_ids))
    if not ids:
        return {}
    ours = [(one, delivery_id) for one in ids if (delivery_id := delivery_of(one)) is not None]
    rows = await fetch(RELATIONS, ids, [one for one, _ in ours], [delivery_id for _, delivery_id in ours])
    relations: dict[str, list[Relation]] = {}
    for row in rows:
        relations.setdefault(row["message_id"], []).append(msgspec.convert(dict(row), Relation))
    return relations


def delivery_of(message_id: str) -> UUID | None:
    """The delivery that a Message-ID of ours names: `msg_...@our.domain`, with or without its brackets."""
    found = _OURS.match(message_id.removeprefix("<"))
    try:
        return read_id(MESSAGE, found[1]) if found else None
    except UnknownId:
        return None


async def find_named_threads(numbers: Collection[int]) -> dict[int, NamedThread]:
    """The conversations of these numbers."""
    rows = await fetch(NAMED, list(set(numbers))) if numbers else []
    return {
        row["number"]: NamedThread(id=row["id"], at=row["at"], identity_ids=list(row["identity_ids"])) for row in rows
    }


async def find_own_addresses() -> frozenset[str]:
    """The addresses of our mail channels, as their match keys: nobody of them is a customer."""
    rows = await fetch(OWN)
    return frozenset(match_key("email", address) for row in rows for address in row["addresses"])


async def find_answered(conversation_id: UUID, entry_id: UUID | None) -> Row | None:
    """The mail that an answer in this conversation answers; None where there is none."""
    return await fetch_one(ANSWERED, conversation_id, entry_id)


async def find_quoted(entry_id: UUID) -> Row | None:
    """An entry as it is quoted; None where it is gone or redacted."""
    row = await fetch_one(QUOTED, entry_id)
    return None if row is None or row["redacted_at"] else row


def sent_message_id(addresses: Sequence[str], *, delivery_id: UUID, provider_message_id: str | None) -> str:
    """The Message-ID under which a mail of ours went: the provider's where it gave one, else our own."""
    given = (provider_message_id or "").strip("<>")
    domain = addresses[0].rpartition("@")[2] if addresses else "localhost"
    return given if "@" in given else f"{MESSAGE}_{delivery_id.hex}@{domain}"
