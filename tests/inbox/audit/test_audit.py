"""The audit log: written with what it tells of, read by administrators, changed by nobody."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from inbox.audit.actions import prune_audit_log, record_audit
from inbox.audit.api import AuditController
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch, savepoint, tx
from inbox.kit.tracing import working_for
from inbox.staff.actions import create_api_key, revoke_api_key
from inbox.staff.api import AgentController, ApiKeyController
from tests.api import open_api
from tests.inbox.builders import committed, run_opened

BO = Actor(type="agent", id="agt_1", name="Bo")


async def actions() -> list[str]:
    """What was written down, the oldest first."""
    return [row["action"] for row in await fetch("SELECT action FROM audit_event ORDER BY id")]


async def age(action: str, days: int) -> None:
    """Make an event older than it is: only a superuser's switch gets past the trigger."""
    await execute("ALTER TABLE audit_event DISABLE TRIGGER audit_event_kept")
    await execute("UPDATE audit_event SET at = now() - make_interval(days => $2) WHERE action = $1", action, days)
    await execute("ALTER TABLE audit_event ENABLE TRIGGER audit_event_kept")


async def break_off() -> None:
    """Something that did not last after all."""
    async with tx():
        await record_audit(BO, "thing.changed")
        raise ValueError("broken off")


def test_it_tells_what_lasted(database_url: str) -> None:
    """An event joins the transaction of what it tells: rolled back with it, and stored with who, what and why."""

    async def body() -> None:
        with pytest.raises(ValueError, match="broken off"):
            await break_off()
        with working_for("r1"):
            await committed(record_audit(BO, "thing.deleted", target="thing_1", facts={"count": 2}))
        [row] = await fetch("SELECT * FROM audit_event")
        assert (row["actor_id"], row["action"], row["target"], row["request_id"]) == (
            "agt_1", "thing.deleted", "thing_1", "r1",
        )  # fmt: skip
        assert row["facts"] == '{"count": 2}'

    run_opened(database_url, body)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_event SET action = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event"]
)
def test_the_database_refuses_to_change_it(statement: str, database_url: str) -> None:
    """Not by the application's own role, whatever it runs: UPDATE, DELETE and TRUNCATE end with an error."""

    async def body() -> None:
        await committed(record_audit(SYSTEM, "thing.changed"))
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await execute(statement)
        assert await actions() == ["thing.changed"]

    run_opened(database_url, body)


def test_only_age_takes_anything_away(database_url: str) -> None:
    """Pruning goes by the retention, never below 30 days, and leaves no door open behind it."""

    async def body() -> None:
        for action in ("old", "older", "young"):
            await committed(record_audit(SYSTEM, action))
        await age("old", 40)
        await age("older", 50)
        assert await prune_audit_log(older_than_days=45) == 1
        assert sorted(await actions()) == ["old", "young"]
        with pytest.raises(asyncpg.InvalidParameterValueError, match="30 days"):
            await prune_audit_log(older_than_days=29)
        async with tx():
            await prune_audit_log(older_than_days=45)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with savepoint():
                    await execute("DELETE FROM audit_event WHERE action = 'old'")
        assert sorted(await actions()) == ["old", "young"]

    run_opened(database_url, body)


def test_what_is_told_once_is_told_once(database_url: str) -> None:
    """Processes that see the same first use write one line."""

    async def body() -> None:
        for _ in range(3):
            await committed(record_audit(SYSTEM, "api_key.used", once="k 2026-11-22 10.0.0.1"))
        await committed(record_audit(SYSTEM, "api_key.used", once="k 2026-11-22 10.0.0.2"))
        assert await actions() == ["api_key.used"] * 2

    run_opened(database_url, body)


def test_keys_and_agents_are_told_of(database_url: str) -> None:
    """Who made a key with which scopes, and who revoked it; a key that has ended already ends once."""

    async def body() -> None:
        async with tx():
            row, _ = await create_api_key(name="crm", scopes=["admin"], actor=BO)
        await committed(revoke_api_key(row.id, actor=BO))
        await committed(revoke_api_key(row.id, actor=BO))
        assert await actions() == ["api_key.created", "api_key.revoked"]
        made = await fetch("SELECT facts FROM audit_event ORDER BY id")
        assert "admin" in made[0]["facts"]
        assert "sk_" not in "".join(row["facts"] for row in made)

    run_opened(database_url, body)


def test_the_log_is_read_page_by_page_and_narrowed(database_url: str) -> None:
    """The newest first; by actor, action, target and time; only with the scope `admin`."""

    async def run() -> None:
        async with open_api(database_url, controllers=[AuditController, AgentController, ApiKeyController]) as api:

            async def read(**params: Any) -> list[str]:
                answer = await api.call("GET", "/v1/audit-log", params=params)
                assert answer.status_code == 200, answer.text
                return [event["action"] for event in answer.json()["data"]]

            made = (await api.call("POST", "/v1/agents", json={"name": "Bo", "email": "bo@x.org"})).json()["id"]
            await api.call("PATCH", f"/v1/agents/{made}", json={"name": "Bob"})
            assert (await read())[:2] == ["agent.updated", "agent.created"]
            assert await read(target=made) == ["agent.updated", "agent.created"]
            assert await read(target=made, action="agent.created") == ["agent.created"]
            [who] = {event["actor"]["id"] for event in (await _events(api, target=made))}
            assert "agent.created" in await read(actor=who)
            assert await read(actor="agt_nobody") == []
            assert await read(since=(utc_now() + timedelta(hours=1)).isoformat()) == []
            assert await read(until=(utc_now() - timedelta(hours=1)).isoformat()) == []
            first = (await api.call("GET", "/v1/audit-log", params={"limit": 1})).json()
            rest = await read(limit=200, cursor=first["page"]["next_cursor"])
            assert [first["data"][0]["action"], *rest] == await read()
            narrow = await api.call("GET", "/v1/audit-log", key=await api.make_key("agents:read"))
            assert (narrow.status_code, narrow.json()["code"]) == (403, "scope_missing")

    asyncio.run(run())


async def _events(api: Any, **params: Any) -> list[Any]:
    return list((await api.call("GET", "/v1/audit-log", params=params)).json()["data"])
