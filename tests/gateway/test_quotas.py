"""Quotas: counted exactly in one process, nearly so in several, and never given up when Redis is (P11, P12)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis.asyncio as redis

from channels.simulators.serving import open_listener
from gateway import quotas
from gateway.quotas import BREAK_SECONDS, REDIS_SECONDS, WINDOW_SECONDS, Quotas, Standing
from gateway.redis_client import connect_redis
from inbox.kit.ids import new_id
from tests.gateway.feeds import NOWHERE


class Clock:
    """A monotonic clock that a test winds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


async def take(of: Quotas, name: str, quota: int, times: int = 1) -> list[Standing]:
    """So many requests, one after the other."""
    return [await of.take(name, policy="key", quota=quota) for _ in range(times)]


def taken(standings: list[Standing]) -> int:
    """How many passed."""
    return sum(standing.taken for standing in standings)


def run(url: str, body: Callable[[redis.Redis], Awaitable[None]]) -> None:
    """Run a test with a client of this Redis."""

    async def with_client() -> None:
        client = connect_redis(url, seconds=0.2, retry=None)
        try:
            await body(client)
        finally:
            await client.aclose()

    asyncio.run(with_client())


def test_what_is_left_is_told() -> None:
    """`RateLimit` counts down from the quota to nothing, then the request is refused until the window ends."""

    async def body(client: redis.Redis) -> None:
        clock = Clock()
        mine = Quotas(client, clock=clock)
        standings = await take(mine, "k", 3, times=4)
        assert [(one.remaining, one.taken) for one in standings] == [(2, True), (1, True), (0, True), (0, False)]
        clock.now += 18
        assert mine.look("k", policy="key", quota=3).headers() == [
            (b"ratelimit-policy", b'"key";q=3;w=60'), (b"ratelimit", b'"key";r=0;t=42'),
        ]  # fmt: skip
        refusal = standings[-1].refusal()
        assert (refusal.code, refusal.kind.status, refusal.retry_after) == ("quota_exceeded", 429, 60)
        clock.now += 42
        assert taken(await take(mine, "k", 3)) == 1
        assert mine.look("other", policy="key", quota=3).remaining == 3

    run(NOWHERE, body)


def test_one_process_counts_exactly(redis_url: str) -> None:
    """However many come at once, exactly the quota passes."""

    async def body(client: redis.Redis) -> None:
        mine, name = Quotas(client), new_id().hex
        standings = await asyncio.gather(*(mine.take(name, policy="key", quota=600) for _ in range(1000)))
        assert taken(list(standings)) == 600

    run(redis_url, body)


def test_processes_share_a_quota(redis_url: str) -> None:
    """Two processes together let through the quota and at most a twentieth each more; a new one knows what was used."""

    async def body(client: redis.Redis) -> None:
        one, two, name = Quotas(client), Quotas(client), new_id().hex
        passed = 0
        for _ in range(600):
            passed += taken([*(await take(one, name, 600)), *(await take(two, name, 600))])
        assert 600 <= passed <= 600 + 2 * 600 // quotas.UNREPORTED_SHARE
        await one.report()
        await two.report()
        third = Quotas(client)
        await take(third, name, 600)
        await third.report()
        [standing] = await take(third, name, 600)
        assert (standing.taken, standing.remaining) == (False, 0)
        assert 1 <= standing.reset <= WINDOW_SECONDS

    run(redis_url, body)


def test_few_requests_wait_for_redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far from its quota a key is reported in batches: of 500 requests at most 25 wait for a round trip."""

    async def body(client: redis.Redis) -> None:
        mine, asked = Quotas(client), 0
        original = mine._ask

        async def counted(told: Any) -> list[int]:
            nonlocal asked
            asked += 1
            return await original(told)

        monkeypatch.setattr(mine, "_ask", counted)
        assert taken(await take(mine, new_id().hex, 600, times=500)) == 500
        assert 0 < asked <= 25

    run(redis_url, body)


def test_without_redis_each_process_counts_by_itself() -> None:
    """Redis that refuses connections: the quota holds, and it is not asked again before the break is over."""

    async def body(client: redis.Redis) -> None:
        clock = Clock()
        mine = Quotas(client, clock=clock)
        assert taken(await take(mine, "k", 50, times=200)) == 50
        assert mine._left_alone_until == clock.now + BREAK_SECONDS

    run(NOWHERE, body)


def test_redis_that_hangs_holds_nobody_up() -> None:
    """One request waits its 200 ms at most; those of the next seconds do not wait at all."""

    async def body(client: redis.Redis) -> None:
        mine = Quotas(client)
        began = time.monotonic()
        assert taken(await take(mine, "k", 10, times=100)) == 10
        assert time.monotonic() - began < 100 * REDIS_SECONDS / 2

    listener = open_listener(0)  # takes connections and never answers
    run(f"redis://127.0.0.1:{listener.getsockname()[1]}/0", body)
    listener.close()


def test_redis_that_refuses_writes_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """`OOM command not allowed` under noeviction, as any error, means counting here; afterwards what is due is told."""

    async def body(client: redis.Redis) -> None:
        clock, told = Clock(), list[int]()
        mine = Quotas(client, clock=clock)

        async def refuse(_: Any) -> list[int]:
            raise redis.ResponseError("OOM command not allowed when used memory > 'maxmemory'.")

        async def accept(known: list[tuple[str, Any, int]]) -> list[int]:
            told.extend(amount for _, _, amount in known)
            return [amount for _, _, amount in known for amount in (amount, 30_000)]

        monkeypatch.setattr(mine, "_ask", refuse)
        assert taken(await take(mine, "k", 100, times=60)) == 60
        monkeypatch.setattr(mine, "_ask", accept)
        await mine.report()
        assert told == []
        clock.now += BREAK_SECONDS
        await mine.report()
        assert told == [60]
        assert taken(await take(mine, "k", 100, times=60)) == 40

    run(NOWHERE, body)


def test_a_redis_that_forgot_gives_nothing_back(redis_url: str) -> None:
    """A Redis restarted empty does not make a used-up quota new in this process."""

    async def body(client: redis.Redis) -> None:
        mine, name = Quotas(client), new_id().hex
        await take(mine, name, 20, times=20)
        await mine.report()
        await client.flushdb()
        assert taken(await take(mine, name, 20, times=5)) == 0

    run(redis_url, body)


def test_strangers_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows that are over are forgotten, and at most so many are kept."""
    monkeypatch.setattr(quotas, "MOST_WINDOWS", 100)

    async def body(client: redis.Redis) -> None:
        clock = Clock()
        mine = Quotas(client, clock=clock)
        for number in range(1000):
            await take(mine, f"address {number}", 60)
        assert len(mine._windows) <= 100
        assert len(mine._unreported) <= 100
        clock.now += WINDOW_SECONDS
        await take(mine, "k", 60)
        assert list(mine._windows) == ["key:k"]

    run(NOWHERE, body)
