"""Events that can be recognised, told and read."""

from __future__ import annotations

from inbox.feed.actions import append_event, sequence_events
from inbox.feed.queries import events_after
from inbox.kit.callers import SYSTEM


async def tell(name: str) -> None:
    """Tell something that can be recognised, in the open transaction."""
    await append_event("contact.updated", actor=SYSTEM, changed=[name])


async def seen_after(cursor: int) -> list[str]:
    """What a reader finds behind a cursor."""
    return [row["changed"][0] for row in await events_after(cursor, limit=1000)]


async def sequence_all() -> int:
    """Number whatever is committed."""
    total = 0
    while numbered := await sequence_events():
        total += numbered
    return total
