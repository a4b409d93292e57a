"""Alive, ready, able to take webhooks: each says what it means, in time, part by part."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
import pytest

from gateway.health import CHECK_SECONDS, Health, Part
from gateway.migrate import revert_database
from inbox.kit.db import close_database, open_database
from tests.api import open_api
from tests.outage import cuttable_line

PROBE_SECONDS = 2.0
"""What the limit of a check has to be below."""
SLOWEST_SECONDS = 30.0
"""For an answer on the busiest machine: what hangs here hangs for longer."""


class FullSpool:
    """A spool without room."""

    def check_writable(self) -> None:
        """It is not."""
        raise OSError("No space left on device")


def states(report: dict[str, Any]) -> dict[str, str]:
    """The state of each part by its name."""
    return {part["name"]: part["state"] for part in report["parts"]}


def test_all_is_well(database_url: str, redis_url: str) -> None:
    """With everything there, every part is ok, and no key is needed to ask."""

    async def run() -> None:
        async with open_api(database_url, redis_url=redis_url) as api:
            ready = await api.call("GET", "/health/ready", key=None)
            live = await api.call("GET", "/health/live", key=None)
        assert (ready.status_code, ready.json()["state"]) == (200, "ok")
        assert states(ready.json()) == dict.fromkeys(
            ["database", "migrations", "outbox", "redis", "spool", "process"], "ok"
        )
        assert (live.status_code, live.json()) == (200, {"object": "health", "id": "live", "state": "ok", "parts": []})

    asyncio.run(run())


def test_the_probe_leaves_no_row(database_url: str, redis_url: str) -> None:
    """The write to the database is real, and rolled back."""

    async def run() -> None:
        async with open_api(database_url, redis_url=redis_url) as api:
            await api.call("GET", "/health/ready")
        connection = await asyncpg.connect(database_url)
        rows = await connection.fetchval("SELECT count(*) FROM remembered_request")
        written = await connection.fetchval("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'api_key'")
        await connection.close()
        assert (rows, written is not None) == (0, True)

    asyncio.run(run())


def test_a_read_only_database_is_down(database_url: str, redis_url: str) -> None:
    """A database that answers questions but takes no writes is not ready."""

    async def run() -> None:
        async with open_api(database_url, redis_url=redis_url) as api:
            await close_database()
            await open_database(f"{database_url}&options=-c%20default_transaction_read_only%3Don", size=2)
            ready = await api.call("GET", "/health/ready")
            assert (ready.status_code, states(ready.json())["database"]) == (503, "down")

    asyncio.run(run())


def test_redis_away_is_degraded(database_url: str) -> None:
    """Nothing but liveliness depends on Redis: without it the process serves."""

    async def run() -> None:
        async with open_api(database_url) as api:
            ready = await api.call("GET", "/health/ready")
        assert (ready.status_code, ready.json()["state"]) == (200, "degraded")
        assert states(ready.json())["redis"] == "degraded"

    asyncio.run(run())


def test_the_database_away_is_down_but_webhooks_are_taken(database_url: str, redis_url: str) -> None:
    """503 within two seconds; live and inbound stay 200, for the spool takes over."""

    async def run() -> None:
        async with cuttable_line(database_url) as line, open_api(line.url, redis_url=redis_url) as api:
            await line.cut()
            started = time.monotonic()
            ready = await api.call("GET", "/health/ready")
            assert time.monotonic() - started < SLOWEST_SECONDS
            assert (ready.status_code, states(ready.json())["database"]) == (503, "down")
            assert (await api.call("GET", "/health/ready/inbound")).status_code == 200
            assert (await api.call("GET", "/health/live")).status_code == 200
            await line.mend()
            assert (await api.call("GET", "/health/ready")).status_code == 200

    asyncio.run(run())


def test_a_part_that_hangs_is_down_in_time() -> None:
    """A blackholed part does not keep the probe waiting."""

    async def hang() -> None:
        await asyncio.sleep(60)

    async def run() -> None:
        started = time.monotonic()
        report = await Health([Part(name="database", check=hang)]).report("ready")
        assert time.monotonic() - started < SLOWEST_SECONDS
        assert (report.state, report.parts[0].reason) == ("down", "TimeoutError")

    assert CHECK_SECONDS < PROBE_SECONDS
    asyncio.run(run())


def test_a_full_spool_is_not_ready_for_webhooks(database_url: str, redis_url: str) -> None:
    """Without room on disk nothing could take over, so a balancer is told."""

    async def run() -> None:
        async with open_api(database_url, redis_url=redis_url, spool=FullSpool()) as api:
            for path in ("/health/ready", "/health/ready/inbound"):
                answer = await api.call("GET", path)
                assert (answer.status_code, states(answer.json())["spool"]) == (503, "down")
                assert "space" not in answer.text

    asyncio.run(run())


def test_tables_of_an_older_release_are_not_ready(database_url: str, redis_url: str) -> None:
    """A process does not serve on tables it does not know yet."""

    async def run() -> None:
        async with open_api(database_url, redis_url=redis_url) as api:
            await revert_database(database_url, steps=1)
            ready = await api.call("GET", "/health/ready")
            assert (ready.status_code, states(ready.json())["migrations"]) == (503, "down")

    asyncio.run(run())


@pytest.mark.parametrize("path", ["/health/ready", "/health/live"])
def test_a_process_told_to_stop_is_not_ready(database_url: str, redis_url: str, path: str) -> None:
    """From the signal on balancers go elsewhere, while the process still lives."""

    async def run() -> None:
        async with open_api(database_url, redis_url=redis_url) as api:
            api.app.state.health.stop()
            assert (await api.call("GET", path)).status_code == (200 if path.endswith("live") else 503)

    asyncio.run(run())
