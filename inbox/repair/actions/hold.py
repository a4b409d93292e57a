"""Holding the outbox: nothing leaves until somebody says so; what is too old by then may be let go instead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from channels.events import DeliveryError
from inbox.audit.actions import record_audit
from inbox.conversations.actions.deliveries import WAITING, PieceReport, apply_reports
from inbox.conversations.actions.store import lock_threads, store_threads
from inbox.conversations.ladder import State
from inbox.conversations.scheduled.actions.rows import end_plan, hold_scheduled
from inbox.conversations.scheduled.plan import WhyNot
from inbox.feed.actions import append_event
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.db import Row, execute, fetch, fetch_value, wake_after_commit
from inbox.kit.errors import Problem
from inbox.outbox.actions import CHANNEL
from inbox.outbox.jobs import HARMLESS_TYPES

BATCH = 500

HOLD = "INSERT INTO outbox_hold (reason, actor) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"

DUE = """
FROM job WHERE state = 0 AND NOT (type = ANY($2::text[]))
  AND CASE WHEN type = 'send_scheduled' THEN available_at ELSE created_at END < $1
"""

NEXT = f"""
SELECT id, payload->>'entry_id' AS entry_id, payload->>'scheduled_id' AS scheduled_id {DUE} ORDER BY id LIMIT $3
"""

# Conversations are held before their jobs, as by whoever cancels a message or writes one; all of them at once, in the
# order of their ids. What moves to another conversation meanwhile is found again where it is held then.
PLACES = """
SELECT conversation_id FROM entry WHERE id = ANY($1) UNION
SELECT conversation_id FROM scheduled_message WHERE id = ANY($2)
"""
DROP = "UPDATE job SET state = 3, error = $2 WHERE id = ANY($1::bigint[]) AND state = 0 RETURNING id"

DROPPED = "it was dropped before the outbox was released: it had waited too long"

PIECES = """
SELECT d.id, e.conversation_id,
       EXISTS (SELECT FROM delivery_attempt a WHERE a.delivery_id = d.id AND a.kind = 'send' AND a.outcome = 'started')
       AS begun
FROM delivery d JOIN entry e ON e.id = d.entry_id
WHERE d.entry_id = ANY($1) AND d.state = ANY($2)
"""


async def hold_outbox(reason: str, *, actor: Actor) -> bool:
    """Let nothing more be sent, in the open transaction; False if it was held already."""
    held = await fetch_value(HOLD, reason, msgspec.json.encode(actor).decode())
    if not held:
        return False
    await record_audit(actor, "outbox.held", facts={"reason": reason})
    await append_event("outbox.held", actor=actor, facts={"reason": reason})
    return True


async def release_outbox(*, actor: Actor) -> bool:
    """Send again, in the open transaction; False if nothing was held."""
    if not await fetch_value("DELETE FROM outbox_hold RETURNING true"):
        return False
    await record_audit(actor, "outbox.released")
    await append_event("outbox.released", actor=actor)
    await execute("SELECT pg_notify($1, '')", CHANNEL)
    wake_after_commit("jobs")
    return True


async def drop_sends(before: datetime, *, actor: Actor, now: datetime) -> int:
    """Let go the next batch of what was to be sent before a moment, in the open transaction; how many.

    Only while the outbox is held, so that nobody runs them. Their jobs are dead, with the reason; their messages
    `expired`, so that nobody believes them sent, and a person may send one of them again.
    """
    if not await fetch_value("SELECT true FROM outbox_hold FOR KEY SHARE"):
        raise Problem("state_conflict", "The outbox is not held", hint="Hold it first: what runs cannot be dropped")
    rows = await fetch(NEXT, before, HARMLESS_TYPES, BATCH)
    entry_ids = [UUID(row["entry_id"]) for row in rows if row["entry_id"]]
    scheduled_ids = [UUID(row["scheduled_id"]) for row in rows if row["scheduled_id"]]
    await lock_threads({row["conversation_id"] for row in await fetch(PLACES, entry_ids, scheduled_ids)})
    await expire_messages(entry_ids, state="expired", reason=DROPPED, now=now)
    for scheduled_id in scheduled_ids:
        await _end_scheduled(scheduled_id, now=now)
    dropped = len(await fetch(DROP, [row["id"] for row in rows], DROPPED))
    if dropped:
        await record_audit(actor, "outbox.dropped", facts={"count": dropped, "before": before})
    return dropped


async def count_droppable(before: datetime) -> int:
    """How many jobs were to be sent before a moment, and wait."""
    return int(await fetch_value(f"SELECT count(*) {DUE}", before, HARMLESS_TYPES))


async def expire_messages(entry_ids: Sequence[UUID], *, state: State, reason: str, now: datetime) -> None:
    """Give up the pieces of messages that have not been handed over; one that may just have been is `unknown`."""
    pieces = await fetch(PIECES, list(entry_ids), list(WAITING))
    if not pieces:
        return
    held = await lock_threads({piece["conversation_id"] for piece in pieces})
    reports = [_given_up(piece, state, reason) for piece in await fetch(PIECES, list(entry_ids), list(WAITING))]
    await apply_reports(held, reports, now=now)
    await store_threads(list(held.values()), now=now)


def _given_up(piece: Row, state: State, reason: str) -> PieceReport:
    if piece["begun"]:  # its worker died in the middle
        error = DeliveryError(code="unknown", message=f"{reason}; it may have been sent before")
        return PieceReport(delivery_id=piece["id"], state="unknown", error=error)
    error = DeliveryError(code="timeout", message=reason, fix="Send it again if it is still wanted")
    return PieceReport(delivery_id=piece["id"], state=state, error=error)


async def _end_scheduled(scheduled_id: UUID, *, now: datetime) -> None:
    try:
        held, row = await hold_scheduled(scheduled_id)
    except Problem:  # it was erased together with its conversation
        return
    if row["state"] == "scheduled":
        reason = WhyNot(code="dropped", detail=DROPPED)
        await end_plan(held, scheduled_id, "failed", actor=SYSTEM, now=now, reason=reason)
        await store_threads([held], now=now)
