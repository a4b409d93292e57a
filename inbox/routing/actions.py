"""Giving a conversation to somebody."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.conversations.thread import record_change
from inbox.kit.callers import Actor
from inbox.kit.db import fetch
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id


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
    names = await _names([agent for agent in (before, agent_id) if agent])
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


async def _names(agent_ids: list[UUID]) -> dict[UUID, str]:
    rows = await fetch("SELECT id, name FROM agent WHERE id = ANY($1) AND deleted_at IS NULL", agent_ids)
    return {row["id"]: row["name"] for row in rows}


def _reference(agent_id: UUID | None, names: dict[UUID, str]) -> dict[str, str | None] | None:
    if agent_id is None:
        return None
    return {"object": "agent", "id": show_id("agt", agent_id), "name": names.get(agent_id)}
