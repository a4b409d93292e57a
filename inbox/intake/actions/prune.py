"""What the journal may forget: requests whose projection is long over, and keys that nobody will tell us again."""

from __future__ import annotations

from uuid import UUID

import msgspec

from inbox.kit.db import fetch, fetch_one, fetch_value

BATCH = 1000
REPEAT_DAYS = 8
"""How long providers may repeat what they told us: Meta's 7 days, and one to be sure."""

# The next ids of a channel in the journal's order; the last of them says where the next batch begins. What waits to be
# projected stays, and so does what lies in quarantine until somebody has dealt with it.
PRUNE_EVENTS = """
WITH next AS MATERIALIZED (
    SELECT r.id, r.received_at FROM raw_event r WHERE r.channel_id = $1 AND r.id > $2 ORDER BY r.id LIMIT $4
), old AS (
    SELECT n.id FROM next n
    WHERE n.received_at < now() - make_interval(days => $3)
      AND n.id <= (SELECT projected_id FROM lane WHERE channel_id = $1)
      AND NOT EXISTS (SELECT FROM quarantine q
                      WHERE q.channel_id = $1 AND q.raw_event_id = n.id AND q.resolved_at IS NULL)
      AND NOT (EXISTS (SELECT FROM legal_hold) AND n.id IN (
          SELECT e.raw_event_id FROM legal_hold h JOIN conversation v ON h.subject_id IN (v.id, v.contact_id)
          JOIN entry e ON e.conversation_id = v.id WHERE e.channel_id = $1 AND e.raw_event_id IS NOT NULL))
), resolved AS (
    DELETE FROM quarantine q USING old WHERE q.channel_id = $1 AND q.raw_event_id = old.id
), gone AS (
    DELETE FROM raw_event r USING old WHERE r.channel_id = $1 AND r.id = old.id RETURNING 1
)
SELECT (SELECT count(*) FROM gone) AS gone, (SELECT count(*) FROM next) AS seen,
       (SELECT max(id) FROM next) AS last,
       (SELECT coalesce(bool_and(received_at < now() - make_interval(days => $3)), false) FROM next) AS all_old
"""

# A key lives as long as any request that could tell it again: one in the journal, or one that waits in quarantine and
# was told at about the same time.
PRUNE_KEYS = """
WITH open AS (
    SELECT min(created_at) AS since FROM quarantine WHERE resolved_at IS NULL
), old AS (
    SELECT k.channel_id, k.key FROM event_key k
    WHERE k.created_at < now() - make_interval(days => $1)
      AND k.created_at < coalesce((SELECT since FROM open), now()) - make_interval(days => $2)
      AND NOT EXISTS (SELECT FROM lane l JOIN raw_event r ON r.channel_id = l.channel_id AND r.id = k.raw_event_id)
    ORDER BY k.created_at LIMIT $3
), gone AS (
    DELETE FROM event_key k USING old WHERE k.channel_id = old.channel_id AND k.key = old.key RETURNING 1
)
SELECT count(*) FROM gone
"""


class PrunedBatch(msgspec.Struct, kw_only=True, frozen=True):
    """What one batch forgot, and after which request the next begins; None where nothing old follows."""

    gone: int
    after: int | None


async def journaled_channels() -> list[UUID]:
    """Every channel that has a journal; also those that are deleted."""
    return [row["channel_id"] for row in await fetch("SELECT channel_id FROM lane ORDER BY channel_id")]


async def prune_journal(channel_id: UUID, *, after: int, older_than_days: int) -> PrunedBatch:
    """Forget the next batch of a channel's old requests, in one short statement."""
    row = await fetch_one(PRUNE_EVENTS, channel_id, after, older_than_days, BATCH)
    if row is None or not row["all_old"] or row["seen"] < BATCH:
        return PrunedBatch(gone=row["gone"] if row else 0, after=None)
    return PrunedBatch(gone=row["gone"], after=row["last"])


async def prune_keys(*, older_than_days: int) -> int:
    """Forget the next batch of keys of things that happened long ago; returns how many."""
    return int(await fetch_value(PRUNE_KEYS, max(older_than_days, REPEAT_DAYS), REPEAT_DAYS, BATCH))
