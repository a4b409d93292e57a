"""One change to many conversations over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from inbox.conversations.queries import ConversationFilter, find_conversations
from inbox.conversations.search import read_conversation_query
from inbox.conversations.search.queries import list_found, plan_search
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.errors import Code, FieldError, Problem
from inbox.kit.ids import AGENT, UnknownId, read_id, show_id
from inbox.routing.bulk.actions import change_many
from inbox.routing.bulk.changes import AnyChange, Assign

ITEMS_MAX = 100
QUERY_CHARS = 1000
BULK: dict[str, Any] = {
    "scope": "conversations:write",
    "problems": ["validation_failed", "invalid_query", "not_found"],
    "request_example": {"ids": ["cnv_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"], "change": {"type": "tag", "tag": "vip"}},
}


class BulkChange(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which conversations, by id or by a query as in the list, and what to do with each. A query takes 100 at most."""

    change: AnyChange
    ids: Annotated[list[str], msgspec.Meta(min_length=1, max_length=ITEMS_MAX)] | None = None
    q: Annotated[str, msgspec.Meta(min_length=1, max_length=QUERY_CHARS, examples=["is:open tag:spam"])] | None = None


class ItemProblem(msgspec.Struct, kw_only=True, frozen=True):
    """Why one of them was left as it is."""

    code: Annotated[Code, msgspec.Meta(examples=["not_found"])]
    status: Annotated[int, msgspec.Meta(examples=[404])]
    title: str
    detail: str


class BulkItem(msgspec.Struct, kw_only=True, frozen=True):
    """What came of one conversation; `version` is the one it has now."""

    object: Literal["bulk_item"] = "bulk_item"
    id: Annotated[str, msgspec.Meta(examples=["cnv_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
    ok: bool
    version: int | None
    problem: Annotated[ItemProblem | None, msgspec.Meta(examples=[None])]


class BulkResult(msgspec.Struct, kw_only=True, frozen=True):
    """One result a conversation, in the order they were named or found. `has_more` where a query finds more of them."""

    object: Literal["bulk_result"] = "bulk_result"
    changed: int
    refused: int
    has_more: bool
    data: list[BulkItem]


class BulkController(Controller):
    """Changing many conversations with one request."""

    path = "/conversations/bulk"
    tags = ("Conversations",)

    @post("/", opt=BULK, operation_id="changeConversations", summary="Change up to 100 conversations", status_code=200)
    async def change_conversations(self, *, caller: NamedDependency[Caller], data: JSONBody[BulkChange]) -> BulkResult:
        """Each is changed for itself: what is refused for one does not hold up the others. The audit log has a line."""
        if isinstance(data.change, Assign) and data.change.agent_id:
            read_id(AGENT, data.change.agent_id)
        named, more = await _name_conversations(data, caller)
        known = {shown: found for shown, found in named.items() if found}
        results = await change_many(list(known.values()), data.change, actor=caller.actor, now=utc_now())
        rows = await find_conversations(list(known.values()))
        items = [_show_item(shown, found, results=results, rows=rows) for shown, found in named.items()]
        changed = sum(item.ok for item in items)
        return BulkResult(changed=changed, refused=len(items) - changed, has_more=more, data=items)


async def _name_conversations(data: BulkChange, caller: Caller) -> tuple[dict[str, UUID | None], bool]:
    """The conversations as they were named, with their ids where those are any; and whether there are more."""
    if (data.ids is None) == (data.q is None):
        error = FieldError(pointer="/ids", code="invalid", detail="name ids, or a query, one of them")
        raise Problem("validation_failed", error.detail, errors=[error])
    if data.q is None:
        return {shown: _read_conversation(shown) for shown in data.ids or []}, False
    me = read_id(AGENT, caller.actor.id) if caller.actor.type == "agent" and caller.actor.id else None
    search = await plan_search([read_conversation_query(data.q, pointer="/q")], me=me)
    found = await list_found(search, ConversationFilter(), sort="-updated_at", after=None, limit=ITEMS_MAX + 1)
    return {show_id("cnv", row["id"]): row["id"] for row in found.rows[:ITEMS_MAX]}, len(found.rows) > ITEMS_MAX


def _read_conversation(shown: str) -> UUID | None:
    try:
        return read_id("cnv", shown)
    except UnknownId:
        return None


def _show_item(
    shown: str, found: UUID | None, *, results: dict[UUID, Problem | None], rows: dict[UUID, Any]
) -> BulkItem:
    problem = results[found] if found else Problem("not_found", "This is no id of a conversation")
    version = rows[found]["version"] if found in rows else None
    return BulkItem(id=shown, ok=problem is None, version=version, problem=_show_problem(problem))


def _show_problem(problem: Problem | None) -> ItemProblem | None:
    if problem is None:
        return None
    kind = problem.kind
    return ItemProblem(code=problem.code, status=kind.status, title=kind.title, detail=problem.detail)
