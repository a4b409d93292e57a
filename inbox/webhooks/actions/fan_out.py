"""From the feed to deliveries: each event becomes one row for each endpoint that wants it, and the cursor moves on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import structlog

from inbox.feed.queries import events_after, feed_head
from inbox.kit.db import Row, execute, fetch, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import new_id
from inbox.webhooks.endpoint import Wish
from inbox.webhooks.filters import match_filter
from inbox.webhooks.queries import list_wishes

log = structlog.get_logger()

BATCH = 500
"""Events fanned out in one transaction."""
IDLE_LAG = 1000
"""How far the cursor may stay behind while nobody wants anything: it need not be written at every event."""

HEAD = "SELECT cursor FROM webhook_head FOR UPDATE SKIP LOCKED"
MOVE = "UPDATE webhook_head SET cursor = $1 WHERE cursor < $1"

# Deliveries of one conversation to an ordered endpoint begin as waiting (2); `promote_next` says whose turn it is.
QUEUE = """
INSERT INTO webhook_delivery (id, webhook_id, event_id, cursor, type, conversation_id, order_key, state, event)
SELECT m.id, m.webhook_id, e.id, e.cursor, e.type, e.conversation_id, k.order_key,
       CASE WHEN k.order_key IS NULL THEN 0 ELSE 2 END, jsonb_strip_nulls(to_jsonb(e))
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bool[]) AS m(id, webhook_id, cursor, ordered)
JOIN feed_event e ON e.cursor = m.cursor AND e.cursor IS NOT NULL
CROSS JOIN LATERAL (SELECT CASE WHEN m.ordered THEN e.conversation_id END AS order_key) AS k
ON CONFLICT (webhook_id, event_id) DO NOTHING
RETURNING webhook_id, order_key
"""
LOCK = "SELECT id FROM webhook WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
PROMOTE = """
UPDATE webhook_delivery d SET state = 0
FROM (
    SELECT (
        SELECT w.id FROM webhook_delivery w
        WHERE w.webhook_id = k.webhook_id AND w.order_key = k.order_key AND w.state = 2 ORDER BY w.cursor LIMIT 1
    ) AS id
    FROM unnest($1::uuid[], $2::uuid[]) AS k(webhook_id, order_key)
    WHERE NOT EXISTS (
        SELECT FROM webhook_delivery a
        WHERE a.webhook_id = k.webhook_id AND a.order_key = k.order_key AND a.state < 2
    )
) AS next WHERE d.id = next.id
"""


async def fan_out_events() -> int | None:
    """Queue the next events of the feed for whoever wants them; returns how many events that were.

    None if another process is at it. Cursor and deliveries are written in the open transaction: whoever dies in the
    middle has done nothing, so nothing is lost and nothing doubled.
    """
    cursor = await fetch_value(HEAD)
    if cursor is None:
        return None
    wishes = await list_wishes()
    if not wishes:
        return await _skip_to_end(cursor)
    rows = await events_after(cursor, limit=BATCH)
    if rows:
        await queue_deliveries(await choose_events(wishes, rows))
        await execute(MOVE, rows[-1]["cursor"])
    return len(rows)


async def _skip_to_end(cursor: int) -> int:
    end = (await feed_head()).cursor
    if end - cursor > IDLE_LAG:
        await execute(MOVE, end)
    return 0


async def choose_events(wishes: Iterable[Wish], rows: Sequence[Row]) -> list[tuple[Wish, int]]:
    """Which of these events goes where: each endpoint with the cursors of what it wants, in the feed's order."""
    chosen = []
    for wish in wishes:
        mine = [row for row in rows if wish.wants(row["type"], row["created_at"])]
        matching = await _matching(wish, mine)
        chosen += [(wish, row["cursor"]) for row in mine if matching is None or row["conversation_id"] in matching]
    return chosen


async def _matching(wish: Wish, rows: Sequence[Row]) -> set[UUID] | None:
    """The conversations that the endpoint's query matches as they are now; None where it has no query."""
    if wish.query is None:
        return None
    ids = {row["conversation_id"] for row in rows if row["conversation_id"]}
    try:
        return await match_filter(wish.query, ids) if ids else set()
    except Problem:
        # It was checked when it was saved, so it names what has been removed since: nothing has that any more.
        log.warning("webhook_filter_unreadable", webhook=wish.webhook_id)
        return set()


async def queue_deliveries(chosen: Sequence[tuple[Wish, int]]) -> int:
    """Write the deliveries, those aside that exist already; returns how many were new."""
    if not chosen:
        return 0
    ordered = {wish.webhook_id for wish, _ in chosen if wish.ordered}
    await lock_order(ordered)
    rows = await fetch(
        QUEUE,
        [new_id() for _ in chosen],
        [wish.webhook_id for wish, _ in chosen],
        [cursor for _, cursor in chosen],
        [wish.ordered for wish, _ in chosen],
    )
    await promote_next({(row["webhook_id"], row["order_key"]) for row in rows if row["order_key"]})
    return len(rows)


async def lock_order(webhook_ids: Iterable[UUID]) -> None:
    """Have the turns of ordered endpoints to ourselves until the transaction ends."""
    if ids := list(webhook_ids):
        await execute(LOCK, ids)


async def promote_next(keys: Iterable[tuple[UUID, UUID]]) -> None:
    """Where nothing of an endpoint's conversation is under way, the earliest that waits has its turn.

    The endpoint must be locked (`lock_order`): two who look at the same time would each leave it to the other.
    """
    if pairs := list(keys):
        await execute(PROMOTE, [webhook for webhook, _ in pairs], [order_key for _, order_key in pairs])
