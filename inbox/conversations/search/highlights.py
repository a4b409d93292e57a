"""Where the words of a query stand in a text: a piece of it, and the places in that piece as numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from inbox.conversations.search.fields import is_unfinished
from inbox.kit.query import Query, Term
from inbox.kit.query.tree import Node, NoneOf, Value
from inbox.kit.query.words import Word, cut_words, may_go_on

SNIPPET_CHARS = 200
LEAD_CHARS = 60
"""How much of the text is shown before the first match, at most."""
MAX_MATCHES = 20
CUT = "…"


class Match(msgspec.Struct, kw_only=True, frozen=True):
    """Characters of a snippet that were looked for."""

    offset: int
    length: int


class Snippet(msgspec.Struct, kw_only=True, frozen=True):
    """A piece of a text around what was looked for; an ellipsis stands where the text goes on."""

    text: str
    matches: list[Match]


class Highlight(msgspec.Struct, kw_only=True, frozen=True):
    """Where what was looked for stands: in the newest entry with most of it, else in the subject or the name."""

    field: Literal["entry", "subject", "contact"]
    entry_id: str | None
    seq: int | None
    snippet: str
    matches: list[Match]


class Wanted(msgspec.Struct, frozen=True):
    """Words in a row; the last may be the beginning of one."""

    spellings: tuple[str, ...]
    unfinished: bool


def wanted_values(query: Query) -> list[Value]:
    """The words and phrases a query looks for in texts, without those it looks away from."""
    return list(_wanted_of(query.root)) if query.root is not None else []


def cut_snippet(text: str, query: Query, values: Sequence[Value]) -> Snippet | None:
    """The piece of a text that shows these words of the query best; None where none of them stands in it."""
    spans = list(_find_spans(cut_words(text), [_wanted(value, query) for value in values]))
    if not spans:
        return None
    start, end = _window(text, spans[0][0])
    shift = (len(CUT) if start else 0) - start
    inside = [span for span in spans if start <= span[0] and span[1] <= end][:MAX_MATCHES]
    return Snippet(
        text=(CUT if start else "") + text[start:end] + (CUT if end < len(text) else ""),
        matches=[Match(offset=first + shift, length=last - first) for first, last in inside],
    )


def _wanted_of(node: Node) -> Iterator[Value]:
    if isinstance(node, Term):
        yield from node.values if node.field is None else ()
    elif not isinstance(node, NoneOf):
        for inner in node.nodes:
            yield from _wanted_of(inner)


def _wanted(value: Value, query: Query) -> Wanted:
    spellings = tuple(word.spelling for word in cut_words(value.text))
    return Wanted(spellings, bool(spellings) and is_unfinished(value, query) and may_go_on(spellings[-1]))


def _find_spans(words: Sequence[Word], wanted: Sequence[Wanted]) -> Iterator[tuple[int, int]]:
    """Every place where one of the rows of words begins, up to its end; places do not overlap."""
    done = 0
    for place, word in enumerate(words):
        if word.start < done:
            continue
        for row in wanted:
            if _stands_at(words, place, row):
                done = words[place + len(row.spellings) - 1].end
                yield word.start, done
                break


def _stands_at(words: Sequence[Word], place: int, row: Wanted) -> bool:
    there = [word.spelling for word in words[place : place + len(row.spellings)]]
    if not there or len(there) < len(row.spellings):
        return False
    if row.unfinished:
        return there[:-1] == list(row.spellings[:-1]) and there[-1].startswith(row.spellings[-1])
    return there == list(row.spellings)


def _window(text: str, first: int) -> tuple[int, int]:
    """Start and end of the piece that is shown: a little before the match, from the beginning of a word."""
    start = max(0, first - LEAD_CHARS)
    if start:
        space = text.find(" ", start, first)
        start = space + 1 if space >= 0 else start
    return start, min(len(text), max(start + SNIPPET_CHARS, first))
