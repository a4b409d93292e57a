"""What is true for this moment only, told to whoever listens: typing, presence, who views a conversation.

Nothing of it is stored. In this process it is told at once, to others through Redis; without Redis, here only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from datetime import datetime
from secrets import token_hex
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec
import redis.asyncio as redis
import structlog

from gateway.live.attendance import Attendance, Change, Mark, Viewer
from gateway.tasks import end_tasks
from gateway.topics import REDIS_AWAY, hear_topic
from inbox.kit.callers import Actor
from inbox.kit.clock import utc_now

log = structlog.get_logger()

TOPIC = "switchboard:live"
TYPING_SECONDS = 6.0
"""How long somebody counts as typing without saying so again."""
LISTENER_EVENTS = 1000
"""How far a listener may fall behind; then the oldest is let go, since what is newer is truer."""
LAST_WORDS_SECONDS = 1.0
"""How long what is still to be told to other processes may take when this one stops."""
LEAVE_SECONDS = 5.0
"""How long a Redis that did not take a call is not called again."""

BEAT_SECONDS = 8.0
"""How often a process tells the others all that it knows of its own sockets."""
LASTS_SECONDS = 25.0
"""How long what a process says holds: two of its beats may be missed."""
GRACE_SECONDS = 4.0
"""How long somebody whose last socket closed is still there: pages are loaded anew, and processes restart."""

LiveEventType: TypeAlias = Literal["typing.started", "typing.stopped", "presence.changed", "conversation.viewing"]


class LiveEvent(msgspec.Struct, frozen=True):
    """One thing of the moment. Typing is told to the contact as well where it is `visible_to_contact`."""

    type: LiveEventType
    conversation_id: UUID | None
    actor: Actor
    state: str | None = None
    visible_to_contact: bool = False
    viewers: tuple[Viewer, ...] | None = None
    at: datetime = msgspec.field(default_factory=utc_now)


class Told(msgspec.Struct, frozen=True, tag="event"):
    """An event on its way to other processes; `process` is where it comes from."""

    process: str
    event: LiveEvent


class Roster(msgspec.Struct, frozen=True, tag="roster"):
    """What a process says of its sockets: of all where it is the `whole`, and for so many seconds."""

    process: str
    marks: dict[str, Mark | None]
    whole: bool = False
    lasts: float = LASTS_SECONDS


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """A process that has just begun to listen, and asks the others for their rosters."""

    process: str


Message: TypeAlias = Told | Roster | Hello
Typist: TypeAlias = tuple[UUID | None, str, str | None]


class LiveBus:
    """The bus of one process. `attendance` is who is there, as far as the processes hear each other."""

    def __init__(self, client: redis.Redis, *, retry_seconds: float = 1.0) -> None:
        self.process = token_hex(8)
        self.attendance = Attendance()
        self._client = client
        self._retry_seconds = retry_seconds
        self._listeners: set[asyncio.Queue[LiveEvent]] = set()
        self._typists: dict[Typist, tuple[LiveEvent, asyncio.TimerHandle]] = {}
        self._publishing: set[asyncio.Task[None]] = set()
        self._line = asyncio.Lock()
        self._over = False
        self._left_alone_until = float("-inf")
        self._stopped = asyncio.Event()

    async def tell(self, event: LiveEvent) -> None:
        """Tell it here at once, and to other processes if Redis takes it; never fails."""
        self._take_event(event)
        await self._publish(Told(self.process, event))

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[asyncio.Queue[LiveEvent]]:
        """A queue of what is told from now on, by whichever process."""
        queue: asyncio.Queue[LiveEvent] = asyncio.Queue(LISTENER_EVENTS)
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    def typists(self) -> list[LiveEvent]:
        """Who types at the moment: the event each began with."""
        return [event for event, _ in self._typists.values()]

    def attend(self, socket: str, mark: Mark | None) -> None:
        """Say what one socket of this process says of its agent; None once it is gone."""
        changes = self.attendance.hear(
            self.process, {socket: mark}, whole=False, now=time.monotonic(), lasts=LASTS_SECONDS
        )
        self._tell_changes(changes)
        self._publish_soon(Roster(self.process, {socket: mark}))

    def depart(self, socket: str) -> None:
        """A socket has closed: unless its agent comes back, they are gone in a moment."""
        if socket in self.attendance.of_process(self.process):
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self.attend, socket, None)

    async def run(self) -> None:
        """Hear other processes, and be heard, until stopped."""
        hearing = asyncio.create_task(
            hear_topic(self._client, TOPIC, heard=self._hear, joined=self._greet, retry_seconds=self._retry_seconds)
        )
        try:
            while not self._stopped.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_SECONDS):
                        await self._stopped.wait()
                await self._beat()
        finally:
            self._over = True
            hearing.cancel()
            _, late = await asyncio.wait([hearing, *self._publishing], timeout=LAST_WORDS_SECONDS)
            await end_tasks(late)

    def stop(self) -> None:
        """End `run`; the others are told that our sockets go elsewhere."""
        self._stopped.set()

    async def _beat(self) -> None:
        self._tell_changes(self.attendance.forget(now=time.monotonic(), but=self.process))
        if self.attendance.of_process(self.process):
            await self._publish(self._roster())

    def _roster(self) -> Roster:
        marks: dict[str, Mark | None] = dict(self.attendance.of_process(self.process))
        lasts = GRACE_SECONDS if self._stopped.is_set() else LASTS_SECONDS
        return Roster(self.process, marks, whole=True, lasts=lasts)

    def _greet(self) -> None:
        self._left_alone_until = float("-inf")  # it is back
        self._publish_soon(Hello(self.process))
        self._publish_soon(self._roster())

    def _hear(self, data: bytes) -> None:
        try:
            message = _read(data)
        except msgspec.DecodeError:
            log.warning("live_message_unread", size_bytes=len(data))
            return
        if message.process == self.process:
            return
        if isinstance(message, Told):
            self._take_event(message.event)
        elif isinstance(message, Roster):
            self._take_roster(message)
        else:
            self._publish_soon(self._roster())

    def _take_roster(self, roster: Roster) -> None:
        now = time.monotonic()
        self._tell_changes(
            self.attendance.hear(roster.process, roster.marks, whole=roster.whole, now=now, lasts=roster.lasts)
        )
        if roster.lasts < BEAT_SECONDS:
            asyncio.get_running_loop().call_later(roster.lasts, self._let_go)

    def _let_go(self) -> None:
        self._tell_changes(self.attendance.forget(now=time.monotonic(), but=self.process))

    def _take_event(self, event: LiveEvent) -> None:
        if event.type == "typing.started" and not self._renew_typist(event):
            return
        if event.type == "typing.stopped" and not self._drop_typist(event):
            return
        self._hand_out(event)

    def _tell_changes(self, changes: Sequence[Change]) -> None:
        for change in changes:
            actor = Actor(type="agent", id=change.agent_id, name=change.name)
            if change.conversation_id is None:
                self._hand_out(LiveEvent("presence.changed", None, actor, state=change.presence))
            else:
                viewers = change.viewers
                self._hand_out(LiveEvent("conversation.viewing", change.conversation_id, actor, viewers=viewers))

    def _hand_out(self, event: LiveEvent) -> None:
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

    def _renew_typist(self, event: LiveEvent) -> bool:
        """Each process ends by itself what nobody renews: the one where it began may be gone. True where it is new."""
        known = self._drop_typist(event)
        end = asyncio.get_running_loop().call_later(TYPING_SECONDS, self._end_typing, event)
        self._typists[_typist(event)] = event, end
        return not known

    def _drop_typist(self, event: LiveEvent) -> bool:
        """Whether this one was typing."""
        known = self._typists.pop(_typist(event), None)
        if known:
            known[1].cancel()
        return known is not None

    def _end_typing(self, event: LiveEvent) -> None:
        self._typists.pop(_typist(event), None)
        self._hand_out(msgspec.structs.replace(event, type="typing.stopped", at=utc_now()))

    def _publish_soon(self, message: Message) -> None:
        if self._over:
            return  # nobody would wait for it
        task = asyncio.create_task(self._publish(message), context=Context())
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _publish(self, message: Message) -> None:
        """One after the other: what was said last must not be overtaken by what was said before."""
        async with self._line:
            if time.monotonic() < self._left_alone_until:
                return
            try:
                await self._client.publish(TOPIC, msgspec.json.encode(message))
            except REDIS_AWAY:
                self._left_alone_until = time.monotonic() + LEAVE_SECONDS


def _typist(event: LiveEvent) -> Typist:
    return event.conversation_id, event.actor.type, event.actor.id


_read = msgspec.json.Decoder(Message).decode
