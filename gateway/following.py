"""What a follower of the feed asked for, which events that is, and how far it can be followed from a cursor.

Streams and sockets do the same: read the database from the client's cursor up to the present, then go on with what the
process's hub hands out. An event that came both ways is told once, by its cursor.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any
from uuid import UUID

import msgspec

from gateway.showing import Asked, Showing, Shown
from inbox.feed.queries import events_after
from inbox.kit.db import Row
from inbox.kit.query import Query

READ_BATCH = 200


class Wanted(msgspec.Struct, frozen=True):
    """What one stream or subscription asked for; `me` is the agent that `query` may speak of."""

    types: frozenset[str] | None
    conversation_id: UUID | None
    query: Query | None = None
    me: UUID | None = None

    def wants(self, event: Row | dict[str, Any]) -> bool:
        """Whether an event is to be told, as far as it tells by itself."""
        return (self.types is None or event["type"] in self.types) and (
            self.conversation_id is None or event["conversation_id"] == self.conversation_id
        )

    @property
    def asked(self) -> Asked | None:
        """The query, where there is one that leaves something out."""
        return Asked(self.query, self.me) if self.query is not None and self.query.root is not None else None


async def read_feed(after: int) -> AsyncIterator[Sequence[Row]]:
    """The events after a cursor in batches, until there are no more for now."""
    while rows := await events_after(after, limit=READ_BATCH):
        yield rows
        after = rows[-1]["cursor"]


async def pick_events(rows: Sequence[Row], wanted: Wanted, showing: Showing) -> list[Shown]:
    """Those of the events that one follower wants."""
    chosen = await choose_events(rows, [wanted], showing)
    return await showing.show([row for row in rows if row["cursor"] in chosen[wanted]])


async def choose_events(
    rows: Sequence[Row], wanted: Collection[Wanted], showing: Showing
) -> dict[Wanted, frozenset[int]]:
    """Of each wish the cursors of those events that meet it now; one statement for many of them."""
    passing = {one: [row for row in rows if one.wants(row)] for one in wanted}
    asking = {one: asked for one in wanted if passing[one] and (asked := one.asked)}
    moments = {
        row["cursor"]: row["conversation_id"] for one in asking for row in passing[one] if row["conversation_id"]
    }
    matching = await showing.match(list(asking.values()), moments) if asking else set()
    return {
        one: frozenset(
            row["cursor"] for row in passing[one] if one not in asking or (asking[one].key, row["cursor"]) in matching
        )
        for one in wanted
    }
