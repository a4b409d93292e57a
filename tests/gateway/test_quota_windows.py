"""Quotas of other windows than a minute, and what is given back."""

from __future__ import annotations

import asyncio

import redis.asyncio as redis

from gateway.quotas import Quotas, Standing
from gateway.redis_client import connect_redis
from inbox.kit.ids import new_id
from tests.api import NOWHERE


async def take(mine: Quotas, name: str, *, quota: int = 5, times: int = 1) -> list[bool]:
    """What became of so many tries."""
    return [(await mine.take(name, policy="signin", quota=quota)).taken for _ in range(times)]


def test_a_window_is_as_long_as_it_is_said_to_be() -> None:
    """Counted, told in the headers, and over, by its own length."""
    clock = [0.0]

    async def body() -> None:
        mine = Quotas(redis.Redis.from_url(NOWHERE), window=900, clock=lambda: clock[0])
        assert await take(mine, "a", times=6) == [True] * 5 + [False]
        standing = mine.look("a", policy="signin", quota=5)
        assert standing.headers()[0] == (b"ratelimit-policy", b'"signin";q=5;w=900')
        assert "900 seconds" in standing.refusal().detail
        clock[0] = 899
        assert await take(mine, "a") == [False]
        clock[0] = 900
        assert await take(mine, "a") == [True]

    asyncio.run(body())


def test_other_processes_know_the_window(redis_url: str) -> None:
    """What one process counts another refuses, for the whole of the window."""

    async def body() -> None:
        client = connect_redis(redis_url, seconds=2)
        one, other, name = Quotas(client, window=300), Quotas(client, window=300), new_id().hex
        assert all(await take(one, name, times=5))
        await one.report()
        told = [await other.take(name, policy="signin", quota=5) for _ in range(2)]
        assert not told[-1].taken
        assert 60 < told[-1].reset <= 300
        await client.aclose()

    asyncio.run(body())


def test_what_is_given_back_was_never_taken(redis_url: str) -> None:
    """Here and in the other processes; and nobody gets back more than they took."""

    async def body() -> None:
        client = connect_redis(redis_url, seconds=2)
        one, other, name = Quotas(client, window=300), Quotas(client, window=300), new_id().hex
        for _ in range(20):
            assert await take(one, name) == [True]
            one.give_back(name, policy="signin")
        await one.report()
        assert all(await take(other, name, times=5))
        for _ in range(9):
            one.give_back("nobody", policy="signin")
        assert one.look("nobody", policy="signin", quota=5).remaining == 5
        await client.aclose()

    asyncio.run(body())


def test_a_standing_is_of_a_minute_unless_said() -> None:
    """API keys are counted by the minute as before."""
    standing = Standing(policy="key", quota=1, remaining=0, reset=3, taken=False)
    assert b"w=60" in standing.headers()[0][1]
