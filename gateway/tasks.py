"""Work that goes on beside, and its certain end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any

INSIST_SECONDS = 2.0
"""After how long a task that was told to end is told again."""


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Let it run beside until left; it sees nothing of the request or transaction it was begun in."""
    task = asyncio.create_task(work, context=Context())
    try:
        yield task
    finally:
        await end_tasks([task])


async def end_tasks(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel them and wait for their end; how each ended is its own to tell.

    Once is not enough: under Python 3.11 a cancellation gets lost where it comes at the moment at which an
    `asyncio.wait_for`, ours or a library's, has what it waited for (python/cpython#86296).
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=INSIST_SECONDS)
