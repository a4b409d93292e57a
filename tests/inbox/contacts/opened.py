"""A test's own database, opened as the service opens it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from inbox.kit.db import close_database, fetch, open_database, tx

Result = TypeVar("Result")
POOL_SIZE = 12


def run_opened(url: str, body: Callable[[], Awaitable[Result]]) -> Result:
    """Run a test's body in one event loop with the database open."""

    async def opened() -> Result:
        await open_database(url, size=POOL_SIZE)
        try:
            return await body()
        finally:
            await close_database()

    return asyncio.run(opened())


async def committed(work: Awaitable[Result]) -> Result:
    """Do one thing in a transaction of its own, as the edge does."""
    async with tx():
        return await work


async def feed_types() -> list[tuple[str, list[str]]]:
    """What was told, in its order: types and what changed."""
    rows = await fetch("SELECT type, changed FROM feed_event ORDER BY position")
    return [(row["type"], row["changed"]) for row in rows]


async def add_channel_row(channel_id: Any, *, medium: str = "sms") -> Any:
    """A channel that only has to be there."""
    sql = "INSERT INTO channel (id, adapter, medium, provider, name, settings) VALUES ($1, 'x', $2, 'x', 'x', '')"
    await fetch(sql, channel_id, medium)
    return channel_id
