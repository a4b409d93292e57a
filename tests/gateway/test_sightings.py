"""From where keys are used: the audit log hears of each address once a day."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg

from gateway.sightings import ADDRESSES_A_DAY, Sightings
from inbox.kit.callers import Actor, Caller
from inbox.kit.db import close_database, fetch, open_database
from inbox.kit.ids import new_id, show_id
from tests.api import open_api
from tests.inbox.builders import run_opened

NOW = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)


def make_caller() -> Caller:
    """Somebody with a key."""
    return Caller(key_id=new_id(), name="crm", scopes=frozenset({"admin"}), actor=Actor(type="integration", name="crm"))


async def told() -> list[tuple[str, str]]:
    """Keys and addresses, in the order they were written."""
    rows = await fetch("SELECT target, facts->>'address' AS address FROM audit_event ORDER BY id")
    return [(row["target"], row["address"]) for row in rows]


def test_each_address_is_told_once_a_day(database_url: str) -> None:
    """However many requests, and however many processes see them; a new day tells it again."""

    async def body() -> None:
        caller, one, other = make_caller(), Sightings(), Sightings()
        key = show_id("key", caller.key_id)
        for sightings in (one, other):
            for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
                sightings.note(caller, address, now=NOW)
            await sightings.write()
        assert await told() == [(key, "10.0.0.1"), (key, "10.0.0.2")]
        one.note(caller, "10.0.0.1", now=NOW + timedelta(hours=2))
        await one.write()
        assert len(await told()) == 3

    run_opened(database_url, body)


def test_a_key_used_everywhere_does_not_fill_the_log(database_url: str) -> None:
    """After so many addresses in a day no more of that key are written down; other keys are."""

    async def body() -> None:
        busy, calm, sightings = make_caller(), make_caller(), Sightings()
        for number in range(ADDRESSES_A_DAY + 30):
            sightings.note(busy, f"10.0.0.{number}", now=NOW)
        sightings.note(calm, "10.1.0.1", now=NOW)
        await sightings.write()
        assert len(await told()) == ADDRESSES_A_DAY + 1

    run_opened(database_url, body)


def test_what_cannot_be_written_is_kept(database_url: str) -> None:
    """While the database is away sightings wait."""

    async def run() -> None:
        sightings = Sightings()
        sightings.note(make_caller(), "10.0.0.1", now=NOW)
        await open_database("postgresql://app@/gone?host=/nowhere", size=2)
        await sightings.write()
        await close_database()
        await open_database(database_url, size=2)
        await sightings.write()
        assert len(await told()) == 1
        await close_database()

    asyncio.run(run())


def test_the_door_notes_where_requests_come_from(database_url: str) -> None:
    """A request with a good key leaves its address in the log, at the latest when the process stops."""

    async def run() -> None:
        async with open_api(database_url) as api:
            assert (await api.call("GET", "/v1/agents")).status_code == 200
        connection = await asyncpg.connect(database_url)
        rows = await connection.fetch(
            "SELECT facts->>'address' AS address FROM audit_event WHERE action = 'api_key.used'"
        )
        await connection.close()
        assert [row["address"] for row in rows] == ["127.0.0.1"]

    asyncio.run(run())
