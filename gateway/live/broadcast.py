"""The feed and the moment, told to all sockets of a process: each event is read, matched and encoded once for all.

A socket follows from the moment on that it has read the database as far as we have told. One that reads more slowly
than we tell leaves, and reads the database on at its own pace: nothing is kept for it here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakValueDictionary

import structlog

from gateway.following import READ_BATCH, Wanted
from gateway.hub import FeedHub, Listener
from gateway.live.batch import Batch, Plan, Subscriptions
from gateway.live.bus import LiveBus, LiveEvent
from gateway.live.frames import Live, LiveEnvelope, LiveViewer, seal, write_frame
from gateway.tasks import end_tasks
from inbox.conversations.api.envelopes import EnvelopeActor
from inbox.kit.clock import show_time
from inbox.kit.db import TRANSIENT, Row
from inbox.kit.ids import CONVERSATION, show_id

log = structlog.get_logger()

CURSOR_SECONDS = 5.0
"""How often a client is told of what was passed over."""
AGAIN_SECONDS = 0.5
"""When to try again what the database did not answer."""


class Follower(Protocol):
    """A socket as it is told things."""

    plan: Plan

    def take(self, batch: Batch) -> None:
        """Be told events."""
        ...

    def take_live(self, event: LiveEvent, frame: bytes) -> None:
        """Be told something of the moment."""
        ...

    def tell_cursor(self) -> None:
        """Be told how far the feed went without anything to tell."""
        ...

    def fall_behind(self) -> None:
        """Leave, and read on from the database."""
        ...


class Broadcast:
    """All sockets of one process that have subscribed. `position` is the cursor up to which followers were told."""

    def __init__(self, hub: FeedHub, bus: LiveBus) -> None:
        self.hub = hub
        self.bus = bus
        self.position: int | None = None
        self._subscribed: set[Follower] = set()
        self._following: set[Follower] = set()
        self._plans: WeakValueDictionary[Subscriptions, Plan] = WeakValueDictionary()
        self._somebody, self._nobody = asyncio.Event(), asyncio.Event()
        self._ready, self._stopped = asyncio.Event(), False

    def enter(self, socket: Follower) -> None:
        """A socket has subscribed: it is told of the moment, and may follow."""
        self._subscribed.add(socket)
        self._somebody.set()
        self._nobody.clear()

    def leave(self, socket: Follower) -> None:
        """It is gone, or has unsubscribed."""
        self._subscribed.discard(socket)
        self._following.discard(socket)
        if not self._subscribed:
            self._somebody.clear()
            self._nobody.set()

    def plan_of(self, subscriptions: Subscriptions) -> Plan:
        """The plan of whoever asks for this."""
        plan = self._plans.get(subscriptions)
        if plan is None:
            plan = self._plans[subscriptions] = Plan(subscriptions)
        return plan

    async def ready(self) -> None:
        """Until there is a position."""
        await self._ready.wait()

    def follow(self, socket: Follower, cursor: int) -> bool:
        """Tell it whatever comes after our position, if it has been told as far by itself."""
        if self.position is None or cursor < self.position:
            return False
        self._following.add(socket)
        return True

    def has(self, socket: Follower) -> bool:
        """Whether it follows."""
        return socket in self._following

    def part(self, socket: Follower) -> None:
        """Tell it no events for now."""
        self._following.discard(socket)

    def stop(self) -> None:
        """End `run`."""
        self._stopped = True
        self._somebody.set()
        self._nobody.set()

    async def run(self) -> None:
        """Tell until stopped. While nobody has subscribed, nothing is read."""
        while not await self._is_over():
            try:
                await self._run_once()
            except TRANSIENT as error:
                log.warning("broadcast_waits", error=type(error).__name__)
                await asyncio.sleep(AGAIN_SECONDS)
            except Exception:
                log.exception("broadcast_failed")
                await asyncio.sleep(AGAIN_SECONDS)

    async def _run_once(self) -> None:
        """Until nobody is there any more, or we lose our place."""
        async with self.hub.listen() as listener, self.bus.listen() as moments:
            self.position = self.hub.cursor
            self._ready.set()
            work = self._tell_feed(listener), self._tell_moments(moments), self._tell_cursors(), self._nobody.wait()
            tasks = [asyncio.ensure_future(one) for one in work]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._scatter()
                await _end(tasks)

    async def _is_over(self) -> bool:
        """Wait for somebody to tell things to; whether we stop instead."""
        await self._somebody.wait()
        return self._stopped

    def _scatter(self) -> None:
        """We lost our place, or stop: each socket knows its own."""
        self.position = None
        self._ready.clear()
        for socket in list(self._following):
            socket.fall_behind()

    async def _tell_feed(self, listener: Listener) -> None:
        """Until the hub ends or we fall behind it."""
        while not listener.overrun:
            rows: list[Any] = [await listener.queue.get()]
            while not listener.queue.empty() and len(rows) < READ_BATCH:
                rows.append(listener.queue.get_nowait())
            if None in rows:
                self.stop()
                return
            await self._tell(rows)

    async def _tell(self, rows: Sequence[Row]) -> None:
        batch = Batch(rows, self.hub.showing)
        while True:
            plans = {socket.plan for socket in self._following}
            if batch.covers(plans):
                break
            await _surely(batch, plans)
        # From here on nothing waits, so that nobody joins or changes their plan in the middle.
        for socket in list(self._following):
            socket.take(batch)
        self.position = batch.last

    async def _tell_moments(self, moments: asyncio.Queue[LiveEvent]) -> None:
        while True:
            event = await moments.get()
            try:
                wanting = await self._who_wants(event)
            except TRANSIENT:
                continue  # it is of this moment, which is over
            frame = seal(write_frame(Live(event=show_live(event))))
            for socket in list(self._subscribed):
                if socket.plan in wanting:
                    socket.take_live(event, frame)

    async def _who_wants(self, event: LiveEvent) -> set[Plan]:
        """The plans with a subscription that such an event meets now."""
        told: dict[str, Any] = {"type": event.type, "conversation_id": event.conversation_id}
        plans = {socket.plan for socket in self._subscribed}
        wishes = {one for plan in plans for one in plan.wishes() if _concerns(one, told)}
        asked = [asked for wish in wishes if (asked := wish.asked) is not None]
        moments: dict[Hashable, UUID] = {event: event.conversation_id} if event.conversation_id else {}
        found = await self.hub.showing.match(asked, moments) if asked else set()
        met = {one for one in wishes if one.asked is None or (one.asked.key, event) in found}
        return {plan for plan in plans if any(one in met for one in plan.wishes())}

    async def _tell_cursors(self) -> None:
        while True:
            await asyncio.sleep(CURSOR_SECONDS)
            for socket in list(self._following):
                socket.tell_cursor()


def show_live(event: LiveEvent) -> LiveEnvelope:
    """Something of the moment as it is told."""
    actor, viewers = event.actor, event.viewers
    return LiveEnvelope(
        type=event.type,
        conversation_id=show_id(CONVERSATION, event.conversation_id) if event.conversation_id else None,
        actor=EnvelopeActor(type=actor.type, id=actor.id, name=actor.name),
        timestamp=show_time(event.at),
        state=event.state,
        viewers=None if viewers is None else [LiveViewer(id=v.id, name=v.name, state=v.state) for v in viewers],
    )


async def _surely(batch: Batch, plans: set[Plan]) -> None:
    """Cover the plans as soon as the database answers."""
    while True:
        with suppress(*TRANSIENT):
            await batch.cover(plans)
            return
        log.warning("broadcast_waits")
        await asyncio.sleep(AGAIN_SECONDS)


async def _end(tasks: Sequence[asyncio.Future[Any]]) -> None:
    await end_tasks(tasks)
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            log.error("broadcast_failed", exc_info=ended)


def _concerns(wanted: Wanted, told: dict[str, Any]) -> bool:
    """What concerns no conversation is not for those who asked about some."""
    general = wanted.conversation_id is None and wanted.asked is None
    return wanted.wants(told) and (general or told["conversation_id"] is not None)
