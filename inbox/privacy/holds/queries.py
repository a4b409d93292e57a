"""Reading legal holds."""

from __future__ import annotations

from uuid import UUID

from inbox.kit.db import Row, fetch, fetch_one
from inbox.kit.errors import Problem

COLUMNS = "subject_id, subject, reason, actor, created_at"
PAGE = f"""
SELECT {COLUMNS} FROM legal_hold WHERE ($1::uuid IS NULL OR subject_id > $1) ORDER BY subject_id LIMIT $2
"""  # noqa: S608 (ours)


async def find_hold(subject_id: UUID) -> Row:
    """The hold on this contact or conversation, or the `not_found` problem."""
    row = await fetch_one(f"SELECT {COLUMNS} FROM legal_hold WHERE subject_id = $1", subject_id)  # noqa: S608 (ours)
    if row is None:
        raise Problem("not_found", "No legal hold lies on it")
    return row


async def list_holds(*, after: UUID | None, limit: int) -> list[Row]:
    """One page of all holds."""
    return await fetch(PAGE, after, limit)
