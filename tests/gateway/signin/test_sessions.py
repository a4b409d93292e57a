"""Sessions of browsers: begun, shown, listed, ended; and closed at once where they must be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from argon2 import PasswordHasher

from gateway import auth, standings
from gateway.settings import Settings
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch_value, tx
from inbox.kit.ids import AGENT, show_id
from inbox.staff.actions import add_agent, change_agent, delete_agent
from inbox.staff.passwords import hashing
from inbox.staff.passwords.actions import set_password
from inbox.staff.sessions.actions import KEPT_DAYS, prune_sessions, revoke_sessions
from tests.api import Api
from tests.gateway.signin.browsers import ANA, GOOD, HOME, SETTINGS, Browser, make_agent, open_door

BETTER = "a whole other sentence"
COOKIE = "__Host-switchboard_session"


def run(database_url: str, steps: Callable[[Api], Awaitable[None]], **more: Any) -> None:
    """A test's steps at the door."""

    async def main() -> None:
        async with open_door(database_url, **more) as api:
            await steps(api)

    asyncio.run(main())


def test_an_agent_signs_in_and_out(database_url: str) -> None:
    """The cookie is for the server alone; every call works by it; when it is over nothing does."""

    async def steps(api: Api) -> None:
        agent_id = await make_agent()
        browser = Browser(api)
        answer = await browser.sign_in("ANA@example.org")
        assert answer.status_code == 200, answer.text
        session = answer.json()
        assert (session["object"], session["agent"]["id"]) == ("session", show_id(AGENT, agent_id))
        cookie = answer.headers["set-cookie"].lower()
        assert all(part in cookie for part in ("httponly", "samesite=lax", "secure", "path=/;", "max-age=604800"))
        assert answer.headers["cache-control"] == "no-store"
        assert (await browser.call("GET", "/v1/session")).json() == session
        assert (await browser.call("GET", "/v1/agents/me")).json() == session["agent"]
        gone = await browser.call("DELETE", "/v1/session")
        assert (gone.status_code, "max-age=0" in gone.headers["set-cookie"].lower()) == (204, True)
        token = answer.cookies[COOKIE]
        again = await api.call("GET", "/v1/session", key=None, headers={"Cookie": f"{COOKIE}={token}"})
        assert (again.status_code, again.json()["code"]) == (401, "unauthenticated")

    run(database_url, steps)


def test_a_dump_opens_no_session(database_url: str) -> None:
    """Neither the token nor the password is anywhere in the database."""

    async def steps(api: Api) -> None:
        await make_agent()
        token = (await Browser(api).sign_in()).cookies[COOKIE]
        stored = await fetch_value("SELECT string_agg(s::text || p::text, '') FROM agent_session s, agent_password p")
        assert len(token) == 43
        assert token not in stored
        assert GOOD not in stored
        assert "$argon2id$" in stored

    run(database_url, steps)


def test_what_a_role_may(database_url: str) -> None:
    """An agent reads and does not administer; an administrator does both; neither may take what is not theirs."""

    async def steps(api: Api) -> None:
        ana = await make_agent()
        await make_agent("bo@example.org", name="Bo", role="admin")
        agent, admin = Browser(api), Browser(api)
        await agent.sign_in()
        await admin.sign_in("bo@example.org")
        assert (await agent.call("GET", "/v1/agents")).status_code == 200
        refused = await agent.call("GET", "/v1/api-keys")
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        path = f"/v1/agents/{show_id(AGENT, ana)}"
        assert (await agent.call("PATCH", path, json={"role": "admin"})).status_code == 403
        assert (await admin.call("GET", "/v1/api-keys")).status_code == 200
        assert len((await api.call("GET", "/v1/sessions")).json()["data"]) == 2
        anas = (await admin.call("GET", "/v1/sessions", params={"agent": show_id(AGENT, ana)})).json()["data"]
        assert [one["agent_id"] for one in anas] == [show_id(AGENT, ana)]
        [own] = (await agent.call("GET", "/v1/sessions")).json()["data"]
        assert (own["is_current"], own["method"], own["user_agent"][:12]) == (True, "password", "python-httpx")
        others = [one["id"] for one in (await admin.call("GET", "/v1/sessions")).json()["data"] if one["is_current"]]
        assert (await agent.call("DELETE", f"/v1/sessions/{others[0]}")).status_code == 404
        bo = (await admin.call("GET", "/v1/agents/me")).json()["id"]
        assert (await agent.call("GET", "/v1/sessions", params={"agent": bo})).status_code == 403
        assert (await admin.call("DELETE", f"/v1/sessions/{own['id']}")).status_code == 204
        assert (await agent.call("GET", "/v1/agents")).status_code == 401

    run(database_url, steps)


def test_signing_in_again_ends_the_session_before(database_url: str) -> None:
    """A token that was planted in a browser is never the one that is signed in (session fixation)."""

    async def steps(api: Api) -> None:
        await make_agent()
        browser = Browser(api)
        first = (await browser.sign_in()).cookies[COOKIE]
        second = (await browser.sign_in()).cookies[COOKIE]
        assert first != second
        assert await fetch_value("SELECT count(*) FROM agent_session WHERE revoked_at IS NULL") == 1

    run(database_url, steps)


async def let_go(agent_id: UUID) -> None:
    """The agent is deleted."""
    await delete_agent(agent_id)


async def promote(agent_id: UUID) -> None:
    """Another role."""
    await change_agent(agent_id, {"role": "admin"})


async def another_password(agent_id: UUID) -> None:
    """Another password."""
    await set_password(agent_id, BETTER)


async def sign_out(agent_id: UUID) -> None:
    """All of their sessions revoked."""
    await revoke_sessions(agent_id)


@pytest.mark.parametrize("change", [let_go, promote, another_password, sign_out])
def test_sessions_end_with_what_they_stood_on(database_url: str, change: Callable[[UUID], Awaitable[None]]) -> None:
    """Deletion, a new role, a new password: at once in this process, and streams hear of it."""

    async def steps(api: Api) -> None:
        agent_id = await make_agent()
        browser, other = Browser(api), Browser(api)
        await browser.sign_in()
        await other.sign_in()
        ring = api.app.dependencies["key_ring"].dependency()  # type: ignore[union-attr]  # a Provide of ours
        known = await ring.identify(None, browser.client.cookies[COOKIE])
        assert await ring.still_valid(known.caller)
        async with tx():
            await change(agent_id)
        for one in (browser, other):
            assert (await one.call("GET", "/v1/session")).status_code == 401
        assert not await ring.still_valid(known.caller)
        ended = await fetch_value("SELECT count(*) FROM audit_event WHERE action = 'session.revoked'")
        assert ended == 2

    run(database_url, steps)


def test_another_processs_revocation_is_heard_of_within_seconds(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered of a session, and of a stream's holder, is forgotten before 5 s are over."""
    assert auth.SESSION_SECONDS + standings.FRESH_SECONDS < 5
    clock = [100.0]
    monkeypatch.setattr("gateway.auth.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("gateway.standings.time.monotonic", lambda: clock[0])

    async def steps(api: Api) -> None:
        await make_agent()
        browser = Browser(api)
        await browser.sign_in()
        ring = api.app.dependencies["key_ring"].dependency()  # type: ignore[union-attr]  # a Provide of ours
        known = await ring.identify(None, browser.client.cookies[COOKIE])
        assert await ring.still_valid(known.caller)
        connection = await asyncpg.connect(database_url)
        await connection.execute("UPDATE agent_session SET revoked_at = now()")
        await connection.close()
        assert (await browser.call("GET", "/v1/agents")).status_code == 200
        assert (await browser.call("GET", "/v1/session")).status_code == 401
        clock[0] += max(auth.SESSION_SECONDS, standings.FRESH_SECONDS)
        assert (await browser.call("GET", "/v1/agents")).status_code == 401
        assert not await ring.still_valid(known.caller)

    run(database_url, steps)


def test_a_session_ends_unused_and_in_the_end(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle for so long, or begun so long ago, it opens nothing; being used keeps it from the first."""
    monkeypatch.setattr("gateway.auth.SESSION_SECONDS", 0.0)
    settings = Settings(public_url=HOME, session_idle_hours=1, session_hours=3)

    async def age(hours: float) -> None:
        past = f"interval '{hours} hours'"
        await execute(f"UPDATE agent_session SET created_at = created_at - {past}, expires_at = expires_at - {past}")

    async def steps(api: Api) -> None:
        await make_agent()
        browser = Browser(api)
        await browser.sign_in()
        await execute("UPDATE agent_session SET last_used_at = last_used_at - interval '59 minutes'")
        assert (await browser.call("GET", "/v1/session")).status_code == 200
        ring = api.app.dependencies["key_ring"].dependency()  # type: ignore[union-attr]  # a Provide of ours
        await ring.record_uses()
        await execute("UPDATE agent_session SET last_used_at = last_used_at - interval '59 minutes'")
        assert (await browser.call("GET", "/v1/session")).status_code == 200
        await execute("UPDATE agent_session SET last_used_at = last_used_at - interval '2 minutes'")
        assert (await browser.call("GET", "/v1/session")).status_code == 401
        await browser.sign_in()
        await age(2.9)
        assert (await browser.call("GET", "/v1/session")).status_code == 200
        await age(0.2)
        assert (await browser.call("GET", "/v1/session")).status_code == 401

    run(database_url, steps, settings=settings)


def test_a_password_is_changed_by_who_knows_it(database_url: str) -> None:
    """The old one is asked for; every session ends, and this browser has a new one with the answer."""

    async def steps(api: Api) -> None:
        await make_agent()
        browser, other = Browser(api), Browser(api)
        await browser.sign_in()
        await other.sign_in()
        wrong = {"current_password": "not this one, no", "password": BETTER}
        answer = await browser.call("PUT", "/v1/session/password", json=wrong)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/current_password")
        weak = await browser.call(
            "PUT", "/v1/session/password", json={"current_password": GOOD, "password": "password1234"}
        )
        assert (weak.status_code, weak.json()["errors"][0]["code"]) == (422, "too_common")
        assert (await other.call("GET", "/v1/session")).status_code == 200
        answer = await browser.call("PUT", "/v1/session/password", json={"current_password": GOOD, "password": BETTER})
        assert answer.status_code == 200, answer.text
        browser.csrf = answer.json()["csrf_token"]
        assert (await browser.call("GET", "/v1/session")).json()["id"] == answer.json()["id"]
        assert (await other.call("GET", "/v1/session")).status_code == 401
        assert (await Browser(api).sign_in()).status_code == 401
        assert (await Browser(api).sign_in(password=BETTER)).status_code == 200
        told = await fetch_value("SELECT count(*) FROM audit_event WHERE action = 'agent.password_changed'")
        assert told == 2

    run(database_url, steps)


def test_a_hash_of_other_parameters_is_made_anew(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the recommended parameters change, each password is hashed by them the next time it is known."""

    async def steps(api: Api) -> None:
        await make_agent()
        before = await fetch_value("SELECT hash FROM agent_password")
        monkeypatch.setattr(hashing, "HASHER", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
        assert (await Browser(api).sign_in()).status_code == 200
        after = await fetch_value("SELECT hash FROM agent_password")
        assert "m=8,t=1" in before
        assert "m=16,t=2" in after
        assert (await Browser(api).sign_in()).status_code == 200

    run(database_url, steps)


def test_a_key_goes_before_the_cookie(database_url: str) -> None:
    """With both it is the key that counts, good or not; a session's routes are not for keys."""

    async def steps(api: Api) -> None:
        await make_agent()
        browser = Browser(api)
        await browser.sign_in()
        key = await api.make_key("agents:read")
        mine = await browser.call("GET", "/v1/agents/me", headers={"Authorization": f"Bearer {key}"})
        assert mine.json()["code"] == "not_found"
        bad = await browser.call("GET", "/v1/agents/me", headers={"Authorization": "Bearer sk_" + "a" * 43})
        assert bad.status_code == 401
        for method in ("GET", "DELETE"):
            assert (await api.call(method, "/v1/session", key=key)).json()["code"] == "not_found"

    run(database_url, steps)


def test_what_a_proxy_says_of_a_user_is_nobody(database_url: str) -> None:
    """No header names a user: neither from anywhere nor from a trusted proxy (T58)."""
    claims = {
        "X-Forwarded-User": ANA, "X-Remote-User": ANA, "Remote-User": ANA, "X-Auth-Request-Email": ANA,
        "X-Forwarded-Email": ANA, "X-Forwarded-For": "10.0.0.1",
    }  # fmt: skip

    async def steps(api: Api) -> None:
        await make_agent(role="admin")
        for name, value in claims.items():
            answer = await api.call("GET", "/v1/agents/me", key=None, headers={name: value})
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), name
        everything = await api.call("GET", "/v1/agents/me", key=None, headers=claims)
        assert everything.status_code == 401

    run(database_url, steps, settings=Settings(public_url=HOME, trusted_proxies=("127.0.0.0/8",)))


def test_a_role_is_given_by_administrators_alone(database_url: str) -> None:
    """`agents:write` changes names, and neither roles nor the address of who can sign in, nor makes administrators."""

    async def steps(api: Api) -> None:
        ana = show_id(AGENT, await make_agent())
        async with tx():
            bo = show_id(AGENT, (await add_agent(name="Bo", email="bo@example.org")).id)
        writer = await api.make_key("agents:write")
        for path, body in (
            (ana, {"role": "admin"}),
            (bo, {"role": "admin"}),
            (ana, {"email": "mallory@example.org"}),
        ):
            answer = await api.call("PATCH", f"/v1/agents/{path}", key=writer, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), body
        made = await api.call(
            "POST", "/v1/agents", key=writer, json={"name": "M", "email": "m@example.org", "role": "admin"}
        )
        assert made.status_code == 403
        assert (await api.call("PATCH", f"/v1/agents/{bo}", key=writer, json={"email": "b@x.org"})).status_code == 200
        changed = await api.call("PATCH", f"/v1/agents/{ana}", json={"role": "admin"})
        assert (changed.status_code, changed.json()["role"]) == (200, "admin")
        assert (await api.call("DELETE", f"/v1/agents/{ana}", key=writer)).status_code == 403
        assert (await api.call("DELETE", f"/v1/agents/{bo}", key=writer)).status_code == 204
        told = await fetch_value("SELECT facts::text FROM audit_event WHERE action = 'agent.role_changed'")
        assert '"admin"' in told

    run(database_url, steps)


def test_sessions_that_are_over_are_forgotten_in_time(database_url: str) -> None:
    """They stay for a month for who looks into what happened."""

    async def steps(api: Api) -> None:
        agent_id = await make_agent()
        await Browser(api).sign_in()
        async with tx():
            await revoke_sessions(agent_id)
        assert await prune_sessions(now=utc_now() + timedelta(days=KEPT_DAYS - 1)) == 0
        assert await prune_sessions(now=utc_now() + timedelta(days=KEPT_DAYS + 1)) == 1

    run(database_url, steps)


def test_plain_sites_have_plain_cookies(database_url: str) -> None:
    """Without TLS, as on a laptop, the cookie does not ask for it: browsers would drop it."""

    async def steps(api: Api) -> None:
        await make_agent()
        answer = await Browser(api, origin="http://127.0.0.1:8000").sign_in()
        assert "secure" not in answer.headers["set-cookie"].lower()

    run(database_url, steps, settings=Settings())
    assert SETTINGS.public_url.startswith("https:")
