"""Telling and numbering things for tests of the feed's readers, and reading the frames of a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from gateway.hub import FeedHub
from gateway.redis_client import connect_redis
from inbox.feed.actions import append_event, sequence_events
from inbox.kit.callers import SYSTEM
from inbox.kit.db import wake
from tests.inbox.builders import apart, committed

NOWHERE = "redis://127.0.0.1:1/0"


class Frame(msgspec.Struct, kw_only=True, frozen=True):
    """One server-sent event as a browser reads it."""

    id: str | None = None
    event: str | None = None
    data: str | None = None


async def tell_names(*names: str, hear: bool = True) -> None:
    """Tell things that can be recognised, numbered, and heard of in this process unless it is another's doing."""
    for name in names:
        await committed(append_event("contact.updated", actor=SYSTEM, changed=[name]))
    await sequence_events()
    if hear:
        wake(["sequenced"])


@asynccontextmanager
async def running_hub(
    *, url: str = NOWHERE, buffer: int = 1000, poll_seconds: float = 0.05, redis_seconds: float = 5
) -> AsyncIterator[FeedHub]:
    """A hub at work, without Redis unless one is given."""
    client = connect_redis(url, seconds=redis_seconds, retry=None)
    hub = FeedHub(client, buffer=buffer, poll_seconds=poll_seconds)
    running = apart(hub.run())
    try:
        yield hub
    finally:
        hub.stop()
        await running
        await client.aclose()


def read_frames(text: bytes) -> list[Frame]:
    """Frames that have come whole; comments and `retry` lines are no frames."""
    frames = []
    for block in text.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if fields and "retry" not in fields:
            frames.append(Frame(id=fields.get("id"), event=fields.get("event"), data=fields.get("data")))
    return frames
