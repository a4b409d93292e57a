"""A real Valkey that is killed, frozen, full, and empty again, under a running gateway (P11, P12)."""

from __future__ import annotations

import asyncio
import signal
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.hub import LEAVE_SECONDS
from tests.faults.servers import Valkey
from tests.journeys.gateway import Journey, eventually, open_journey
from tests.ports import free_ports

QUOTA = 400
"""Requests a minute: Redis is asked each time a twentieth of it came, so that an outage is felt."""
TEXTS = 12
USUAL_SECONDS = 1.5
"""For one text and one read on a busy machine: Redis may hold a request up for 0.2 s, and the next ones not at all."""
SLOWEST_SECONDS = 15.0
"""None may take longer; who waited for a frozen Redis would wait for ever."""


class StoppableValkey(Valkey):
    """One that can be frozen as well."""

    def freeze(self) -> None:
        """SIGSTOP: connections stand, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)


@asynccontextmanager
async def beside_valkey(database_url: str, folder: Path) -> AsyncIterator[tuple[Journey, StoppableValkey]]:
    """A gateway whose only Redis is one of the test's own."""
    [port] = free_ports(1)
    valkey = StoppableValkey(folder / "valkey", port)
    await valkey.open()
    url, data = f"redis://127.0.0.1:{port}", folder / "data"
    try:
        async with open_journey(database_url, url, data, SWITCHBOARD_KEY_REQUESTS_PER_MINUTE=str(QUOTA)) as journey:
            yield journey, valkey
    finally:
        valkey.kill()


async def redis_state(journey: Journey) -> str:
    """What readiness says of Redis; the process itself stays ready."""
    answer = await journey.client.get("/health/ready")
    assert answer.status_code == 200, answer.text
    return next(str(part["state"]) for part in answer.json()["parts"] if part["name"] == "redis")


async def text_and_read(journey: Journey, tag: str) -> list[float]:
    """Texts are taken and API requests answered, one after the other; the seconds each pair took."""
    seconds = []
    for number in range(TEXTS):
        began = time.monotonic()
        message = await journey.twilio.text_in(f"+1555{tag}{number:04d}", f"{tag} {number}")
        assert message.acknowledged
        await journey.get("/v1/conversations")
        seconds.append(time.monotonic() - began)
        assert seconds[-1] < SLOWEST_SECONDS
    return seconds


async def kill(valkey: StoppableValkey) -> None:
    """Gone: connections are refused."""
    valkey.kill()


async def freeze(valkey: StoppableValkey) -> None:
    """It hangs."""
    valkey.freeze()


async def fill(valkey: StoppableValkey) -> None:
    """It answers PING and takes no value."""
    await valkey.fill_up()
    assert await valkey.say("PING") == b"+PONG"


@pytest.mark.parametrize("break_it", [kill, freeze, fill])
def test_a_broken_redis_holds_up_no_message(
    break_it: Callable[[StoppableValkey], Awaitable[None]], database_url: str, tmp_path: Path
) -> None:
    """Texts and the API go on within a bounded time, readiness tells, and all is well once it is back, even empty."""

    async def run() -> None:
        async with beside_valkey(database_url, tmp_path) as (journey, valkey):
            assert await redis_state(journey) == "ok"
            await break_it(valkey)
            assert await redis_state(journey) == "degraded"
            assert statistics.median(await text_and_read(journey, "100")) < USUAL_SECONDS
            conversation = await journey.conversation_with("+15551000000")
            assert conversation["preview"] == "100 0"
            await valkey.restart_empty()

            async def well() -> bool:
                return await redis_state(journey) == "ok"

            await eventually(well)
            assert statistics.median(await text_and_read(journey, "200")) < USUAL_SECONDS

    asyncio.run(run())


def test_a_frozen_redis_is_not_asked_at_every_turn(database_url: str, tmp_path: Path) -> None:
    """Whoever numbers the feed waits for a Redis that hangs once in a while, not each time something is told."""

    async def run() -> None:
        async with beside_valkey(database_url, tmp_path) as (journey, valkey):
            valkey.freeze()
            hub, began = journey.runtime.hub, time.monotonic()
            for _ in range(40):
                await hub.publish()
            assert time.monotonic() - began < min(LEAVE_SECONDS, 40 * 0.2) / 2

    asyncio.run(run())
