"""Who of the visitors follows what is said: one listener of the feed a process, however many streams there are.

An event costs its reading once, and then each stream that it concerns a look: those that watch its conversation, and
the one visitor it first speaks to. Visitors who have written nothing cost nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from uuid import UUID

import structlog

from gateway.hub import FeedHub, Listener
from gateway.live.bus import LiveBus, LiveEvent
from gateway.metrics import VISITOR_STREAMS
from gateway.tasks import end_tasks
from gateway.widget.watching import MOVES, Ended, Item, Place, Told, Typing, Watch, address_in, read_told
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, Row, on_wake, tx
from inbox.visitors.actions import TOPIC, note_presence
from inbox.visitors.queries import live_sessions
from inbox.visitors.visitor import Standing, Visitor

log = structlog.get_logger()

BATCH = 200
NAMED = frozenset({"agent", "bot"})
"""Of whom visitors read the name; how an integration is called is our own business."""
CHECK_SECONDS = 3.0
"""How often it is looked whether the sessions of open streams still hold (security.md T51: within 5 s)."""
REST_SECONDS = 1.0
"""How long nothing is tried after it went wrong."""
PRESENCE_SECONDS = 30.0
"""How often it is noted who has the chat open."""


class VisitorHub:
    """The streams of visitors of one process. It listens to feed and bus as long as there are any.

    Of one visitor there are `each` at most: a browser whose network went away leaves a stream that nobody reads, and
    must not be kept out by it when it comes back. A stream ends when its session does, or when `may_follow` says that
    the chat has gone or asks for a proof by now; whoever comes back is told why.
    """

    def __init__(
        self, hub: FeedHub, bus: LiveBus, *, buffer: int, each: int, may_follow: Callable[[Visitor], bool]
    ) -> None:
        self.may_follow = may_follow
        self.hub = hub
        self.bus = bus
        self.buffer = buffer
        self.each = each
        self.cursor = 0
        self._all: dict[Watch, None] = {}
        self._watching: dict[Place, set[Watch]] = {}
        self._wanted = asyncio.Event()
        self._listening = asyncio.Event()
        self._check = asyncio.Event()
        self._noted_at = float("-inf")
        self._stopped = False

    def new_queue(self) -> asyncio.Queue[Item]:
        """A queue for one stream."""
        return asyncio.Queue(self.buffer)

    @asynccontextmanager
    async def watch(self, watch: Watch) -> AsyncIterator[Watch]:
        """Tell the stream what concerns it from now on; what came before is in the database by now."""
        self._all[watch] = None
        self._make_room(watch.visitor.id)
        self._index(watch)
        self._wanted.set()
        try:
            await self._listening.wait()
            watch.begun = True
            if self._stopped:
                watch.offer(Ended("stopping"))
            with VISITOR_STREAMS.track_inprogress():
                yield watch
        finally:
            self._all.pop(watch, None)
            self._unindex(watch)

    def turn(self, watch: Watch, standing: Standing) -> None:
        """The stream watches this now."""
        self._unindex(watch)
        watch.standing = standing
        self._index(watch)

    async def run(self) -> None:
        """Listen whenever there are streams, until cancelled."""
        unhook = on_wake(TOPIC, self._check.set)
        try:
            while True:
                await self._wanted.wait()
                try:
                    why = await self._listen()
                except Exception as error:  # noqa: BLE001 (whatever it is, streams come back, and it is tried again)
                    log.warning("visitors_unheard", error=type(error).__name__)
                    why = "stopped"
                self._end_all(why)
                if why == "stopping":
                    self._stopped = True
                    self._listening.set()
                    return
                if why == "stopped":
                    await asyncio.sleep(REST_SECONDS)
        finally:
            unhook()

    async def _listen(self) -> str:
        """Hand out what comes until nobody wants it, or until something was missed; returns why it ended."""
        async with self.hub.listen() as feed, self.bus.listen() as moments:
            self._listening.set()
            tasks = [
                asyncio.create_task(work, context=Context())
                for work in (self._follow_feed(feed), self._follow_moments(moments), self._check_sessions())
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                return next(iter(done)).result()
            finally:
                self._listening.clear()
                await end_tasks(tasks)

    def _end_all(self, why: str) -> None:
        """Streams that missed something come back with their cursors; those that only begin have missed nothing."""
        for watch in self._all:
            if watch.begun:
                watch.offer(Ended(why))
        if not self._all:
            self._wanted.clear()

    def _make_room(self, visitor_id: UUID) -> None:
        own = [watch for watch in self._all if watch.visitor.id == visitor_id]
        for watch in own[: -self.each]:
            watch.offer(Ended("replaced"))

    def _is_alone(self) -> bool:
        """Whether nobody listens any more; whoever comes from now on waits until it is listened anew."""
        if not self._all:
            self._listening.clear()
        return not self._all

    async def _follow_feed(self, listener: Listener) -> str:
        while not listener.overrun:
            rows = await _take(listener)
            fresh = [row for row in rows if row is not None]
            if fresh:
                await self._tell(fresh)
            if None in rows:
                return "stopping"
            if self._is_alone():
                return "alone"
        return "behind"

    async def _follow_moments(self, moments: asyncio.Queue[LiveEvent]) -> str:
        while True:
            event = await moments.get()
            if event.conversation_id is None or not event.visible_to_contact or event.actor.type == "contact":
                continue
            name = event.actor.name if event.actor.type in NAMED else None
            item = Typing(name, event.type == "typing.started")
            if event.type.startswith("typing."):
                for watch in self._watching.get(event.conversation_id, ()):
                    watch.offer(item)

    async def _check_sessions(self) -> str:
        """End the streams of sessions that ended; where there are none left, listen no longer."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._check.wait()
            self._check.clear()
            with suppress(*TRANSIENT):
                await self._check_once()
            if self._is_alone():
                return "alone"

    async def _check_once(self) -> None:
        watches = list(self._all)
        held = await live_sessions(list({watch.session_id for watch in watches}))
        for watch in watches:
            owner = held.get(watch.session_id)
            if owner is None:
                watch.offer(Ended("revoked"))
            elif owner != watch.visitor.id:
                watch.offer(Ended("changed"))
            elif not self.may_follow(watch.visitor):
                watch.offer(Ended("barred"))
        if time.monotonic() - self._noted_at >= PRESENCE_SECONDS:
            self._noted_at = time.monotonic()
            async with tx():
                await note_presence(sorted({watch.visitor.id for watch in watches}), now=utc_now())

    async def _tell(self, rows: Sequence[Row]) -> None:
        """Read what these events are about, once for all streams, and hand it to those that it concerns."""
        wanted = [row for row in rows if self._may_concern(row)]
        if wanted:
            for told in await read_told(wanted):
                for watch in self._concerned(told):
                    watch.offer(told)
        self.cursor = rows[-1]["cursor"]

    def _may_concern(self, row: Row) -> bool:
        """Whether a stream watches the conversation, or an entry of a chat may be the first of somebody who listens."""
        return (
            row["conversation_id"] in self._watching
            or (row["entry_id"] is not None and row["channel_id"] in self._watching)
            or (row["type"] in MOVES and row["contact_id"] in self._watching)
        )

    def _concerned(self, told: Told) -> set[Watch]:
        event, entry = told.event, told.entry
        places: list[Place | None] = [event["conversation_id"]]
        if event["type"] in MOVES:
            places.append(event["contact_id"])
        if entry is not None and entry["identity_id"] is not None:
            places += [entry["identity_id"], (entry["channel_id"], address_in(entry))]
        return {watch for place in places if place for watch in self._watching.get(place, ())}

    def _index(self, watch: Watch) -> None:
        for place in watch.places():
            self._watching.setdefault(place, set()).add(watch)

    def _unindex(self, watch: Watch) -> None:
        for place in watch.places():
            there = self._watching.get(place, set())
            there.discard(watch)
            if not there:
                self._watching.pop(place, None)


async def _take(listener: Listener) -> list[Row | None]:
    taken = [await listener.queue.get()]
    while not listener.queue.empty() and len(taken) < BATCH:
        taken.append(listener.queue.get_nowait())
    return taken
