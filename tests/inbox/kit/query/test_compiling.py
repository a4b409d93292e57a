"""From a query to SQL: fields and values are checked, and what was written stays among the parameters."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, strategies

from inbox.kit.errors import Problem
from inbox.kit.query import (
    Field,
    check_query,
    choose_from,
    compile_query,
    look_for_words,
    match_attribute,
    match_values,
    measure_moment,
    measure_number,
    parse_query,
)


def read_even(text: str) -> int:
    """A number for the field `even`; its error is what users read."""
    if text not in {"2", "4"}:
        raise ValueError("only 2 and 4 are even here")
    return int(text)


FIELDS: dict[str, Field] = {
    "": look_for_words(lambda value, given: f"t @@ {given.bind(value.text, 'text')}"),
    "is": choose_from({"open": "s = 'open'", "closed": "s = 'closed'"}),
    "tag": match_values("tags && {}"),
    "even": match_values("n = ANY({})", kind="int[]", read=read_even, allowed=["2", "4"]),
    "number": measure_number("n"),
    "created": measure_moment("c"),
    "after": measure_moment("c", default=">="),
    "attr.": match_attribute("a->>{} = ANY({})"),
    "secret": Field(lambda term, given: "true", hidden=True),
}
OURS = re.compile(r"[a-z@&>=<'()., ]|\$[0-9]+::\w+(\[\])?|->>|AND|OR|IS NOT TRUE|BETWEEN|ANY|now\(\) - ")


def compiled(text: str) -> tuple[str, list[object]]:
    """The condition and its parameters."""
    args: list[object] = []
    return compile_query(parse_query(text), FIELDS, args), args


def refusal(text: str) -> Problem:
    """The problem a query ends with."""
    with pytest.raises(Problem) as caught:
        compiled(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "sql", "args"),
    [
        ("", "true", []),
        ("late", "(t @@ $1::text)", ["late"]),
        ("is:open", "((s = 'open'))", []),
        ("IS:Open,closed", "((s = 'open') OR (s = 'closed'))", []),
        ("tag:vip,gold", "(tags && $1::text[])", [["vip", "gold"]]),
        ("-tag:spam", "(((tags && $1::text[])) IS NOT TRUE)", [["spam"]]),
        ("a (b OR is:open)", "((t @@ $1::text) AND ((t @@ $2::text) OR ((s = 'open'))))", ["a", "b"]),
        ("even:2,4", "(n = ANY($1::int[]))", [[2, 4]]),
        ("number:7", "(n = $1::bigint)", [7]),
        ("number:>7", "(n > $1::bigint)", [7]),
        ("number:1..9,12", "(n BETWEEN $1::bigint AND $2::bigint OR n = $3::bigint)", [1, 9, 12]),
        ("attr.order:8841,8842", "(a->>$1::text = ANY($2::text[]))", ["order", ["8841", "8842"]]),
        ('"x\'; drop table t"', "(t @@ $1::text)", ["x'; drop table t"]),
    ],
)
def test_a_query_is_a_condition_with_parameters(text: str, sql: str, args: list[object]) -> None:
    """Every construct of the grammar has its SQL; values are numbered in the order they are bound."""
    assert compiled(text) == (sql, args)


def moment(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "sql", "args"),
    [
        ("created:2026-02", "(c >= $1 AND c < $2)", [moment("2026-02-01"), moment("2026-03-01")]),
        ("created:2026-12", "(c >= $1 AND c < $2)", [moment("2026-12-01"), moment("2027-01-01")]),
        ("created:2026", "(c >= $1 AND c < $2)", [moment("2026-01-01"), moment("2027-01-01")]),
        ("created:>2026-02-28", "(c >= $1)", [moment("2026-03-01")]),
        ("created:>=2026-02-28", "(c >= $1)", [moment("2026-02-28")]),
        ("created:<2026-02-28", "(c < $1)", [moment("2026-02-28")]),
        ("created:<=2026-02-28", "(c < $1)", [moment("2026-03-01")]),
        ("created:2026-01-01..2026-01-31", "(c >= $1 AND c < $2)", [moment("2026-01-01"), moment("2026-02-01")]),
        ("after:2026-01-01T10:30+01:00", "(c >= $1)", [moment("2026-01-01T09:30")]),
        ("after:7d", "(c >= now() - $1)", [timedelta(days=7)]),
        ("created:<2w", "(c < now() - $1)", [timedelta(days=14)]),
    ],
)
def test_a_day_is_as_long_as_a_day(text: str, sql: str, args: list[object]) -> None:
    """Days, months and years are whole, in UTC; comparisons are with their edges; `7d` is seven days ago."""
    made, values = compiled(text)
    assert (re.sub(r"::\w+", "", made), values) == (sql, args)


@pytest.mark.parametrize(
    ("text", "offset", "length", "hint", "allowed"),
    [
        ("late is:opne", 8, 4, "Did you mean `open`?", ["open", "closed"]),
        ("numbr:7", 0, 5, "Did you mean `number`?", ["after", "attr.", "created", "even", "is", "number", "tag"]),
        ("attr.:7", 0, 5, None, None),
        ("is: open", 0, 3, None, None),
        ("even:2,3", 7, 1, None, ["2", "4"]),
        ("number:x", 7, 1, None, None),
        ("number:99999999999999999999", 7, 20, None, None),
        ("number:٣", 7, 1, None, None),
        ("created:yesterday", 8, 9, None, None),
        ("created:2026-02-30", 8, 10, None, None),
        ("created:9999", 8, 4, None, None),
        ("created:..", 8, 2, None, None),
        ("after:99999y", 6, 6, None, None),
    ],
)
def test_fields_and_values_there_are_not(
    text: str, offset: int, length: int, hint: str | None, allowed: list[str] | None
) -> None:
    """The refusal points at the field or value, lists what may stand there, and says what was probably meant."""
    problem = refusal(text)
    [error] = problem.errors
    assert (problem.code, error.offset, error.length) == ("invalid_query", offset, length)
    if hint:
        assert problem.hint == hint
    if allowed:
        assert error.allowed == allowed


def test_a_query_is_checked_before_it_is_kept() -> None:
    """`me` may be asked for without anybody asking now; what there is not is refused with where it was written."""
    fields = {"me": Field(lambda term, given: given.bind(given.me, "uuid") if given.me else "unknown")}
    assert check_query(parse_query("me:x"), fields).text == "me:x"
    with pytest.raises(Problem) as caught:
        check_query(parse_query("you:x", pointer="/query"), fields)
    assert caught.value.errors[0].pointer == "/query"


def test_parameters_go_on_from_those_there_are() -> None:
    """A condition can join a statement that has parameters already."""
    args: list[object] = [uuid4()]
    assert compile_query(parse_query("late"), FIELDS, args) == "(t @@ $2::text)"


def expect_refusal(problem: Problem) -> None:
    """The only problem a query may have."""
    assert problem.code == "invalid_query"


NAMES = [name for name in FIELDS if name] + ["attr.x", "nothing", "IS"]
TERMS = strategies.builds(
    "{}{}:{}".format, strategies.sampled_from(["", "-"]), strategies.sampled_from(NAMES), strategies.text(max_size=12)
)


@given(strategies.lists(strategies.one_of(TERMS, strategies.text(max_size=12))).map(" ".join))
def test_nothing_that_was_written_stands_in_the_sql(text: str) -> None:
    """The condition consists of our own words and numbered places, whatever is asked; else it is refused."""
    try:
        sql, args = compiled(text)
    except Problem as problem:
        expect_refusal(problem)
        return
    assert OURS.sub("", sql) == ""
    assert len(args) == len(set(re.findall(r"\$[0-9]+", sql)))
