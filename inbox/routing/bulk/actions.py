"""Carrying one change out on many conversations: each for itself, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from inbox.audit.actions import record_audit
from inbox.conversations.actions.change import (
    mark_read,
    mark_unread,
    patch_conversation,
    set_status,
    tag_conversation,
)
from inbox.kit.callers import Actor
from inbox.kit.db import savepoint
from inbox.kit.errors import Problem
from inbox.kit.ids import read_id
from inbox.routing.actions import assign_conversation
from inbox.routing.bulk.changes import (
    AddTag,
    AnyChange,
    Assign,
    Close,
    MarkRead,
    MarkUnread,
    RemoveTag,
    Reopen,
    SetPriority,
    Snooze,
)


async def change_many(
    conversation_ids: Collection[UUID], change: AnyChange, *, actor: Actor, now: datetime
) -> dict[UUID, Problem | None]:
    """What came of each: None where it was changed, or needed no change; else why not, and then nothing of it stays.

    In the order of the ids, so that two who change many at once never wait for each other in a circle.
    """
    results: dict[UUID, Problem | None] = {}
    for conversation_id in sorted(set(conversation_ids)):
        results[conversation_id] = await _try_change(conversation_id, change, actor=actor, now=now)
    failed = sum(1 for problem in results.values() if problem)
    facts = {"change": change.__struct_config__.tag, "conversations": len(results), "refused": failed}
    await record_audit(actor, "conversations.bulk_changed", facts=facts)
    return results


async def _try_change(conversation_id: UUID, change: AnyChange, *, actor: Actor, now: datetime) -> Problem | None:
    try:
        async with savepoint():
            await CARRIED_OUT[type(change)](conversation_id, change, actor=actor, now=now)
    except Problem as problem:
        return problem
    return None


async def _close(conversation_id: UUID, change: Close, *, actor: Actor, now: datetime) -> None:
    await set_status(conversation_id, "closed", actor=actor, now=now, reason=change.reason)


async def _reopen(conversation_id: UUID, change: Reopen, *, actor: Actor, now: datetime) -> None:
    await set_status(conversation_id, "open", actor=actor, now=now, reason=change.reason)


async def _snooze(conversation_id: UUID, change: Snooze, *, actor: Actor, now: datetime) -> None:
    until = change.until if change.until.tzinfo else change.until.replace(tzinfo=UTC)
    await set_status(conversation_id, "snoozed", actor=actor, now=now, until=until)


async def _tag(conversation_id: UUID, change: AddTag | RemoveTag, *, actor: Actor, now: datetime) -> None:
    present = isinstance(change, AddTag)
    await tag_conversation(conversation_id, change.tag, present=present, actor=actor, now=now)


async def _assign(conversation_id: UUID, change: Assign, *, actor: Actor, now: datetime) -> None:
    agent_id = read_id("agt", change.agent_id) if change.agent_id else None
    await assign_conversation(conversation_id, agent_id, if_unassigned=change.if_unassigned, actor=actor, now=now)


async def _prioritise(conversation_id: UUID, change: SetPriority, *, actor: Actor, now: datetime) -> None:
    await patch_conversation(conversation_id, {"priority": change.priority}, actor=actor, now=now)


async def _see(conversation_id: UUID, change: MarkRead, *, actor: Actor, now: datetime) -> None:
    await mark_read(conversation_id, up_to_seq=None, actor=actor, now=now)


async def _unsee(conversation_id: UUID, change: MarkUnread, *, actor: Actor, now: datetime) -> None:
    await mark_unread(conversation_id, actor=actor, now=now)


CARRIED_OUT: dict[type[Any], Callable[..., Awaitable[None]]] = {
    Close: _close,
    Reopen: _reopen,
    Snooze: _snooze,
    AddTag: _tag,
    RemoveTag: _tag,
    Assign: _assign,
    SetPriority: _prioritise,
    MarkRead: _see,
    MarkUnread: _unsee,
}
