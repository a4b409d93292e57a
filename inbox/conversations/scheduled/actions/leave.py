"""A scheduled message leaves, or says why it does not: one transaction, whose winner is whoever holds the locks first.

What it was checked for when it was planned is checked again: consent, channel, what the channel can carry.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from channels.contract import Adapter
from inbox.conversations.actions.reply import reply_to_conversation
from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.conversations.drafts.actions import settle_draft
from inbox.conversations.scheduled.actions.rows import end_plan, hold_scheduled
from inbox.conversations.scheduled.actions.schedule import as_reply, check_changeable, job_key
from inbox.conversations.scheduled.plan import Plan, WhyNot
from inbox.conversations.scheduled.queries import database_now, plan_of
from inbox.conversations.thread import Held
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.db import Row
from inbox.kit.errors import Problem
from inbox.outbox.actions import drop_job
from inbox.outbox.jobs import SendScheduled

CLOSED = WhyNot(code="conversation_closed", detail="The conversation was closed when the message was due")
BROKEN = WhyNot(code="internal", detail="Something broke on our side when the message was due; it has been logged")


async def leave_when_due(scheduled_id: UUID, *, adapters: Mapping[str, Adapter], now: datetime) -> datetime | None:
    """Let a message leave whose time has come, as an entry at the end of its timeline; a moment if it is later.

    What was canceled, sent or held meanwhile stays as it is. What cannot be sent has failed, and says why.
    """
    try:
        held, row = await hold_scheduled(scheduled_id)
    except Problem as refused:
        if refused.code == "not_found":
            return None  # it was erased together with its conversation
        raise
    if row["state"] != "scheduled":
        return None
    plan = plan_of(row)
    if plan.send_at > await database_now():
        return plan.send_at
    if plan.only_if_open and held.thread.status == "closed":
        await _fail(held, row, CLOSED, now=now)
        return None
    try:
        await _leave(row, plan, actor=SYSTEM, adapters=adapters, now=now)
    except Problem as refused:
        await _fail(held, row, WhyNot(code=refused.code, detail=refused.detail), now=now)
    return None


async def send_scheduled_now(
    scheduled_id: UUID, *, actor: Actor, adapters: Mapping[str, Adapter], now: datetime
) -> UUID:
    """Let it leave at once: the id of its entry. One that has left already is that entry; a refusal changes nothing."""
    _, row = await hold_scheduled(scheduled_id)
    if row["state"] == "sent":
        return UUID(int=row["entry_id"].int)
    check_changeable(row)
    entry_id = await _leave(row, plan_of(row), actor=actor, adapters=adapters, now=now)
    await drop_job(SendScheduled(scheduled_id=scheduled_id), key=job_key(scheduled_id))
    return entry_id


async def give_up_scheduled(scheduled_id: UUID, *, now: datetime) -> None:
    """Every try to let it leave broke: people are to see that."""
    held, row = await hold_scheduled(scheduled_id)
    if row["state"] == "scheduled":
        await _fail(held, row, BROKEN, now=now)


async def _leave(row: Row, plan: Plan, *, actor: Actor, adapters: Mapping[str, Adapter], now: datetime) -> UUID:
    entry_id = await reply_to_conversation(row["conversation_id"], as_reply(plan), adapters=adapters, now=now)
    held = await lock_thread(row["conversation_id"])  # as the reply has left it
    await end_plan(held, row["id"], "sent", actor=actor, now=now, entry_id=entry_id)
    if plan.draft_id:
        await settle_draft(
            held, plan.draft_id, "sent", actor=actor, now=now,
            scheduled_id=row["id"], entry_id=entry_id, approved_by=plan.approved_by,
        )  # fmt: skip
    await store_threads([held], now=now)
    return entry_id


async def _fail(held: Held, row: Row, reason: WhyNot, *, now: datetime) -> None:
    await end_plan(held, row["id"], "failed", actor=SYSTEM, now=now, reason=reason)
    await store_threads([held], now=now)
