"""Streams that follow a query: what concerns conversations that match it when it is told."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any
from uuid import UUID

import msgspec

from gateway.following import Wanted
from gateway.stream import StreamController, follow_feed
from inbox.conversations.search import read_conversation_query
from inbox.feed.actions import append_event, sequence_events
from inbox.feed.events import show_cursor
from inbox.kit.callers import SYSTEM
from inbox.kit.db import execute, wake
from inbox.kit.ids import show_id
from tests.api import open_api
from tests.gateway.feeds import read_frames, running_hub
from tests.inbox.builders import BEN, committed, make_channel, receive, run_opened, text_message


async def tell_of(*conversation_ids: UUID) -> None:
    """An event of each, numbered and heard of."""
    for conversation_id in conversation_ids:
        await committed(append_event("conversation.updated", actor=SYSTEM, conversation_id=conversation_id))
    await sequence_events()
    wake(["sequenced"])


def test_a_stream_tells_of_what_matches(database_url: str) -> None:
    """Old events and new ones, of conversations that match as they are then; what is passed over moves the cursor."""

    async def body() -> None:
        lane = await make_channel()
        ana = await receive(lane, text_message("hello"))
        ben = await receive(lane, text_message("where is my order", sender=BEN))
        await sequence_events()
        wanted = Wanted(frozenset({"conversation.updated"}), None, read_conversation_query("order"))
        async with running_hub() as hub:
            stream: Any = follow_feed(hub, wanted, asked=show_cursor(0), heartbeat=5)
            async with aclosing(stream), asyncio.timeout(30):
                told: list[str] = []

                async def read(amount: int) -> None:
                    while len(told) < amount:
                        for frame in read_frames(await anext(stream)):
                            event = msgspec.json.decode(frame.data) if frame.data else {}
                            told.extend(filter(None, [event.get("conversation_id")]))

                await tell_of(ana, ben, ana)
                await read(1)
                await execute("UPDATE conversation SET subject = 'An order' WHERE id = $1", ana)
                await tell_of(ana, ben)
                await read(3)
        assert told == [show_id("cnv", one) for one in (ben, ana, ben)]

    run_opened(database_url, body)


def test_a_stream_that_cannot_be_asked_for_is_refused(database_url: str) -> None:
    """A query with an unknown field, or with `me` where nobody is, is a problem at once and no broken stream."""

    async def body() -> None:
        async with running_hub() as hub:
            given = {"hub": hub, "stream_heartbeat_seconds": 1.0}
            async with open_api(database_url, controllers=[StreamController], dependencies=given) as api:
                for query, offset in (("is:shut", 3), ("assignee:me", 9)):
                    answer = await api.call("GET", "/v1/events/stream", params={"q": query})
                    assert answer.status_code == 400, answer.text
                    assert answer.json()["errors"][0]["offset"] == offset

    asyncio.run(body())
