"""Faults on the embedded default, where processes share a folder and Postgres dies with the process that owns it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.faults.checker import Verdict, check, judge_sends, settle_sends
from tests.faults.desk import begin_conversations, open_desk
from tests.faults.history import History
from tests.faults.load import at_rate, blow, during, make_operations
from tests.faults.site import READY_SECONDS, Site
from tests.faults.texts import open_texter
from tests.faults.waiting import wait_for

pytestmark = pytest.mark.faults

RATE = 100.0
NOWHERE = "postgresql://app@127.0.0.1:1/nothing"
STOP_SECONDS = 15


@pytest.fixture
def site() -> Iterator[Site]:
    """An installation of the test's own."""
    with tempfile.TemporaryDirectory(prefix="switchboard-faults-") as folder:
        Path(folder).chmod(0o755)
        place = Site(Path(folder))
        try:
            yield place
        finally:
            place.close()


def test_killing_the_owner_of_postgres_loses_and_doubles_nothing(site: Site) -> None:
    """kill -9 of gateways and workers at 100 webhooks/s: the embedded Postgres dies with its owner and comes back."""

    async def faults() -> None:
        for number in range(2):
            await asyncio.sleep(1.2)
            site.kill(f"serve{number}")
            site.kill("work0")
            await asyncio.sleep(0.3)
            site.start(f"serve{number}")
            site.start("work0")

    async def scenario() -> Verdict:
        await site.open()
        return await storm(site, faults, seconds=5)

    verdict = asyncio.run(scenario())
    assert verdict.clean, verdict


def test_a_gateway_that_starts_while_postgres_is_away_still_takes_webhooks(site: Site) -> None:
    """The channels it must verify by are kept beside the spool; what it takes is stored when Postgres is back."""

    async def scenario() -> Verdict:
        await site.open(servers=1, workers=0)
        assert site.stop("serve0") == 0
        site.start("serve0", SWITCHBOARD_DATABASE_URL=NOWHERE, SWITCHBOARD_REDIS_URL="redis://127.0.0.1:1")
        await until_alive(site)

        async def restart() -> None:
            await asyncio.sleep(0.6)
            site.kill("serve0")
            site.start("serve0")

        return await storm(site, restart, seconds=0.5)

    verdict = asyncio.run(scenario())
    assert verdict.clean, verdict
    assert verdict.acknowledged == 50


def test_a_worker_told_to_stop_finishes_what_it_claimed(site: Site) -> None:
    """SIGTERM in the middle of sending: it ends within 15 s with status 0, every message is sent once, none unknown."""

    async def restart() -> None:
        await wait_for(site.ledger, seconds=READY_SECONDS)  # it has begun: until then a signal just ends it
        began = time.monotonic()
        assert await asyncio.to_thread(site.stop, "work0") == 0
        assert time.monotonic() - began < STOP_SECONDS
        site.start("work0")

    async def scenario() -> tuple[Verdict, set[str]]:
        await site.open()
        threads = await begin_conversations(site, 0, amount=20)
        async with open_desk(site) as desk:
            await during(desk.answer_at_rate(threads, rate=50, seconds=3), restart())
            sends = await settle_sends(site)
            sent = [(one["to"], one["body"]) for one in await site.ledger()]
            assert sorted(body for _, body in sent) == sorted(desk.accepted)
            return judge_sends(desk.accepted, sends, sent), {row["state"] for row in sends}

    verdict, states = asyncio.run(scenario())
    assert verdict.clean, verdict
    assert verdict.acknowledged == 150
    assert states <= {"sent", "delivered"}


async def storm(site: Site, faults: Callable[[], Awaitable[None]], *, seconds: float) -> Verdict:
    """A load with faults in it, and what the checker finds."""
    history = History(site.folder / "history.jsonl")
    deliveries = at_rate(make_operations(senders=50, amount=int(RATE * seconds)), RATE)
    async with open_texter(site.servers, channel=site.channel) as texter:
        await during(blow(deliveries, texter.deliver, history), faults())
    history.close()
    return await check(site, history.read())


async def until_alive(site: Site) -> None:
    """Until the first gateway answers at all, whatever its parts."""
    async with httpx.AsyncClient(timeout=2) as client, asyncio.timeout(20):
        while True:
            try:
                if (await client.get(f"{site.servers[0]}/health/ready/inbound")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)
