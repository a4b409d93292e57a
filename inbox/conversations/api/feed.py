"""The feed over HTTP, pulled: the same envelopes and cursors as the stream."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from inbox.conversations.api.authors import speaking_agent
from inbox.conversations.api.envelopes import Envelope, show_events
from inbox.conversations.api.listing import OfAgent, QueryText
from inbox.conversations.search.fields import read_conversation_query
from inbox.conversations.search.queries import keep_matching
from inbox.feed.events import EventType, read_cursor, show_cursor
from inbox.feed.queries import events_after, feed_head
from inbox.kit.callers import Caller
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import read_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageInfo, PageLimit

READ = {
    "scope": "events:read",
    "problems": ["invalid_cursor", "cursor_expired", "not_found", "invalid_query", "validation_failed"],
}


class FeedController(Controller):
    """What happened, in the order it was committed."""

    path = "/events"
    tags = ("Events",)

    @get(opt=READ, operation_id="listEvents", summary="Read what happened after a cursor")
    async def list_events(
        self,
        *,
        after: Annotated[str | None, QueryParameter(description="The cursor of the last event seen.")] = None,
        types: Annotated[list[EventType] | None, QueryParameter(description="Only these types.")] = None,
        conversation: Annotated[str | None, QueryParameter(description="Only what concerns this one.")] = None,
        q: QueryText = None,
        agent: OfAgent = None,
        caller: NamedDependency[Caller],
        limit: PageLimit = DEFAULT_LIMIT,
    ) -> Page[Envelope]:
        """`page.next_cursor` is where to go on, also where nothing new was found; without `after`, from the start.

        With `q` only what concerns conversations that match it now; a page may then hold fewer events than `limit`.
        """
        query, me = (read_conversation_query(q), await speaking_agent(caller, agent)) if q else (None, None)
        start = await open_cursor(after)
        rows = await events_after(
            start, limit=limit + 1, types=types, conversation_id=read_id("cnv", conversation) if conversation else None
        )
        kept = rows[:limit]
        last = show_cursor(kept[-1]["cursor"] if kept else start)
        told = await show_events(await keep_matching(kept, query, me=me))
        return Page(data=told, page=PageInfo(next_cursor=last, has_more=len(rows) > limit))


async def open_cursor(text: str | None) -> int:
    """The place in the feed to read on from, or a problem that says to list anew."""
    head = await feed_head()
    if text is None:
        return head.pruned
    try:
        cursor = read_cursor(text)
    except ValueError as error:
        wrong = FieldError(pointer="?after", code="invalid_cursor", detail=str(error))
        raise Problem("invalid_cursor", "This is not a cursor of the feed", errors=[wrong]) from error
    if cursor < head.pruned or cursor > head.cursor:  # beyond the head: the feed was restored from an older copy
        detail = "The feed cannot be read on from there"
        raise Problem("cursor_expired", detail, hint="List anew and go on from Event-Cursor")
    return cursor
