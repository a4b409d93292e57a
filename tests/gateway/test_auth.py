"""API keys at the door: who is let in, who is not, and what they hear."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from litestar import Litestar, get

from gateway import auth
from gateway.auth import KeyRing, UnguardedRoutes, check_routes, read_bearer
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.db import close_database, open_database, tx
from inbox.kit.errors import Problem
from inbox.staff.actions import create_api_key, revoke_api_key
from tests.api import open_api

GOOD = "sk_" + "a" * 43


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", f"Basic {GOOD}", GOOD, "Bearer nonsense", f"Bearer {GOOD} {GOOD}", "Bearer \xff"],
)
def test_what_is_no_bearer_key_is_refused_without_a_look(header: str | None) -> None:
    """Missing, malformed and foreign credentials are `unauthenticated`, and nobody asks the database."""
    with pytest.raises(Problem) as caught:
        read_bearer(header)
    assert caught.value.code == "unauthenticated"


def test_the_scheme_is_read_in_any_case() -> None:
    """RFC 9110 11.1: the scheme is case-insensitive."""
    assert read_bearer(f"bEaReR {GOOD}") == GOOD


def test_refusals_say_how_to_prove_oneself(database_url: str) -> None:
    """401 and 403 carry WWW-Authenticate with what is wrong, and the right code (RFC 6750)."""

    async def run() -> None:
        async with open_api(database_url) as api:
            missing = await api.call("GET", "/v1/agents", key=None)
            unknown = await api.call("GET", "/v1/agents", key=GOOD)
            narrow = await api.call("GET", "/v1/agents", key=await api.make_key("contacts:read"))
        assert [answer.status_code for answer in (missing, unknown, narrow)] == [401, 401, 403]
        assert [answer.json()["code"] for answer in (missing, unknown, narrow)] == [
            "unauthenticated", "unauthenticated", "scope_missing",
        ]  # fmt: skip
        assert 'error="insufficient_scope"' in narrow.headers["www-authenticate"]
        assert missing.headers["www-authenticate"].startswith("Bearer ")
        assert "agents:read" in narrow.json()["detail"]

    asyncio.run(run())


def test_an_expired_key_is_told_apart(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`token_expired` says that the key was good once, also while it is still in the cache."""

    async def run() -> None:
        async with open_api(database_url) as api:
            async with tx():
                soon = utc_now() + timedelta(hours=1)
                _, secret = await create_api_key(name="crm", scopes=["agents:read"], expires_at=soon)
            assert (await api.call("GET", "/v1/agents", key=secret)).status_code == 200
            monkeypatch.setattr(auth, "utc_now", lambda: soon)
            assert (await api.call("GET", "/v1/agents", key=secret)).json()["code"] == "token_expired"

    asyncio.run(run())


def test_a_revoked_key_is_forgotten_within_seconds(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key is looked up again after the cache's time, and not before: that is how long a revoked one may live."""
    clock = [100.0]
    monkeypatch.setattr("gateway.auth.time.monotonic", lambda: clock[0])
    assert auth.CACHE_SECONDS <= 5

    async def admitted(ring: KeyRing, secret: str) -> Caller | None:
        try:
            return await ring.admit(f"Bearer {secret}")
        except Problem:
            return None

    async def run() -> None:
        await open_database(database_url, size=2)
        ring = KeyRing()
        async with tx():
            row, secret = await create_api_key(name="crm", scopes=["agents:read"])
        assert await admitted(ring, secret)
        async with tx():
            await revoke_api_key(row.id)
        assert await admitted(ring, secret)
        clock[0] += auth.CACHE_SECONDS
        assert await admitted(ring, secret) is None
        await close_database()

    asyncio.run(run())


def test_guesses_do_not_fill_the_cache(database_url: str) -> None:
    """Only keys that exist are kept in memory, however many are tried."""

    async def run() -> None:
        await open_database(database_url, size=2)
        ring = KeyRing()
        for number in range(20):
            with pytest.raises(Problem):
                await ring.admit(f"Bearer sk_{number:043d}")
        assert ring._known == {}
        await close_database()

    asyncio.run(run())


def test_the_last_use_of_a_key_is_written_down_at_the_end(database_url: str) -> None:
    """`last_used_at` is written beside the requests, at the latest when the process stops."""

    async def run() -> None:
        async with open_api(database_url) as api:
            await api.call("GET", "/v1/agents")
            before = (await api.call("GET", "/v1/api-keys")).json()["data"][0]
            assert before["last_used_at"] is None
        connection = await asyncpg.connect(database_url)
        assert await connection.fetchval("SELECT last_used_at FROM api_key") is not None
        await connection.close()

    asyncio.run(run())


def test_a_use_that_cannot_be_written_is_kept(database_url: str) -> None:
    """While the database is away uses wait for the next time; nothing fails."""

    async def run() -> None:
        await open_database(database_url, size=2)
        ring = KeyRing()
        async with tx():
            row, secret = await create_api_key(name="crm", scopes=["agents:read"])
        await ring.admit(f"Bearer {secret}")
        await close_database()
        await open_database("postgresql://app@/gone?host=/nowhere", size=2)
        await ring.record_uses()
        assert set(ring._used) == {row.id}
        await close_database()

    asyncio.run(run())


def test_a_route_without_a_scope_does_not_start() -> None:
    """A route of the API that names no scope, or one there is not, stops the start; `public` has to be said."""

    @get("/v1/open", opt={"public": True})
    async def open_door() -> None: ...

    @get("/v1/forgotten")
    async def forgotten() -> None: ...

    @get("/v1/misspelt", opt={"scope": "agent:reed"})
    async def misspelt() -> None: ...

    @get("/beside")
    async def beside() -> None: ...

    with pytest.raises(UnguardedRoutes) as caught:
        check_routes(Litestar([open_door, forgotten, misspelt, beside], openapi_config=None), prefix="/v1")
    assert "GET /v1/forgotten" in str(caught.value)
    assert "GET /v1/misspelt" in str(caught.value)
    assert "open" not in str(caught.value).replace("opt", "")
    assert "beside" not in str(caught.value)
