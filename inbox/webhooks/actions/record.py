"""Writing down what came of tries, many at once: the log, what is next, and how the endpoints are doing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import structlog

from inbox.audit.actions import record_audit
from inbox.feed.actions import append_event
from inbox.feed.events import EventType
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import show_time
from inbox.kit.db import Row, execute, fetch
from inbox.kit.ids import WEBHOOK, show_id
from inbox.webhooks.actions.dispatch import ClaimedDelivery
from inbox.webhooks.actions.endpoints import disable_webhook
from inbox.webhooks.actions.fan_out import promote_next
from inbox.webhooks.catalogue import TEST_TYPE
from inbox.webhooks.health import Health, Outcomes, Step, judge_health
from inbox.webhooks.queries import STATES
from inbox.webhooks.schedule import Attempt, Tempo

log = structlog.get_logger()

SUCCESS_SECONDS = 10.0
"""How exactly an endpoint's last success is known: its row is not written for each of thousands."""
KEPT_ATTEMPTS = 30
"""Tries kept in a delivery's log; the oldest go first."""

# Whoever has to be written to, or has turns to give, is locked, in one order so that two never wait for each other.
LOCK = """
SELECT id, failing_since, warned_at, stale FROM webhook, LATERAL (
    SELECT succeeded_at IS NULL OR succeeded_at < now() - make_interval(secs => $3) AS stale
) AS known
WHERE id = ANY($1::uuid[]) AND (stale OR id = ANY($2::uuid[]) OR ordering <> 'none' OR failing_since IS NOT NULL)
ORDER BY id FOR UPDATE OF webhook
"""
SETTLE = f"""
UPDATE webhook_delivery d
SET state = r.state, tries = d.tries + 1, lease_id = NULL, lease_until = NULL,
    available_at = coalesce(r.next_at, d.available_at), finished_at = CASE WHEN r.next_at IS NULL THEN now() END,
    attempts = CASE WHEN jsonb_array_length(d.attempts) < {KEPT_ATTEMPTS} THEN d.attempts ELSE d.attempts - 0 END
               || r.attempt
FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::jsonb[])
     AS r(id, lease_id, state, next_at, attempt)
WHERE d.id = r.id AND d.lease_id = r.lease_id
RETURNING d.id, d.webhook_id, d.order_key, d.state
"""  # noqa: S608 (a constant of ours)
HEALTH = """
UPDATE webhook SET failing_since = $2, warned_at = $3,
                   failed_at = greatest(failed_at, $4), succeeded_at = CASE WHEN $5 THEN now() ELSE succeeded_at END,
                   throttled_until = greatest(throttled_until, now() + make_interval(secs => $6))
WHERE id = $1
"""


class Tried(msgspec.Struct, kw_only=True, frozen=True):
    """One try that has ended: of which delivery, how, and what its Retry-After asked for, in seconds."""

    claimed: ClaimedDelivery
    attempt: Attempt
    after: float | None = None


class Settled(msgspec.Struct, kw_only=True, frozen=True):
    """What a batch of tries led to: deliveries that are finished, and endpoints with what was done about them."""

    finished: int
    steps: list[tuple[UUID, Step]]


async def record_tries(tried: Sequence[Tried], *, tempo: Tempo, now: datetime, random: Random) -> Settled:
    """Let each delivery follow its try, give the next of an ordered conversation its turn, and judge the endpoints.

    A result whose lease was lost is dropped: somebody else has the delivery, and tells what came of it.
    """
    webhooks = {one.claimed.webhook_id for one in tried}
    failed = {one.claimed.webhook_id for one in tried if one.attempt.error}
    locked = await fetch(LOCK, list(webhooks), list(failed), SUCCESS_SECONDS)
    settled = await fetch(SETTLE, *_settlements(tried, tempo=tempo, now=now, random=random))
    finished = [row for row in settled if row["state"] >= STATES["delivered"]]
    await promote_next({(row["webhook_id"], row["order_key"]) for row in finished if row["order_key"]})
    steps = [await _judge_webhook(row, tried, tempo=tempo, now=now) for row in locked]
    return Settled(finished=len(finished), steps=[(found, step) for found, step in steps if step])


def _settlements(
    tried: Iterable[Tried], *, tempo: Tempo, now: datetime, random: Random
) -> tuple[list[Any], list[Any], list[int], list[datetime | None], list[str]]:
    """The columns of `SETTLE`: a delivery that gets no further try is delivered or has failed."""
    ids, leases, states, moments, attempts = [], [], [], [], []
    for one in tried:
        state, next_at = settle_try(one, tempo=tempo, now=now, random=random)
        ids.append(one.claimed.id)
        leases.append(one.claimed.lease_id)
        states.append(state)
        moments.append(next_at)
        attempts.append(msgspec.json.encode([one.attempt]).decode())
    return ids, leases, states, moments, attempts


def settle_try(one: Tried, *, tempo: Tempo, now: datetime, random: Random) -> tuple[int, datetime | None]:
    """The state a delivery goes into after a try, and when the next one is."""
    if one.attempt.error is None:
        return STATES["delivered"], None
    if one.attempt.error == "gone" or one.claimed.event["type"] == TEST_TYPE:
        return STATES["failed"], None
    wait = one.after if one.attempt.error == "throttled" else None
    next_at = tempo.next_try(one.claimed.tries + 1, after=wait, now=now, random=random)
    return (STATES["failed"], None) if next_at is None else (STATES["pending"], next_at)


async def _judge_webhook(row: Row, tried: Iterable[Tried], *, tempo: Tempo, now: datetime) -> tuple[UUID, Step | None]:
    """One locked endpoint after its tries; what is done about it is told, logged and audited."""
    webhook_id = row["id"]
    mine = [one for one in tried if one.claimed.webhook_id == webhook_id]
    failures = [one.attempt.at for one in mine if one.attempt.error]
    seen = Outcomes(
        failed_at=min(failures, default=None),
        succeeded=len(failures) < len(mine),
        gone=any(one.attempt.error == "gone" for one in mine),
    )
    before = Health(failing_since=row["failing_since"], warned_at=row["warned_at"])
    health, step = judge_health(before, seen, now=now, tempo=tempo)
    waits = [wait for one in mine if (wait := tempo.throttle(one.attempt, one.after)) is not None]
    if health != before or failures or row["stale"]:
        last, wait = max(failures, default=None), max(waits, default=None)
        await execute(HEALTH, webhook_id, health.failing_since, health.warned_at, last, seen.succeeded, wait)
    if step is not None:
        await _take_step(webhook_id, step, since=health.failing_since or now, tempo=tempo)
    return webhook_id, step


TOLD: dict[Step, tuple[EventType, str, str]] = {
    "warn": ("webhook.failing", "webhook.warned", "failing"),
    "disable_gone": ("webhook.disabled", "webhook.disabled", "gone"),
    "disable_failing": ("webhook.disabled", "webhook.disabled", "failing"),
}
"""What is told of each step: the feed's event, the audit log's action, and the reason."""


async def _take_step(webhook_id: UUID, step: Step, *, since: datetime, tempo: Tempo) -> None:
    event, action, reason = TOLD[step]
    facts: dict[str, Any] = {"webhook_id": show_id(WEBHOOK, webhook_id), "reason": reason}
    facts["failing_since"] = show_time(since)
    if step == "warn":
        facts["disabled_after"] = show_time(since + tempo.disable_after)
        log.warning("webhook_failing", webhook=webhook_id)
    else:
        await disable_webhook(webhook_id, reason)
        log.warning("webhook_disabled", webhook=webhook_id, reason=reason)
    await append_event(event, actor=SYSTEM, facts=facts)
    await record_audit(SYSTEM, action, target=show_id(WEBHOOK, webhook_id), facts={"reason": reason})
