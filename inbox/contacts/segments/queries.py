"""Reading segments, and counting who is in one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from inbox.contacts.segments.fields import FIELDS, read_contact_query
from inbox.kit.db import fetch, fetch_one, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id
from inbox.kit.query import compile_query

COLUMNS = "id, name, description, query, position, version, created_at, updated_at"
LIST = f"""
SELECT {COLUMNS} FROM segment
WHERE $1::integer IS NULL OR (position, lower(name), id) > ($1, $2, $3)
ORDER BY position, lower(name), id LIMIT $4
"""  # noqa: S608 (the columns are ours)


class Segment(msgspec.Struct, kw_only=True, frozen=True):
    """A saved query over contacts."""

    id: UUID
    name: str
    description: str | None
    query: str
    position: int
    version: int
    created_at: datetime
    updated_at: datetime


async def list_segments(*, after: tuple[int, str, UUID] | None, limit: int) -> list[Segment]:
    """One page, by position and name."""
    rows = await fetch(LIST, *(after or (None, None, None)), limit)
    return [msgspec.convert(dict(row), Segment) for row in rows]


async def find_segment(segment_id: UUID, *, lock: bool = False) -> Segment:
    """One segment, or the `not_found` problem."""
    ending = " FOR UPDATE" if lock else ""
    row = await fetch_one(f"SELECT {COLUMNS} FROM segment WHERE id = $1{ending}", segment_id)  # noqa: S608 (ours)
    if row is None:
        raise Problem("not_found", f"There is no segment {show_id('seg', segment_id)}")
    return msgspec.convert(dict(row), Segment)


async def count_contacts(query: str) -> int:
    """How many contacts a query finds now."""
    args: list[object] = []
    condition = compile_query(read_contact_query(query, pointer="/query"), FIELDS, args)
    return int(await fetch_value(f"SELECT count(*) FROM contact c WHERE {condition}", *args))  # noqa: S608 (compiled from our own text)
