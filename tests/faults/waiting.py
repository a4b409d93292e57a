"""Waiting for what happens in other processes, which have no event for us."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")
PAUSE_SECONDS = 0.05


async def wait_for(look: Callable[[], Awaitable[Found]], *, seconds: float, pause: float = PAUSE_SECONDS) -> Found:
    """Look again and again until there is something; what was found, or TimeoutError."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):  # noqa: ASYNC110 (as the module says)
            await asyncio.sleep(pause)
    return found


async def wait_until(moment: float) -> None:
    """Sleep until a moment of the monotonic clock."""
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
