"""Looking for single messages and notes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import UUID

from inbox.conversations.queries import ENTRIES
from inbox.conversations.search.fields import FIELDS, show_words
from inbox.conversations.search.queries import SEARCH_SECONDS, refuse_broad
from inbox.kit.db import Row, fetch
from inbox.kit.query import (
    Field,
    Given,
    Query,
    Value,
    check_query,
    choose_from,
    compile_query,
    look_for_words,
    measure_moment,
    parse_query,
)

# The ids are found first, so that no more rows than a page has are read whole.
HITS = """
{entries} JOIN conversation c ON c.id = e.conversation_id JOIN contact ct ON ct.id = c.contact_id
WHERE e.search IS NOT NULL AND ($1::uuid IS NULL OR e.id < $1) AND {condition}
ORDER BY e.id DESC LIMIT $2
"""
SHOWN = ENTRIES.replace(
    "\nFROM entry e", ", c.number, c.status, c.subject, c.contact_id, ct.name AS contact_name\nFROM entry e"
)


def _words_condition(value: Value, given: Given) -> str:
    words = show_words(value, given.query)
    return f"e.search @@ {given.bind(words, 'tsquery')}" if words else "false"


ENTRY_FIELDS: Mapping[str, Field] = {
    **{name: field for name, field in FIELDS.items() if name not in {"created", "updated"}},
    "": look_for_words(_words_condition),
    "type": choose_from({"message": "e.type = 'message'", "note": "e.type = 'note'", "call": "e.type = 'call'"}),
    "direction": choose_from({"inbound": "e.direction = 'inbound'", "outbound": "e.direction = 'outbound'"}),
    "created": measure_moment("e.created_at"),
    "after": measure_moment("e.created_at", default=">="),
    "before": measure_moment("e.created_at", default="<"),
}


def read_entry_query(text: str) -> Query:
    """A query that can be asked of messages and notes, or the problem `invalid_query`."""
    return check_query(parse_query(text), ENTRY_FIELDS)


async def find_hits(query: Query, *, me: UUID | None, before: UUID | None, limit: int) -> list[Row]:
    """One page of the entries that a query finds, the newest first, with what is shown of their conversations."""
    args: list[object] = [before, limit]
    condition = compile_query(query, ENTRY_FIELDS, args, me=me)
    try:
        async with asyncio.timeout(SEARCH_SECONDS):
            return await fetch(HITS.format(entries=SHOWN, condition=condition), *args)
    except TimeoutError:
        raise refuse_broad() from None
