"""Writing raw requests down before anybody is told that we have them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from inbox.kit.db import fetch

# Writers of one channel take turns until their commit, so its ids are given in the order of commits: a projector that
# has seen one id has seen all smaller ones. Several channels are locked in one order, against circles.
JOURNAL = """
WITH turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(hashtextextended(channel_id::text, 0))
    FROM (SELECT DISTINCT channel_id FROM unnest($1::uuid[]) AS channel_id ORDER BY channel_id) AS channels
), waited AS MATERIALIZED (
    SELECT count(*) FROM turn
)
INSERT INTO raw_event (channel_id, kind, method, url, headers, body, received_at, request_id, spool_id, once_key,
                       traceparent)
SELECT e.channel_id, e.kind, e.method, e.url, e.headers, e.body, e.received_at, e.request_id, e.spool_id, e.once_key,
       e.traceparent
FROM waited, unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::bytea[], $7::timestamptz[],
                    $8::text[], $9::uuid[], $10::text[], $11::text[]) WITH ORDINALITY
     AS e(channel_id, kind, method, url, headers, body, received_at, request_id, spool_id, once_key, traceparent, n)
ORDER BY e.n
ON CONFLICT DO NOTHING
RETURNING channel_id
"""


class JournalEntry(msgspec.Struct, kw_only=True, frozen=True):
    """One request to be journaled. `headers` is JSON; `spool_id` is set for what waited in the spool."""

    channel_id: UUID
    kind: str
    method: str
    url: str
    headers: str
    body: bytes
    received_at: datetime
    request_id: str | None = None
    spool_id: UUID | None = None
    once_key: str | None = None
    traceparent: str | None = None


async def journal_events(entries: Sequence[JournalEntry]) -> set[UUID]:
    """Write requests down, in one durable statement; the channels that have something new.

    What was journaled from the spool before, or used its one-time key up, is passed over.
    """
    columns = zip(*(msgspec.structs.astuple(entry) for entry in entries), strict=True)
    return {row["channel_id"] for row in await fetch(JOURNAL, *map(list, columns))}
