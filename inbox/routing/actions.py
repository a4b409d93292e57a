"""Giving a conversation to somebody."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.conversations.thread import record_change
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.db import fetch
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id

RELEASED_AT_ONCE = 100
"""How many conversations one transaction takes from agents who were let go."""
LEFT_BEHIND = """
SELECT c.id FROM conversation c JOIN agent a ON a.id = c.assignee_id
WHERE a.deleted_at IS NOT NULL AND c.status <> 'closed' ORDER BY c.id LIMIT $1
"""


async def assign_conversation(
    conversation_id: UUID, agent_id: UUID | None, *, if_unassigned: bool, actor: Actor, now: datetime
) -> None:
    """Give it to an agent, or take it from whoever has it (None).

    `if_unassigned` makes it a claim: the second of two who click at once is told `already_assigned`.
    """
    held = await lock_thread(conversation_id)
    before = held.thread.assignee_id
    if before == agent_id:
        return
    if if_unassigned and before is not None:
        raise Problem("already_assigned", f"{show_id('agt', before)} has the conversation already")
    names = await _names(before, agent_id)
    if agent_id is not None and agent_id not in names:
        raise Problem("not_found", f"There is no agent {show_id('agt', agent_id)}")
    held.thread.assignee_id = agent_id
    record_change(
        held,
        "assigned" if agent_id else "unassigned",
        event_type="conversation.assigned",
        changed=("assignee",),
        actor=actor,
        now=now,
        before=_reference(before, names),
        after=_reference(agent_id, names),
    )
    await store_threads([held], now=now)


async def release_some(now: datetime) -> int:
    """Take from agents who were let go what they hold and is not closed, the oldest first; returns how many those were.

    A conversation that was closed when they left is taken from them when it is opened again.
    """
    found = [row["id"] for row in await fetch(LEFT_BEHIND, RELEASED_AT_ONCE)]
    for conversation_id in found:
        await assign_conversation(conversation_id, None, if_unassigned=False, actor=SYSTEM, now=now)
    return len(found)


async def _names(before: UUID | None, after: UUID | None) -> dict[UUID, str]:
    """Of whoever had it, who may be gone by now, and of whom it is given to, who may not."""
    rows = await fetch("SELECT id, name FROM agent WHERE id = $1 OR (id = $2 AND deleted_at IS NULL)", before, after)
    return {row["id"]: row["name"] for row in rows}


def _reference(agent_id: UUID | None, names: dict[UUID, str]) -> dict[str, str | None] | None:
    if agent_id is None:
        return None
    return {"object": "agent", "id": show_id("agt", agent_id), "name": names.get(agent_id)}
