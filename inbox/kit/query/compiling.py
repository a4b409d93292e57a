"""A query becomes an SQL condition over one table of fields. Pure.

Nothing a user wrote ever stands in the SQL: fields and their conditions are our own text, values are parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from inbox.kit.errors import Problem
from inbox.kit.query.fields import TEXT, Field, Given
from inbox.kit.query.tree import AllOf, Node, NoneOf, Query, Term, Value, quote_part, refuse_value

EVERYTHING = "true"
FAMILY = "."
"""A field whose name ends so stands for all that begin with it, as `attr.` for `attr.order`."""


def compile_query(query: Query, fields: Mapping[str, Field], args: list[object], *, me: UUID | None = None) -> str:
    """The condition that a row has to meet; its values are appended to `args`, numbered from there ($1 is `args[0]`).

    `fields` by name; the one called "" is for words that name no field. `me` is the agent who asks. An unknown field or
    an impossible value is the problem `invalid_query`.
    """
    if query.root is None:
        return EVERYTHING
    return _compile(query.root, fields, Given(args=args, query=query, me=me))


def check_query(query: Query, fields: Mapping[str, Field]) -> Query:
    """The query itself, if every field and value in it is possible; else the problem `invalid_query`.

    `me` is possible here: who it is shows when the query is asked.
    """
    compile_query(query, fields, [], me=UUID(int=0))
    return query


def _compile(node: Node, fields: Mapping[str, Field], given: Given) -> str:
    if isinstance(node, Term):
        return _compile_term(node, fields, given)
    if isinstance(node, NoneOf):
        return f"(({_compile(node.node, fields, given)}) IS NOT TRUE)"
    joint = " AND " if isinstance(node, AllOf) else " OR "
    return f"({joint.join(_compile(inner, fields, given) for inner in node.nodes)})"


def _compile_term(term: Term, fields: Mapping[str, Field], given: Given) -> str:
    if term.field is None:
        _expect_no_field(term.values[0], fields, given)
        return fields[TEXT].condition(term, given)
    return find_field(term.field, fields, pointer=given.pointer).condition(term, given)


def find_field(name: Value, fields: Mapping[str, Field], *, pointer: str) -> Field:
    """The field of this name, or the refusal that lists those there are."""
    spelled = name.text.lower()
    family = spelled.partition(FAMILY)[0] + FAMILY
    found = fields.get(spelled) or (fields.get(family) if len(spelled) > len(family) else None)
    if found is None or spelled == TEXT or spelled.endswith(FAMILY):
        raise _refuse_field(name, fields, pointer)
    return found


def _refuse_field(name: Value, fields: Mapping[str, Field], pointer: str) -> Problem:
    allowed = sorted(known for known, field in fields.items() if known != TEXT and not field.hidden)
    detail = f"there is no field {quote_part(name.text)}; put the words in quotation marks to look for them as they are"
    return refuse_value(name, detail, pointer=pointer, allowed=allowed)


def _expect_no_field(word: Value, fields: Mapping[str, Field], given: Given) -> None:
    """A known field with a space behind its colon is a slip, not a word to look for."""
    if not word.quoted and word.text.endswith(":") and word.text[:-1].lower() in fields and len(word.text) > 1:
        detail = f"{quote_part(word.text)} needs its value right behind the colon"
        raise refuse_value(word, detail, pointer=given.pointer)
