"""Administrators: the last who can sign in stays, and who is none any more keeps nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from inbox.kit.db import execute, fetch, fetch_value, tx
from inbox.kit.errors import Problem
from inbox.kit.ids import AGENT, show_id
from inbox.staff.actions import add_agent, change_agent, create_api_key, delete_agent, unbind_agent
from inbox.staff.api import AgentController, ApiKeyController
from inbox.staff.roles import Role
from inbox.staff.subjects.actions import bind_subject
from inbox.staff.subjects.api import AgentSigninController
from tests.api import Api, open_api

ISSUER, OTHER = "https://id.acme.example", "https://login.example"


def run(database_url: str, steps: Callable[[Api], Awaitable[None]]) -> None:
    """A test's steps with the API of agents."""

    async def main() -> None:
        controllers = (AgentController, ApiKeyController, AgentSigninController)
        async with open_api(database_url, controllers=controllers) as api:
            await steps(api)

    asyncio.run(main())


async def hire(name: str, *, role: Role = "admin", issuer: str | None = ISSUER) -> UUID:
    """An agent, who signs in by a provider if one is named."""
    async with tx():
        agent = await add_agent(name=name, email=f"{name}@example.org", role=role)
        if issuer:
            await bind_subject(agent.id, issuer, subject=name)
    return agent.id


def path_of(agent_id: UUID) -> str:
    """Where the API has them."""
    return f"/v1/agents/{show_id(AGENT, agent_id)}"


def test_the_last_administrator_stays(database_url: str) -> None:
    """Neither deleted, demoted nor unbound while nobody else who can sign in is one; with another they go."""

    async def steps(api: Api) -> None:
        ana = await hire("ana")
        await hire("invited", issuer=None)
        await hire("bo", role="agent")
        for method, path, body in (
            ("PATCH", path_of(ana), {"role": "agent"}),
            ("DELETE", path_of(ana), None),
            ("DELETE", f"{path_of(ana)}/signin/subjects", None),
        ):
            answer = await api.call(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (409, "state_conflict"), path
        assert (await api.call("GET", f"{path_of(ana)}/signin")).json()["subjects"][0]["issuer"] == ISSUER
        await hire("cy")
        assert (await api.call("PATCH", path_of(ana), json={"role": "agent"})).status_code == 200
        assert (await api.call("DELETE", path_of(ana))).status_code == 204

    run(database_url, steps)


def test_who_cannot_sign_in_is_no_last_administrator(database_url: str) -> None:
    """One who was only invited may go again, also where there is no other."""

    async def steps(api: Api) -> None:
        invited = await hire("invited", issuer=None)
        assert (await api.call("DELETE", path_of(invited))).status_code == 204

    run(database_url, steps)


def test_two_who_demote_each_other_leave_one(database_url: str) -> None:
    """At the same moment, again and again: one of the two is refused."""

    async def demote(agent_id: UUID) -> str:
        try:
            async with tx():
                await change_agent(agent_id, {"role": "agent"})
        except Problem as problem:
            return problem.code
        return "done"

    async def steps(_: Api) -> None:
        pair = [await hire("ana"), await hire("bo")]
        for _round in range(10):
            assert sorted(await asyncio.gather(*map(demote, pair))) == ["done", "state_conflict"]
            await execute("UPDATE agent SET role = 'admin'")

    run(database_url, steps)


def test_an_administrators_keys_end_with_the_role(database_url: str) -> None:
    """Those that administer in their name; what else they act by, and keys of nobody, stay. All end with the agent."""

    async def steps(_: Api) -> None:
        await hire("cy")
        ana = await hire("ana")
        async with tx():
            await create_api_key(name="strong", scopes=["admin"], agent_id=ana)
            await create_api_key(name="weak", scopes=["agents:read"], agent_id=ana)
            await create_api_key(name="nobody's", scopes=["admin"])
        async with tx():
            await change_agent(ana, {"role": "agent"})
        assert await _revoked() == {"strong"}
        async with tx():
            await delete_agent(ana)
        assert await _revoked() == {"strong", "weak"}
        told = await fetch_value("SELECT count(*) FROM audit_event WHERE action = 'api_key.revoked'")
        assert told == 2

    run(database_url, steps)


async def _revoked() -> set[str]:
    return {row["name"] for row in await fetch("SELECT name FROM api_key WHERE revoked_at IS NOT NULL")}


def test_an_agent_is_unbound_and_stays(database_url: str) -> None:
    """From one provider or all; it is told to the audit log, and done by administrators alone."""

    async def steps(api: Api) -> None:
        bo = await hire("bo", role="agent")
        async with tx():
            await bind_subject(bo, OTHER, subject="b")
        shown = (await api.call("GET", f"{path_of(bo)}/signin")).json()
        assert (shown["object"], shown["id"], shown["password_changed_at"]) == (
            "agent_signin", show_id(AGENT, bo), None
        )  # fmt: skip
        assert [one["issuer"] for one in shown["subjects"]] == [ISSUER, OTHER]
        writer = await api.make_key("agents:write", "agents:read")
        for method, path in (("GET", "/signin"), ("DELETE", "/signin/subjects")):
            refused = await api.call(method, path_of(bo) + path, key=writer)
            assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        answer = await api.call("DELETE", f"{path_of(bo)}/signin/subjects", params={"issuer": OTHER})
        assert answer.status_code == 204
        [left] = (await api.call("GET", f"{path_of(bo)}/signin")).json()["subjects"]
        assert left["issuer"] == ISSUER
        async with tx():
            assert await unbind_agent(bo) == 1
        assert (await api.call("GET", path_of(bo))).status_code == 200
        assert await fetch_value("SELECT count(*) FROM audit_event WHERE action = 'agent.subject_unbound'") == 2

    run(database_url, steps)
