"""The language of `q=`: one parser and one compiler for lists, views, feeds, webhooks and segments. Pure."""

from inbox.kit.query.compiling import EVERYTHING, check_query, compile_query
from inbox.kit.query.fields import (
    Field,
    Given,
    choose_from,
    look_for_words,
    match_attribute,
    match_values,
    measure_moment,
    measure_number,
)
from inbox.kit.query.parsing import parse_query
from inbox.kit.query.tree import Query, Term, Value, refuse_value

__all__ = [
    "EVERYTHING",
    "Field",
    "Given",
    "Query",
    "Term",
    "Value",
    "check_query",
    "choose_from",
    "compile_query",
    "look_for_words",
    "match_attribute",
    "match_values",
    "measure_moment",
    "measure_number",
    "parse_query",
    "refuse_value",
]
