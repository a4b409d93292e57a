"""Reading repairs, sends of unknown outcome, and what the provider's list is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from channels.parts import MEDIA_PARTS, plain_text
from inbox.conversations.actions.deliveries import stored_parts
from inbox.conversations.ladder import State
from inbox.kit.callers import Actor
from inbox.kit.db import Row, fetch, fetch_one, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id
from inbox.repair.judging import UnknownSend

RepairKind: TypeAlias = Literal["reconcile", "replay"]
RepairState: TypeAlias = Literal["running", "done", "failed"]

REPAIRS = """
SELECT id, kind, state, channel_id, since, until, selection, place, counts, dry_run, automatic, error, actor,
       created_at, updated_at, finished_at
FROM repair
"""

# The newest try to hand a piece over says when it was; the newest round of a piece is where it stands.
UNKNOWN = """
SELECT d.id, d.entry_id, d.parts, e.conversation_id, e.identity_id, i.address, a.started_at,
       coalesce(a.finished_at, a.started_at) AS ended_at
FROM delivery d JOIN entry e ON e.id = d.entry_id JOIN identity i ON i.id = e.identity_id
CROSS JOIN LATERAL (
    SELECT started_at, finished_at FROM delivery_attempt
    WHERE delivery_id = d.id AND kind = 'send' ORDER BY id DESC LIMIT 1
) a
WHERE d.channel_id = $1 AND d.state = 'unknown' AND e.delivery_state = 'unknown'
  AND a.started_at >= $2 AND a.started_at < $3
"""

UNSETTLED = """
SELECT DISTINCT d.entry_id FROM delivery d JOIN entry e ON e.id = d.entry_id
WHERE d.state = 'unknown' AND e.delivery_state = 'unknown' AND ($1::uuid IS NULL OR d.channel_id = $1)
  AND d.entry_id > $2 ORDER BY d.entry_id LIMIT $3
"""

NOBODY = UUID(int=0)


class Repair(msgspec.Struct, kw_only=True, frozen=True):
    """A repair as stored; `place` is where its next step begins, `counts` what it found so far."""

    id: UUID
    kind: RepairKind
    state: RepairState
    channel_id: UUID | None
    since: datetime | None
    until: datetime | None
    selection: dict[str, Any]
    place: dict[str, Any]
    counts: dict[str, int]
    dry_run: bool
    automatic: bool
    error: str | None
    actor: Actor
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class OutboxStatus(msgspec.Struct, kw_only=True, frozen=True):
    """Whether anything may leave, and what waits to."""

    held: bool
    reason: str | None
    held_by: Actor | None
    held_at: datetime | None
    waiting: int
    running: int
    oldest_at: datetime | None


async def find_repair(repair_id: UUID) -> Repair:
    """One repair, or the `not_found` problem."""
    row = await fetch_one(f"{REPAIRS} WHERE id = $1", repair_id)
    if row is None:
        raise Problem("not_found", f"There is no repair {show_id('rpr', repair_id)}")
    return read_repair(row)


async def list_repairs(*, after: UUID | None, limit: int) -> list[Repair]:
    """One page of the repairs, the newest first."""
    rows = await fetch(f"{REPAIRS} WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2", after, limit)
    return [read_repair(row) for row in rows]


async def last_reconciled(channel_id: UUID) -> datetime | None:
    """Until when a channel was compared with its provider's list."""
    sql = (
        "SELECT max(until) FROM repair WHERE channel_id = $1 AND kind = 'reconcile' AND state = 'done' AND NOT dry_run"
    )
    found: datetime | None = await fetch_value(sql, channel_id)
    return found


async def next_recipients(
    channel_id: UUID, *, since: datetime, until: datetime, after: UUID | None, limit: int
) -> list[UUID]:
    """The next identities to whom something of unknown outcome was sent by this channel."""
    sql = f"SELECT DISTINCT u.identity_id FROM ({UNKNOWN}) u WHERE u.identity_id > $4 ORDER BY u.identity_id LIMIT $5"  # noqa: S608 (ours)
    rows = await fetch(sql, channel_id, since, until, after or NOBODY, limit)
    return [row["identity_id"] for row in rows]


async def unknown_sends(channel_id: UUID, identity_id: UUID, *, since: datetime, until: datetime) -> list[UnknownSend]:
    """What was sent to one address by this channel without its outcome being known, the oldest first."""
    rows = await fetch(f"{UNKNOWN} AND e.identity_id = $4 ORDER BY d.id", channel_id, since, until, identity_id)
    return [_unknown_send(row) for row in rows]


async def list_unsettled(*, channel_id: UUID | None, after: UUID | None, limit: int) -> list[UUID]:
    """The messages whose outcome is not known, the oldest first."""
    rows = await fetch(UNSETTLED, channel_id, after or NOBODY, limit)
    return [row["entry_id"] for row in rows]


async def known_provider_ids(channel_id: UUID, provider_ids: Sequence[str]) -> dict[str, State]:
    """Of the provider's ids those that deliveries of this channel carry, and how far each got."""
    sql = "SELECT provider_message_id, state FROM delivery WHERE channel_id = $1 AND provider_message_id = ANY($2)"
    return {row["provider_message_id"]: row["state"] for row in await fetch(sql, channel_id, list(provider_ids))}


async def untold_keys(channel_ids: Sequence[UUID], keys: Sequence[str]) -> set[str]:
    """Of these event keys those that have not happened on any of these channels."""
    sql = """
        SELECT k.key FROM unnest($2::text[]) AS k(key)
        WHERE NOT EXISTS (SELECT FROM event_key e WHERE e.channel_id = ANY($1) AND e.key = k.key)
    """
    return {row["key"] for row in await fetch(sql, list(channel_ids), list(keys))}


async def outbox_status() -> OutboxStatus:
    """Whether the outbox is held, and how much is in it."""
    row = await fetch_one("""
        SELECT h.reason, h.actor, h.held_at, j.* FROM (
            SELECT count(*) FILTER (WHERE state = 0) AS waiting, count(*) FILTER (WHERE state = 1) AS running,
                   min(created_at) FILTER (WHERE state < 2) AS oldest_at
            FROM job WHERE state < 2
        ) j LEFT JOIN outbox_hold h ON true
    """)
    assert row is not None  # noqa: S101 (an aggregate always has its row)
    actor = msgspec.json.decode(row["actor"], type=Actor) if row["actor"] else None
    return OutboxStatus(
        held=row["held_at"] is not None,
        reason=row["reason"],
        held_by=actor,
        held_at=row["held_at"],
        waiting=row["waiting"],
        running=row["running"],
        oldest_at=row["oldest_at"],
    )


async def is_outbox_held() -> bool:
    """Whether nothing is to be sent."""
    return bool(await fetch_value("SELECT EXISTS (SELECT FROM outbox_hold)"))


def read_repair(row: Row) -> Repair:
    """A repair's row."""
    decoded = {name: msgspec.json.decode(row[name]) for name in ("selection", "place", "counts", "actor")}
    return msgspec.convert({**dict(row), **decoded}, Repair)


def _unknown_send(row: Row) -> UnknownSend:
    parts = stored_parts(row["parts"])
    files = [part for part in parts if isinstance(part, MEDIA_PARTS)]
    return UnknownSend(
        delivery_id=row["id"],
        conversation_id=row["conversation_id"],
        recipient=row["address"],
        text=plain_text([part for part in parts if not isinstance(part, MEDIA_PARTS)]),
        files=len(files),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
    )
