"""Channels that are behind with sending: new messages for them are refused before they would wait too long.

A chore looks now and then; requests only read what it saw (reliability.md 3, P21, P22). Each channel is judged by its
own messages, so a loud one is refused and a quiet one goes on; what comes in is never refused for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import structlog

from gateway.tasks import running
from inbox.kit.db import TRANSIENT
from inbox.kit.errors import Problem
from inbox.outbox.queries import lane_ages

log = structlog.get_logger()

FULL_SHARE = 0.8
"""From this part of the budget on, new messages are refused: those already taken shall still go in time."""
LOOK_SECONDS = 2.0
RETRY_SECONDS = 5.0


class Pressure:
    """The ages of the lanes as last seen. `budget_seconds` is how long a message may wait for a worker."""

    def __init__(self, budget_seconds: float) -> None:
        self._full = budget_seconds * FULL_SHARE
        self._ages: dict[str, float] = {}
        self._behind: frozenset[str] = frozenset()

    async def look(self) -> None:
        """Look at the outbox once."""
        self.take(await lane_ages())

    def take(self, ages: dict[str, float]) -> None:
        """Judge the lanes: one is behind that is twice in a row, so that a message that just became free is not it."""
        full = frozenset(lane for lane, age in ages.items() if age >= self._full)
        behind = frozenset(lane for lane in full if self._ages.get(lane, 0.0) >= self._full)
        if behind - self._behind:
            log.warning("channels_behind", count=len(behind), wait_seconds=round(max(ages.values())))
        self._ages, self._behind = ages, behind

    def check(self, lanes: Iterable[str]) -> None:
        """Refuse messages for lanes that are behind."""
        if not self._behind.isdisjoint(lanes):
            raise Problem(
                "channel_throttled",
                "messages by this channel wait too long for their turn already",
                hint="Try again later with the same Idempotency-Key, or write by another channel.",
                retry_after=RETRY_SECONDS,
            )


@asynccontextmanager
async def watching_pressure(pressure: Pressure) -> AsyncIterator[None]:
    """Look at the outbox every few seconds."""

    async def look_forever() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await pressure.look()
            except TRANSIENT:
                continue  # the last look stands: without the database nothing is written anyway
            except Exception:
                log.exception("pressure_unseen")

    async with running(look_forever()):
        yield
