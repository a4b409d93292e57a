"""Asking the database which conversations a query means, how many, and where its words stand."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inbox.conversations.queries import ConversationFilter, Listed, Sort, list_conversations, narrow_conversations
from inbox.conversations.search.fields import FIELDS, fields_gathering, show_words
from inbox.kit.db import Row, fetch, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.query import EVERYTHING, Query, compile_query
from inbox.kit.query.tree import Value

RARE = 4000
"""Words that so many entries have at most are looked up beforehand; for others the list is walked through.

Looking up costs 5 microseconds an entry found, the walk the share of all conversations in which 50 are found: both take
some 20 ms where they meet, at a million entries (docs/decisions/0009).
"""
COMMON = 50_000
"""What Postgres expects in more entries than this is not even tried to be looked up."""
SEARCH_SECONDS = 5.0
"""How long one search may take before it is refused as too broad."""
COUNTED_MOST = 10_000
"""So far the numbers beside views are counted."""
ESTIMATED_FROM = 1000
"""So far an estimate is counted."""

MATCHING = "SELECT c.id FROM conversation c WHERE c.id = ANY($1::uuid[]) AND {}"
EACH_MOST = 100
"""The most queries of one statement, so that it stays quick to plan."""
EACH = "SELECT {}::int AS n, c.id FROM conversation c WHERE c.id = ANY($1::uuid[]) AND {}"
# The conversations with a word in an entry, the subject, the contact's name or an address; null where one of these has
# more than a limit. Each is asked for by itself, since Postgres cannot tell beforehand how few they are.
EXPECTED = "SELECT 1 FROM entry WHERE search @@ ${}::tsquery"
LOOKUP = """(
    WITH e AS MATERIALIZED (SELECT conversation_id AS id FROM entry WHERE search @@ {words} LIMIT {most} + 1),
    s AS MATERIALIZED (
        SELECT id FROM conversation WHERE subject IS NOT NULL AND search_vector(subject) @@ {words} LIMIT {most} + 1),
    p AS MATERIALIZED (
        (SELECT id FROM contact WHERE name IS NOT NULL AND search_vector(name) @@ {words} LIMIT {most} + 1)
        UNION (SELECT contact_id FROM identity WHERE search_vector(address) @@ {words} LIMIT {most} + 1))
    SELECT CASE WHEN greatest((SELECT count(*) FROM e), (SELECT count(*) FROM s), (SELECT count(*) FROM p)) <= {most}
    THEN ARRAY(SELECT id FROM e UNION SELECT id FROM s UNION SELECT o.id FROM p CROSS JOIN LATERAL (
        SELECT id FROM conversation WHERE contact_id = p.id OFFSET 0) o) END
)"""
SHOWN_CHARS = 20_000
"""How far into an entry its matches are shown."""
BEST = """
SELECT c.id, c.subject, ct.name, best.id AS entry_id, best.seq, best.text
FROM conversation c JOIN contact ct ON ct.id = c.contact_id
LEFT JOIN LATERAL (
    SELECT e.id, e.seq, left(e.text, $3) AS text FROM entry e
    WHERE e.conversation_id = c.id AND e.seq <= c.last_seq AND e.search @@ array_to_string($2::text[], '|')::tsquery
    ORDER BY (SELECT count(*) FROM unnest($2::text[]) one WHERE e.search @@ one::tsquery) DESC, e.seq DESC LIMIT 1
) best ON true
WHERE c.id = ANY($1::uuid[])
"""
COUNT = "SELECT count(*) FROM ({}) found"
FOUND = "SELECT FROM conversation c JOIN contact ct ON ct.id = c.contact_id WHERE {}"


class Part(msgspec.Struct, frozen=True):
    """A query and what is known of its words: by their offsets the conversations that have them, where they are few."""

    query: Query
    found: dict[int, list[UUID]] = {}


class Search(msgspec.Struct, frozen=True):
    """Queries that all have to be met, as one agent asks them."""

    parts: tuple[Part, ...] = ()
    me: UUID | None = None

    def condition(self, args: list[Any]) -> str:
        """The condition over `conversation c`; its values are appended."""
        made = [compile_query(part.query, fields_gathering(part.found), args, me=self.me) for part in self.parts]
        return " AND ".join(made) or EVERYTHING


async def find_matching(query: Query, conversation_ids: Collection[UUID], *, me: UUID | None = None) -> set[UUID]:
    """Those of these conversations that match as they are now; one statement, and none where all or nobody is asked.

    `me` is the agent whom `assignee:me` means. A field or value there is not is the problem `invalid_query`:
    `read_conversation_query` refuses such a query before it is kept.
    """
    args: list[object] = [list(conversation_ids)]
    condition = compile_query(query, FIELDS, args, me=me)
    if not conversation_ids or query.root is None:
        return set(conversation_ids)
    return {row["id"] for row in await fetch(MATCHING.format(condition), *args)}


async def find_each_matching(
    asked: Sequence[tuple[Query, UUID | None]], conversation_ids: Collection[UUID]
) -> list[set[UUID]]:
    """As `find_matching` for many queries, each with its `me`: one statement for every `EACH_MOST` of them."""
    found: list[set[UUID]] = [set() for _ in asked]
    numbers = range(len(asked)) if conversation_ids else range(0)
    for first in numbers[::EACH_MOST]:
        args: list[object] = [list(conversation_ids)]
        branches = [
            EACH.format(number, compile_query(asked[number][0], FIELDS, args, me=asked[number][1]))
            for number in numbers[first : first + EACH_MOST]
        ]
        for row in await fetch(" UNION ALL ".join(branches), *args):
            found[row["n"]].add(row["id"])
    return found


async def keep_matching(events: Sequence[Row], query: Query | None, *, me: UUID | None) -> list[Row]:
    """Those of the feed's events whose conversations match as they are now; without a query, all."""
    if query is None or query.root is None:
        return list(events)
    ids = {event["conversation_id"] for event in events if event["conversation_id"]}
    matching = await find_matching(query, ids, me=me)
    return [event for event in events if event["conversation_id"] in matching]


async def plan_search(queries: Sequence[Query], *, me: UUID | None) -> Search:
    """The queries with what is known of their words, found by one statement where there are any."""
    known = [
        (place, value.offset, words)
        for place, query in enumerate(queries)
        for value in text_values(query)
        if (words := show_words(value, query)) is not None
    ]
    parts = tuple(Part(query, {}) for query in queries)
    for (place, offset, _), found in zip(known, await _look_up([words for _, _, words in known]), strict=True):
        if found is not None:
            parts[place].found[offset] = found
    return Search(parts, me)


def text_values(query: Query) -> list[Value]:
    """The words and phrases of a query that name no field."""
    return [value for term in query.terms() if term.field is None for value in term.values]


async def list_found(
    search: Search, narrowed: ConversationFilter, *, sort: Sort, after: tuple[datetime, UUID] | None, limit: int
) -> Listed:
    """One page of the conversations that a search finds, as `list_conversations`."""
    if not search.parts:
        return await list_conversations(narrowed, sort=sort, after=after, limit=limit)
    try:
        async with asyncio.timeout(SEARCH_SECONDS):
            return await list_conversations(narrowed, sort=sort, after=after, limit=limit, also=search.condition)
    except TimeoutError:
        raise refuse_broad() from None


def refuse_broad() -> Problem:
    """The refusal of a search that was given up."""
    hint = "Narrow it, for example by `is:open`, `after:30d` or a rarer word."
    return Problem("overloaded", "The search takes too long", hint=hint)


async def count_found(search: Search, narrowed: ConversationFilter, *, exact: bool) -> tuple[int, bool]:
    """How many a list has in all, and whether that is exact; an estimate counts to ESTIMATED_FROM and then guesses."""
    conditions, args = narrow_conversations(narrowed)
    sql = FOUND.format(" AND ".join([*conditions, search.condition(args)]))
    if exact:
        return int(await fetch_value(COUNT.format(sql), *args)), True
    counted = int(await fetch_value(COUNT.format(f"{sql} LIMIT {ESTIMATED_FROM + 1}"), *args))
    if counted <= ESTIMATED_FROM:
        return counted, True
    return max(counted, await _estimate(sql, args)), False


async def _estimate(sql: str, args: Sequence[Any]) -> int:
    """How many rows the planner expects."""
    plan = await fetch_value(f"EXPLAIN (FORMAT JSON) {sql}", *args)
    return int(msgspec.json.decode(plan)[0]["Plan"]["Plan Rows"])


async def find_best_entries(query: Query, values: Sequence[Value], ids: Sequence[UUID]) -> list[Row]:
    """Of each conversation what its list item shows of these words: the newest entry with most of them, and names."""
    sought = [f"({words})" for value in values if (words := show_words(value, query)) is not None]
    return await fetch(BEST, list(ids), sought, SHOWN_CHARS) if sought else []


async def _look_up(sought: Sequence[str]) -> list[list[UUID] | None]:
    """For each of these words the conversations that have it, or None where they are many."""
    expected = await _expect_entries(sought)
    tried = [words for words, entries in zip(sought, expected, strict=True) if entries <= COMMON]
    if not tried:
        return [None] * len(sought)
    columns = [LOOKUP.format(words=f"${number}::tsquery", most=RARE) for number in range(1, len(tried) + 1)]
    [row] = await fetch(
        f"SELECT {', '.join(f'{column} AS w{number}' for number, column in enumerate(columns))}", *tried
    )
    found = iter(row.values())
    return [next(found) if entries <= COMMON else None for entries in expected]


async def _expect_entries(sought: Sequence[str]) -> list[int]:
    """How many entries Postgres expects to have each of these words: its statistics know the most common ones."""
    if not sought:
        return []
    asked = " UNION ALL ".join(EXPECTED.format(number) for number in range(1, len(sought) + 1))
    plan = msgspec.json.decode(await fetch_value(f"EXPLAIN (FORMAT JSON) {asked}", *sought))[0]["Plan"]
    return [int(one["Plan Rows"]) for one in (plan["Plans"] if len(sought) > 1 else [plan])]
