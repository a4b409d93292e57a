"""Writing down who takes part, under the locks of their conversations."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from inbox.conversations.participants.participant import NewParticipant
from inbox.kit.db import execute
from inbox.kit.ids import new_id

# Whoever was vouched for stays so; a role says how they came in first.
ADD = """
INSERT INTO participant (id, conversation_id, kind, address, match_key, name, role, verified, added_by)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[],
                     $9::jsonb[])
ON CONFLICT (conversation_id, kind, match_key) DO UPDATE
SET verified = true, name = coalesce(participant.name, excluded.name)
WHERE excluded.verified AND NOT participant.verified
"""
BRING = """
INSERT INTO participant (id, conversation_id, kind, address, match_key, name, role, verified, added_by, move_id)
SELECT gen_random_uuid(), $2, kind, address, match_key, name, role, verified, added_by, $3
FROM participant WHERE conversation_id = $1 ON CONFLICT DO NOTHING
"""
TAKE_BACK = "DELETE FROM participant WHERE move_id = $1"


async def add_participants(wanted: Sequence[NewParticipant]) -> None:
    """Note these down, under the locks of their conversations."""
    if wanted:
        await execute(
            ADD,
            [new_id() for _ in wanted],
            [one.conversation_id for one in wanted],
            [one.kind for one in wanted],
            [one.address for one in wanted],
            [one.match_key for one in wanted],
            [one.name for one in wanted],
            [one.role for one in wanted],
            [one.verified for one in wanted],
            [msgspec.json.encode(one.added_by).decode() for one in wanted],
        )


async def bring_participants(source_id: UUID, target_id: UUID, *, move_id: UUID) -> None:
    """Those of one conversation take part in another as well, from a merge or split on until it is undone."""
    await execute(BRING, source_id, target_id, move_id)


async def take_back_participants(move_id: UUID) -> None:
    """As it was before a merge or split."""
    await execute(TAKE_BACK, move_id)
