"""Keeping views: a query is checked when it is saved, so that none breaks when it is looked at."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inbox.conversations.queries import Sort
from inbox.conversations.search.fields import read_conversation_query
from inbox.conversations.views.builtin import BUILT_IN_BY_KEY
from inbox.conversations.views.queries import VIEWS
from inbox.kit.db import Row, execute, fetch_one, fetch_value
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import VIEW, UnknownId, new_id, read_id
from inbox.kit.versions import check_version

MAX_VIEWS = 100
"""Shared views, and views of one agent: each costs its part of every count of badges."""

OWNED = "SELECT count(*) FROM saved_view WHERE owner_id IS NOT DISTINCT FROM $1"
INSERT = """
INSERT INTO saved_view (id, owner_id, name, query, sort, position, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
"""
SAVE = """
UPDATE saved_view SET name = $2, query = $3, sort = $4, position = $5, version = version + 1, updated_at = $6
WHERE id = $1
"""


class ViewContent(msgspec.Struct, kw_only=True, frozen=True):
    """What of a view may be changed."""

    name: str
    query: str
    sort: Sort
    position: int


async def create_view(content: ViewContent, *, owner_id: UUID | None, now: datetime) -> UUID:
    """A new one: shared, or an agent's own."""
    read_conversation_query(content.query, pointer="/query")
    if (
        await fetch_value("SELECT count(*) FROM saved_view WHERE owner_id IS NOT DISTINCT FROM $1", owner_id)
        >= MAX_VIEWS
    ):
        raise Problem("state_conflict", f"There are {MAX_VIEWS} views already", hint="Delete one that nobody looks at.")
    view_id = new_id()
    await execute(INSERT, view_id, owner_id, content.name, content.query, content.sort, content.position, now)
    return view_id


async def update_view(key: str, changes: dict[str, Any], *, agent_id: UUID | None, now: datetime) -> None:
    """Change the named fields; what differs in nothing is no new version."""
    row = await _lock_view(key, agent_id=agent_id)
    before = ViewContent(**{name: row[name] for name in ViewContent.__struct_fields__})
    after = msgspec.structs.replace(before, **changes)
    if after == before:
        return
    read_conversation_query(after.query, pointer="/query")
    await execute(SAVE, row["id"], after.name, after.query, after.sort, after.position, now)


async def delete_view(key: str, *, agent_id: UUID | None) -> None:
    """Forget it; the conversations stay."""
    row = await _lock_view(key, agent_id=agent_id)
    await execute("DELETE FROM saved_view WHERE id = $1", row["id"])


async def _lock_view(key: str, *, agent_id: UUID | None) -> Row:
    if key in BUILT_IN_BY_KEY:
        error = FieldError(pointer="?view_id", code="built_in", detail="this view is built in and stays as it is")
        raise Problem("state_conflict", error.detail, errors=[error], hint="Save a view of your own with its query.")
    sql = f"{VIEWS} WHERE id = $1 AND (owner_id IS NULL OR owner_id = $2) FOR UPDATE"
    try:
        row = await fetch_one(sql, read_id(VIEW, key), agent_id)
    except UnknownId:
        row = None
    if row is None:
        raise Problem("not_found", f"There is no view {key[:40]}")
    check_version(row["id"], row["version"])
    return row
