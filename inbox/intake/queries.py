"""Reading the journal: what waits to be projected, and what an operator wants to see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from inbox.intake.actions.journal import JournalEntry
from inbox.kit.db import Row, fetch, fetch_one, fetch_value

COLUMNS = (
    "r.id, r.channel_id, r.kind, r.method, r.url, r.headers, r.body, r.received_at, r.request_id, r.traceparent, "
    "r.redacted_at"
)

EventState: TypeAlias = Literal["waiting", "projected", "quarantine"]

STATES: dict[EventState | None, str] = {
    None: "true",
    "waiting": "r.id > l.projected_id",
    "projected": "r.id <= l.projected_id AND (q.raw_event_id IS NULL OR q.resolved_at IS NOT NULL)",
    "quarantine": "q.raw_event_id IS NOT NULL AND q.resolved_at IS NULL",
}

LISTED = f"""
SELECT {COLUMNS}, l.projected_id, q.code, q.error, q.attempts, q.resolved_at
FROM raw_event r
JOIN lane l ON l.channel_id = r.channel_id
LEFT JOIN quarantine q ON q.channel_id = r.channel_id AND q.raw_event_id = r.id
"""  # noqa: S608 (the columns are ours)


# The length of a body that lies apart from its row is told without reading it.
WAITING = f"""
SELECT {COLUMNS} FROM (
    SELECT r.*, sum(octet_length(r.body)) OVER (ORDER BY r.id) - octet_length(r.body) AS before FROM raw_event r
    WHERE r.channel_id = $1 AND r.id > coalesce($3, (SELECT projected_id FROM lane WHERE channel_id = $1))
    ORDER BY r.id LIMIT $2
) r WHERE r.before = 0 OR r.before + octet_length(r.body) <= $4::bigint ORDER BY r.id
"""  # noqa: S608 (the columns are ours)


async def kept_as_sent(entry: JournalEntry) -> bool:
    """Whether the request that used up this one-time key is this very one: a repeat, and no replay with other words."""
    sql = "SELECT coalesce(body_sha256, sha256(body)) FROM raw_event WHERE channel_id = $1 AND once_key = $2"
    kept = await fetch_value(sql, entry.channel_id, entry.once_key)
    return kept is None or bytes(kept) == sha256(entry.body).digest()


async def waiting_lanes() -> list[UUID]:
    """The channels whose journal is not projected to its end."""
    sql = """
        SELECT l.channel_id FROM lane l
        WHERE EXISTS (SELECT FROM raw_event r WHERE r.channel_id = l.channel_id AND r.id > l.projected_id)
    """
    return [row["channel_id"] for row in await fetch(sql)]


async def waiting_events(channel_id: UUID, *, limit: int, most_bytes: int, after: int | None = None) -> list[Row]:
    """The next requests of a channel to project, in journal order: behind its cursor, or behind the one given.

    Of several, the bodies together have at most so many bytes; the first comes in any case.
    """
    return await fetch(WAITING, channel_id, limit, after, most_bytes)


class EventSelection(msgspec.Struct, kw_only=True, frozen=True):
    """Which journaled requests: all that is named has to hold. `code` is that of the quarantine."""

    ids: list[int] = []
    state: EventState | None = None
    channel_id: UUID | None = None
    code: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def find_raw_events(ids: Sequence[int]) -> list[Row]:
    """Journaled requests by their numbers, with where they stand."""
    return await fetch(f"{LISTED} WHERE r.id = ANY($1) ORDER BY r.id", list(ids))


async def list_raw_events(selection: EventSelection, *, limit: int, before: int | None = None) -> list[Row]:
    """The newest journaled requests of a selection, or the newest before one."""
    where = _condition(selection)
    sql = f"{LISTED} WHERE {where} AND ($6::bigint IS NULL OR r.id < $6) ORDER BY r.id DESC LIMIT $7"
    return await fetch(sql, *_args(selection), before, limit)


async def replayable_ids(selection: EventSelection, *, after: int, limit: int) -> list[int]:
    """The oldest requests of a selection after one. What waits to be projected is not among them: its turn comes."""
    where = f"{_condition(selection)} AND r.id <= l.projected_id AND r.id > $6"
    sql = f"SELECT id FROM ({LISTED} WHERE {where}) chosen ORDER BY id LIMIT $7"  # noqa: S608 (ours)
    return [row["id"] for row in await fetch(sql, *_args(selection), after, limit)]


async def count_replayable(selection: EventSelection) -> int:
    """How many requests a replay of a selection would project once more."""
    sql = f"SELECT count(*) AS n FROM ({LISTED} WHERE {_condition(selection)} AND r.id <= l.projected_id) chosen"  # noqa: S608 (ours)
    row = await fetch_one(sql, *_args(selection))
    return int(row["n"]) if row else 0


def _condition(selection: EventSelection) -> str:
    """What holds of a selection's requests, as SQL over r, l and q with the parameters of `_args`."""
    return f"""{STATES[selection.state]} AND (cardinality($1::bigint[]) = 0 OR r.id = ANY($1))
        AND ($2::uuid IS NULL OR r.channel_id = $2) AND ($3::text IS NULL OR q.code = $3)
        AND ($4::timestamptz IS NULL OR r.received_at >= $4) AND ($5::timestamptz IS NULL OR r.received_at < $5)"""


def _args(selection: EventSelection) -> list[object]:
    return [selection.ids, selection.channel_id, selection.code, selection.since, selection.until]


async def count_waiting() -> int:
    """How many journaled requests are still to be projected."""
    row = await fetch_one(
        "SELECT count(*) AS n FROM lane l JOIN raw_event r ON r.channel_id = l.channel_id AND r.id > l.projected_id"
    )
    return row["n"] if row else 0
