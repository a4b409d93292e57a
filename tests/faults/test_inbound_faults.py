"""Faults under load, short forms: each ends with nothing acknowledged lost, nothing doubled, order kept."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.faults.site import Site
from tests.faults.storm import Verdict, blow, check, during, make_operations

RATE = 100.0
NOWHERE = "postgresql://app@127.0.0.1:1/nothing"


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


def test_killing_gateways_and_workers_loses_and_doubles_nothing(site: Site) -> None:
    """kill -9 of a gateway and of a worker, five times each under 100 webhooks/s; Postgres dies with its owner."""

    async def faults() -> None:
        for number in range(5):
            await asyncio.sleep(1.5)
            site.kill(f"serve{number % 2}")
            site.kill("work0")
            await asyncio.sleep(0.5)
            site.start(f"serve{number % 2}")
            site.start("work0")

    assert_nothing_lost(run(site, faults, seconds=14))


def test_killing_postgres_spools_and_drains(site: Site) -> None:
    """While Postgres restarts webhooks are still taken, and what was spooled comes in once and in order."""

    async def faults() -> None:
        for _ in range(2):
            await asyncio.sleep(2)
            site.kill_server_program("postgres")

    verdict = run(site, faults, seconds=9)
    assert_nothing_lost(verdict)
    assert verdict.acknowledged == verdict.stored == 9 * RATE, "with a spool no webhook is refused"


def test_killing_redis_is_not_noticed(site: Site) -> None:
    """Redis only wakes readers: without it every webhook is taken and every message appears."""

    async def faults() -> None:
        await asyncio.sleep(1.5)
        site.kill_server_program("valkey")

    verdict = run(site, faults, seconds=5)
    assert_nothing_lost(verdict)
    assert verdict.acknowledged == 5 * RATE


def test_each_webhook_three_times_shuffled_to_two_gateways_makes_one_message(site: Site) -> None:
    """The same text delivered three times, in any order, to either gateway, is one message."""

    async def scenario() -> Verdict:
        await site.open()
        operations = make_operations(senders=40, amount=300)
        await blow(site, operations, rate=RATE * 2, copies=3, shuffled_by=Random(7))
        return await check(site, operations)

    verdict = asyncio.run(scenario())
    assert_nothing_lost(verdict)
    assert verdict.stored == 300


def test_a_gateway_that_starts_while_postgres_is_away_still_takes_webhooks(site: Site) -> None:
    """The channels it must verify by are kept beside the spool; what it takes is stored when Postgres is back."""

    async def scenario() -> Verdict:
        await site.open(servers=1, workers=0)
        assert site.stop("serve0") == 0
        site.start("serve0", SWITCHBOARD_DATABASE_URL=NOWHERE, SWITCHBOARD_REDIS_URL="redis://127.0.0.1:1")
        await until_alive(site)
        operations = make_operations(senders=5, amount=50)
        await blow(site, operations, rate=RATE)
        site.kill("serve0")
        site.start("serve0")
        return await check(site, operations)

    verdict = asyncio.run(scenario())
    assert_nothing_lost(verdict)
    assert verdict.acknowledged == 50


def test_a_killed_worker_never_sends_twice(site: Site) -> None:
    """Workers killed while sending: every text reaches its handset at most once, and none stays half sent."""

    async def scenario() -> tuple[list[str], list[str]]:
        await site.open(servers=2, workers=1)
        operations = make_operations(senders=20, amount=20)
        await blow(site, operations, rate=RATE)
        await check(site, operations)
        conversations = (await site.ask("GET", "/v1/conversations", params={"limit": 50})).json()["data"]
        await during(_answer(site, [one["id"] for one in conversations]), lambda: _kill_workers(site))
        return await _settled_states(site), [message["body"] for message in await site.ledger()]

    states, bodies = asyncio.run(scenario())
    assert len(states) == 200
    assert set(states) <= {"sent", "delivered", "unknown"}, states
    assert len(bodies) == len(set(bodies)), "a handset got a text twice"
    assert len(bodies) >= sum(state in {"sent", "delivered"} for state in states)


def test_a_worker_told_to_stop_finishes_what_it_claimed(site: Site) -> None:
    """SIGTERM in the middle of sending: it ends within 15 s with status 0, every message is sent once, none unknown."""

    async def scenario() -> tuple[list[str], list[str]]:
        await site.open()
        operations = make_operations(senders=20, amount=20)
        await blow(site, operations, rate=RATE)
        await check(site, operations)
        conversations = (await site.ask("GET", "/v1/conversations", params={"limit": 50})).json()["data"]
        await during(_answer(site, [one["id"] for one in conversations]), lambda: _restart_workers(site))
        return await _settled_states(site), [message["body"] for message in await site.ledger()]

    states, bodies = asyncio.run(scenario())
    assert set(states) <= {"sent", "delivered"}
    assert sorted(bodies) == sorted(f"answer {number}" for number in range(200))


def run(site: Site, faults: Callable[[], Awaitable[None]], *, seconds: int) -> Verdict:
    """A storm with faults in it, and what the checker finds."""

    async def scenario() -> Verdict:
        await site.open()
        operations = make_operations(senders=50, amount=int(RATE * seconds))
        await during(blow(site, operations, rate=RATE), faults)
        return await check(site, operations)

    return asyncio.run(scenario())


def assert_nothing_lost(verdict: Verdict) -> None:
    """The four zeros."""
    assert verdict.acknowledged > 0
    assert (verdict.lost, verdict.doubled, verdict.out_of_order, verdict.stranded) == (0, 0, 0, 0), verdict


async def until_alive(site: Site) -> None:
    """Until the first gateway answers at all, whatever its parts."""
    async with httpx.AsyncClient(timeout=2) as client, asyncio.timeout(20):
        while True:
            try:
                if (await client.get(f"{site.servers[0]}/health/ready/inbound")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)


async def _answer(site: Site, conversations: list[str]) -> None:
    for number in range(200):
        conversation = conversations[number % len(conversations)]
        answer = await site.ask("POST", f"/v1/conversations/{conversation}/messages", json={"text": f"answer {number}"})
        assert answer.status_code == 201, answer.text


async def _kill_workers(site: Site) -> None:
    for _ in range(4):
        await asyncio.sleep(0.5)
        site.kill("work0")
        site.start("work0")


async def _restart_workers(site: Site) -> None:
    for _ in range(2):
        await asyncio.sleep(2)  # it has to have begun: until then a signal just ends it
        began = time.monotonic()
        assert await asyncio.to_thread(site.stop, "work0") == 0
        assert time.monotonic() - began < 15
        site.start("work0")


async def _settled_states(site: Site) -> list[str]:
    sql = "SELECT delivery_state FROM entry WHERE direction = 'outbound' AND type = 'message'"
    states: list[str] = []
    for _ in range(60):
        states = [row["delivery_state"] for row in await site.rows(sql)]
        if not {"queued", "sending"} & set(states):
            break
        await asyncio.sleep(1)
    return states
