"""Agents and API keys over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from inbox.kit.clock import show_time, utc_now
from inbox.kit.ids import read_id
from tests.api import Api, open_api

ANA = {"name": "Ana Ruiz", "email": "ana@example.org"}


def run(database_url: str, steps: Callable[[Api], Awaitable[None]]) -> None:
    """Run a test's steps against the application."""

    async def main() -> None:
        async with open_api(database_url) as api:
            await steps(api)

    asyncio.run(main())


async def made(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What a POST made."""
    answer = await api.call("POST", path, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_agent_is_taken_on_read_changed_and_let_go(database_url: str) -> None:
    """The whole life of an agent; what is absent in a PATCH stays, and a deleted agent is not found."""

    async def steps(api: Api) -> None:
        agent = await made(api, "/v1/agents", ANA)
        assert (agent["object"], agent["version"], agent["name"]) == ("agent", 1, "Ana Ruiz")
        assert agent["id"].startswith("agt_")
        path = f"/v1/agents/{agent['id']}"
        assert (await api.call("GET", path)).json() == agent
        changed = (await api.call("PATCH", path, json={"name": "Ana María"})).json()
        assert (changed["name"], changed["email"], changed["version"]) == ("Ana María", ANA["email"], 2)
        assert (await api.call("DELETE", path)).status_code == 204
        assert (await api.call("GET", path)).json()["code"] == "not_found"
        assert (await api.call("GET", "/v1/agents")).json()["data"] == []

    run(database_url, steps)


def test_a_patch_that_changes_nothing_makes_no_version(database_url: str) -> None:
    """Saying again what is so already leaves version and time alone."""

    async def steps(api: Api) -> None:
        agent = await made(api, "/v1/agents", ANA)
        again = await api.call("PATCH", f"/v1/agents/{agent['id']}", json={"name": ANA["name"]})
        assert again.json() == agent
        assert (await api.call("PATCH", f"/v1/agents/{agent['id']}", json={})).json() == agent

    run(database_url, steps)


def test_a_mail_address_belongs_to_one_agent(database_url: str) -> None:
    """An address another agent has, in whatever case, is a conflict; a deleted agent's is free again."""

    async def steps(api: Api) -> None:
        agent = await made(api, "/v1/agents", ANA)
        taken = await api.call("POST", "/v1/agents", json={"name": "Bo", "email": "ANA@example.org"})
        assert (taken.status_code, taken.json()["code"]) == (409, "state_conflict")
        assert taken.json()["errors"][0]["pointer"] == "/email"
        bo = await made(api, "/v1/agents", {"name": "Bo", "email": "bo@example.org"})
        moved = await api.call("PATCH", f"/v1/agents/{bo['id']}", json={"email": ANA["email"]})
        assert moved.json()["code"] == "state_conflict"
        await api.call("DELETE", f"/v1/agents/{agent['id']}")
        await made(api, "/v1/agents", ANA)

    run(database_url, steps)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "", "email": "a@b"}, "/name"),
        ({"name": "x" * 201, "email": "a@b"}, "/name"),
        ({"name": "a\r\nBcc: x@y", "email": "a@b"}, "/name"),
        ({"name": "a\n", "email": "a@b"}, "/name"),
        ({"name": "Bo", "email": "a@b>\r\nRCPT TO:<c@d"}, "/email"),
        ({"name": "Bo", "email": "nobody"}, "/email"),
        ({"name": "Bo"}, "/email"),
        ({"name": "Bo", "email": "a@b", "id": "agt_1"}, "/id"),
        ({"name": None, "email": "a@b"}, "/name"),
    ],
)
def test_what_an_agent_cannot_be_is_refused(database_url: str, body: dict[str, Any], pointer: str) -> None:
    """Each unacceptable value is pointed at (T39, T59), and nothing is stored."""

    async def steps(api: Api) -> None:
        refused = await api.call("POST", "/v1/agents", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
        assert refused.json()["errors"][0]["pointer"] == pointer
        assert (await api.call("GET", "/v1/agents")).json()["data"] == []

    run(database_url, steps)


def test_lists_are_paged_without_gap_or_repeat(database_url: str) -> None:
    """Following the Link headers visits every agent once, the newest first, whatever is added meanwhile."""

    async def steps(api: Api) -> None:
        names = [f"agent {number}" for number in range(7)]
        for number, name in enumerate(names):
            await made(api, "/v1/agents", {"name": name, "email": f"{number}@example.org"})
        seen: list[str] = []
        path: str | None = "/v1/agents?limit=3"
        while path:
            page = await api.call("GET", path)
            seen += [agent["name"] for agent in page.json()["data"]]
            await made(api, "/v1/agents", {"name": "late", "email": f"late{len(seen)}@example.org"})
            assert page.json()["page"]["has_more"] == ("next" in page.links)
            path = page.links["next"]["url"] if "next" in page.links else None
        assert seen == names[::-1]

    run(database_url, steps)


def test_a_key_bound_to_an_agent_acts_in_their_name(database_url: str) -> None:
    """`/agents/me` is the agent of the key; a key in its own name has none."""

    async def steps(api: Api) -> None:
        agent = await made(api, "/v1/agents", ANA)
        body = {"name": "console", "scopes": ["agents:read"], "agent_id": agent["id"]}
        key = await made(api, "/v1/api-keys", body)
        assert (await api.call("GET", "/v1/agents/me", key=key["secret"])).json() == agent
        assert (await api.call("GET", "/v1/agents/me")).json()["code"] == "not_found"

    run(database_url, steps)


def test_a_secret_is_shown_once_and_never_stored(database_url: str) -> None:
    """Only the answer that makes a key holds its secret; the database has no trace of it (T67)."""

    async def steps(api: Api) -> None:
        key = await made(api, "/v1/api-keys", {"name": "crm", "scopes": ["contacts:read"]})
        assert key["secret"].startswith(key["prefix"])
        shown = await api.call("GET", f"/v1/api-keys/{key['id']}")
        assert shown.json() == {name: value for name, value in key.items() if name != "secret"}
        assert key["secret"] not in (await api.call("GET", "/v1/api-keys")).text
        connection = await asyncpg.connect(database_url)
        row = await connection.fetchval("SELECT k::text FROM api_key k WHERE id = $1", read_id("key", key["id"]))
        await connection.close()
        assert key["secret"] not in row
        assert key["secret"].encode().hex() not in row

    run(database_url, steps)


def test_a_revoked_key_opens_nothing(database_url: str) -> None:
    """Revoking is for good, may be said twice, and shows in the list."""

    async def steps(api: Api) -> None:
        key = await made(api, "/v1/api-keys", {"name": "crm", "scopes": ["agents:read"]})
        for _ in range(2):
            assert (await api.call("DELETE", f"/v1/api-keys/{key['id']}")).status_code == 204
        refused = await api.call("GET", "/v1/agents", key=key["secret"])
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
        assert (await api.call("GET", f"/v1/api-keys/{key['id']}")).json()["revoked_at"]

    run(database_url, steps)


def test_letting_an_agent_go_ends_their_keys(database_url: str) -> None:
    """Who has left does not come back by an old key."""

    async def steps(api: Api) -> None:
        agent = await made(api, "/v1/agents", ANA)
        body = {"name": "console", "scopes": ["agents:read"], "agent_id": agent["id"]}
        key = await made(api, "/v1/api-keys", body)
        await api.call("DELETE", f"/v1/agents/{agent['id']}")
        assert (await api.call("GET", "/v1/agents", key=key["secret"])).status_code == 401

    run(database_url, steps)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["root"]}, "/scopes/0"),
        ({"agent_id": "agt_" + "0" * 32}, "/agent_id"),
        ({"agent_id": "ctc_1"}, "/agent_id"),
        ({"expires_at": "2026-11-21T09:14:03"}, "/expires_at"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
    ],
)
def test_what_a_key_cannot_be_is_refused(database_url: str, change: dict[str, Any], pointer: str) -> None:
    """Unknown scopes, agents that do not exist, and moments past or without a time zone are pointed at."""

    async def steps(api: Api) -> None:
        refused = await api.call("POST", "/v1/api-keys", json={"name": "crm", "scopes": ["admin"], **change})
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
        assert refused.json()["errors"][0]["pointer"] == pointer

    run(database_url, steps)


def test_only_admins_hand_out_keys(database_url: str) -> None:
    """No other scope reads, makes or revokes keys, so no key can widen its own rights."""

    async def steps(api: Api) -> None:
        key = await api.make_key("agents:write", "conversations:write", "channels:admin")
        body = {"name": "mine", "scopes": ["admin"]}
        for method, path in (("GET", "/v1/api-keys"), ("POST", "/v1/api-keys"), ("DELETE", "/v1/api-keys/key_1")):
            refused = await api.call(method, path, key=key, json=body)
            assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")

    run(database_url, steps)


def test_an_expiry_is_kept_to_the_millisecond(database_url: str) -> None:
    """Times go in with a time zone and come out in UTC with milliseconds."""

    async def steps(api: Api) -> None:
        moment = utc_now() + timedelta(days=30)
        body = {"name": "crm", "scopes": ["admin"], "expires_at": moment.isoformat()}
        assert (await made(api, "/v1/api-keys", body))["expires_at"] == show_time(moment)

    run(database_url, steps)
