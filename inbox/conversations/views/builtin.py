"""The views every inbox has from the start, and what a view is."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from inbox.conversations.queries import Sort


class View(msgspec.Struct, kw_only=True, frozen=True):
    """A query and an order under a name. `key` is the id it is asked for by; without an owner it is everybody's."""

    key: str
    name: str
    query: str
    sort: Sort = "-updated_at"
    position: int = 0
    owner_id: UUID | None = None
    version: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None


BUILT_IN = (
    View(key="open", name="Open", query="is:open"),
    View(key="mine", name="Mine", query="assignee:me -is:closed"),
    View(key="unassigned", name="Unassigned", query="is:open is:unassigned"),
    View(key="waiting", name="Waiting for us", query="is:open is:waiting", sort="updated_at"),
    View(key="snoozed", name="Snoozed", query="is:snoozed"),
    View(key="closed", name="Closed", query="is:closed"),
    View(key="all", name="All", query=""),
)
"""In the order in which they are listed, before those that were saved."""
BUILT_IN_BY_KEY = {view.key: view for view in BUILT_IN}
