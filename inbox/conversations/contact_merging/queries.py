"""Reading merges, and the two contacts of one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inbox.conversations.contact_merging.merge import ContactMerge
from inbox.kit.db import fetch, fetch_one
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id

FIND = "SELECT row_to_json(m)::text AS merge FROM contact_merge m WHERE id = $1"

# The history of a contact is that of all who live on in it.
HISTORY = """
SELECT row_to_json(m)::text AS merge FROM contact_merge m
WHERE (into_id = ANY($1) OR from_id = ANY($1)) AND ($2::uuid IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3
"""
LATER = """
SELECT row_to_json(m)::text AS merge FROM contact_merge m
WHERE into_id = $1 AND id > $2 AND undone_at IS NULL ORDER BY id
"""
AWAY = "SELECT id FROM contact_merge WHERE from_id = $1 AND undone_at IS NULL"
ROWS = "SELECT id, to_jsonb(c)::text AS contact FROM contact c WHERE id = ANY($1) ORDER BY id"

CONVERSATIONS = """
SELECT id, status <> 'closed' AS open FROM conversation WHERE contact_id = $1 ORDER BY updated_at DESC, id DESC
"""
# Where somebody wrote, after the merge, from an address that now belongs to the other of the two.
MIXED = """
SELECT DISTINCT e.conversation_id
FROM conversation c JOIN entry e ON e.conversation_id = c.id
WHERE c.contact_id = ANY(ARRAY[$1, $2]::uuid[]) AND e.created_at > $3 AND e.direction = 'inbound'
    AND e.identity_id IS NOT NULL AND (e.identity_id = ANY($4)) <> (c.contact_id = $1)
ORDER BY e.conversation_id
"""

_decode = msgspec.json.Decoder(ContactMerge).decode


async def find_merge(merge_id: UUID, *, lock: bool = False) -> ContactMerge:
    """One merge, or the `not_found` problem."""
    row = await fetch_one(f"{FIND} FOR UPDATE" if lock else FIND, merge_id)
    if row is None:
        raise Problem("not_found", f"There is no merge {show_id('mrg', merge_id)}")
    return _decode(row["merge"])


async def list_merges(contact_ids: Collection[UUID], *, after: UUID | None, limit: int) -> list[ContactMerge]:
    """One page of the merges these contacts took part in, the newest first."""
    return [_decode(row["merge"]) for row in await fetch(HISTORY, list(contact_ids), after, limit)]


async def later_merges(merge: ContactMerge) -> list[ContactMerge]:
    """Merges into the same survivor that came later and stand."""
    return [_decode(row["merge"]) for row in await fetch(LATER, merge.into_id, merge.id)]


async def find_merge_away(contact_id: UUID) -> UUID | None:
    """The standing merge by which a contact went."""
    row = await fetch_one(AWAY, contact_id)
    return row["id"] if row else None


async def read_rows(contact_ids: Collection[UUID], *, lock: bool = False) -> dict[UUID, dict[str, Any]]:
    """Contacts as they are stored, all columns; `lock` holds them, in the order of their ids as everywhere."""
    rows = await fetch(f"{ROWS} FOR NO KEY UPDATE" if lock else ROWS, list(contact_ids))
    return {row["id"]: msgspec.json.decode(row["contact"]) for row in rows}


async def list_conversation_ids(contact_id: UUID) -> dict[UUID, bool]:
    """The conversations of a contact, the latest first, each with whether it is open."""
    return {row["id"]: row["open"] for row in await fetch(CONVERSATIONS, contact_id)}


async def find_mixed(from_id: UUID, into_id: UUID, *, since: datetime, identity_ids: Collection[UUID]) -> list[UUID]:
    """Conversations of one contact in which the other has spoken since; `identity_ids` belong to the first."""
    rows = await fetch(MIXED, from_id, into_id, since, list(identity_ids))
    return [row["conversation_id"] for row in rows]
