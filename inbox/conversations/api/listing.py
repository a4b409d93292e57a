"""One page of the list of conversations, for a query, a view, or plain parameters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec
from litestar.params import QueryParameter

from inbox.conversations.api.authors import speaking_agent
from inbox.conversations.queries import ConversationFilter, Sort
from inbox.conversations.search.fields import read_conversation_query
from inbox.conversations.search.highlights import Highlight, Snippet, cut_snippet, wanted_values
from inbox.conversations.search.queries import Search, count_found, find_best_entries, list_found, plan_search
from inbox.conversations.views.queries import find_view
from inbox.kit.callers import Caller
from inbox.kit.db import Row
from inbox.kit.ids import show_id
from inbox.kit.pages import Page, PageCount, cut_page, read_cursor

QueryText: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        max_length=1000,
        description='What to look for: words, `"exact words"`, `is:open assignee:me tag:vip,gold -tag:spam '
        "from:ana@x.org has:attachment after:2026-01-01`, joined by `OR` and parentheses.",
    ),
]
OfAgent: TypeAlias = Annotated[
    str | None, QueryParameter(description="Whom `me` means, where the key is not bound to an agent.")
]
CountKind: TypeAlias = Annotated[
    Literal["estimate", "exact"] | None, QueryParameter(description="How many the list has in all, in `page.count`.")
]


class Listing(msgspec.Struct, kw_only=True, frozen=True):
    """What is listed: plain parameters, the queries of `q` and `view`, an order, and who asks."""

    narrowed: ConversationFilter
    search: Search
    sort: Sort

    def mark(self) -> list[object]:
        """What a cursor of this list is bound to."""
        return [self.sort, self.narrowed, self.search.me, *(part.query.text for part in self.search.parts)]


class ListedPage(msgspec.Struct, frozen=True):
    """Rows with their page and the ways to their contacts, where the feed was, and where the words stand, if any."""

    head: int
    rows: Page[Row]
    ways: str
    highlights: dict[UUID, Highlight] | None


async def read_listing(
    narrowed: ConversationFilter,
    *,
    q: str | None,
    view: str | None,
    agent: str | None,
    sort: Sort | None,
    caller: Caller,
) -> Listing:
    """What a request asks to be listed; a view's order holds where no other is named."""
    if not q and not view:
        return Listing(narrowed=narrowed, search=Search(), sort=sort or "-updated_at")
    me = await speaking_agent(caller, agent)
    seen = await find_view(view, agent_id=me) if view else None
    queries = [read_conversation_query(seen.query, pointer="?view")] if seen else []
    queries += [read_conversation_query(q)] if q else []
    search = await plan_search(queries, me=me)
    return Listing(narrowed=narrowed, search=search, sort=sort or (seen.sort if seen else "-updated_at"))


async def list_page(
    listing: Listing, *, cursor: str | None, limit: int, count: Literal["estimate", "exact"] | None
) -> ListedPage:
    """One page of it, and what was looked for in each."""
    after = read_cursor(cursor, tuple[datetime, UUID], of=listing.mark())
    found = await list_found(listing.search, listing.narrowed, sort=listing.sort, after=after, limit=limit + 1)
    page = cut_page(found.rows, limit, key=lambda row: (row["place"], row["id"]), of=listing.mark(), show=_itself)
    highlights = await find_highlights(listing.search, page.data)
    if count is not None:
        value, exact = await count_found(listing.search, listing.narrowed, exact=count == "exact")
        counted = msgspec.structs.replace(page.page, count=PageCount(value=value, exact=exact))
        page = Page(data=page.data, page=counted)
    return ListedPage(found.head, page, found.ways, highlights)


async def find_highlights(search: Search, rows: Sequence[Row]) -> dict[UUID, Highlight] | None:
    """Of each conversation where the words of the search stand: in an entry, else in the subject or the name."""
    wanted = [(part, values) for part in search.parts if (values := wanted_values(part.query))]
    highlights: dict[UUID, Highlight] = {}
    for part, values in wanted:
        for row in await find_best_entries(part.query, values, [row["id"] for row in rows]):
            places = (("entry", row["text"]), ("subject", row["subject"]), ("contact", row["name"]))
            for place, text in places:
                snippet = cut_snippet(text, part.query, values) if text else None
                if snippet:
                    highlights[row["id"]] = _highlight(row, place, snippet)
                    break
    return highlights if wanted else None


def _highlight(row: Row, place: str, snippet: Snippet) -> Highlight:
    of_entry = place == "entry"
    return Highlight(
        field=place,  # type: ignore[arg-type]  # one of the three above
        entry_id=show_id("ent", row["entry_id"]) if of_entry else None,
        seq=row["seq"] if of_entry else None,
        snippet=snippet.text,
        matches=snippet.matches,
    )


def _itself(row: Row) -> Row:
    return row
