"""Reading views, and counting what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from inbox.conversations.search.fields import is_about_me, read_conversation_query
from inbox.conversations.search.queries import COUNTED_MOST, Search, plan_search
from inbox.conversations.views.builtin import BUILT_IN, BUILT_IN_BY_KEY, View
from inbox.kit.db import Row, fetch, fetch_one
from inbox.kit.errors import Problem
from inbox.kit.ids import VIEW, UnknownId, read_id, show_id

VIEWS = "SELECT id, name, query, sort, position, owner_id, version, created_at, updated_at FROM saved_view"
SEEN = "(owner_id IS NULL OR owner_id = $1)"
BADGE = "(SELECT count(*) FROM (SELECT FROM conversation c WHERE {} LIMIT {}) found)"

GROUPS = {
    "status": "SELECT c.status AS key, count(*) AS amount FROM conversation c WHERE {} GROUP BY 1",
    "assignee": "SELECT c.assignee_id AS key, a.name, count(*) AS amount FROM conversation c "
    "LEFT JOIN agent a ON a.id = c.assignee_id WHERE c.status <> 'closed' AND {} GROUP BY 1, 2",
    "tag": "SELECT tag AS key, count(*) AS amount FROM conversation c, unnest(c.tags) AS tag "
    "WHERE c.status <> 'closed' AND {} GROUP BY 1",
    "channel": "SELECT medium AS key, count(*) AS amount FROM conversation c, unnest(c.media) AS medium "
    "WHERE c.status <> 'closed' AND {} GROUP BY 1",
}
"""What conversations are counted by; closed ones only where the status itself is asked for."""


class Badge(msgspec.Struct, frozen=True):
    """How many conversations a view has, up to COUNTED_MOST; None where it asks for an agent and there is none."""

    view: View
    amount: int | None


async def list_views(*, agent_id: UUID | None) -> list[View]:
    """Those built in, then the shared ones and the agent's own, by position."""
    rows = await fetch(f"{VIEWS} WHERE {SEEN} ORDER BY position, id", agent_id)
    return [*BUILT_IN, *(_view(row) for row in rows)]


async def find_view(key: str, *, agent_id: UUID | None) -> View:
    """One view by its id, or the `not_found` problem; another agent's own is not found either."""
    if key in BUILT_IN_BY_KEY:
        return BUILT_IN_BY_KEY[key]
    try:
        row = await fetch_one(f"{VIEWS} WHERE {SEEN} AND id = $2", agent_id, read_id(VIEW, key))
    except UnknownId:
        row = None
    if row is None:
        raise Problem("not_found", f"There is no view {key[:40]}")
    return _view(row)


async def count_views(views: Sequence[View], *, me: UUID | None) -> list[Badge]:
    """The counts of all views in one statement; one more goes before it where views look for words."""
    asked = [view for view in views if me is not None or not asks_for_me(view)]
    planned = await plan_search([read_conversation_query(view.query) for view in asked], me=me)
    args: list[Any] = []
    columns = [BADGE.format(Search((part,), me).condition(args), COUNTED_MOST + 1) for part in planned.parts]
    row = await fetch_one(f"SELECT ARRAY[{', '.join(columns)}]::bigint[] AS amounts", *args)
    amounts = dict(zip((view.key for view in asked), row["amounts"] if row else (), strict=True))
    return [Badge(view, amounts.get(view.key)) for view in views]


def asks_for_me(view: View) -> bool:
    """Whether it depends on who asks."""
    return any(is_about_me(term) for term in read_conversation_query(view.query).terms())


async def count_groups(by: str, query: str, *, me: UUID | None) -> list[Row]:
    """How many conversations that a query finds there are of each status, assignee, tag or channel, most first."""
    search = await plan_search([read_conversation_query(query)], me=me)
    args: list[Any] = []
    grouped = GROUPS[by].format(search.condition(args))
    return await fetch(f"{grouped} ORDER BY amount DESC, 1 NULLS FIRST", *args)


def _view(row: Row) -> View:
    return View(
        key=show_id(VIEW, row["id"]),
        name=row["name"],
        query=row["query"],
        sort=row["sort"],
        position=row["position"],
        owner_id=row["owner_id"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
