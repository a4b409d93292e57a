"""The kinds of fields a query may name, each a function from what was written to an SQL condition. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import msgspec

from inbox.kit.query.moments import read_moment
from inbox.kit.query.tree import Query, Term, Value, quote_part, refuse_value

TEXT = ""
"""The name under which a table of fields holds what words without a field mean."""
MAX_NUMBER = 2**63 - 1
"""The largest bigint."""
COMPARISONS = (">=", "<=", ">", "<")
RANGE = ".."


class Given(msgspec.Struct):
    """What a condition is made with: the parameters so far, the whole query, and who asks."""

    args: list[object]
    query: Query
    me: UUID | None = None

    @property
    def pointer(self) -> str:
        """Where the query came from."""
        return self.query.pointer

    def bind(self, value: object, kind: str) -> str:
        """A parameter's place in the SQL, such as `$3::text[]`."""
        self.args.append(value)
        return f"${len(self.args)}::{kind}"


Condition: TypeAlias = Callable[[Term, Given], str]
Read: TypeAlias = Callable[[str], object]


class Field(msgspec.Struct, frozen=True):
    """One field of a table: how its condition is made; `hidden` from the list of those that may be named."""

    condition: Condition
    hidden: bool = False


def choose_from(conditions: Mapping[str, str]) -> Field:
    """A field with a few values, each with its condition: `is:open`. Of several, one holds."""

    def condition(term: Term, given: Given) -> str:
        chosen = [_chosen(value, conditions, given) for value in term.values]
        return f"({' OR '.join(chosen)})"

    return Field(condition)


def match_values(sql: str, *, kind: str = "text[]", read: Read = str, allowed: Sequence[str] = ()) -> Field:
    """A field that holds where `sql`, such as `c.tags && {}`, is true of the array of all values.

    `read` makes the parameter of what was written; its ValueError says what is wrong. `kind` is the array's type.
    """

    def condition(term: Term, given: Given) -> str:
        return f"({sql.format(given.bind(_read_all(term.values, read, allowed, given), kind))})"

    return Field(condition)


def match_attribute(sql: str) -> Field:
    """A family of fields, as `attr.order:8841`; `sql` has a place for the name and one for the array of values."""

    def condition(term: Term, given: Given) -> str:
        name = term.field.text.partition(".")[2] if term.field else ""
        values = [value.text for value in term.values]
        return f"({sql.format(given.bind(name, 'text'), given.bind(values, 'text[]'))})"

    return Field(condition)


def look_for_words(condition: Callable[[Value, Given], str]) -> Field:
    """A field of free words, each value of a comma list a condition of its own of which one holds."""

    def any_of(term: Term, given: Given) -> str:
        return f"({' OR '.join(condition(value, given) for value in term.values)})"

    return Field(any_of)


def measure_number(column: str) -> Field:
    """A field of whole numbers: `number:1042`, `number:>1000`, `number:1..9`."""

    def condition(term: Term, given: Given) -> str:
        return f"({' OR '.join(_compare_number(value, column, given) for value in term.values)})"

    return Field(condition)


def measure_moment(column: str, *, default: str = "=") -> Field:
    """A field of moments: `created:2026-01-01`, `created:>=7d`, `created:2026-01-01..2026-01-31`.

    A day, a month or a year is all of it; `7d` is the moment seven days ago. Without a comparison `default` holds.
    """

    def condition(term: Term, given: Given) -> str:
        return f"({' OR '.join(_compare_moment(value, column, default, given) for value in term.values)})"

    return Field(condition)


def _chosen(value: Value, conditions: Mapping[str, str], given: Given) -> str:
    found = conditions.get(value.text.lower())
    if found is None:
        detail = f"{quote_part(value.text)} is not one of the values of this field"
        raise refuse_value(value, detail, pointer=given.pointer, allowed=list(conditions))
    return f"({found})"


def _read_all(values: Sequence[Value], read: Read, allowed: Sequence[str], given: Given) -> list[object]:
    made = []
    for value in values:
        try:
            made.append(read(value.text))
        except ValueError as error:
            raise refuse_value(value, str(error), pointer=given.pointer, allowed=allowed) from None
    return made


def _compare_number(value: Value, column: str, given: Given) -> str:
    first, between, last = value.text.partition(RANGE)
    if between:
        low, high = (_number(part, value, given) for part in (first, last))
        return f"{column} BETWEEN {given.bind(low, 'bigint')} AND {given.bind(high, 'bigint')}"
    sign, rest = _split_comparison(value.text, "=")
    return f"{column} {sign} {given.bind(_number(rest, value, given), 'bigint')}"


def _number(text: str, value: Value, given: Given) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal() and int(digits) <= MAX_NUMBER):
        raise refuse_value(value, f"{quote_part(text)} is not a whole number", pointer=given.pointer)
    return int(digits)


def _compare_moment(value: Value, column: str, default: str, given: Given) -> str:
    first, between, last = value.text.partition(RANGE)
    if between:
        (start, _), (_, end) = _moment(first, value, given), _moment(last, value, given)
        return f"{column} >= {_bind_moment(start, given)} AND {column} < {_bind_moment(end, given)}"
    sign, rest = _split_comparison(value.text, default)
    span = _moment(rest, value, given)
    return " AND ".join(f"{column} {against} {_bind_moment(span[edge], given)}" for against, edge in SPANS[sign])


START, END = 0, 1
SPANS: dict[str, tuple[tuple[str, int], ...]] = {
    ">=": ((">=", START),),
    "<": (("<", START),),
    ">": ((">=", END),),
    "<=": (("<", END),),
    "=": ((">=", START), ("<", END)),
}
"""What is compared with which edge of the span that was written: a day is as long as a day."""


def _moment(text: str, value: Value, given: Given) -> tuple[datetime | timedelta, datetime | timedelta]:
    try:
        return read_moment(text.strip())
    except ValueError as error:
        raise refuse_value(value, str(error), pointer=given.pointer) from None


def _bind_moment(moment: datetime | timedelta, given: Given) -> str:
    """A moment by its time, or by how long ago it is."""
    if isinstance(moment, timedelta):
        return f"now() - {given.bind(moment, 'interval')}"
    return given.bind(moment, "timestamptz")


def _split_comparison(text: str, default: str) -> tuple[str, str]:
    sign = next((sign for sign in COMPARISONS if text.startswith(sign)), None)
    return (sign, text[len(sign) :]) if sign else (default, text)
