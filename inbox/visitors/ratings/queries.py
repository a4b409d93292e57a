"""Reading ratings, and the numbers they come to."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inbox.kit.db import Row, fetch, fetch_one
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id
from inbox.visitors.ratings.rating import Asked, Reached

After = tuple[datetime, UUID]

TABLES = """
FROM csat_rating r JOIN entry e ON e.id = r.entry_id JOIN conversation c ON c.id = e.conversation_id
JOIN contact ct ON ct.id = c.contact_id LEFT JOIN agent a ON a.id = r.agent_id
"""
NARROWED = """
WHERE ($1::uuid IS NULL OR c.id = $1) AND ($2::uuid IS NULL OR c.contact_id = $2)
  AND ($3::uuid IS NULL OR r.agent_id = $3) AND ($4::uuid IS NULL OR r.channel_id = $4)
  AND ($5::smallint IS NULL OR r.rating = $5) AND ($6::boolean IS NULL OR (r.rating IS NOT NULL) = $6)
  AND ($7::timestamptz IS NULL OR r.requested_at >= $7) AND ($8::timestamptz IS NULL OR r.requested_at < $8)
"""
COLUMNS = """
SELECT r.entry_id, r.channel_id, r.rating, r.comment, r.requested_at, r.rated_at, r.changed_at, c.id AS conversation_id,
       c.contact_id, ct.name AS contact_name, r.agent_id, a.name AS agent_name
"""
PAGE = f"""
{COLUMNS} {TABLES} {NARROWED} AND ($9::timestamptz IS NULL OR (r.requested_at, r.entry_id) < ($9, $10::uuid))
ORDER BY r.requested_at DESC, r.entry_id DESC LIMIT $11
"""
SUMMARY = f"""
SELECT count(*) AS asked, count(r.rating) AS answered, avg(r.rating)::float8 AS average,
       ARRAY[count(*) FILTER (WHERE r.rating = 1), count(*) FILTER (WHERE r.rating = 2),
             count(*) FILTER (WHERE r.rating = 3), count(*) FILTER (WHERE r.rating = 4),
             count(*) FILTER (WHERE r.rating = 5)] AS spread
{TABLES} {NARROWED}
"""
ONE = f"{COLUMNS} {TABLES} WHERE r.entry_id = $1"

ASKED = """
SELECT r.entry_id, e.conversation_id, r.identity_id, r.channel_id, r.rating, r.rated_at, r.received_entry_id
FROM csat_rating r JOIN entry e ON e.id = r.entry_id
"""
OPEN = f"{ASKED} WHERE e.conversation_id = $1 AND r.rating IS NULL ORDER BY r.requested_at DESC LIMIT 1"
REACHED = """
SELECT max(e.created_at) FILTER (WHERE e.direction = 'inbound' AND e.type = 'message') AS last_inbound_at,
       bool_or(e.direction = 'outbound' AND e.type = 'message' AND e.author->>'type' IN ('agent', 'integration', 'bot'))
           AS answered,
       (SELECT max(r.requested_at) FROM csat_rating r JOIN entry q ON q.id = r.entry_id WHERE q.conversation_id = $1)
           AS last_requested_at
FROM entry e WHERE e.conversation_id = $1
"""


class RatingFilter(msgspec.Struct, kw_only=True, frozen=True):
    """What a list of ratings is narrowed to; None means no narrowing. The times are of the request."""

    conversation_id: UUID | None = None
    contact_id: UUID | None = None
    agent_id: UUID | None = None
    channel_id: UUID | None = None
    rating: int | None = None
    answered: bool | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def values(self) -> list[Any]:
        """As the statements take them."""
        return [getattr(self, name) for name in self.__struct_fields__]


async def list_ratings(narrowed: RatingFilter, *, after: After | None, limit: int) -> list[Row]:
    """One page, the newest request first; `after` is the moment and entry of the last one of the page before."""
    moment, entry_id = after or (None, None)
    return await fetch(PAGE, *narrowed.values, moment, entry_id, limit)


async def sum_ratings(narrowed: RatingFilter) -> Row:
    """How many were asked and answered, the average, and how often each rating was given."""
    row = await fetch_one(SUMMARY, *narrowed.values)
    if row is None:
        raise RuntimeError("an aggregate has one row")
    return row


async def find_rating(entry_id: UUID) -> Row:
    """One rating, or the `not_found` problem."""
    row = await fetch_one(ONE, entry_id)
    if row is None:
        raise Problem("not_found", f"There is no rating {show_id('csr', entry_id)}")
    return row


async def find_asked(entry_id: UUID) -> Asked | None:
    """A request by its entry; None where nobody was asked there."""
    row = await fetch_one(f"{ASKED} WHERE r.entry_id = $1", entry_id)
    return msgspec.convert(dict(row), Asked) if row else None


async def find_open_request(conversation_id: UUID) -> Asked | None:
    """The newest request of a conversation that nobody has answered."""
    row = await fetch_one(OPEN, conversation_id)
    return msgspec.convert(dict(row), Asked) if row else None


async def read_reached(conversation_id: UUID) -> Reached:
    """Who has written in a conversation, and when it was last asked about."""
    row = await fetch_one(REACHED, conversation_id)
    if row is None:
        raise RuntimeError("an aggregate has one row")
    return Reached(
        last_inbound_at=row["last_inbound_at"],
        answered=bool(row["answered"]),
        last_requested_at=row["last_requested_at"],
    )
