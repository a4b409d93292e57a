"""The client of Redis, with calls that can be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import redis.asyncio as redis
from redis.asyncio.connection import AbstractConnection


def connect_redis(url: str, *, seconds: float, **options: Any) -> redis.Redis:
    """A client that gives up connecting, sending and reading after so many seconds each; it connects when used."""
    pool = redis.ConnectionPool.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds, **options)
    pool.connection_class = type("Connection", (Cancellable, pool.connection_class), {})
    return redis.Redis.from_pool(pool)


class Cancellable(AbstractConnection):
    """A connection by TCP, TLS or socket file on which no cancellation is lost.

    To bound the sending the library uses `asyncio.wait_for`. Under Python 3.11 that forgets to have been cancelled
    where the sending has just ended, as it nearly always has: of calls cancelled in a busy loop two of three went on,
    and whoever made them went on as well, a listener for ever.
    """

    async def send_packed_command(
        self,
        command: bytes | str | Iterable[bytes],
        check_health: bool = True,  # noqa: FBT001, FBT002  as the library has it
    ) -> None:
        """Send; nothing of the connection is used again where its answer will not be waited for."""
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        await super().send_packed_command(command, check_health)
        if task and task.cancelling() > before:
            await self.disconnect(nowait=True)
            raise asyncio.CancelledError
