"""Sending on purpose: a test, one delivery again, or everything since a time."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from inbox.audit.actions import record_audit
from inbox.feed.queries import events_after
from inbox.kit.callers import Actor
from inbox.kit.clock import show_time
from inbox.kit.db import Row, execute, fetch, fetch_value, wake_after_commit
from inbox.kit.errors import Problem
from inbox.kit.ids import WEBHOOK, WEBHOOK_DELIVERY, new_id, show_id
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import NewJob, RecoverWebhook
from inbox.webhooks.actions.endpoints import TOPIC
from inbox.webhooks.actions.fan_out import choose_events, lock_order, promote_next, queue_deliveries
from inbox.webhooks.catalogue import TEST_TYPE
from inbox.webhooks.queries import STATES, find_delivery, find_webhook, list_wishes

Include: TypeAlias = Literal["undelivered", "all"]

CHUNK = 500
"""Deliveries or events handled in one transaction of a recovery."""

TEST = """
INSERT INTO webhook_delivery (id, webhook_id, event_id, cursor, type, event, available_at)
VALUES ($1, $2, $3, 0, $4, $5, now() - interval '1 minute')
"""
# The schedule begins anew; an ordered one gets its turn by `promote_next`.
AGAIN = """
UPDATE webhook_delivery
SET state = CASE WHEN order_key IS NULL THEN 0 ELSE 2 END, tries = 0, available_at = now(), finished_at = NULL
WHERE id = ANY($1::uuid[]) AND state > 2
RETURNING webhook_id, order_key
"""
HURRY = "UPDATE webhook_delivery SET available_at = now() WHERE id = $1 AND state = 0"
# Event ids grow with time, so this walks the log from a moment on.
LOGGED = """
SELECT id, event_id, state FROM webhook_delivery
WHERE webhook_id = $1 AND event_id > $2 AND type <> $3 ORDER BY event_id LIMIT $4
"""
SINCE = """
SELECT cursor - 1 FROM feed_event WHERE created_at >= $1 AND cursor IS NOT NULL ORDER BY position LIMIT 1
"""
OLDEST = "SELECT created_at FROM feed_event ORDER BY position LIMIT 1"


async def queue_test(webhook_id: UUID, *, actor: Actor) -> Row:
    """A test event for one endpoint, which is tried once."""
    await _enabled_webhook(webhook_id)
    delivery_id, event_id = new_id(), new_id()
    now = await fetch_value("SELECT now()")
    event = {"id": event_id, "cursor": 0, "type": TEST_TYPE, "actor": actor, "changed": [], "created_at": now}
    event["facts"] = {"webhook_id": show_id(WEBHOOK, webhook_id)}
    await execute(TEST, delivery_id, webhook_id, event_id, TEST_TYPE, msgspec.json.encode(event).decode())
    wake_after_commit(TOPIC)
    return await find_delivery(delivery_id)


async def replay_delivery(delivery_id: UUID, *, actor: Actor) -> Row:
    """Send one delivery again, under its id; one that is not finished is tried now instead of later."""
    row = await find_delivery(delivery_id)
    await _enabled_webhook(row["webhook_id"])
    if row["state"] >= STATES["delivered"]:
        await _queue_again([delivery_id], row["webhook_id"])
        await record_audit(actor, "webhook_delivery.replayed", target=show_id(WEBHOOK_DELIVERY, delivery_id))
    else:
        await execute(HURRY, delivery_id)
    wake_after_commit(TOPIC)
    return await find_delivery(delivery_id)


async def begin_recovery(webhook_id: UUID, *, since: datetime, include: Include, actor: Actor) -> datetime | None:
    """Ask for everything since a time to be queued; returns when the oldest event was told that the feed still has."""
    await _enabled_webhook(webhook_id)
    job = RecoverWebhook(webhook_id=webhook_id, since=since, include=include, after=_id_before(since))
    await enqueue_jobs([NewJob(job=job, key=_key(webhook_id))])
    facts = {"since": show_time(since), "include": include}
    await record_audit(actor, "webhook.recovered", target=show_id(WEBHOOK, webhook_id), facts=facts)
    oldest: datetime | None = await fetch_value(OLDEST)
    return oldest


async def recover_chunk(job: RecoverWebhook) -> None:
    """One step of a recovery, which asks for the next: first what the log knows, then what was never queued.

    All of it is for an endpoint as it is now; one that is gone or disabled by then gets nothing.
    """
    wish = next((one for one in await list_wishes() if one.webhook_id == job.webhook_id), None)
    if wish is None:
        return
    if job.cursor is None:
        follow = await _recover_logged(job)
    else:
        rows = await events_after(job.cursor, limit=CHUNK)
        await queue_deliveries(await choose_events([msgspec.structs.replace(wish, since=job.since)], rows))
        follow = msgspec.structs.replace(job, cursor=rows[-1]["cursor"]) if rows else None
    wake_after_commit(TOPIC)
    if follow is not None:
        await enqueue_jobs([NewJob(job=follow, key=_key(job.webhook_id))])


async def _recover_logged(job: RecoverWebhook) -> RecoverWebhook | None:
    """Queue again what the log has; after its end the feed is read, for what was never queued."""
    rows = await fetch(LOGGED, job.webhook_id, job.after, TEST_TYPE, CHUNK)
    wanted = {STATES["failed"]} | ({STATES["delivered"]} if job.include == "all" else set())
    await _queue_again([row["id"] for row in rows if row["state"] in wanted], job.webhook_id)
    if len(rows) == CHUNK:
        return msgspec.structs.replace(job, after=rows[-1]["event_id"])
    first = await fetch_value(SINCE, job.since)
    return None if first is None else msgspec.structs.replace(job, cursor=first)


async def _queue_again(ids: list[UUID], webhook_id: UUID) -> None:
    await lock_order([webhook_id])
    rows = await fetch(AGAIN, ids)
    await promote_next({(row["webhook_id"], row["order_key"]) for row in rows if row["order_key"]})


async def _enabled_webhook(webhook_id: UUID) -> Row:
    row = await find_webhook(webhook_id)
    if not row["enabled"]:
        raise Problem("state_conflict", "The webhook is disabled", hint='Enable it first: PATCH {"enabled": true}')
    return row


def _id_before(moment: datetime) -> UUID:
    """The least UUIDv7 of a moment: what was made from then on is greater (RFC 9562 5.7)."""
    return UUID(int=max(int(moment.timestamp() * 1000), 0) << 80)


def _key(webhook_id: UUID) -> str:
    return f"webhook {webhook_id}"
