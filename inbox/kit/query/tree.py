"""What a query is once it has been read: terms joined by and, or and not; and how a part of it is refused. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TypeAlias

import msgspec

from inbox.kit.errors import FieldError, Problem

DEFAULT_POINTER = "?q"
SHOWN_CHARS = 40
"""How much of a refused part its message repeats."""


class Value(msgspec.Struct, frozen=True):
    """Something written in a query: its characters from `offset` on, `length` of them, quotes included."""

    text: str
    offset: int
    length: int
    quoted: bool = False


class Term(msgspec.Struct, frozen=True):
    """One condition: words to look for, or a field and the values of which it has one."""

    values: tuple[Value, ...]
    field: Value | None = None


class AllOf(msgspec.Struct, frozen=True):
    """All of these hold."""

    nodes: tuple[Node, ...]


class AnyOf(msgspec.Struct, frozen=True):
    """One of these holds."""

    nodes: tuple[Node, ...]


class NoneOf(msgspec.Struct, frozen=True):
    """This does not hold."""

    node: Node


Node: TypeAlias = Term | AllOf | AnyOf | NoneOf


class Query(msgspec.Struct, frozen=True):
    """A query that was understood; without a root it asks for everything. `pointer` says where its text came from."""

    text: str
    root: Node | None
    pointer: str = DEFAULT_POINTER

    def terms(self) -> Iterator[Term]:
        """Every condition in it, as it was written from left to right."""
        return _terms_of(self.root) if self.root is not None else iter(())


def _terms_of(node: Node) -> Iterator[Term]:
    if isinstance(node, Term):
        yield node
    elif isinstance(node, NoneOf):
        yield from _terms_of(node.node)
    else:
        for one in node.nodes:
            yield from _terms_of(one)


def first_value(node: Node) -> Value:
    """What a part of a query begins with."""
    while not isinstance(node, Term):
        node = node.node if isinstance(node, NoneOf) else node.nodes[0]
    return node.field or node.values[0]


def refuse_value(value: Value, detail: str, *, pointer: str, allowed: Sequence[str] = ()) -> Problem:
    """The refusal of one part of a query, with what may stand there and what was probably meant."""
    near = get_close_matches(value.text.lower(), allowed, n=1, cutoff=0.6)
    error = FieldError(
        pointer=pointer,
        code="invalid_query",
        detail=detail,
        offset=value.offset,
        length=value.length,
        allowed=list(allowed) or None,
    )
    hint = f"Did you mean `{near[0]}`?" if near else None
    return Problem("invalid_query", f"At character {value.offset + 1}: {detail}", errors=[error], hint=hint)


def quote_part(text: str) -> str:
    """A part of a query as messages name it: one line, not too long."""
    line = " ".join(text.split())
    return f"`{line[:SHOWN_CHARS]}…`" if len(line) > SHOWN_CHARS else f"`{line}`"
