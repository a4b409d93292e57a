"""The feed as server-sent events: resumed by cursor, without a gap and without a repeat.

A stream first reads the database from the client's cursor up to the present, then follows the process's hub; an event
that came both ways is told once, by its cursor. `ready` carries the head cursor, `reset` tells a client whose cursor
is older than the retention to list anew (WHATWG HTML 9.2, Server-sent events).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Stream

from gateway.following import READ_BATCH, Wanted, pick_events, read_feed
from gateway.hub import FeedHub, Listener
from gateway.live.frames import CursorText
from gateway.live.rights import Rights
from gateway.showing import Showing
from inbox.conversations.api.authors import speaking_agent
from inbox.conversations.api.feed import open_cursor
from inbox.conversations.api.listing import OfAgent, QueryText
from inbox.conversations.search import find_matching, read_conversation_query
from inbox.feed.events import EventType, show_cursor
from inbox.feed.queries import feed_head
from inbox.kit.callers import Caller
from inbox.kit.db import Row
from inbox.kit.errors import Code, Problem
from inbox.kit.ids import read_id

RETRY_MILLISECONDS = 2000
CHUNK_BYTES = 64_000
ALIVE = b": alive\n\n"
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


class StreamReady(msgspec.Struct, kw_only=True, frozen=True):
    """The stream begins; `cursor` is where the feed ends, and where it is followed from unless resumed."""

    cursor: CursorText


class StreamReset(msgspec.Struct, kw_only=True, frozen=True):
    """The cursor that was asked for is too old, or none of ours: list anew. The stream goes on after this one."""

    code: Annotated[Code, msgspec.Meta(examples=["cursor_expired"])]
    cursor: CursorText


class StreamController(Controller):
    """The live feed."""

    path = "/events"
    tags = ("Events",)

    @get(
        "/stream",
        opt={"scope": "events:read", "live": True},
        operation_id="streamEvents",
        summary="Follow what happens, live",
        media_type="text/event-stream",
    )
    async def stream_events(
        self,
        *,
        request: Request[Any, Any, Any],
        hub: NamedDependency[FeedHub],
        stream_heartbeat_seconds: NamedDependency[float],
        after: Annotated[str | None, QueryParameter(description="Go on after this cursor; else from now.")] = None,
        types: Annotated[list[EventType] | None, QueryParameter(description="Only these types.")] = None,
        conversation: Annotated[str | None, QueryParameter(description="Only what concerns this one.")] = None,
        q: QueryText = None,
        agent: OfAgent = None,
        caller: NamedDependency[Caller],
        rights: NamedDependency[Rights],
    ) -> Stream:
        """Server-sent events: `id` is the cursor, `event` the type, `data` an Envelope. `Last-Event-ID` resumes.

        With `q` only what concerns conversations that match it when the event is told.
        """
        conversation_id = read_id("cnv", conversation) if conversation else None
        query, me = (read_conversation_query(q), await speaking_agent(caller, agent)) if q else (None, None)
        if query is not None:
            await find_matching(query, [], me=me)  # refused now where it asks for `me` and nobody is
        wanted = Wanted(frozenset(types) if types else None, conversation_id, query, me)
        asked = request.headers.get("last-event-id") or after
        holder = Holder(caller, rights)
        frames = follow_feed(hub, wanted, asked=asked, heartbeat=stream_heartbeat_seconds, holder=holder)
        return Stream(frames, media_type="text/event-stream", headers=HEADERS)


class Holder(msgspec.Struct, frozen=True):
    """Whose stream it is, and who knows whether it still may be."""

    caller: Caller
    rights: Rights


async def follow_feed(
    hub: FeedHub, wanted: Wanted, *, asked: str | None, heartbeat: float, holder: Holder | None = None
) -> AsyncIterator[bytes]:
    """Frames for one client, until it goes, falls behind, may no more, or the process stops."""
    async with AsyncExitStack() as stack:
        listener = await stack.enter_async_context(hub.listen())
        if holder is not None:
            stack.enter_context(holder.rights.watch(holder.caller, partial(listener.offer, None)))
        head = (await feed_head()).cursor
        cursor = head
        if asked is not None:
            try:
                cursor = await open_cursor(asked)
            except Problem as problem:
                told = msgspec.json.encode(StreamReset(code=problem.code, cursor=show_cursor(head)))
                yield _frame("reset", told, cursor=show_cursor(head))
        yield b"retry: %d\n\n" % RETRY_MILLISECONDS
        yield _frame("ready", msgspec.json.encode(StreamReady(cursor=show_cursor(head))), cursor=None)
        async for rows in read_feed(cursor):
            for chunk in await _frames(rows, wanted, hub.showing):
                yield chunk
            cursor = rows[-1]["cursor"]
            if listener.ended:
                return  # before it is told all the past
        async for frame in _live(listener, wanted, showing=hub.showing, after=cursor, heartbeat=heartbeat):
            yield frame


async def _live(
    listener: Listener, wanted: Wanted, *, showing: Showing, after: int, heartbeat: float
) -> AsyncIterator[bytes]:
    while not listener.overrun:
        rows: Sequence[Row | None] = ()
        with suppress(TimeoutError):
            rows = await _take(listener.queue, heartbeat)
        fresh = [row for row in rows if row is not None and row["cursor"] > after]
        for chunk in await _frames(fresh, wanted, showing) if fresh else [ALIVE]:
            yield chunk
        if None in rows:
            return


async def _take(queue: asyncio.Queue[Row | None], seconds: float) -> list[Row | None]:
    """Whatever has come, at least one thing, within so many seconds."""
    async with asyncio.timeout(seconds):
        taken = [await queue.get()]
    while not queue.empty() and len(taken) < READ_BATCH:
        taken.append(queue.get_nowait())
    return taken


async def _frames(rows: Sequence[Row], wanted: Wanted, showing: Showing) -> list[bytes]:
    shown = await pick_events(rows, wanted, showing)
    frames = [_frame(event.type, event.body, cursor=show_cursor(event.cursor)) for event in shown]
    if not shown or shown[-1].cursor != rows[-1]["cursor"]:
        # What was passed over moves the client's cursor as well, so that it does not read it again.
        frames.append(b"id: %s\n\n" % show_cursor(rows[-1]["cursor"]).encode())
    return _packed(frames)


def _packed(frames: Sequence[bytes]) -> list[bytes]:
    """The frames in chunks of about `CHUNK_BYTES`: no more than one of them waits in memory for a slow reader."""
    chunks: list[bytes] = []
    for frame in frames:
        if chunks and len(chunks[-1]) + len(frame) <= CHUNK_BYTES:
            chunks[-1] += frame
        else:
            chunks.append(frame)
    return chunks


def _frame(event: str, data: bytes, *, cursor: str | None) -> bytes:
    named = b"id: %s\n" % cursor.encode() if cursor else b""
    return named + b"event: %s\ndata: %s\n\n" % (event.encode(), data)
