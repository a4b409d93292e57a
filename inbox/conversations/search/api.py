"""Looking for messages and notes over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.params import QueryParameter

from inbox.conversations.api.authors import speaking_agent
from inbox.conversations.api.conversations import GivenCaller
from inbox.conversations.api.entries import EntryObject, show_entry
from inbox.conversations.api.listing import OfAgent
from inbox.conversations.api.shapes import Reference
from inbox.conversations.search.entries import find_hits, read_entry_query
from inbox.conversations.search.highlights import Match, cut_snippet, wanted_values
from inbox.conversations.thread import Status
from inbox.kit.db import Row
from inbox.kit.ids import show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor
from inbox.kit.query import Query

READ = {"scope": "conversations:read", "problems": ["invalid_query", "validation_failed"]}


class HitConversation(msgspec.Struct, kw_only=True, frozen=True):
    """The conversation an entry was found in."""

    object: Literal["conversation"] = "conversation"
    id: str
    number: int
    status: Status
    subject: str | None
    contact: Reference


class HitObject(msgspec.Struct, kw_only=True, frozen=True):
    """A message or note that was found: the piece of it with what was looked for, and where it stands there."""

    object: Literal["hit"] = "hit"
    id: str
    entry: EntryObject
    conversation: HitConversation
    snippet: str
    matches: list[Match]


class SearchController(Controller):
    """Messages and notes by what they say."""

    path = "/search"
    tags = ("Conversations",)

    @get(opt=READ, operation_id="searchEntries", summary="Search messages and notes")
    async def search_entries(
        self,
        *,
        caller: GivenCaller,
        q: Annotated[
            str,
            QueryParameter(
                max_length=1000,
                description='Words and `"exact words"` that stand in one message or note; fields are those of its '
                "conversation, but `after:` and `before:` are its own time, and `type:note` its kind.",
            ),
        ],
        agent: OfAgent = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[HitObject]:
        """The newest first; what was redacted or erased is not found."""
        me = await speaking_agent(caller, agent)
        query = read_entry_query(q)
        of = ["search", query.text, me]
        rows = await find_hits(query, me=me, before=read_cursor(cursor, UUID, of=of), limit=limit + 1)
        return cut_page(rows, limit, key=lambda row: row["id"], of=of, show=lambda row: show_hit(row, query))


def show_hit(row: Row, query: Query) -> HitObject:
    """An entry that was found, with its conversation."""
    snippet = cut_snippet(row["text"], query, wanted_values(query))
    return HitObject(
        id=show_id("ent", row["id"]),
        entry=show_entry(row),
        conversation=HitConversation(
            id=show_id("cnv", row["conversation_id"]),
            number=row["number"],
            status=row["status"],
            subject=row["subject"],
            contact=Reference(object="contact", id=show_id("ctc", row["contact_id"]), name=row["contact_name"]),
        ),
        snippet=snippet.text if snippet else row["text"][:200],
        matches=snippet.matches if snippet else [],
    )
