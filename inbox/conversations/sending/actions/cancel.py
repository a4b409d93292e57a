"""Taking a message back that nobody has been handed: under the conversation's lock, so either that or the send wins."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from inbox.conversations.actions.deliveries import WAITING, PieceReport, apply_reports
from inbox.conversations.actions.store import lock_thread_of, store_threads
from inbox.conversations.thread import Held
from inbox.kit.callers import Actor
from inbox.kit.db import Row, fetch, fetch_one
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id
from inbox.kit.versions import check_version
from inbox.outbox.actions import drop_job
from inbox.outbox.jobs import DeliverMessage

FIND = """
SELECT e.direction, e.delivery_state, e.version FROM entry e WHERE e.id = $1 AND e.type = 'message'
"""

# A piece has been handed over when the provider gave it an id, or may have taken it: a try that has begun and not
# ended, or whose outcome nobody knows.
PIECES = """
SELECT DISTINCT ON (d.piece) d.id, d.state,
       EXISTS (SELECT FROM delivery o WHERE o.entry_id = $1 AND (o.provider_message_id IS NOT NULL
               OR o.state IN ('unknown', 'sent', 'delivered', 'read', 'undelivered', 'expired'))) AS handed_over,
       EXISTS (SELECT FROM delivery o JOIN delivery_attempt a ON a.delivery_id = o.id
               WHERE o.entry_id = $1 AND a.kind = 'send' AND a.finished_at IS NULL) AS in_hand
FROM delivery d WHERE d.entry_id = $1 ORDER BY d.piece, d.round DESC
"""

# What the conversation looks like without the message: who waits since when, what was last said, and by us.
WITHOUT = """
SELECT (SELECT left(text, 160) FROM entry
        WHERE conversation_id = $1 AND type = 'message' AND delivery_state <> 'canceled'
        ORDER BY seq DESC LIMIT 1) AS preview,
       last.created_at AS last_outbound_at,
       (SELECT min(created_at) FROM entry
        WHERE conversation_id = $1 AND type = 'message' AND direction = 'inbound' AND seq > coalesce(last.seq, 0)
       ) AS waiting_since
FROM (SELECT) AS one LEFT JOIN LATERAL (
    SELECT seq, created_at FROM entry
    WHERE conversation_id = $1 AND type = 'message' AND direction = 'outbound' AND delivery_state <> 'canceled'
      AND NOT coalesce((letter->>'automatic')::boolean, false)
    ORDER BY seq DESC LIMIT 1
) AS last ON true
"""


async def cancel_message(entry_id: UUID, *, actor: Actor, now: datetime) -> None:
    """It will not be sent: it keeps its place in the timeline as `canceled`, and whoever waited waits again.

    Possible until it is handed to the provider, also between two tries of which none came through; else the
    `state_conflict` problem. Canceling twice is canceling once.
    """
    held, entry = await lock_thread_of(entry_id), await fetch_one(FIND, entry_id)
    if held is None or entry is None:
        raise Problem("not_found", f"There is no message {show_id('ent', entry_id)}")
    check_version(entry_id, entry["version"])
    if entry["delivery_state"] == "canceled":
        return
    pieces = await fetch(PIECES, entry_id)
    _check_cancel(entry, pieces)
    reports = [PieceReport(delivery_id=piece["id"], state="canceled") for piece in pieces if piece["state"] in WAITING]
    await apply_reports({held.thread.id: held}, reports, now=now, actor=actor)
    await _withdraw(held)
    await store_threads([held], now=now)
    await drop_job(DeliverMessage(entry_id=entry_id), key=str(held.thread.id))


def _check_cancel(entry: Row, pieces: list[Row]) -> None:
    if entry["direction"] == "outbound" and entry["delivery_state"] in WAITING and not _is_gone(pieces):
        return
    state = "being handed over" if entry["delivery_state"] in WAITING else entry["delivery_state"]
    raise Problem("state_conflict", f"The message is {state}", hint="Only what has not been handed over is canceled")


def _is_gone(pieces: list[Row]) -> bool:
    return any(piece["handed_over"] or piece["in_hand"] for piece in pieces)


async def _withdraw(held: Held) -> None:
    """Let the conversation stand as if nothing had been said."""
    row = await fetch_one(WITHOUT, held.thread.id)
    thread, held.touched = held.thread, True
    if row is not None:
        thread.preview, thread.last_outbound_at = row["preview"] or "", row["last_outbound_at"]
        thread.waiting_since = row["waiting_since"] if thread.status != "closed" else None
