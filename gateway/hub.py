"""One reader of the feed a process: it sees each event once and hands it to every stream that wants it.

Redis wakes it; without Redis it looks by itself. A stream that does not keep up loses its queue, not its place: it
reconnects with its last cursor and reads the gap from the database.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from secrets import token_hex

import redis.asyncio as redis
import structlog

from gateway.metrics import STREAM_CONNECTIONS, STREAM_DROPPED_SLOW
from gateway.showing import Showing
from gateway.tasks import end_tasks
from gateway.topics import REDIS_AWAY, hear_topic
from inbox.feed.queries import events_after, feed_head
from inbox.kit.db import TRANSIENT, Row, on_wake, wake

log = structlog.get_logger()

TOPIC = "switchboard:feed"
READ_BATCH = 500
ERASING = frozenset({"message.redacted", "contact.erased"})
"""After these, what was shown a moment ago may hold what is erased."""
LEAVE_SECONDS = 5.0
"""How long a Redis that did not take a call is not called again: the feed is numbered by whoever would wait for it."""


class Listener:
    """One stream's queue. `overrun` when it was too slow and has been cut off, `ended` when it is to go."""

    def __init__(self, size: int) -> None:
        self.queue: asyncio.Queue[Row | None] = asyncio.Queue(size)
        self.overrun = self.ended = False

    def offer(self, event: Row | None) -> None:
        """Put an event in, None to end it, or cut the stream off: after a gap it gets nothing more."""
        self.ended = self.ended or event is None
        if self.overrun:
            return
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.overrun = True
            STREAM_DROPPED_SLOW.inc()


class FeedHub:
    """Fans the feed out within one process. `buffer` is how many events a stream may lag behind."""

    def __init__(self, client: redis.Redis, *, buffer: int, poll_seconds: float) -> None:
        self.client = client
        self.buffer = buffer
        self.poll_seconds = poll_seconds
        self.cursor: int | None = None
        self.showing = Showing()
        self._name = token_hex(8).encode()
        self._listeners: set[Listener] = set()
        self._wake = asyncio.Event()
        self._stopping = False
        self._left_alone_until = float("-inf")

    async def run(self) -> None:
        """Read and hand out until stopped."""
        unhook = on_wake("sequenced", self._wake.set)
        subscriber = asyncio.create_task(
            hear_topic(
                self.client,
                TOPIC,
                heard=self._hear,
                joined=self._wake.set,
                retry_seconds=self.poll_seconds,
            )
        )
        try:
            while not self._stopping:
                self._wake.clear()
                await self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.poll_seconds):
                        await self._wake.wait()
        finally:
            unhook()
            await end_tasks([subscriber])

    def stop(self) -> None:
        """Tell all streams to go: their clients come back with their cursors."""
        self._stopping = True
        self._wake.set()
        for listener in self._listeners:
            listener.offer(None)

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[Listener]:
        """A queue that gets every event after this moment; what came before is in the database by now."""
        if self.cursor is None:
            await self._skip_to_end()
        listener = Listener(self.buffer)
        self._listeners.add(listener)
        if self._stopping:
            listener.offer(None)
        try:
            with STREAM_CONNECTIONS.track_inprogress():
                yield listener
        finally:
            self._listeners.discard(listener)

    async def publish(self) -> None:
        """Wake the readers of other processes; if Redis is away they look by themselves."""
        if time.monotonic() < self._left_alone_until:
            return
        try:
            await self.client.publish(TOPIC, self._name)
        except REDIS_AWAY:
            self._left_alone_until = time.monotonic() + LEAVE_SECONDS

    def _hear(self, name: bytes) -> None:
        """Another process has numbered something; whatever this one has, its readers were woken for already."""
        if name != self._name:
            wake(["sequenced"])

    async def _look(self) -> None:
        try:
            await self._read()
        except TRANSIENT as error:
            log.warning("feed_waits", error=type(error).__name__)
        except Exception:
            log.exception("feed_unread")

    async def _skip_to_end(self) -> None:
        """Begin where the feed ends; not once somebody listens, who counts on every event since."""
        end = (await feed_head()).cursor
        if self.cursor is None or not self._listeners:
            self.cursor = end

    async def _read(self) -> None:
        if self.cursor is None or not self._listeners:
            await self._skip_to_end()
            return
        while True:
            events = await events_after(self.cursor, limit=READ_BATCH)
            if events:
                self.cursor = events[-1]["cursor"]
            if any(event["type"] in ERASING for event in events):
                self.showing.forget()
            for event in events:
                for listener in self._listeners:
                    listener.offer(event)
            if len(events) < READ_BATCH:
                return  # what has come since has woken us as well
