"""The bus tells what is of the moment, here and in other processes, and forgets it in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
import redis.asyncio as redis

from gateway.live import bus as live
from gateway.live.attendance import Mark, Viewer
from gateway.live.bus import LiveBus, LiveEvent
from gateway.redis_client import connect_redis
from inbox.kit.callers import Actor
from tests.gateway.feeds import NOWHERE
from tests.inbox.builders import apart, until

ROOM = UUID(int=7)
BO = Actor(type="agent", id="agt_bo", name="Bo")
ANA = Actor(type="contact", id="ctc_ana", name="Ana")
STARTED = LiveEvent("typing.started", ROOM, BO, visible_to_contact=True)
STOPPED = LiveEvent("typing.stopped", ROOM, BO)
HERE = Mark(agent_id="agt_bo", name="Bo", presence="online", viewing=ROOM)


@asynccontextmanager
async def running_bus(url: str = NOWHERE) -> AsyncIterator[LiveBus]:
    """A bus at work, without Redis unless one is given."""
    client = connect_redis(url, seconds=2, retry=None)
    bus = LiveBus(client, retry_seconds=0.05)
    running = apart(bus.run())
    try:
        yield bus
    finally:
        bus.stop()
        await running
        await client.aclose()


async def take(queue: asyncio.Queue[LiveEvent]) -> LiveEvent:
    """The next event."""
    async with asyncio.timeout(30):
        return await queue.get()


async def both_hear(url: str) -> bool:
    """Whether two buses are subscribed."""
    client = redis.Redis.from_url(url)
    [(_, count)] = await client.pubsub_numsub(live.TOPIC)
    await client.aclose()
    return int(count) == 2


@asynccontextmanager
async def two_processes(url: str) -> AsyncIterator[tuple[LiveBus, LiveBus]]:
    """Two buses that hear each other."""
    async with running_bus(url) as one, running_bus(url) as other:

        async def hear() -> bool:
            return await both_hear(url)

        await until(hear)
        yield one, other


def test_what_is_told_here_is_heard_at_once() -> None:
    """Without Redis too; a renewal is not told again, and what was not begun does not end."""

    async def body() -> None:
        async with running_bus() as bus, bus.listen() as queue:
            await bus.tell(STOPPED)
            await bus.tell(STARTED)
            await bus.tell(STARTED)
            assert queue.get_nowait() is STARTED
            assert bus.typists() == [STARTED]
            await bus.tell(LiveEvent("typing.started", ROOM, ANA))
            await bus.tell(STOPPED)
            assert [(await take(queue)).type for _ in range(2)] == ["typing.started", "typing.stopped"]
            assert queue.empty()

    asyncio.run(body())


def test_typing_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six seconds after it was said last: a client that vanished does not type for ever."""
    monkeypatch.setattr(live, "TYPING_SECONDS", 1.0)

    async def body() -> None:
        async with running_bus() as bus, bus.listen() as queue:
            await bus.tell(STARTED)
            await asyncio.sleep(0.1)
            renewed = asyncio.get_running_loop().time()
            await bus.tell(STARTED)
            assert (await take(queue)).type == "typing.started"
            ended = await take(queue)
            assert asyncio.get_running_loop().time() - renewed > 0.95
            assert (ended.type, ended.actor, ended.visible_to_contact) == ("typing.stopped", BO, True)
            assert bus.typists() == []

    asyncio.run(body())


def test_a_slow_listener_keeps_what_is_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for it, and nothing grows."""
    monkeypatch.setattr(live, "LISTENER_EVENTS", 3)

    async def body() -> None:
        async with running_bus() as bus, bus.listen() as queue:
            for number in range(10):
                await bus.tell(LiveEvent("typing.started", UUID(int=number), BO))
            assert [(await take(queue)).conversation_id for _ in range(3)] == [UUID(int=n) for n in (7, 8, 9)]

    asyncio.run(body())


def test_other_processes_hear_it_once(redis_url: str) -> None:
    """Through Redis, and what is no message of ours is passed over."""

    async def body() -> None:
        async with two_processes(redis_url) as (one, other), one.listen() as mine, other.listen() as theirs:
            publisher = redis.Redis.from_url(redis_url)
            await publisher.publish(live.TOPIC, b"nonsense")
            await publisher.aclose()
            await one.tell(STARTED)
            heard = await take(theirs)
            assert (heard.type, heard.conversation_id, heard.actor, heard.at) == (
                "typing.started", ROOM, BO, STARTED.at,
            )  # fmt: skip
            await other.tell(STOPPED)
            assert [(await take(mine)).type for _ in range(2)] == ["typing.started", "typing.stopped"]
            assert (await take(theirs)).type == "typing.stopped"
            assert mine.empty()
            assert theirs.empty()

    asyncio.run(body())


def test_processes_agree_on_who_is_there(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one says of its sockets, all know; the last socket to close is missed after a moment only."""
    monkeypatch.setattr(live, "GRACE_SECONDS", 0.2)

    async def body() -> None:
        async with two_processes(redis_url) as (one, other), other.listen() as theirs:
            one.attend("a", HERE)
            heard = [await take(theirs) for _ in range(2)]
            assert {event.type: (event.state, event.viewers) for event in heard} == {
                "presence.changed": ("online", None),
                "conversation.viewing": (None, (Viewer("agt_bo", "Bo", "viewing"),)),
            }
            other.attend("b", HERE)
            one.depart("a")
            await asyncio.sleep(0.4)
            assert other.attendance.presence_of("agt_bo") == one.attendance.presence_of("agt_bo") == "online"
            other.depart("b")
            assert theirs.empty()
            assert {(await take(theirs)).state for _ in range(2)} == {"offline", None}
            await until(lambda: gone(one))

    asyncio.run(body())


async def gone(bus: LiveBus) -> bool:
    """Whether nobody is there."""
    return not bus.attendance.present()


def test_a_process_that_comes_later_learns_who_is_there(redis_url: str) -> None:
    """It asks, and is told: nobody waits for the next beat."""

    async def body() -> None:
        async with running_bus(redis_url) as one:
            one.attend("a", HERE)
            async with running_bus(redis_url) as late:

                async def knows() -> Any:
                    return late.attendance.viewers_of(ROOM)

                await until(knows)
                assert late.attendance.presence_of("agt_bo") == "online"

    asyncio.run(body())


def test_a_process_that_stops_or_dies_leaves_nobody_behind(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that stops says so; one that is killed is missed when it has said nothing for long enough."""
    monkeypatch.setattr(live, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.2)

    async def body() -> None:
        async with running_bus(redis_url) as stays, stays.listen() as queue:
            async with running_bus(redis_url) as stopped:
                stopped.attend("a", HERE)
                await until(lambda: there(stays))
            assert [(await take(queue)).state for _ in range(4)][2:].count("offline") == 1
            dead = LiveBus(stays._client)
            await dead._publish(live.Roster(dead.process, {"x": HERE}, lasts=0.3))
            states = [(await take(queue)).state for _ in range(4)]
            assert (states[:2].count("online"), states[2:].count("offline")) == (1, 1)
            assert await gone(stays)

    asyncio.run(body())


async def there(bus: LiveBus) -> bool:
    """Whether somebody is."""
    return bool(bus.attendance.present())
