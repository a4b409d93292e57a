"""One socket as it is told things: from its cursor on, at its own pace, until it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import Context

import structlog

from gateway.following import READ_BATCH
from gateway.live.batch import Batch, Chunk, Plan, cursor_frame
from gateway.live.broadcast import Broadcast
from gateway.live.bus import LiveEvent
from gateway.live.frames import BROKEN, RESTART, SLOW, UNAUTHENTICATED, ServerFrame, seal, write_frame
from gateway.metrics import LIVE_SOCKETS_BEHIND, STREAM_DROPPED_SLOW
from gateway.sockets import PatientSocket
from inbox.feed.queries import events_after
from inbox.kit.callers import Caller, Scope
from inbox.kit.db import TRANSIENT, Row

log = structlog.get_logger()

SLOW_SECONDS = 10.0
"""How long a client may take to read what was written before it is told more (reliability.md P20)."""
AGAIN_SECONDS = 0.5
NOTHING = Plan(())


class TooSlow(Exception):
    """The client does not read."""


class LiveSocket:
    """A client that was let in. `cursor` is up to where it was told, `told` the last cursor that it knows of."""

    def __init__(self, wire: PatientSocket, broadcast: Broadcast, *, caller: Caller, cursor: int) -> None:
        self.wire = wire
        self.caller = caller
        self.plan = NOTHING
        self.cursor = self.told = cursor
        self.acknowledged: int | None = None
        self._broadcast = broadcast
        self._catching_up: asyncio.Task[None] | None = None

    def say(self, frame: ServerFrame) -> None:
        """Write one frame."""
        self.wire.push(seal(write_frame(frame)))

    def follow(self, plan: Plan) -> None:
        """Be told what a plan asks for; the first one begins it."""
        self.plan = plan
        if not plan.subscriptions:
            self.leave()
        elif self._catching_up is None and not self._broadcast.has(self):
            self._broadcast.enter(self)
            self.fall_behind()

    def leave(self) -> None:
        """Be told nothing any more."""
        self._broadcast.leave(self)
        if self._catching_up is not None:
            self._catching_up.cancel()
            self._catching_up = None

    def take(self, batch: Batch) -> None:
        """Be told what of these events is wanted; whoever does not read as fast leaves, and comes back later."""
        for chunk in batch.chunks(self.plan, after=self.cursor):
            if not self.wire.writable.is_set():
                self.fall_behind()
                return
            self._push(chunk)
        self.cursor = max(self.cursor, batch.last)

    def take_live(self, event: LiveEvent, frame: bytes) -> None:
        """What is of the moment is not kept for who does not read."""
        needed: Scope = "conversations:read" if event.conversation_id else "agents:read"
        if self.caller.may(needed) and self.wire.writable.is_set():
            self.wire.push(frame)

    def tell_cursor(self) -> None:
        """Tell how far the feed went, where the last event told was before."""
        if self.told < self.cursor and self.wire.writable.is_set():
            self.told = self.cursor
            self.wire.push(cursor_frame(self.cursor))

    def fall_behind(self) -> None:
        """Read the database from here on, until we are as far as the others."""
        self._broadcast.part(self)
        if self._catching_up is None:
            self._catching_up = asyncio.create_task(self._catch_up(), context=Context())

    def revoke(self) -> None:
        """The caller may no more."""
        self.end(UNAUTHENTICATED, "not valid any more")

    def restart(self) -> None:
        """The process stops."""
        self.end(RESTART, "restarting")

    def end(self, code: int, reason: str) -> None:
        """Close it; whoever waits for it hears of it as of a client that went."""
        self.leave()
        self.wire.end(code, reason)

    async def _catch_up(self) -> None:
        LIVE_SOCKETS_BEHIND.inc()
        try:
            while not await self._is_level():
                await self._read_on()
        except TooSlow:
            self._drop()
        except Exception:
            log.exception("socket_broken")
            self.end(BROKEN, "something broke")
        finally:
            if self._catching_up is asyncio.current_task():  # else one that began after it was cancelled
                self._catching_up = None

    async def _is_level(self) -> bool:
        """Whether the others are told no less; then we are told with them. No await stands between the two."""
        await self._broadcast.ready()
        return self._broadcast.follow(self, self.cursor)

    async def _read_on(self) -> None:
        try:
            rows = await events_after(self.cursor, limit=READ_BATCH)
            if rows:
                await self._tell(rows)
        except TRANSIENT as error:
            log.warning("socket_waits", error=type(error).__name__)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _tell(self, rows: Sequence[Row]) -> None:
        batch, plan = Batch(rows, self._broadcast.hub.showing), self.plan
        await batch.cover({plan})
        for chunk in batch.chunks(plan, after=self.cursor):
            await self._drained()
            if self.plan is not plan:
                break
            self._push(chunk)
        if self.plan is not plan:
            return  # what was told is told; the rest is for whom it is now
        self.cursor = max(self.cursor, batch.last)
        self.tell_cursor()

    async def _drained(self) -> None:
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                await self.wire.writable.wait()
        except TimeoutError:
            raise TooSlow from None

    def _push(self, chunk: Chunk) -> None:
        self.wire.push(chunk.data)
        self.cursor = self.told = chunk.cursor

    def _drop(self) -> None:
        STREAM_DROPPED_SLOW.inc()
        backlog = None if self.acknowledged is None else self.cursor - self.acknowledged
        log.warning("socket_too_slow", size_bytes=self.wire.unsent(), cursor=self.cursor, backlog=backlog)
        self.end(SLOW, "too slow")
