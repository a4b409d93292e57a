"""Keeping where browsers want to be told, and our own key for it."""

from __future__ import annotations

from uuid import UUID

from inbox.kit.db import execute
from inbox.kit.ids import new_id
from inbox.visitors.push.subscription import PushSubscription, check_subscription, hash_endpoint

KEY_ID = UUID(int=1)
KEY_PLACE = "web push key"
SUBSCRIPTIONS_MAX = 5
"""The most browsers of one visitor; the oldest goes first."""

KEEP = """
INSERT INTO visitor_push (id, session_id, visitor_id, endpoint_hash, endpoint, p256dh, auth)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (endpoint_hash) DO UPDATE SET session_id = excluded.session_id, visitor_id = excluded.visitor_id,
    p256dh = excluded.p256dh, auth = excluded.auth, rests_until = NULL
"""
TRIM = """
DELETE FROM visitor_push WHERE id IN (
    SELECT id FROM visitor_push WHERE visitor_id = $1 ORDER BY created_at DESC, id DESC OFFSET $2
)
"""
DROP = "DELETE FROM visitor_push WHERE endpoint_hash = $1 AND visitor_id = $2"
REST = "UPDATE visitor_push SET rests_until = now() + make_interval(secs => $2) WHERE id = $1"
TOLD = "UPDATE visitor_push SET told_entry_id = $2, rests_until = NULL WHERE id = $1"
ADD_KEY = "INSERT INTO web_push_key (id, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def keep_subscription(asked: PushSubscription, *, session_id: UUID, visitor_id: UUID) -> None:
    """Tell this browser from now on; one address is told for one visitor, whoever asked last."""
    check_subscription(asked)
    await execute(
        KEEP, new_id(), session_id, visitor_id, hash_endpoint(asked.endpoint), asked.endpoint, asked.keys.p256dh,
        asked.keys.auth,
    )  # fmt: skip
    await execute(TRIM, visitor_id, SUBSCRIPTIONS_MAX)


async def drop_subscription(endpoint: str, *, visitor_id: UUID) -> None:
    """Tell this browser no more."""
    await execute(DROP, hash_endpoint(endpoint), visitor_id)


async def forget_subscription(subscription_id: UUID) -> None:
    """The push service knows it no longer."""
    await execute("DELETE FROM visitor_push WHERE id = $1", subscription_id)


async def note_told(subscription_id: UUID, entry_id: UUID) -> None:
    """The push service has taken the notice of this message."""
    await execute(TOLD, subscription_id, entry_id)


async def rest_subscription(subscription_id: UUID, *, seconds: float) -> None:
    """The push service asked us to wait."""
    await execute(REST, subscription_id, seconds)


async def add_sealed_key(sealed: bytes) -> None:
    """Keep our own key, unless another process was first."""
    await execute(ADD_KEY, KEY_ID, sealed)
