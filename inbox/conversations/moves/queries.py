"""Reading merges and splits."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from inbox.conversations.moves.plan import Before, Kind, Place
from inbox.kit.callers import Actor
from inbox.kit.db import fetch, fetch_one, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import CONVERSATION_MOVE, show_id

After: TypeAlias = tuple[datetime, UUID]
"""The sort key of the list: the newest first."""

MOVE = """
SELECT id, kind, source_id, target_id, actor, reason, entries, before, created_at, undone_at, undone_by
FROM conversation_move
"""
OF = f"""
{MOVE} WHERE (source_id = $1 OR target_id = $1) AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
ORDER BY created_at DESC, id DESC LIMIT $4
"""
PLACES = "SELECT entry_id, from_seq, to_seq, stub_id FROM entry_move WHERE move_id = $1 ORDER BY from_seq"

# Where an entry is not where this move brought it, the move that brought it where it is.
LATER = """
SELECT DISTINCT ON (m.move_id) m.move_id, n.move_id AS later_id
FROM entry_move m
JOIN conversation_move v ON v.id = m.move_id AND v.undone_at IS NULL
JOIN entry e ON e.id = m.entry_id AND (e.conversation_id, e.seq) <> (v.target_id, m.to_seq)
JOIN entry_move n ON n.entry_id = e.id AND n.to_seq = e.seq
JOIN conversation_move w ON w.id = n.move_id AND w.undone_at IS NULL AND w.target_id = e.conversation_id
WHERE m.move_id = ANY($1) ORDER BY m.move_id, n.move_id
"""
ROOT = """
WITH RECURSIVE way AS (
    SELECT id, merged_into, 1 AS steps FROM conversation WHERE id = $1
    UNION ALL
    SELECT c.id, c.merged_into, way.steps + 1 FROM conversation c JOIN way ON c.id = way.merged_into
)
SELECT id FROM way ORDER BY steps DESC LIMIT 1
"""


class Move(msgspec.Struct, kw_only=True, frozen=True):
    """A merge or split as stored."""

    id: UUID
    kind: Kind
    source_id: UUID
    target_id: UUID
    actor: Actor
    reason: str | None
    entries: int
    before: Before
    created_at: datetime
    undone_at: datetime | None
    undone_by: Actor | None


async def find_move(move_id: UUID) -> Move:
    """One move, or the `not_found` problem."""
    row = await fetch_one(f"{MOVE} WHERE id = $1", move_id)
    if row is None:
        raise Problem("not_found", f"There is no merge or split {show_id(CONVERSATION_MOVE, move_id)}")
    return read_move(row)


async def list_moves(conversation_id: UUID, *, after: After | None, limit: int) -> list[Move]:
    """One page of the moves a conversation took part in, the newest first."""
    at, last = after or (None, None)
    return [read_move(row) for row in await fetch(OF, conversation_id, at, last, limit)]


async def find_places(move_id: UUID) -> list[Place]:
    """The way of each of its entries."""
    return [msgspec.convert(dict(row), Place) for row in await fetch(PLACES, move_id)]


async def later_moves(move_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The move that has to be undone first, for each of these that has one."""
    return {row["move_id"]: row["later_id"] for row in await fetch(LATER, list(move_ids))}


async def find_root(conversation_id: UUID) -> UUID | None:
    """Where a conversation's entries are by now: itself, or the one it is merged into, however far."""
    found: UUID | None = await fetch_value(ROOT, conversation_id)
    return found


def read_move(row: object) -> Move:
    """A move's row."""
    values = dict(row)  # type: ignore[call-overload]  # an asyncpg Record is a mapping, its package ships no types
    for name, kind in JSON_COLUMNS.items():
        if values[name] is not None:
            values[name] = msgspec.json.decode(values[name], type=kind)
    return msgspec.convert(values, Move)


JSON_COLUMNS = {"actor": Actor, "before": Before, "undone_by": Actor}
