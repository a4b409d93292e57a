"""Views and counts over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from inbox.conversations.api.authors import speaking_agent
from inbox.conversations.api.conversations import GivenCaller
from inbox.conversations.api.listing import OfAgent, QueryText
from inbox.conversations.queries import Sort
from inbox.conversations.search.queries import COUNTED_MOST
from inbox.conversations.views.actions import ViewContent, create_view, delete_view, update_view
from inbox.conversations.views.builtin import View
from inbox.conversations.views.queries import Badge, count_groups, count_views, find_view, list_views
from inbox.kit.clock import show_time, utc_now
from inbox.kit.db import Row
from inbox.kit.ids import AGENT, VIEW, show_id
from inbox.kit.pages import Page

READ = {"scope": "conversations:read", "problems": ["validation_failed"]}
FIND = {"scope": "conversations:read", "problems": ["not_found", "validation_failed"]}
SAVE = {
    "scope": "conversations:write",
    "problems": ["invalid_query", "state_conflict", "version_mismatch", "validation_failed"],
}
CHANGE = {**SAVE, "problems": [*SAVE["problems"], "not_found"]}

Name = Annotated[
    str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+(?![\s\S])", examples=["VIPs waiting"])
]
ViewQuery = Annotated[
    str, msgspec.Meta(max_length=1000, description="The grammar of `q=`.", examples=["is:open tag:vip -assignee:me"])
]
Position = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
By = Literal["view", "status", "assignee", "tag", "channel"]


class ViewObject(msgspec.Struct, kw_only=True, frozen=True):
    """A query and an order of the list under a name: shared, or the own one of an agent."""

    object: Literal["view"] = "view"
    id: str
    name: str
    query: str
    sort: Sort
    position: int
    owner_id: str | None
    built_in: bool
    version: int
    created_at: str | None
    updated_at: str | None


class NewView(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A view to keep. With `agent_id` it is that agent's own; without it everybody sees it."""

    name: Name
    query: ViewQuery
    sort: Sort = "-updated_at"
    position: Position = 0
    agent_id: str | None = None


class ViewPatch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; what is absent stays."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    query: ViewQuery | msgspec.UnsetType = msgspec.UNSET
    sort: Sort | msgspec.UnsetType = msgspec.UNSET
    position: Position | msgspec.UnsetType = msgspec.UNSET


class CountObject(msgspec.Struct, kw_only=True, frozen=True):
    """How many conversations there are under one key: a view's or an agent's id, a status, a tag, a medium.

    Views are counted up to a limit, beyond which `exact` is false. `count` is null for a view that asks for `me` where
    nobody is.
    """

    object: Literal["count"] = "count"
    key: str | None
    name: str | None
    count: int | None
    exact: bool


class Counted(msgspec.Struct, kw_only=True, frozen=True):
    """All counts of one kind, most first; views in their own order."""

    object: Literal["counts"] = "counts"
    by: By
    data: list[CountObject]


class ViewController(Controller):
    """Saved filters of the list."""

    path = "/views"
    tags = ("Views",)

    @get(opt=READ, operation_id="listViews", summary="List views")
    async def list_views(self, *, caller: GivenCaller, agent: OfAgent = None) -> Page[ViewObject]:
        """Those built in, then the shared ones and the agent's own, by position: all on one page."""
        views = await list_views(agent_id=await speaking_agent(caller, agent))
        return Page(data=[show_view(view) for view in views])

    @post(opt=SAVE, operation_id="createView", summary="Save a view")
    async def create_view(self, *, caller: GivenCaller, data: JSONBody[NewView]) -> ViewObject:
        """The query is checked now; `assignee:me` in it means whoever looks."""
        owner_id = await speaking_agent(caller, data.agent_id) if data.agent_id else None
        content = ViewContent(name=data.name, query=data.query, sort=data.sort, position=data.position)
        view_id = await create_view(content, owner_id=owner_id, now=utc_now())
        return show_view(await find_view(show_id(VIEW, view_id), agent_id=owner_id))

    @get("/{view_id:str}", opt=FIND, operation_id="getView", summary="Get a view")
    async def get_view(self, *, caller: GivenCaller, view_id: FromPath[str], agent: OfAgent = None) -> ViewObject:
        """One view; those built in are asked for by their names, such as `open`."""
        return show_view(await find_view(view_id, agent_id=await speaking_agent(caller, agent)))

    @patch("/{view_id:str}", opt=CHANGE, operation_id="updateView", summary="Change a view")
    async def update_view(
        self, *, caller: GivenCaller, view_id: FromPath[str], data: JSONBody[ViewPatch], agent: OfAgent = None
    ) -> ViewObject:
        """Its owner stays. Those built in cannot be changed."""
        agent_id = await speaking_agent(caller, agent)
        given = {name: getattr(data, name) for name in data.__struct_fields__}
        changes = {name: value for name, value in given.items() if value is not msgspec.UNSET}
        await update_view(view_id, changes, agent_id=agent_id, now=utc_now())
        return show_view(await find_view(view_id, agent_id=agent_id))

    @delete("/{view_id:str}", opt=CHANGE, operation_id="deleteView", summary="Delete a view")
    async def delete_view(self, *, caller: GivenCaller, view_id: FromPath[str], agent: OfAgent = None) -> None:
        """Its conversations stay."""
        await delete_view(view_id, agent_id=await speaking_agent(caller, agent))


class CountController(Controller):
    """The numbers beside the views."""

    path = "/conversations/counts"
    tags = ("Views",)

    @get(opt={**READ, "problems": ["invalid_query", "validation_failed"]}, operation_id="countConversations",
         summary="Count conversations")  # fmt: skip
    async def count_conversations(
        self,
        *,
        caller: GivenCaller,
        by: Annotated[
            By, QueryParameter(description="What is counted by; all but `status` leave closed ones out.")
        ] = "view",
        q: QueryText = None,
        agent: OfAgent = None,
    ) -> Counted:
        """Of every view, in one statement; or of every status, assignee, tag or channel, of what `q` finds."""
        me = await speaking_agent(caller, agent)
        if by == "view":
            badges = await count_views(await list_views(agent_id=me), me=me)
            return Counted(by=by, data=[show_badge(badge) for badge in badges])
        rows = await count_groups(by, q or "", me=me)
        return Counted(by=by, data=[show_group(row) for row in rows])


def show_view(view: View) -> ViewObject:
    """A view as it is answered."""
    return ViewObject(
        id=view.key,
        name=view.name,
        query=view.query,
        sort=view.sort,
        position=view.position,
        owner_id=show_id(AGENT, view.owner_id) if view.owner_id else None,
        built_in=view.created_at is None,
        version=view.version,
        created_at=show_time(view.created_at) if view.created_at else None,
        updated_at=show_time(view.updated_at) if view.updated_at else None,
    )


def show_badge(badge: Badge) -> CountObject:
    """A view's count; what was counted to the limit is at least that much."""
    exact = badge.amount is None or badge.amount <= COUNTED_MOST
    amount = badge.amount if exact else COUNTED_MOST
    return CountObject(key=badge.view.key, name=badge.view.name, count=amount, exact=exact)


def show_group(row: Row) -> CountObject:
    """The count of one status, agent, tag or medium."""
    key = show_id(AGENT, row["key"]) if isinstance(row["key"], UUID) else row["key"]
    return CountObject(key=key, name=row.get("name"), count=row["amount"], exact=True)
