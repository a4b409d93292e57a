"""One change to many conversations: each for itself, and all of it once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from inbox.conversations.actions.change import TAGS_MAX
from inbox.kit.db import execute, fetch
from inbox.kit.ids import new_id
from inbox.routing.bulk.actions import CARRIED_OUT, change_many
from inbox.routing.bulk.changes import (
    AddTag,
    Assign,
    Close,
    MarkRead,
    MarkUnread,
    RemoveTag,
    Reopen,
    SetPriority,
    Snooze,
)
from tests.inbox.builders import AGENT, NOW, apart, committed, make_channel, one_row, receive, run_opened, text_message


async def make_threads(count: int) -> list[UUID]:
    """As many conversations, each with one message, in no particular order."""
    lane = await make_channel()
    made = [
        await receive(lane, text_message("hi", sender=f"+1212555{number:04d}")) for number in range(1000, 1000 + count)
    ]
    return made[::-1]


async def change(ids: list[UUID], what: Any) -> list[str | None]:
    """The code of what came of each, in the order they were named."""
    results = await committed(change_many(ids, what, actor=AGENT, now=NOW))
    return [problem.code if (problem := results[one]) else None for one in ids]


async def make_agent() -> str:
    """Somebody to hold conversations."""
    agent = new_id()
    await execute(
        "INSERT INTO agent (id, name, email, created_at, updated_at) VALUES ($1, 'Bo', 'b@x', now(), now())", agent
    )
    return f"agt_{agent.hex}"


@pytest.mark.parametrize(
    ("what", "column", "value"),
    [
        (Close(), "status", "closed"),
        (Snooze(until=NOW + timedelta(days=1)), "status", "snoozed"),
        (AddTag(tag="vip"), "tags", ["vip"]),
        (MarkRead(), "unread", 0),
    ],
)  # fmt: skip
def test_all_are_changed(what: Any, column: str, value: Any, database_url: str) -> None:
    """Each conversation as by its own request, told in its own timeline and feed; one line in the audit log."""

    async def body() -> None:
        ids = await make_threads(3)
        assert await change(ids, what) == [None] * 3
        assert [(await one_row("conversation", one))[column] for one in ids] == [value] * 3
        [audit] = await fetch("SELECT facts FROM audit_event")
        assert '"conversations": 3' in audit["facts"]

    run_opened(database_url, body)


def test_every_change_can_be_taken_back(database_url: str) -> None:
    """Reopened, untagged, unread, unpinned and taken from who holds it."""

    async def body() -> None:
        ids, agent = await make_threads(2), await make_agent()
        pairs = [
            (Close(), Reopen()), (AddTag(tag="a"), RemoveTag(tag="a")), (MarkRead(), MarkUnread()),
            (SetPriority(priority="urgent"), SetPriority(priority=None)),
            (Assign(agent_id=agent), Assign(agent_id=None)),
        ]  # fmt: skip
        assert {type(one) for pair in pairs for one in pair} | {Snooze} == set(CARRIED_OUT)
        columns = ("status", "tags", "unread", "priority", "assignee_id")
        before = [[(await one_row("conversation", one))[name] for name in columns] for one in ids]
        for there, back in pairs:
            assert await change(ids, there) == [None, None]
            assert await change(ids, back) == [None, None]
        assert [[(await one_row("conversation", one))[name] for name in columns] for one in ids] == before

    run_opened(database_url, body)


def test_what_is_refused_for_one_holds_up_nobody(database_url: str) -> None:
    """Each is told why; of a refused one nothing stays, and the others are changed."""

    async def body() -> None:
        ids = await make_threads(3)
        full = [f"t{number}" for number in range(TAGS_MAX)]
        await execute("UPDATE conversation SET tags = $2 WHERE id = $1", ids[1], full)
        assert await change([*ids, new_id()], AddTag(tag="vip")) == [None, "state_conflict", None, "not_found"]
        assert (await one_row("conversation", ids[1]))["last_seq"] == 1
        claimed = await make_agent()
        await change([ids[0]], Assign(agent_id=claimed))
        assert await change(ids, Assign(agent_id=claimed, if_unassigned=True)) == [None, None, None]
        other = f"agt_{new_id().hex}"
        assert await change(ids, Assign(agent_id=other, if_unassigned=True)) == ["already_assigned"] * 3

    run_opened(database_url, body)


def test_two_who_change_the_same_do_not_wait_in_a_circle(database_url: str) -> None:
    """Named in opposite orders at once, both get through: locks are taken in one order."""

    async def body() -> None:
        ids = await make_threads(8)
        for tag in ("a", "b", "c"):
            one, other = change(ids, AddTag(tag=tag)), change(ids[::-1], RemoveTag(tag=tag))
            for codes in await asyncio.gather(apart(one), apart(other)):
                assert codes == [None] * 8

    run_opened(database_url, body)
