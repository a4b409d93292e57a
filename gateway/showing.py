"""Events shown once for everybody: however many streams and sockets tell an event, it is read and encoded one time.

What was shown lasts for a moment only, as what an event speaks of may change: a word that is erased must not live on
here (docs/decisions/0006, 0030).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextvars import Context
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from inbox.conversations.api.envelopes import Envelope, show_events
from inbox.conversations.search.queries import find_each_matching
from inbox.kit.db import Row
from inbox.kit.query import Query

KEPT_SECONDS = 2.0
KEPT_MOST = 2000

Item = TypeVar("Item")
Found = TypeVar("Found")


class Shown(msgspec.Struct, frozen=True):
    """An event as it is told: `cursor` its place in the feed, `body` the envelope as JSON."""

    cursor: int
    type: str
    envelope: Envelope
    body: bytes


class Asked(msgspec.Struct, frozen=True):
    """A query as one agent asks it."""

    query: Query
    me: UUID | None

    @property
    def key(self) -> tuple[str, UUID | None]:
        """What tells it from others."""
        return self.query.text, self.me


class Match(msgspec.Struct, frozen=True):
    """A query and a conversation that it may match."""

    asked: Asked
    conversation_id: UUID


class Showing:
    """What one process has shown lately."""

    def __init__(self) -> None:
        self._events: Once[Row, Shown] = Once(_load_events)
        self._matches: Once[Match, bool] = Once(_load_matches)

    async def show(self, rows: Sequence[Row]) -> list[Shown]:
        """The events as they are told; two statements for those that nobody has asked for a moment ago."""
        found = await self._events.get({row["cursor"]: row for row in rows})
        return [found[row["cursor"]] for row in rows]

    async def match(self, asked: Sequence[Asked], moments: Mapping[Hashable, UUID]) -> set[Hashable]:
        """Of these moments of conversations those that each query matches, as pairs of `Asked.key` and moment.

        A moment is what is asked for once: an event's cursor, since the next event may change what matches.
        """
        wanted = {
            (one.key, moment): Match(one, conversation) for one in asked for moment, conversation in moments.items()
        }
        found = await self._matches.get(wanted)
        return {key for key in wanted if found[key]}

    def forget(self) -> None:
        """Begin anew: what was shown may hold what has just been erased."""
        self._events.forget()


class Once(Generic[Item, Found]):
    """Answers by key, each asked for once in a moment; who asks meanwhile waits for the same answer."""

    def __init__(self, load: Callable[[dict[Any, Item]], Awaitable[dict[Any, Found]]]) -> None:
        self._load = load
        self._asked: dict[Hashable, tuple[float, asyncio.Task[dict[Any, Found]]]] = {}

    async def get(self, wanted: dict[Any, Item]) -> dict[Any, Found]:
        """The answers to these, and perhaps others."""
        self._let_go()
        missing = {key: item for key, item in wanted.items() if key not in self._asked}
        if missing:
            task = asyncio.create_task(self._loaded(missing), context=Context())
            entry = time.monotonic() + KEPT_SECONDS, task
            self._asked.update(dict.fromkeys(missing, entry))
        tasks = {self._asked[key][1] for key in wanted}
        found: dict[Any, Found] = {}
        for task in tasks:
            found |= await asyncio.shield(task)
        return found

    def forget(self) -> None:
        """Ask for everything anew."""
        self._asked.clear()

    async def _loaded(self, missing: dict[Any, Item]) -> dict[Any, Found]:
        try:
            return await self._load(missing)
        except BaseException:
            for key in missing:
                self._asked.pop(key, None)
            raise

    def _let_go(self) -> None:
        """They stand in the order they were asked in: what is over is at the front."""
        now = time.monotonic()
        while self._asked:
            key, (ends, _) = next(iter(self._asked.items()))
            if ends > now and len(self._asked) < KEPT_MOST:
                return
            del self._asked[key]


async def _load_events(rows: dict[int, Row]) -> dict[int, Shown]:
    told = list(rows.values())
    envelopes = await show_events(told)
    return {
        row["cursor"]: Shown(row["cursor"], row["type"], envelope, msgspec.json.encode(envelope))
        for row, envelope in zip(told, envelopes, strict=True)
    }


async def _load_matches(wanted: dict[Any, Match]) -> dict[Any, bool]:
    queries = {match.asked.key: match.asked for match in wanted.values()}
    ids = {match.conversation_id for match in wanted.values()}
    sets = await find_each_matching([(one.query, one.me) for one in queries.values()], ids)
    matching = dict(zip(queries, sets, strict=True))
    return {key: match.conversation_id in matching[match.asked.key] for key, match in wanted.items()}
