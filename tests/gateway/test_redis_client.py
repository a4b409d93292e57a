"""Our client of Redis, on a real Valkey."""

from __future__ import annotations

import asyncio

from gateway.redis_client import connect_redis
from gateway.tasks import end_tasks

CALLERS = 200
LATE_SECONDS = 30.0


def test_no_cancellation_of_a_call_is_lost(redis_url: str) -> None:
    """Whoever calls again and again ends at the first word, at whichever step of a call it comes."""

    async def body() -> None:
        client = connect_redis(redis_url, seconds=5)
        await client.set("left", 0)

        async def call_for_ever() -> None:
            while True:
                await client.incr("left")

        for steps in range(CALLERS):
            caller = asyncio.create_task(call_for_ever())
            for _ in range(steps % 20):
                await asyncio.sleep(0)
            caller.cancel()
            await asyncio.wait([caller], timeout=LATE_SECONDS)
            assert caller.cancelled(), steps
        await client.aclose()

    asyncio.run(body())


def test_nobody_gets_the_answer_of_a_cancelled_call(redis_url: str) -> None:
    """What was asked and given up is answered to nobody, on whichever connection it went."""

    async def body() -> None:
        client = connect_redis(redis_url, seconds=5)
        for steps in range(CALLERS):
            asked = asyncio.ensure_future(client.echo("given up"))
            for _ in range(steps % 20):
                await asyncio.sleep(0)
            await end_tasks([asked])
            assert await client.echo(str(steps)) == str(steps).encode()
        await client.aclose()

    asyncio.run(body())
