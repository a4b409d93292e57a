"""Whether who was let in to a stream still may have it: asked again and again, for all streams together.

A stream lives on when its key or session has ended; so each asks every second or two, and one statement answers for
all of a process.
"""

from __future__ import annotations

import asyncio
import time
from contextvars import Context
from uuid import UUID

from inbox.kit.db import TRANSIENT
from inbox.staff.sessions.queries import find_standing

FRESH_SECONDS = 1.5
"""How long an answer is good: with the time between two questions, well below the 5 s a revoked session may live."""
FORGET_SECONDS = 30.0
"""Whoever has not been asked about for so long is not looked up any more."""
LOOKS = 2
"""One may be under way already that does not look for us."""


class Standings:
    """The keys and sessions that streams of this process ask about, and how they stood when last looked up."""

    def __init__(self) -> None:
        self._asked: dict[UUID, float] = {}
        self._standing: dict[UUID, bool] = {}
        self._fresh_until = float("-inf")
        self._looking: asyncio.Task[None] | None = None

    async def stands(self, key_id: UUID) -> bool:
        """Whether it still lets somebody in; while the database is away, what was known last."""
        self._asked[key_id] = time.monotonic()
        for _ in range(LOOKS):
            if key_id in self._standing and time.monotonic() < self._fresh_until:
                break
            await self._look_once()
        return self._standing.get(key_id, True)

    def forget(self) -> None:
        """Something has ended in this process: the next question is answered anew."""
        self._fresh_until = float("-inf")

    async def _look_once(self) -> None:
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), context=Context())
        await asyncio.wait([self._looking])

    async def _look(self) -> None:
        now = time.monotonic()
        self._asked = {one: at for one, at in self._asked.items() if at > now - FORGET_SECONDS}
        asked = list(self._asked)
        self._fresh_until = now + FRESH_SECONDS
        try:
            standing = await find_standing(asked)
            self._standing = {one: one in standing for one in asked}
        except TRANSIENT:
            self._standing = {one: self._standing.get(one, True) for one in asked}
        finally:
            self._looking = None
