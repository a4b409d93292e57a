"""Whether who was let in would be let in now, asked often and answered cheaply."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from gateway import standings
from gateway.standings import Standings
from inbox.kit.clock import utc_now
from inbox.kit.db import close_database, execute, open_database, tx
from inbox.kit.ids import new_id
from inbox.staff.actions import create_api_key, revoke_api_key
from inbox.staff.sessions.queries import find_standing


def test_keys_stand_until_they_are_revoked_or_over(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is good for a moment; then it is looked up again, for all that ask, by one statement."""
    clock, looked = [0.0], list[int]()
    monkeypatch.setattr("gateway.standings.time.monotonic", lambda: clock[0])

    async def counted(ids: list[UUID]) -> set[UUID]:
        looked.append(len(ids))
        return await find_standing(ids)

    monkeypatch.setattr(standings, "find_standing", counted)

    async def body() -> None:
        await open_database(database_url, size=2)
        async with tx():
            rows = [(await create_api_key(name="x", scopes=["admin"]))[0] for _ in range(3)]
        known = Standings()
        asked = [row.id for row in rows] * 50
        assert all(await asyncio.gather(*(known.stands(one) for one in asked)))
        assert len(looked) <= 2
        async with tx():
            await revoke_api_key(rows[0].id)
        await execute("UPDATE api_key SET expires_at = $2 WHERE id = $1", rows[1].id, utc_now())
        assert await known.stands(rows[0].id)
        clock[0] += standings.FRESH_SECONDS
        assert [await known.stands(row.id) for row in rows] == [False, False, True]
        assert not await known.stands(new_id())
        await close_database()

    asyncio.run(body())


def test_without_the_database_streams_go_on(database_url: str) -> None:
    """Nobody is cut off for an outage: what was known last holds, and who was never looked up was let in just now."""

    async def body() -> None:
        await open_database(database_url, size=2)
        async with tx():
            row, _ = await create_api_key(name="x", scopes=["admin"])
        known = Standings()
        assert await known.stands(row.id)
        assert not await known.stands(gone := new_id())
        await close_database()
        await open_database("postgresql://app@/gone?host=/nowhere", size=2)
        known.forget()
        assert await known.stands(row.id)
        assert not await known.stands(gone)
        assert await known.stands(new_id())
        await close_database()

    asyncio.run(body())
