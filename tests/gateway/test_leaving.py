"""Who is let go holds nothing any more: what they had is nobody's, and waits for another."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from gateway.leaving import release_reopened
from inbox.conversations.actions.change import set_status
from inbox.kit.db import tx
from inbox.kit.ids import show_id
from inbox.outbox.queries import count_jobs
from inbox.routing.actions import assign_conversation
from inbox.staff.actions import add_agent, delete_agent
from tests.gateway.posts import NO_JOBS, Post, run_post
from tests.inbox.builders import AGENT, ANA, BEN, CAI, NOW, committed, receive, rows_of, text_message, told_changes


async def hire(name: str) -> UUID:
    """An agent."""
    async with tx():
        return (await add_agent(name=name, email=f"{name}@example.org")).id


async def hold(post: Post, agent_id: UUID, sender: str) -> UUID:
    """A conversation that this agent holds."""
    conversation = await receive(post.lane, text_message(sender=sender))
    await committed(assign_conversation(conversation, agent_id, if_unassigned=False, actor=AGENT, now=NOW))
    return conversation


async def holders() -> dict[UUID, UUID | None]:
    """Who has what."""
    return {row["id"]: row["assignee_id"] for row in await rows_of("conversation")}


def test_what_they_held_is_nobodys(database_url: str, tmp_path: Path) -> None:
    """Told in the timeline and the feed, with their name; others' and closed conversations stay as they are."""

    async def body(post: Post) -> None:
        bo, cy = await hire("bo"), await hire("cy")
        open_one, other, closed = await hold(post, bo, ANA), await hold(post, cy, BEN), await hold(post, bo, CAI)
        await committed(set_status(closed, "closed", actor=AGENT, now=NOW))
        async with tx():
            await delete_agent(bo)
        await post.work()
        assert await holders() == {open_one: None, other: cy, closed: bo}
        assert await count_jobs() == NO_JOBS
        changes: Any = [one for one in await told_changes() if one[0] == "unassigned"]
        assert changes == [("unassigned", {"object": "agent", "id": show_id("agt", bo), "name": "bo"}, None)]
        await committed(set_status(closed, "open", actor=AGENT, now=NOW))
        await release_reopened()
        assert (await holders())[closed] is None

    run_post(database_url, tmp_path, body)


def test_many_are_released_a_few_at_a_time(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job takes so many in one short transaction, and asks for the next as long as there are more."""
    monkeypatch.setattr("gateway.leaving.RELEASED_AT_ONCE", 2)
    monkeypatch.setattr("inbox.routing.actions.RELEASED_AT_ONCE", 2)

    async def body(post: Post) -> None:
        bo = await hire("bo")
        for number in range(3):
            await hold(post, bo, f"+1212555020{number}")
        async with tx():
            await delete_agent(bo)
        await post.work()
        assert sorted(map(bool, (await holders()).values())) == [False, False, True]
        await post.work()
        assert set((await holders()).values()) == {None}
        assert await count_jobs() == NO_JOBS

    run_post(database_url, tmp_path, body)


def test_nothing_is_done_again(database_url: str, tmp_path: Path) -> None:
    """Where nobody was let go the chore finds nothing, and leaves no trace."""

    async def body(post: Post) -> None:
        conversation = await hold(post, await hire("bo"), ANA)
        before = await told_changes()
        await release_reopened()
        assert await told_changes() == before
        assert (await holders())[conversation] is not None

    run_post(database_url, tmp_path, body)
