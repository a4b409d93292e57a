"""Webhooks, events and tries for tests, as plain functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from inbox.feed.actions import append_event, sequence_events
from inbox.feed.events import EventType
from inbox.kit.callers import SYSTEM
from inbox.kit.db import Row, fetch
from inbox.kit.secrets import SecretBox
from inbox.webhooks.actions.dispatch import ClaimedDelivery, claim_deliveries
from inbox.webhooks.actions.endpoints import Endpoint, Workshop, create_webhook
from inbox.webhooks.actions.fan_out import fan_out_events
from inbox.webhooks.actions.record import Settled, Tried, record_tries
from inbox.webhooks.schedule import Attempt, ErrorKind, Tempo
from tests.inbox.builders import AGENT, committed, receive

URL = "https://crm.example.org/hook"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TEMPO = Tempo()


async def anywhere(url: str) -> None:
    """A network in which every URL is fine."""


WORKSHOP = Workshop(box=SecretBox(["a test's own key"]), check_url=anywhere, overlap=timedelta(hours=24))


async def make_webhook(url: str = URL, **fields: Any) -> UUID:
    """An endpoint that wants everything, unless told otherwise."""
    wanted = Endpoint(url=url, **{"types": ["*"], **fields})
    row, _ = await committed(create_webhook(wanted, workshop=WORKSHOP, actor=AGENT))
    webhook_id: UUID = row["id"]
    return webhook_id


async def tell(*types: EventType, conversation_id: UUID | None = None) -> None:
    """Tell these things, and give them their cursors."""
    for name in types:
        await committed(append_event(name, actor=SYSTEM, conversation_id=conversation_id))
    await sequence_events()


def times(amount: int, name: EventType) -> list[EventType]:
    """The same thing several times."""
    return [name] * amount


async def fan_out() -> int | None:
    """One round of it, as a process does it."""
    return await committed(fan_out_events())


async def claim(limit: int = 100, *, lease_seconds: float = 30) -> list[ClaimedDelivery]:
    """All that is due."""
    return await claim_deliveries({}, room_elsewhere=limit, limit=limit, lease_seconds=lease_seconds)


def tried(
    claimed: ClaimedDelivery, *, status: int | None = 204, error: ErrorKind | None = None, after: float | None = None,
    at: datetime = NOW,
) -> Tried:  # fmt: skip
    """What came of a try."""
    attempt = Attempt(number=claimed.tried + 1, at=at, duration_ms=7, status=status, error=error)
    return Tried(claimed=claimed, attempt=attempt, after=after)


def refused(claimed: ClaimedDelivery, *, at: datetime = NOW) -> Tried:
    """A try that was answered 500."""
    return tried(claimed, status=500, error="http_status", at=at)


async def settle(*tries: Tried, now: datetime = NOW, tempo: Tempo = TEMPO) -> Settled:
    """Write down what came of them."""
    return await committed(record_tries(tries, tempo=tempo, now=now, random=Random(1)))


async def queued(webhook_id: UUID) -> list[Row]:
    """The deliveries of an endpoint, in the order of the feed."""
    return await fetch("SELECT * FROM webhook_delivery WHERE webhook_id = $1 ORDER BY cursor", webhook_id)


async def types_queued(webhook_id: UUID) -> list[str]:
    """What is queued for it."""
    return [row["type"] for row in await queued(webhook_id)]


def types_of(claimed: Sequence[ClaimedDelivery]) -> list[str]:
    """What was claimed."""
    return [one.event["type"] for one in claimed]


async def open_conversation(lane: Any, *events: Any) -> UUID:
    """A conversation, and nothing told of how it came about."""
    conversation_id = await receive(lane, *events)
    await sequence_events()
    return conversation_id
