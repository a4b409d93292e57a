"""Hearing what other processes publish: one subscription, made anew whenever Redis comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import redis.asyncio as redis
import structlog

log = structlog.get_logger()

REDIS_AWAY = (redis.RedisError, OSError, RuntimeError)
"""What a Redis that is gone makes the client raise; RuntimeError is uvloop's word for a connection just closed."""
LISTEN_SECONDS = 1.0
"""How long one look at a silent subscription takes."""


async def hear_topic(
    client: redis.Redis, topic: str, *, heard: Callable[[bytes], None], joined: Callable[[], None], retry_seconds: float
) -> None:
    """Hand over what is published until cancelled; `joined` is called whenever it begins."""
    while True:
        with suppress(*REDIS_AWAY):
            async with client.pubsub() as channel:
                await channel.subscribe(topic)
                joined()
                while True:
                    message = await channel.get_message(ignore_subscribe_messages=True, timeout=LISTEN_SECONDS)
                    if message:
                        _take(message["data"], heard)
        await asyncio.sleep(retry_seconds)


def _take(data: bytes, heard: Callable[[bytes], None]) -> None:
    """One message that breaks us is not to be the last we hear."""
    try:
        heard(data)
    except Exception:
        log.exception("topic_unheard", size_bytes=len(data))
