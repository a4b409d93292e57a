"""Reading who takes part."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from channels.events import AddressKind
from inbox.conversations.participants.participant import Key, Role
from inbox.kit.db import fetch

LIST = """
SELECT p.id, p.conversation_id, p.kind, p.address, p.match_key, p.name, p.role, p.verified, p.created_at, i.contact_id,
       i.id AS identity_id, ct.name AS contact_name, ct.blocked_at IS NOT NULL AS blocked
FROM participant p LEFT JOIN identity i ON i.kind = p.kind AND i.match_key = p.match_key
LEFT JOIN contact ct ON ct.id = i.contact_id
WHERE p.conversation_id = $1 ORDER BY p.created_at, p.id
"""
KNOWN = "SELECT conversation_id, kind, match_key, verified FROM participant WHERE conversation_id = ANY($1)"


class Participant(msgspec.Struct, kw_only=True, frozen=True):
    """One line; `contact_id` and `identity_id` where we know whose address it is."""

    id: UUID
    conversation_id: UUID
    kind: AddressKind
    address: str
    match_key: str
    name: str | None
    role: Role
    verified: bool
    created_at: datetime
    contact_id: UUID | None
    identity_id: UUID | None
    contact_name: str | None
    blocked: bool

    @property
    def key(self) -> Key:
        """What equal addresses share."""
        return self.kind, self.match_key


async def list_participants(conversation_id: UUID) -> list[Participant]:
    """Who takes part, in the order they came."""
    return [msgspec.convert(dict(row), Participant) for row in await fetch(LIST, conversation_id)]


async def known_participants(conversation_ids: Collection[UUID]) -> dict[UUID, dict[Key, bool]]:
    """Of each conversation who takes part, by address, and whether they are verified."""
    known: dict[UUID, dict[Key, bool]] = {one: {} for one in conversation_ids}
    for row in await fetch(KNOWN, list(conversation_ids)) if conversation_ids else []:
        known[row["conversation_id"]][row["kind"], row["match_key"]] = row["verified"]
    return known
