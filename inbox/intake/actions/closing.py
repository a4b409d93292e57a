"""What is left of removed channels: their journal is projected to its end, then their secrets are forgotten."""

from __future__ import annotations

from inbox.kit.db import fetch_value

LATE_SECONDS = 10
"""How long after its removal a channel may still take something, in a process that has not heard of it yet."""
GIVE_UP_SECONDS = 86_400
"""After how long settings are forgotten that nobody can read, such as those of an adapter that is not installed."""
BATCH = 500
CODE = "channel_deleted"

FORGET = """
WITH forgotten AS (
    UPDATE channel c SET settings = ''
    WHERE c.deleted_at < now() - make_interval(secs => $1) AND length(c.settings) > 0
      AND (c.deleted_at < now() - make_interval(secs => $2)
           OR NOT EXISTS (SELECT FROM lane l JOIN raw_event r ON r.channel_id = l.channel_id AND r.id > l.projected_id
                          WHERE l.channel_id = c.id))
    RETURNING 1
)
SELECT count(*) FROM forgotten
"""

# One channel at a time, a batch of it, under the lock of its lane: as a projector would, and passed over where one is.
SET_ASIDE = """
WITH gone AS (
    SELECT l.channel_id, l.projected_id FROM lane l JOIN channel c ON c.id = l.channel_id
    WHERE c.deleted_at IS NOT NULL AND length(c.settings) = 0
      AND EXISTS (SELECT FROM raw_event r WHERE r.channel_id = l.channel_id AND r.id > l.projected_id)
    LIMIT 1 FOR NO KEY UPDATE OF l SKIP LOCKED
), late AS (
    SELECT r.channel_id, r.id FROM gone g, LATERAL (
        SELECT channel_id, id FROM raw_event WHERE channel_id = g.channel_id AND id > g.projected_id
        ORDER BY id LIMIT $1
    ) r
), told AS (
    INSERT INTO quarantine (channel_id, raw_event_id, code, error)
    SELECT channel_id, id, $2, 'it came when its channel had been removed, and nobody can read it any more' FROM late
    ON CONFLICT DO NOTHING
), moved AS (
    UPDATE lane l SET projected_id = m.last
    FROM (SELECT channel_id, max(id) AS last FROM late GROUP BY channel_id) m WHERE l.channel_id = m.channel_id
)
SELECT count(*) FROM late
"""


async def settle_removed_channels() -> int:
    """Forget the settings of removed channels that are through, and set aside what came too late for them.

    Each is a statement of its own; returns how many requests were set aside.
    """
    await fetch_value(FORGET, LATE_SECONDS, GIVE_UP_SECONDS)
    aside = 0
    while some := int(await fetch_value(SET_ASIDE, BATCH, CODE)):
        aside += some
    return aside
