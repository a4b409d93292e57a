"""Reading endpoints and the log of their deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from inbox.kit.db import Row, fetch, fetch_one
from inbox.kit.errors import Problem
from inbox.kit.ids import WEBHOOK, WEBHOOK_DELIVERY, show_id
from inbox.kit.versions import check_version
from inbox.webhooks.endpoint import Wish
from inbox.webhooks.schedule import Attempt

DeliveryState: TypeAlias = Literal["pending", "sending", "waiting", "delivered", "failed"]

STATES: dict[DeliveryState, int] = {"pending": 0, "sending": 1, "waiting": 2, "delivered": 3, "failed": 4}
STATE_NAMES = {number: name for name, number in STATES.items()}

FIND = "SELECT * FROM webhook WHERE id = $1 AND deleted_at IS NULL"
LIST = """
SELECT * FROM webhook
WHERE deleted_at IS NULL AND ($1::timestamptz IS NULL OR (created_at, id) > ($1, $2::uuid))
ORDER BY created_at, id LIMIT $3
"""
WISHES = """
SELECT id, types, query, ordering, enabled_at FROM webhook WHERE enabled AND deleted_at IS NULL ORDER BY id
"""
DELIVERY = """
SELECT d.* FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id AND w.deleted_at IS NULL WHERE d.id = $1
"""
# Event ids grow with time, and the unique index on them is the one that this list walks.
DELIVERIES = """
SELECT id, webhook_id, event_id, type, conversation_id, state, tries, attempts, available_at, finished_at, created_at
FROM webhook_delivery
WHERE webhook_id = $1 AND ($2::int IS NULL OR state = $2) AND ($3::text IS NULL OR type = $3)
  AND ($4::uuid IS NULL OR conversation_id = $4) AND ($5::uuid IS NULL OR event_id < $5)
ORDER BY event_id DESC LIMIT $6
"""

decode_attempts = msgspec.json.Decoder(list[Attempt]).decode


class DeliveryFilter(msgspec.Struct, kw_only=True, frozen=True):
    """Which deliveries of an endpoint are listed."""

    state: DeliveryState | None = None
    type: str | None = None
    conversation_id: UUID | None = None


async def find_webhook(webhook_id: UUID) -> Row:
    """One endpoint; a problem where there is none."""
    row = await fetch_one(FIND, webhook_id)
    if row is None:
        raise no_webhook(webhook_id)
    return row


async def lock_webhook(webhook_id: UUID) -> Row:
    """One endpoint, so that nobody else changes it until the transaction ends."""
    row = await fetch_one(f"{FIND} FOR UPDATE", webhook_id)
    if row is None:
        raise no_webhook(webhook_id)
    check_version(row["id"], row["version"])
    return row


async def list_webhooks(*, after: tuple[datetime, UUID] | None, limit: int) -> list[Row]:
    """Endpoints, the oldest first."""
    return await fetch(LIST, *(after or (None, None)), limit)


async def list_wishes() -> list[Wish]:
    """What the enabled endpoints want of the feed."""
    return [
        Wish(
            webhook_id=row["id"],
            types=tuple(row["types"]),
            query=row["query"],
            ordered=row["ordering"] == "conversation",
            since=row["enabled_at"],
        )
        for row in await fetch(WISHES)
    ]


async def list_deliveries(
    webhook_id: UUID, narrowed: DeliveryFilter, *, after: UUID | None = None, limit: int
) -> list[Row]:
    """The log of an endpoint, the newest event first; `after` is the last event id of the page before."""
    state = None if narrowed.state is None else STATES[narrowed.state]
    return await fetch(DELIVERIES, webhook_id, state, narrowed.type, narrowed.conversation_id, after, limit)


async def find_delivery(delivery_id: UUID) -> Row:
    """One delivery of an endpoint that is still there; a problem where there is none."""
    row = await fetch_one(DELIVERY, delivery_id)
    if row is None:
        raise Problem("not_found", f"There is no webhook delivery {show_id(WEBHOOK_DELIVERY, delivery_id)}")
    return row


async def find_targets(webhook_ids: Sequence[UUID]) -> list[Row]:
    """What is needed to send to these endpoints."""
    sql = "SELECT id, version, url, payload, sealed FROM webhook WHERE id = ANY($1::uuid[])"
    return await fetch(sql, list(webhook_ids))


def no_webhook(webhook_id: UUID) -> Problem:
    """The problem of an endpoint that is not there."""
    return Problem("not_found", f"There is no webhook {show_id(WEBHOOK, webhook_id)}")
