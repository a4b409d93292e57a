"""Who may write next: turns at a steady rate, handed to those who wait, else to somebody new."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from random import Random

UNEVEN = 0.4
"""By how much of itself the time between two turns is longer or shorter: people do not write by the metronome."""


class Pacer:
    """Hands out `rate` turns a second. `on_spare` is called for a turn that nobody waits for."""

    def __init__(self, rate: float, dice: Random, *, on_spare: Callable[[], None]) -> None:
        self._seconds = 1 / rate
        self._dice = dice
        self._on_spare = on_spare
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._used_up = 0
        self._over = False

    async def run(self, stop: asyncio.Event) -> None:
        """Hand out turns until stopped; who still waits then has none."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not stop.is_set():
            self._hand_out()
            due += self._seconds * self._dice.uniform(1 - UNEVEN, 1 + UNEVEN)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await stop.wait()
        self._over = True
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(False)

    async def take_turn(self) -> bool:
        """Wait for a turn; False when there are no more."""
        if self._over:
            return False
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        return await waiting

    def use_up(self) -> None:
        """Somebody wrote without waiting for a turn: one less is handed out."""
        self._used_up += 1

    def _hand_out(self) -> None:
        if self._used_up:
            self._used_up -= 1
            return
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(True)
                return
        self._on_spare()
