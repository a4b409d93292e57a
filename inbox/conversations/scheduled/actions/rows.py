"""Scheduled messages under their locks, and their rows written. The conversation is locked first, always."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from channels.parts import plain_text
from inbox.conversations.actions.store import lock_thread_by
from inbox.conversations.scheduled.plan import Plan, ScheduledState, WhyNot
from inbox.conversations.scheduled.queries import SCHEDULED, find_scheduled
from inbox.conversations.thread import Held, tell
from inbox.feed.events import EventType
from inbox.kit.callers import Actor
from inbox.kit.db import Row, execute, fetch_one, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import SCHEDULED_MESSAGE, show_id
from inbox.kit.versions import check_version, mismatch

INSERT = """
INSERT INTO scheduled_message (id, conversation_id, send_at, author, scheduled_by, approved_by, medium, channel_id,
                               in_reply_to, client_message_id, text, parts, cancel_on_reply, only_if_open, draft_id,
                               mail, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)
"""
SAVE = """
UPDATE scheduled_message
SET state = 'scheduled', reason = NULL, send_at = $2, medium = $3, channel_id = $4, text = $5, parts = $6,
    cancel_on_reply = $7, only_if_open = $8, mail = $9, version = version + 1, updated_at = $10
WHERE id = $1 RETURNING version
"""
END = """
UPDATE scheduled_message SET state = $2, reason = $3, entry_id = $4, version = version + 1, updated_at = $5
WHERE id = $1 RETURNING version
"""

TOLD: dict[ScheduledState, EventType] = {
    "scheduled": "scheduled_message.updated",
    "sent": "scheduled_message.sent",
    "held": "scheduled_message.held",
    "canceled": "scheduled_message.canceled",
    "failed": "scheduled_message.failed",
}


async def hold_scheduled(scheduled_id: UUID, *, version: int | None = None) -> tuple[Held, Row]:
    """A scheduled message under its lock, with its conversation under its own; else the `not_found` problem.

    The `version_mismatch` problem where it is meant in another version: by If-Match, or by `version`.
    """

    async def place() -> UUID:
        return UUID(int=(await find_scheduled(scheduled_id))["conversation_id"].int)

    held = await lock_thread_by(place)
    row = await fetch_one(f"{SCHEDULED} WHERE id = $1 FOR UPDATE", scheduled_id)
    if row is None:
        raise Problem("not_found", f"There is no scheduled message {show_id(SCHEDULED_MESSAGE, scheduled_id)}")
    check_version(scheduled_id, row["version"])
    if version not in (None, row["version"]):
        raise mismatch(f"it has version {row['version']} by now")
    return held, row


async def insert_plan(held: Held, scheduled_id: UUID, plan: Plan, *, actor: Actor, now: datetime) -> None:
    """A new row, told with what else is told of its conversation."""
    await execute(
        INSERT,
        scheduled_id,
        held.thread.id,
        plan.send_at,
        to_json(plan.author),
        to_json(actor),
        to_json(plan.approved_by) if plan.approved_by else None,
        plan.medium,
        plan.channel_id,
        plan.in_reply_to,
        plan.client_message_id,
        plain_text(plan.parts),
        to_json(plan.parts),
        plan.cancel_on_reply,
        plan.only_if_open,
        plan.draft_id,
        _mail(plan),
        now,
    )
    _tell(held, "scheduled_message.created", scheduled_id, version=1, state="scheduled", actor=actor)


async def save_plan(held: Held, scheduled_id: UUID, plan: Plan, *, actor: Actor, now: datetime) -> None:
    """Another plan for the same message, which waits again."""
    version = await fetch_value(
        SAVE,
        scheduled_id,
        plan.send_at,
        plan.medium,
        plan.channel_id,
        plain_text(plan.parts),
        to_json(plan.parts),
        plan.cancel_on_reply,
        plan.only_if_open,
        _mail(plan),
        now,
    )
    _tell(held, TOLD["scheduled"], scheduled_id, version=version, state="scheduled", actor=actor)


async def end_plan(
    held: Held,
    scheduled_id: UUID,
    state: ScheduledState,
    *,
    actor: Actor,
    now: datetime,
    reason: WhyNot | None = None,
    entry_id: UUID | None = None,
) -> None:
    """What became of it."""
    why = to_json(reason) if reason else None
    version = await fetch_value(END, scheduled_id, state, why, entry_id, now)
    _tell(held, TOLD[state], scheduled_id, version=version, state=state, actor=actor, entry_id=entry_id, reason=reason)


def _tell(
    held: Held,
    event: EventType,
    scheduled_id: UUID,
    *,
    version: int,
    state: ScheduledState,
    actor: Actor,
    entry_id: UUID | None = None,
    reason: WhyNot | None = None,
) -> None:
    """The feed says which message and what became of it, never what is in it."""
    shown = show_id(SCHEDULED_MESSAGE, scheduled_id)
    facts: dict[str, Any] = {"scheduled_message_id": shown, "version": version, "state": state}
    if reason:
        facts["reason"] = reason.code
    tell(held, event, actor=actor, entry_id=entry_id, facts=facts)


def _mail(plan: Plan) -> str | None:
    return to_json(plan.mail) if plan.mail else None


def to_json(value: Any) -> str:
    """A value as a jsonb column takes it."""
    return msgspec.json.encode(value).decode()
