"""Backpressure: who is behind is refused in words that say when to come again; nobody else is (P21, P22)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.pressure import FULL_SHARE, LOOK_SECONDS, Pressure, watching_pressure
from inbox.kit.db import execute
from inbox.kit.errors import Problem
from inbox.outbox.queries import count_jobs
from tests.inbox.builders import run_opened
from tests.journeys.gateway import Journey, open_journey

ANA = "+34600111222"


def test_a_lane_is_behind_from_four_fifths_of_its_budget_on() -> None:
    """Two looks in a row decide: a message that had been blocked and just became free makes no lane late."""
    pressure = Pressure(100)
    assert FULL_SHARE == 0.8
    for ages in ({"a": 500.0}, {"a": 79.0}, {"a": 90.0}, {"b": 90.0}):
        pressure.take(ages)
        pressure.check(["a", "b", ""])
    pressure.take({"b": 85.0, "a": 3.0})
    with pytest.raises(Problem) as caught:
        pressure.check(["a", "b"])
    assert (caught.value.code, caught.value.kind.status, caught.value.retry_after) == ("channel_throttled", 429, 5)
    pressure.check(["a"])
    pressure.take({})
    pressure.check(["b"])


def test_the_outbox_is_looked_at_beside_the_requests(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every few seconds, not once a request; a database that stumbles costs one look."""
    monkeypatch.setattr("gateway.pressure.LOOK_SECONDS", 0.01)
    assert LOOK_SECONDS >= 1

    async def body() -> None:
        pressure, looks = Pressure(100), 0

        async def ages() -> dict[str, float]:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise TimeoutError
            return {"a": 90.0}

        monkeypatch.setattr("gateway.pressure.lane_ages", ages)
        async with watching_pressure(pressure):
            async with asyncio.timeout(30):
                while looks < 4:  # noqa: ASYNC110 (a task is watched)
                    await asyncio.sleep(0.01)
        with pytest.raises(Problem):
            pressure.check(["a"])

    run_opened(database_url, body)


def test_sends_are_refused_and_inbound_is_not(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A channel that is behind takes no new message: 429 with Retry-After, and nothing stored. What comes in does."""

    async def walk(journey: Journey) -> None:
        await journey.twilio.text_in(ANA, "Hello")
        conversation = await journey.conversation_with(ANA)
        path = f"/v1/conversations/{conversation['id']}/messages"
        app = journey.app
        channel = (await journey.get("/v1/channels"))["data"][0]
        await journey.runtime.directory.refresh()
        lane = str(next(live.id for live in journey.runtime.directory.all_channels()))
        assert channel["status"] == "active"
        for _ in range(2):
            app.state.pressure.take({lane: 1000.0})
        refused = await journey.client.post(path, json={"text": "too much"}, headers={"Idempotency-Key": "k1"})
        assert (refused.status_code, refused.json()["code"]) == (429, "channel_throttled")
        assert int(refused.headers["retry-after"]) >= 1
        await journey.twilio.text_in(ANA, "Still there?")
        entries = await journey.entries(conversation["id"], at_least=2)
        assert [entry["text"] for entry in entries] == ["Hello", "Still there?"]
        app.state.pressure.take({})
        taken = await journey.client.post(path, json={"text": "too much"}, headers={"Idempotency-Key": "k1"})
        assert taken.status_code == 201
        await journey.delivery(taken.json()["id"], "sent", "delivered")
        assert (await count_jobs())["dead"] == 0

    async def opened() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            await walk(journey)

    asyncio.run(opened())


def test_a_queue_that_grows_old_throttles_its_channel(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the real outbox: jobs that nobody works on for too long refuse the next message of their channel."""
    monkeypatch.setattr("gateway.pressure.LOOK_SECONDS", 0.05)

    async def opened() -> None:
        async with open_journey(database_url, redis_url, tmp_path, SWITCHBOARD_QUEUE_AGE_SECONDS="10") as journey:
            await journey.twilio.text_in(ANA, "Hello")
            conversation = await journey.conversation_with(ANA)
            await journey.runtime.directory.refresh()
            lane = str(next(live.id for live in journey.runtime.directory.all_channels()))
            await execute("INSERT INTO resting_lane (lane, until) VALUES ($1, now() + interval '1 hour')", lane)
            path = f"/v1/conversations/{conversation['id']}/messages"
            assert (await journey.client.post(path, json={"text": "one"})).status_code == 201
            await execute("UPDATE job SET available_at = now() - interval '9 seconds'")
            async with asyncio.timeout(30):
                while (await journey.client.post(path, json={"text": "more"})).status_code != 429:  # noqa: ASYNC110 (it is asked)
                    await asyncio.sleep(0.05)

    asyncio.run(opened())
