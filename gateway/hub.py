"""One reader of the feed a process: it sees each event once and hands it to every stream that wants it.

Redis wakes it; without Redis it looks by itself. A stream that does not keep up loses its queue, not its place: it
reconnects with its last cursor and reads the gap from the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import redis.asyncio as redis
import structlog

from inbox.feed.queries import events_after, feed_head
from inbox.kit.db import TRANSIENT, Row, on_wake

log = structlog.get_logger()

TOPIC = "switchboard:feed"
READ_BATCH = 500


class Listener:
    """One stream's queue. `overrun` when it was too slow and has been cut off."""

    def __init__(self, size: int) -> None:
        self.queue: asyncio.Queue[Row | None] = asyncio.Queue(size)
        self.overrun = False

    def offer(self, event: Row) -> None:
        """Put an event in, or cut the stream off."""
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.overrun = True


class FeedHub:
    """Fans the feed out within one process. `buffer` is how many events a stream may lag behind."""

    def __init__(self, client: redis.Redis, *, buffer: int, poll_seconds: float) -> None:
        self.client = client
        self.buffer = buffer
        self.poll_seconds = poll_seconds
        self.cursor = 0
        self._listeners: set[Listener] = set()
        self._wake = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        """Read and hand out until stopped."""
        unhook = on_wake("sequenced", self._wake.set)
        subscriber = asyncio.create_task(self._subscribe())
        try:
            while not self._stopping:
                self._wake.clear()
                with suppress(*TRANSIENT):
                    await self._read()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self.poll_seconds)
        finally:
            unhook()
            subscriber.cancel()

    def stop(self) -> None:
        """Tell all streams to go: their clients come back with their cursors."""
        self._stopping = True
        self._wake.set()
        for listener in self._listeners:
            with suppress(asyncio.QueueFull):
                listener.queue.put_nowait(None)

    @property
    def stopping(self) -> bool:
        """Whether streams are to end."""
        return self._stopping

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[Listener]:
        """A queue that gets every event after this moment."""
        listener = Listener(self.buffer)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def publish(self) -> None:
        """Wake the readers of other processes; if Redis is away they look by themselves."""
        with suppress(redis.RedisError, OSError):
            await self.client.publish(TOPIC, b"")

    async def _read(self) -> None:
        if not self._listeners:
            self.cursor = (await feed_head()).cursor
            return
        while events := await events_after(self.cursor, limit=READ_BATCH):
            self.cursor = events[-1]["cursor"]
            for event in events:
                for listener in self._listeners:
                    listener.offer(event)

    async def _subscribe(self) -> None:
        while not self._stopping:
            with suppress(redis.RedisError, OSError):
                await self._hear()
            await asyncio.sleep(self.poll_seconds)

    async def _hear(self) -> None:
        async with self.client.pubsub() as channel:
            await channel.subscribe(TOPIC)
            self._wake.set()
            while not self._stopping:
                if await channel.get_message(ignore_subscribe_messages=True, timeout=1.0):
                    self._wake.set()
