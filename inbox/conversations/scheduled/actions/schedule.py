"""Planning a message, changing the plan, canceling it. Each is one row and one job, in the open transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from channels.contract import Adapter
from inbox.conversations.actions.reply import Reply, check_reply
from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.conversations.drafts.actions import settle_draft
from inbox.conversations.scheduled.actions.rows import end_plan, hold_scheduled, insert_plan, save_plan
from inbox.conversations.scheduled.plan import CHANGEABLE, WAITING_MAX, Plan, PlanChange, change_plan, why_not_then
from inbox.conversations.scheduled.queries import database_now, plan_of
from inbox.conversations.thread import Held
from inbox.kit.callers import Actor
from inbox.kit.db import Row, fetch_one, fetch_value
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import new_id
from inbox.outbox.actions import drop_job, enqueue_jobs
from inbox.outbox.jobs import NewJob, SendScheduled


async def schedule_message(
    conversation_id: UUID, plan: Plan, *, actor: Actor, adapters: Mapping[str, Adapter], now: datetime
) -> UUID:
    """Keep a message for later, with the job that lets it leave; the id of the scheduled message.

    It is checked as if it were to leave now, so that what could never be sent is refused at once; and again when it
    leaves. A `client_message_id` that this conversation has planned already is the same message.
    """
    held = await lock_thread(conversation_id)
    if plan.client_message_id:
        known = await _same_plan(conversation_id, plan.client_message_id)
        if known is not None:
            return known
    await _check_plan(held, plan, adapters=adapters)
    await _check_room(conversation_id)
    scheduled_id = new_id()
    await insert_plan(held, scheduled_id, plan, actor=actor, now=now)
    await store_threads([held], now=now)
    await _ask_to_leave(scheduled_id, plan.send_at)
    return scheduled_id


async def change_scheduled(
    scheduled_id: UUID,
    change: PlanChange,
    *,
    actor: Actor,
    adapters: Mapping[str, Adapter],
    now: datetime,
    version: int | None = None,
) -> None:
    """Another time or other words for what has not left; one that failed is planned anew."""
    held, row = await hold_scheduled(scheduled_id, version=version)
    check_changeable(row)
    before = plan_of(row)
    after = change_plan(before, change)
    if after == before and row["state"] == "scheduled":
        return
    await _check_plan(held, after, adapters=adapters)
    await save_plan(held, scheduled_id, after, actor=actor, now=now)
    await store_threads([held], now=now)
    await drop_job(SendScheduled(scheduled_id=scheduled_id), key=job_key(scheduled_id))
    await _ask_to_leave(scheduled_id, after.send_at)


async def cancel_scheduled(scheduled_id: UUID, *, actor: Actor, now: datetime) -> None:
    """It will not leave; the draft it was made of is open again. Canceling twice is canceling once."""
    held, row = await hold_scheduled(scheduled_id)
    if row["state"] == "canceled":
        return
    check_changeable(row)
    await end_plan(held, scheduled_id, "canceled", actor=actor, now=now)
    if row["draft_id"]:
        await settle_draft(held, row["draft_id"], "open", actor=actor, now=now)
    await store_threads([held], now=now)
    await drop_job(SendScheduled(scheduled_id=scheduled_id), key=job_key(scheduled_id))


def job_key(scheduled_id: UUID) -> str:
    """The order of its jobs: its own, so that it holds back nothing of its conversation while it waits."""
    return f"scheduled:{scheduled_id}"


def check_changeable(row: Row) -> None:
    """The `state_conflict` problem where it has left, was canceled, or has become a draft."""
    if row["state"] not in CHANGEABLE:
        raise Problem("state_conflict", f"The message is {row['state']}", hint="Write or schedule another")


def as_reply(plan: Plan) -> Reply:
    """The plan as the message it becomes."""
    return Reply(
        parts=plan.parts,
        author=plan.author,
        medium=plan.medium,
        channel_id=plan.channel_id,
        client_message_id=plan.client_message_id,
        in_reply_to=plan.in_reply_to,
        approved_by=plan.approved_by,
        mail=plan.mail,
    )


async def _ask_to_leave(scheduled_id: UUID, send_at: datetime) -> None:
    job = SendScheduled(scheduled_id=scheduled_id)
    await enqueue_jobs([NewJob(job=job, key=job_key(scheduled_id), at=send_at)])


async def _check_plan(held: Held, plan: Plan, *, adapters: Mapping[str, Adapter]) -> None:
    wrong = why_not_then(plan.send_at, now=await database_now())
    if wrong:
        error = FieldError(pointer="/send_at", code="wrong_time", detail=wrong)
        raise Problem("validation_failed", wrong, errors=[error])
    await check_reply(held, as_reply(plan), adapters=adapters)


async def _check_room(conversation_id: UUID) -> None:
    waiting = await fetch_value(
        "SELECT count(*) FROM scheduled_message WHERE conversation_id = $1 AND state = 'scheduled'", conversation_id
    )
    if waiting >= WAITING_MAX:
        raise Problem("state_conflict", f"At most {WAITING_MAX} messages of a conversation wait for their time")


async def _same_plan(conversation_id: UUID, client_message_id: str) -> UUID | None:
    sql = "SELECT id FROM scheduled_message WHERE conversation_id = $1 AND client_message_id = $2"
    row = await fetch_one(sql, conversation_id, client_message_id)
    return row["id"] if row else None
