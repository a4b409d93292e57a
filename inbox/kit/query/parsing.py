"""A query's text becomes its tree, or the refusal names the characters it stumbled over. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from inbox.kit.errors import Problem
from inbox.kit.query.tree import (
    DEFAULT_POINTER,
    AllOf,
    AnyOf,
    Node,
    NoneOf,
    Query,
    Term,
    Value,
    first_value,
    quote_part,
    refuse_value,
)
from inbox.kit.query.words import holds_words

MAX_QUERY_CHARS = 1000
MAX_VALUES = 40
"""Words, phrases and values in one query."""
MAX_DEPTH = 8
"""How many ands, ors and nots may stand within one another."""

# A value follows its field without a space, and a comma follows a value likewise; any other comma is punctuation.
# What stands before `://` is no field, so an address of the web is looked for as it is written. A dash is a negation
# where something follows it, and belongs to the word within one.
GRAMMAR = r"""
start: [either]
either: every (_OR every)*
every: (_AND? _piece)+
_piece: negation | inner | about | words
negation: (_MINUS | _NOT) _piece
inner: _LPAR either _RPAR
about: FIELD _value (_COMMA _value)*
words: PHRASE | WORD
_value: QUOTED | VALUE

_LPAR: "("
_RPAR: ")"
_OR.5: /OR(?=[\s(]|\Z)/
_AND.5: /AND(?=[\s(]|\Z)/
_NOT.5: /NOT(?=[\s(]|\Z)/
_MINUS.5: /-(?=-*[^\s,)”»-])/
FIELD.4: /[A-Za-z][\w.-]*:(?!\/\/)(?=[^\s)])/
PHRASE.3: /"(?:[^"\\]|\\.)*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»/s
QUOTED.6: /"(?:[^"\\]|\\.)*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»/s
WORD.1: /[^\s()"“”„«»,-][^\s()"“”„«»]*|-+(?=[\s,)”»]|\Z)/
VALUE.6: /[^\s(),"“”„«»][^\s(),"“”„«»]*/
_COMMA.6: /,(?=[^\s(),”»])/
JUNK: /[\s,”»]+/
%ignore JUNK
"""

IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")
"""What no stored text contains: the database takes neither NUL nor halves of surrogate pairs."""
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
OPENING_QUOTES = frozenset('"“„«')
REASONS = {
    "$END": "the query ends before it is complete",
    "_RPAR": "this parenthesis closes nothing that holds a condition",
}
"""Why a token was not expected, by its kind."""


def parse_query(text: str, *, pointer: str = DEFAULT_POINTER) -> Query:
    """What is asked for, or the problem `invalid_query` with offset and length, in characters, of what is wrong.

    Whether the fields exist and their values are possible is another question, which `check_query` answers for one
    table of fields. `pointer` says where the text came from.
    """
    _check_text(text, pointer)
    try:
        root: Node | None = _PARSER.parse(text)  # type: ignore[assignment]  # what _Builder makes of the whole tree
    except UnexpectedToken as error:
        raise _refuse_token(error.token, text, pointer) from None
    except UnexpectedCharacters as error:
        place: Any = error.pos_in_stream  # a number, though its stub says None
        raise _refuse_character(place, text, pointer) from None
    query = Query(text, root, pointer)
    if root is not None:
        _check_depth(root, pointer)
    _check_amount(query)
    return query


def _check_text(text: str, pointer: str) -> None:
    if len(text) > MAX_QUERY_CHARS:
        beyond = Value(text[MAX_QUERY_CHARS:], MAX_QUERY_CHARS, len(text) - MAX_QUERY_CHARS)
        raise refuse_value(beyond, f"a query has at most {MAX_QUERY_CHARS} characters", pointer=pointer)
    if found := IMPOSSIBLE.search(text):
        raise refuse_value(Value("", found.start(), 1), "no text contains this character", pointer=pointer)


def _check_depth(node: Node, pointer: str, *, depth: int = 1) -> None:
    if isinstance(node, Term):
        return
    if depth > MAX_DEPTH:
        detail = f"conditions may stand within one another {MAX_DEPTH} deep"
        raise refuse_value(first_value(node), detail, pointer=pointer)
    for inner in (node.node,) if isinstance(node, NoneOf) else node.nodes:
        _check_depth(inner, pointer, depth=depth + 1)


def _check_amount(query: Query) -> None:
    for number, value in enumerate(_values_of(query), 1):
        if number > MAX_VALUES:
            raise refuse_value(value, f"a query has at most {MAX_VALUES} words and values", pointer=query.pointer)


def _values_of(query: Query) -> Iterator[Value]:
    for term in query.terms():
        yield from term.values


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Makes nodes of what the parser finds, from the inside out; it never descends, so no nesting is too deep."""

    def start(self, root: Node | None) -> Node | None:
        return root

    def either(self, *nodes: Node) -> Node:
        return nodes[0] if len(nodes) == 1 else AnyOf(nodes)

    def every(self, *nodes: Node) -> Node:
        kept = tuple(node for node in nodes if not _is_noise(node)) or nodes[:1]
        return kept[0] if len(kept) == 1 else AllOf(kept)

    def negation(self, node: Node) -> Node:
        return NoneOf(node)

    def inner(self, node: Node) -> Node:
        return node

    def about(self, field: Token, *values: Token) -> Node:
        name = Value(field[:-1], _start(field), len(field) - 1)
        return Term(tuple(_value(value) for value in values), name)

    def words(self, token: Token) -> Node:
        return Term((_value(token),))


_PARSER = Lark(GRAMMAR, parser="lalr", transformer=_Builder(), maybe_placeholders=True)


def _is_noise(node: Node) -> bool:
    """A dash between words, or other marks without a letter: among words it asks for nothing."""
    if isinstance(node, NoneOf):
        return _is_noise(node.node)
    return isinstance(node, Term) and node.field is None and not holds_words(node.values[0].text)


def _value(token: Token) -> Value:
    if token.type not in {"PHRASE", "QUOTED"}:
        return Value(str(token), _start(token), len(token))
    inner = token[1:-1]
    spoken = ESCAPED.sub(r"\1", inner) if token[0] == '"' else inner
    return Value(spoken, _start(token), len(token), quoted=True)


def _start(token: Token) -> int:
    return token.start_pos or 0


def _refuse_token(token: Token, text: str, pointer: str) -> Problem:
    at_end = token.type == "$END"
    value = Value("", len(text), 0) if at_end else Value(str(token), _start(token), len(token))
    detail = REASONS.get(token.type, f"{quote_part(str(token))} is not expected here")
    return refuse_value(value, detail, pointer=pointer)


def _refuse_character(offset: int, text: str, pointer: str) -> Problem:
    rest = text[offset:]
    if rest[0] in OPENING_QUOTES:
        return refuse_value(Value(rest, offset, len(rest)), "this quotation mark is never closed", pointer=pointer)
    detail = f"{quote_part(rest[0])} is not expected here"
    return refuse_value(Value(rest[0], offset, 1), detail, pointer=pointer)
