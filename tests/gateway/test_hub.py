"""The hub: every listener gets every event once, however it is woken, and a slow one loses its queue, not its place."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
import redis.asyncio as redis

from gateway.hub import TOPIC, FeedHub, Listener
from inbox.feed.queries import FeedHead
from inbox.kit.db import execute
from tests.gateway.feeds import NOWHERE, running_hub, tell_names
from tests.inbox.builders import apart, run_opened, until

LONG = 300.0
"""Longer than any test waits: what wakes a hub that polls so seldom is not its poll."""


async def names_of(listener: Listener, count: int) -> list[str]:
    """The next events of a listener."""
    async with asyncio.timeout(30):
        rows: list[Any] = [await listener.queue.get() for _ in range(count)]
    return [row["changed"][0] for row in rows]


async def subscribers(client: redis.Redis) -> int:
    """How many hubs hear what is published."""
    [(_, count)] = await client.pubsub_numsub(TOPIC)
    return int(count)


async def knows_its_place(hub: FeedHub) -> bool:
    """Whether the hub has found out where the feed ends."""
    return hub.cursor is not None


def test_every_listener_gets_every_event_once(database_url: str) -> None:
    """What is told after a listener came reaches it in order; what was told before does not."""

    async def body() -> None:
        await tell_names("before")
        async with running_hub(poll_seconds=LONG) as hub, hub.listen() as one:
            await tell_names("a", "b")
            assert await names_of(one, 2) == ["a", "b"]
            async with hub.listen() as other:
                await tell_names("c")
                assert await names_of(one, 1) == await names_of(other, 1) == ["c"]
            await tell_names("d")
            assert await names_of(one, 1) == ["d"]
            assert other.queue.empty()

    run_opened(database_url, body)


def test_without_redis_the_hub_looks_by_itself(database_url: str) -> None:
    """What another process tells is found by polling when nothing wakes us."""

    async def body() -> None:
        async with running_hub(poll_seconds=0.02) as hub, hub.listen() as listener:
            await tell_names("a", "b", hear=False)
            assert await names_of(listener, 2) == ["a", "b"]
            await hub.publish()

    run_opened(database_url, body)


def test_redis_wakes_the_hubs_of_other_processes(database_url: str, redis_url: str) -> None:
    """What one process publishes wakes another, long before it would have looked by itself."""

    async def body() -> None:
        publisher = redis.Redis.from_url(redis_url)
        async with running_hub(url=redis_url, poll_seconds=LONG) as hub, hub.listen() as listener:
            await until(lambda: subscribers(publisher))
            for name in ("a", "b"):
                await tell_names(name, hear=False)
                await FeedHub(publisher, buffer=1, poll_seconds=LONG).publish()
                assert await names_of(listener, 1) == [name]
        await publisher.aclose()

    run_opened(database_url, body)


def test_a_subscription_outlives_silence_and_redis_itself(database_url: str, redis_url: str) -> None:
    """A quiet subscription is not taken for a dead one, and one that was cut is made again."""

    async def body() -> None:
        publisher = redis.Redis.from_url(redis_url)
        async with running_hub(url=redis_url, poll_seconds=0.3, redis_seconds=0.2) as hub, hub.listen() as listener:
            await until(lambda: subscribers(publisher))
            for _ in range(2):
                await asyncio.sleep(0.4)
                assert await subscribers(publisher) == 1
            await publisher.client_kill_filter(_type="pubsub")
            await tell_names("a", hear=False)
            assert await names_of(listener, 1) == ["a"]
            await until(lambda: subscribers(publisher))
        await publisher.aclose()

    run_opened(database_url, body)


def test_a_slow_listener_is_cut_off_and_nobody_else(database_url: str) -> None:
    """Who falls behind by more than the buffer gets nothing more; what it has got is without a gap."""

    async def body() -> None:
        async with running_hub(buffer=5) as hub, hub.listen() as slow, hub.listen() as quick:
            names = [f"{number}" for number in range(12)]
            for name in names:
                await tell_names(name)
                assert await names_of(quick, 1) == [name]
            assert slow.overrun
            assert not quick.overrun
            assert await names_of(slow, 3) == names[:3]
            await tell_names("late")
            assert await names_of(quick, 1) == ["late"]
            assert await names_of(slow, 2) == names[3:5]
            assert slow.queue.empty()

    run_opened(database_url, body)


def test_a_listener_that_comes_while_the_hub_looks_misses_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An idle hub that is just finding out where the feed ends does not skip what a new listener counts on."""

    async def body() -> None:
        asked, answer = asyncio.Event(), asyncio.Event()

        async def slow_head() -> FeedHead:
            asked.set()
            await answer.wait()
            return FeedHead(1, 0)  # numbered while the hub waited

        async with running_hub(poll_seconds=0.02) as hub:
            await until(partial(knows_its_place, hub))
            monkeypatch.setattr("gateway.hub.feed_head", slow_head)
            await asked.wait()
            async with hub.listen() as listener:
                await tell_names("counted on")
                answer.set()
                assert await names_of(listener, 1) == ["counted on"]

    run_opened(database_url, body)


def test_the_first_listener_does_not_get_the_whole_past(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that comes back while a process starts waits until it knows where the feed ends."""

    async def body() -> None:
        await tell_names(*(f"{number}" for number in range(20)))
        client = redis.Redis.from_url(NOWHERE, retry=None)
        hub = FeedHub(client, buffer=5, poll_seconds=0.02)
        async with hub.listen() as listener:
            running = apart(hub.run())
            await tell_names("now")
            assert await names_of(listener, 1) == ["now"]
            assert not listener.overrun
            hub.stop()
            await running
        await client.aclose()

    run_opened(database_url, body)


def test_stopping_ends_every_stream(database_url: str) -> None:
    """At a stop each listener is told to go, also one whose queue is full, and one that comes too late."""

    async def body() -> None:
        async with running_hub(buffer=2) as hub, hub.listen() as quick, hub.listen() as full:
            await tell_names("a", "b")
            assert await names_of(quick, 2) == ["a", "b"]
            hub.stop()
            assert await quick.queue.get() is None
            assert full.overrun
            async with hub.listen() as late:
                assert await late.queue.get() is None

    run_opened(database_url, body)


def test_the_hub_outlives_the_database(database_url: str) -> None:
    """While the feed cannot be read the hub waits; when it can, it goes on where it was."""

    async def body() -> None:
        async with running_hub(poll_seconds=0.02) as hub, hub.listen() as listener:
            await tell_names("a")
            assert await names_of(listener, 1) == ["a"]
            await execute("ALTER TABLE feed_event RENAME TO away")
            await asyncio.sleep(0.1)
            await execute("ALTER TABLE away RENAME TO feed_event")
            await tell_names("b")
            assert await names_of(listener, 1) == ["b"]

    run_opened(database_url, body)
