"""Giving conversations to agents: one holds it, and of two who claim it one gets it."""

from __future__ import annotations

import asyncio
from uuid import UUID

import msgspec

from inbox.kit.db import execute
from inbox.kit.errors import Problem
from inbox.kit.ids import new_id, show_id
from inbox.routing.actions import assign_conversation
from tests.inbox.builders import (
    AGENT,
    NOW,
    apart,
    committed,
    count_rows,
    make_channel,
    one_row,
    receive,
    refused,
    rows_of,
    run_opened,
    text_message,
)


async def make_agent(name: str) -> UUID:
    """Somebody who can hold conversations."""
    agent_id = new_id()
    await execute("INSERT INTO agent (id, name, email) VALUES ($1, $2, $2 || '@x.test')", agent_id, name)
    return agent_id


async def assign(conversation: UUID, agent: UUID | None, *, claim: bool = False) -> UUID | None:
    """Who has it after that."""
    await committed(assign_conversation(conversation, agent, if_unassigned=claim, actor=AGENT, now=NOW))
    found: UUID | None = (await one_row("conversation", conversation))["assignee_id"]
    return found


def test_of_two_who_claim_at_once_one_gets_it(database_url: str) -> None:
    """Both click at the same moment: one has the conversation, the other is told who has it."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        agents = [await make_agent(f"agent{n}") for n in range(5)]
        claims = [apart(assign(conversation, agent, claim=True)) for agent in agents]
        ended = await asyncio.gather(*claims, return_exceptions=True)
        [winner] = [one for one in ended if isinstance(one, UUID)]
        losers = [one for one in ended if isinstance(one, Problem)]
        assert [one.code for one in losers] == ["already_assigned"] * 4
        assert all(show_id("agt", winner) in one.detail for one in losers)
        assert (await one_row("conversation", conversation))["assignee_id"] == winner
        assert await count_rows("entry") == 2

    run_opened(database_url, body)


def test_assigning_is_told_with_before_and_after(database_url: str) -> None:
    """The timeline says from whom to whom, by name; nothing is said where nothing changes."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        bo, kim = await make_agent("Bo"), await make_agent("Kim")
        for agent in (bo, bo, kim, None, None):
            assert await assign(conversation, agent) == agent
        told = [msgspec.json.decode(row["event"]) for row in await rows_of("entry", "seq") if row["event"]]
        names = [(one["name"], (one["from"] or {}).get("name"), (one["to"] or {}).get("name")) for one in told]
        assert names == [("assigned", None, "Bo"), ("assigned", "Bo", "Kim"), ("unassigned", "Kim", None)]
        types = [row["type"] for row in await rows_of("feed_event", "position")]
        assert types.count("conversation.assigned") == 3

    run_opened(database_url, body)


def test_claiming_what_is_mine_is_no_conflict(database_url: str) -> None:
    """Who has it already may claim it again; nobody else may, and taking over needs no claim."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        bo, kim = await make_agent("Bo"), await make_agent("Kim")
        assert await assign(conversation, bo, claim=True) == bo
        assert await assign(conversation, bo, claim=True) == bo
        assert (await refused(assign(conversation, kim, claim=True))).code == "already_assigned"
        assert await assign(conversation, kim) == kim

    run_opened(database_url, body)


def test_only_agents_who_are_there_get_conversations(database_url: str) -> None:
    """Neither an unknown agent nor one who has left; what the one who left had can be taken over."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        gone, kim = await make_agent("Gone"), await make_agent("Kim")
        await assign(conversation, gone)
        await execute("UPDATE agent SET deleted_at = now() WHERE id = $1", gone)
        assert (await refused(assign(conversation, new_id()))).code == "not_found"
        assert await assign(conversation, kim) == kim
        assert (await refused(assign(conversation, gone))).code == "not_found"
        assert (await refused(assign(new_id(), kim))).code == "not_found"

    run_opened(database_url, body)
