"""A process that projects, one by one or at work, with an adapter a test can make stumble."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from channels.contract import Account, RawEvent
from channels.events import AnyEvent
from gateway.projector import Projector
from gateway.runtime import Runtime
from inbox.intake.actions.journal import journal_events
from inbox.intake.batch import Lane
from inbox.intake.queries import count_waiting
from inbox.kit.db import fetch
from tests.gateway.runtimes import ScriptedAdapter, open_test_runtime
from tests.inbox.builders import (
    journal_row,
    rows_of,
    text_message,
    until,
)


class Parsing(ScriptedAdapter):
    """An adapter that a test can make stumble over requests with certain words."""

    def __init__(self) -> None:
        super().__init__()
        self.stumbles: dict[bytes, Callable[[], None]] = {}

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """The events in the body, unless the test has something against its words."""
        for word, stumble in self.stumbles.items():
            if word in raw.body:
                stumble()
        return super().parse(account, raw)


class Desk:
    """A process that projects, and its provider."""

    def __init__(self, runtime: Runtime, adapter: Parsing) -> None:
        self.runtime = runtime
        self.adapter = adapter
        self.projector = Projector(runtime)

    async def journal(self, lane: Lane, *requests: Sequence[AnyEvent]) -> None:
        """Write a request down for each of these lists of events, and wake the projector as the door would."""
        rows = [journal_row(lane.route.channel_id, msgspec.json.encode(events)) for events in requests]
        self.projector.wake(await journal_events(rows))

    async def finish(self) -> None:
        """Wait until nothing waits any more, and nobody here is looking for more."""

        async def nothing_waits() -> bool:
            return await count_waiting() == 0 and not self.projector._lanes

        await until(nothing_waits)

    async def texts(self) -> list[str]:
        """The words that were stored, in the order of the only timeline."""
        return [row["text"] for row in await rows_of("entry", "seq")]

    async def quarantine(self) -> list[tuple[str, str]]:
        """What was set aside: code and error, in journal order."""
        rows = await fetch("SELECT code, error FROM quarantine WHERE resolved_at IS NULL ORDER BY raw_event_id")
        return [(row["code"], row["error"]) for row in rows]


def run_desk(url: str, folder: Path, body: Callable[[Desk], Awaitable[None]], **settings: Any) -> None:
    """A test's body with a projector, which is stopped at the end."""

    async def opened() -> None:
        adapter = Parsing()
        async with open_test_runtime(url, folder, adapter=adapter, **settings) as runtime:
            desk = Desk(runtime, adapter)
            await body(desk)
            await desk.projector.stop()

    asyncio.run(opened())


def messages(count: int, start: int = 0) -> list[list[AnyEvent]]:
    """So many requests with one message of Ana's each."""
    return [[text_message(f"m{n}", key=f"SM{n}")] for n in range(start, start + count)]


def fail(error: Exception) -> None:
    """Raise it."""
    raise error


def wait(event: threading.Event) -> None:
    """Hang until the test is over."""
    event.wait(20)
