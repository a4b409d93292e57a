"""Taking deliveries to be tried, under a lease, and giving back what a dead process held."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec

from inbox.kit.db import Row, execute, fetch, fetch_value
from inbox.kit.ids import new_id

# Of each endpoint that may be called the deliveries that are due, at most as many as it has room for. While the outbox
# is held nothing is claimed: a restored copy must tell nobody anything.
CLAIM = """
WITH lane AS (
    SELECT w.id, w.version, coalesce(b.free, $3) AS free
    FROM webhook w LEFT JOIN unnest($1::uuid[], $2::int[]) AS b(id, free) ON b.id = w.id
    WHERE w.enabled AND w.deleted_at IS NULL AND (w.throttled_until IS NULL OR w.throttled_until <= now())
      AND NOT EXISTS (SELECT FROM outbox_hold)
), due AS (
    SELECT d.id, lane.version FROM lane CROSS JOIN LATERAL (
        SELECT id FROM webhook_delivery WHERE webhook_id = lane.id AND state = 0 AND available_at <= now()
        ORDER BY available_at, cursor LIMIT lane.free FOR UPDATE SKIP LOCKED
    ) AS d
    LIMIT $4
), claimed AS (
    UPDATE webhook_delivery d SET state = 1, lease_id = $5, lease_until = now() + make_interval(secs => $6)
    FROM due WHERE d.id = due.id
    RETURNING d.id, d.webhook_id, due.version, d.tries, d.attempts, d.event, d.available_at, d.cursor
)
SELECT c.id AS delivery_id, c.webhook_id, c.version, c.tries, jsonb_array_length(c.attempts) AS tried, e.*
FROM claimed c CROSS JOIN LATERAL jsonb_populate_record(NULL::feed_event, c.event) AS e
ORDER BY c.available_at, c.cursor
"""
RECOVER = """
WITH lost AS (
    UPDATE webhook_delivery SET state = 0, lease_id = NULL, lease_until = NULL, available_at = now()
    WHERE state = 1 AND lease_until < now() RETURNING id
)
SELECT count(*) FROM lost
"""
GIVE_BACK = """
UPDATE webhook_delivery SET state = 0, lease_id = NULL, lease_until = NULL
WHERE id = ANY($1::uuid[]) AND lease_id = $2 AND state = 1
"""


class ClaimedDelivery(msgspec.Struct, kw_only=True, frozen=True):
    """A delivery we hold a lease on: where it goes, how often it was tried, and the feed's row it tells of.

    `version` is the endpoint's, `tries` counts since the schedule began, `tried` all tries there were.
    """

    id: UUID
    webhook_id: UUID
    version: int
    lease_id: UUID
    tries: int
    tried: int
    event: Row


async def claim_deliveries(
    room: Mapping[UUID, int], *, room_elsewhere: int, limit: int, lease_seconds: float
) -> list[ClaimedDelivery]:
    """Take what is due, at most `limit`; `room` is how many each endpoint may get, `room_elsewhere` any other."""
    lease_id = new_id()
    rows = await fetch(CLAIM, list(room), list(room.values()), room_elsewhere, limit, lease_id, float(lease_seconds))
    return [
        ClaimedDelivery(
            id=row["delivery_id"],
            webhook_id=row["webhook_id"],
            version=row["version"],
            lease_id=lease_id,
            tries=row["tries"],
            tried=row["tried"],
            event=row,
        )
        for row in rows
    ]


async def recover_deliveries() -> int:
    """Put back what a process held that vanished; returns how many. The try it did not report does not count."""
    return int(await fetch_value(RECOVER))


async def give_back_deliveries(ids: list[UUID], *, lease_id: UUID) -> None:
    """Give claims back untried."""
    await execute(GIVE_BACK, ids, lease_id)
