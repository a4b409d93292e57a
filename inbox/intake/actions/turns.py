"""Whose turn it is to parse a channel's journal, where parsing costs much: a hint to others, and no lock."""

from __future__ import annotations

from uuid import UUID

from inbox.kit.db import execute, fetch_value

TAKE = """
INSERT INTO parse_turn AS t (channel_id, holder, until) VALUES ($1, $2, now() + make_interval(secs => $3))
ON CONFLICT (channel_id) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE t.holder = excluded.holder OR t.until < now() RETURNING true
"""
END = "UPDATE parse_turn SET until = '-infinity' WHERE channel_id = $1 AND holder = $2"


async def take_turn(channel_id: UUID, holder: UUID, *, seconds: float) -> bool:
    """Whether it is this holder's turn, for so long; whoever takes it again goes on."""
    return bool(await fetch_value(TAKE, channel_id, holder, seconds))


async def end_turn(channel_id: UUID, holder: UUID) -> None:
    """Let the next one in."""
    await execute(END, channel_id, holder)
