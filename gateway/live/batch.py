"""Some events, and what of them each plan is told: read, matched and encoded once for all who want them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec

from gateway.following import Wanted, choose_events
from gateway.live.frames import Cursor, seal, write_event, write_frame
from gateway.showing import Showing, Shown
from inbox.feed.events import show_cursor
from inbox.kit.db import Row

CHUNK_BYTES = 64_000
"""The most that is written to one socket at a time."""

Subscriptions: TypeAlias = tuple[tuple[str, Wanted], ...]
"""By name, what a socket asked for."""


class Plan:
    """The subscriptions of a socket. Sockets that ask for the same share one plan, and so what is made for it."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self.subscriptions = subscriptions

    def wishes(self) -> Iterator[Wanted]:
        """All that is asked for."""
        return (wanted for _, wanted in self.subscriptions)


class Chunk(msgspec.Struct, frozen=True):
    """Finished frames, and the cursor of the last event in them."""

    cursor: int
    data: bytes


class Batch:
    """Some events in their order, and what of them goes to whom."""

    def __init__(self, rows: Sequence[Row], showing: Showing) -> None:
        self.rows = rows
        self.first: int = rows[0]["cursor"]
        self.last: int = rows[-1]["cursor"]
        self._showing = showing
        self._chosen: dict[Wanted, frozenset[int]] = {}
        self._shown: dict[int, Shown] = {}
        self._frames: dict[tuple[int, tuple[str, ...]], bytes] = {}
        self._chunks: dict[tuple[Plan, int], list[Chunk]] = {}

    def covers(self, plans: set[Plan]) -> bool:
        """Whether all of these can be told."""
        return all(wanted in self._chosen for plan in plans for wanted in plan.wishes())

    async def cover(self, plans: set[Plan]) -> None:
        """Find out what these plans ask for, and show it."""
        missing = {wanted for plan in plans for wanted in plan.wishes()} - self._chosen.keys()
        chosen = await choose_events(self.rows, missing, self._showing)
        wanted = frozenset().union(*chosen.values()) - self._shown.keys()
        shown = await self._showing.show([row for row in self.rows if row["cursor"] in wanted])
        self._shown |= {one.cursor: one for one in shown}
        self._chosen |= chosen

    def chunks(self, plan: Plan, *, after: int) -> list[Chunk]:
        """What of it one plan is told after a cursor; made once for all who have the same."""
        known = self._chunks.get((plan, max(after, self.first - 1)))
        if known is None:
            known = self._chunks[plan, max(after, self.first - 1)] = _pack(self._told(plan, after))
        return known

    def _told(self, plan: Plan, after: int) -> list[Chunk]:
        told = []
        for row in self.rows:
            cursor = row["cursor"]
            names = tuple(name for name, wanted in plan.subscriptions if cursor in self._chosen[wanted])
            if names and cursor > after:
                told.append(Chunk(cursor, self._frame(cursor, names)))
        return told

    def _frame(self, cursor: int, names: tuple[str, ...]) -> bytes:
        known = self._frames.get((cursor, names))
        if known is None:
            known = self._frames[cursor, names] = seal(write_event(self._shown[cursor].body, names))
        return known


def cursor_frame(cursor: int) -> bytes:
    """The finished frame that tells a cursor."""
    return seal(write_frame(Cursor(cursor=show_cursor(cursor))))


def _pack(frames: Sequence[Chunk]) -> list[Chunk]:
    """Frames put together, no more of them at a time than one socket is to have waiting."""
    packed: list[Chunk] = []
    for frame in frames:
        if packed and len(packed[-1].data) + len(frame.data) <= CHUNK_BYTES:
            packed[-1] = Chunk(frame.cursor, packed[-1].data + frame.data)
        else:
            packed.append(frame)
    return packed
