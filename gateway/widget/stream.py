"""The visitor's stream: what is said in their conversation as it is said, resumed without a gap and without a repeat.

Server-sent events, read by `fetch` with the token in a header. `id` is the feed's cursor: a client that comes back
names its last one, and is told what it has missed, or by `reset` to read the conversation anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Stream

from gateway.widget.desk import WidgetDesk
from gateway.widget.examples import STREAM_EXAMPLE
from gateway.widget.reading import read_conversation
from gateway.widget.visitor_auth import VisitorCaller
from gateway.widget.watching import MOVES, Ended, Item, Told, Typing, Watch, read_told
from inbox.conversations.api.feed import open_cursor
from inbox.feed.events import show_cursor
from inbox.feed.queries import events_after, feed_head
from inbox.kit.errors import Problem
from inbox.visitors.conversation import VisitorConversation, show_visitor_conversation
from inbox.visitors.queries import find_standing
from inbox.visitors.showing import VisitorEntry, show_visitor_entry
from inbox.visitors.visitor import NOWHERE, view_of

RETRY_MILLISECONDS = 2000
READ_BATCH = 200
MOST_MISSED = 1000
"""Events a client is told of when it comes back; after more it reads the conversation anew, which costs less."""
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


class VisitorStreamController(Controller):
    """What visitors of a web chat ask for: their session, their conversation, and what comes in it."""

    tags = ("Web chat",)

    @get(
        "/stream",
        opt={"live": True, "example": STREAM_EXAMPLE},
        operation_id="streamVisitorEntries",
        summary="Follow the conversation, live",
        media_type="text/event-stream",
    )
    async def stream_visitor_entries(
        self,
        *,
        request: Request[Any, Any, Any],
        visitor: NamedDependency[VisitorCaller],
        widget_desk: NamedDependency[WidgetDesk],
        stream_heartbeat_seconds: NamedDependency[float],
        after: Annotated[str | None, QueryParameter(description="Go on after this cursor; else from now.")] = None,
    ) -> Stream:
        """Events `ready`, `entry`, `conversation`, `typing`, `reset` and `session`; `Last-Event-ID` resumes.

        Upsert entries by their id. After `reset` read the conversation anew; after `session` with the state `revoked`
        begin a new session.
        """
        asked = request.headers.get("last-event-id") or after
        following = VisitorStream(widget_desk, visitor)
        frames = following.frames(asked=asked, heartbeat=stream_heartbeat_seconds)
        return Stream(frames, media_type="text/event-stream", headers=HEADERS)


class VisitorStream:
    """One stream: what of the feed concerns its visitor, and how it is told."""

    def __init__(self, desk: WidgetDesk, caller: VisitorCaller) -> None:
        self.desk = desk
        self.caller = caller
        self.watch = Watch(caller, NOWHERE, desk.followers.new_queue())
        self.cursor = 0

    async def frames(self, *, asked: str | None, heartbeat: float) -> AsyncIterator[bytes]:
        """Frames for one client, until it goes, falls behind, its session ends, or the process stops."""
        async with self.desk.followers.watch(self.watch):
            await self._look_around()
            head = (await feed_head()).cursor
            yield b"retry: %d\n\n" % RETRY_MILLISECONDS
            yield _frame("ready", {"cursor": show_cursor(head)}, cursor=None)
            for frame in await self._catch_up(asked, head):
                yield frame
            async for frame in self._live(heartbeat):
                yield frame

    async def _look_around(self) -> bool:
        """Find out where the visitor stands now; whether that has changed."""
        before = self.watch.standing
        standing = await find_standing(self.caller.visitor)
        self.desk.followers.turn(self.watch, standing)
        return standing != before

    async def _catch_up(self, asked: str | None, head: int) -> list[bytes]:
        """What was missed since the cursor that is asked for, and how the conversation stands."""
        self.cursor = head
        conversation = await read_conversation(self.watch.standing.conversation_id)
        frames = _told_conversation(conversation)
        if asked is None:
            return frames
        try:
            missed = await self._missed(await open_cursor(asked), head)
        except Problem as problem:
            return [_frame("reset", {"code": problem.code, "cursor": show_cursor(head)}, cursor=head), *frames]
        if missed is None:
            return [_frame("reset", {"code": "moved", "cursor": show_cursor(head)}, cursor=head), *frames]
        return [*self._told_entries(missed), *frames, _passed(head)]

    async def _missed(self, cursor: int, head: int) -> list[Told] | None:
        """The events of the conversation in between; None where it is better read anew."""
        found: list[Told] = []
        conversation_id = self.watch.standing.conversation_id
        while conversation_id is not None and cursor < head:
            rows = await events_after(cursor, limit=READ_BATCH, conversation_id=conversation_id)
            rows = [row for row in rows if row["cursor"] <= head]
            found += await read_told(rows)
            if len(found) > MOST_MISSED or any(map(_moves, found)):
                return None
            if len(rows) < READ_BATCH:
                break
            cursor = rows[-1]["cursor"]
        return found

    async def _live(self, heartbeat: float) -> AsyncIterator[bytes]:
        while not self.watch.overrun:
            items = await self._take(heartbeat)
            if not items:
                yield self._alive()
                continue
            for frame in await self._tell(items):
                yield frame
            if ended := next((item for item in items if isinstance(item, Ended)), None):
                for frame in self._farewell(ended):
                    yield frame
                return

    def _alive(self) -> bytes:
        """A sign of life. What passed by for others moves the client's cursor, so that it is not read again."""
        reached = self.desk.followers.cursor
        if reached <= self.cursor:
            return b": alive\n\n"
        self.cursor = reached
        return b": alive\n" + _passed(reached)

    async def _take(self, seconds: float) -> list[Item]:
        """Whatever has come within so many seconds, as much as goes at once."""
        queue = self.watch.queue
        try:
            async with asyncio.timeout(seconds):
                taken = [await queue.get()]
        except TimeoutError:
            return []
        while not queue.empty() and len(taken) < READ_BATCH:
            taken.append(queue.get_nowait())
        return taken

    async def _tell(self, items: Sequence[Item]) -> list[bytes]:
        """The frames of what has come, in its order; the conversation's own stands behind its entries."""
        told = [item for item in items if isinstance(item, Told) and item.cursor > self.cursor]
        frames = [_frame("typing", item, cursor=None) for item in items if isinstance(item, Typing)]
        if not told:
            return frames
        if any(_moves(item) or self._is_news(item) for item in told) and await self._look_around():
            return [*frames, *await self._tell_anew(told)]
        self.cursor = told[-1].cursor
        return [*frames, *self._told_entries(told), *self._told_state(told), _passed(self.cursor)]

    async def _tell_anew(self, told: Sequence[Told]) -> list[bytes]:
        """The visitor stands elsewhere now: what was said there since is read, as nobody has told it to this stream."""
        before, self.cursor = self.cursor, (await feed_head()).cursor
        conversation = await read_conversation(self.watch.standing.conversation_id)
        missed = None if any(map(_moves, told)) else await self._missed(before, self.cursor)
        if missed is None:
            reset = {"code": "moved", "cursor": show_cursor(self.cursor)}
            return [_frame("reset", reset, cursor=self.cursor), *_told_conversation(conversation)]
        return [*self._told_entries(missed), *_told_conversation(conversation), _passed(self.cursor)]

    def _is_news(self, item: Told) -> bool:
        """Whether an event is of a conversation that was not this visitor's: they have written first, or once more."""
        return bool(item.event["conversation_id"] != self.watch.standing.conversation_id)

    def _told_entries(self, told: Sequence[Told]) -> list[bytes]:
        """Each entry once, as it is now, at its last change."""
        last = {item.entry["id"]: item for item in told if item.entry is not None}
        shown = [(item.cursor, self._shown(item)) for item in sorted(last.values(), key=lambda item: item.cursor)]
        return [_frame("entry", entry, cursor=cursor) for cursor, entry in shown if entry is not None]

    def _shown(self, item: Told) -> VisitorEntry | None:
        standing = self.watch.standing
        if item.entry is None or item.entry["conversation_id"] != standing.conversation_id:
            return None
        return show_visitor_entry(item.entry, view_of(self.caller.visitor, standing))

    def _told_state(self, told: Sequence[Told]) -> list[bytes]:
        """How the conversation stands after all this, where that may have changed."""
        own = [item for item in told if item.event["conversation_id"] == self.watch.standing.conversation_id]
        row = own[-1].conversation if own else None
        return _told_conversation(show_visitor_conversation(row, unread=own[-1].unread)) if row else []

    def _farewell(self, ended: Ended) -> list[bytes]:
        self.desk.sessions.forget(self.watch.session_id)
        if ended.why == "revoked":
            return [_frame("session", {"state": "revoked"}, cursor=None)]
        if ended.why == "changed":
            shown = show_cursor(self.cursor)
            return [_frame("reset", {"code": "identified", "cursor": shown}, cursor=self.cursor)]
        return []


def _moves(item: Told) -> bool:
    """Whether an event may change which conversation is a visitor's, or what is in it."""
    return bool(item.event["type"] in MOVES or "contact" in item.event["changed"])


def _told_conversation(conversation: VisitorConversation | None) -> list[bytes]:
    return [_frame("conversation", conversation, cursor=None)] if conversation else []


def _passed(cursor: int) -> bytes:
    return b"id: %s\n\n" % show_cursor(cursor).encode()


def _frame(event: str, data: object, *, cursor: int | None) -> bytes:
    named = b"id: %s\n" % show_cursor(cursor).encode() if cursor is not None else b""
    return named + b"event: %s\ndata: %s\n\n" % (event.encode(), msgspec.json.encode(data))
