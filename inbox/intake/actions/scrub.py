"""Blanking in the journal what repeats a message that was redacted: providers send a webhook again and again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from inbox.kit.db import fetch_one

STEP_ROWS = 5000
SCRUB = """
WITH step AS (
    SELECT id FROM raw_event WHERE channel_id = $1 AND id > $2 AND received_at < $3 ORDER BY id LIMIT $5
), blanked AS (
    UPDATE raw_event r
    SET body_sha256 = coalesce(r.body_sha256, sha256(r.body)), body = '', url = split_part(r.url, '?', 1),
        redacted_at = now()
    FROM step
    WHERE r.channel_id = $1 AND r.id = step.id AND r.redacted_at IS NULL AND EXISTS (
        SELECT FROM unnest($4::bytea[]) AS needle
        WHERE position(needle IN r.body) > 0 OR position(needle IN convert_to(r.url, 'UTF8')) > 0
    )
)
SELECT max(id) AS reached, count(*) AS rows FROM step
"""


async def scrub_journal(channel_id: UUID, needles: Sequence[str], *, after: int, until: datetime) -> int | None:
    """Blank a channel's requests that hold one of these, in the next part behind an id; where it ended, or None.

    The hash of a body stays, so that a copy found elsewhere can be told to be the one that was redacted.
    """
    row = await fetch_one(SCRUB, channel_id, after, until, [needle.encode() for needle in needles], STEP_ROWS)
    if row is None or row["rows"] < STEP_ROWS:
        return None
    return int(row["reached"])
