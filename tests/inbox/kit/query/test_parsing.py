"""The grammar of `q=`: what is understood, and how what is not is pointed at."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from inbox.kit.errors import Problem
from inbox.kit.query import parse_query
from inbox.kit.query.parsing import MAX_DEPTH, MAX_QUERY_CHARS, MAX_VALUES
from inbox.kit.query.tree import AllOf, AnyOf, Node, NoneOf, Term

# Pieces that mean something, so that random joints of them reach every corner of the grammar.
PIECES = (
    "(", ")", "-", "OR", "AND", "NOT", '"', '"exact words"', "“so”", "«ou»", "is:open", "tag:vip,gold", 'tag:"a b",c',
    "tag:", ":", ",", "a,b", "after:2026-01-01", "attr.order:8841", "http://x.org", "10:30", "日本語", "😀", "\\",
    "it's", " ", "\n", "\u3000", "\x00", "a-b", "--", "-(",
)  # fmt: skip


def spell(node: Node | None) -> str:
    """A tree as one line: `all(a, any(is:open, not(b)))`, phrases in quotes."""
    match node:
        case None:
            return ""
        case Term():
            field = f"{node.field.text}:" if node.field else ""
            return field + ",".join(f'"{one.text}"' if one.quoted else one.text for one in node.values)
        case NoneOf():
            return f"not({spell(node.node)})"
        case AllOf() | AnyOf():
            return f"{'all' if isinstance(node, AllOf) else 'any'}({', '.join(spell(one) for one in node.nodes)})"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", ""),
        ("  ,, \n", ""),
        ("late", "late"),
        ("late order", "all(late, order)"),
        ("late AND order", "all(late, order)"),
        ('"late order" now', 'all("late order", now)'),
        ("“late order”", '"late order"'),
        ("«retard»", '"retard"'),
        ("„zu spät“", '"zu spät"'),
        (r'"a \"b\" c"', '"a "b" c"'),
        ("is:open tag:vip,gold", "all(is:open, tag:vip,gold)"),
        ('tag:"key account",vip', 'tag:"key account",vip'),
        ("tag:vip, gold", "all(tag:vip, gold)"),
        ("-tag:spam", "not(tag:spam)"),
        ("NOT tag:spam", "not(tag:spam)"),
        ('-"never again"', 'not("never again")'),
        ("a OR b c OR d", "any(a, all(b, c), d)"),
        ("a (b OR c)", "all(a, any(b, c))"),
        ("-(a b)", "not(all(a, b))"),
        ("a or b", "all(a, or, b)"),
        ("((a))", "a"),
        ("a-b -- c !? «…» -…", "all(a-b, c)"),
        ("--", "--"),
        ("👍 (… OR a)", "all(👍, any(…, a))"),
        ("Re: order", "all(Re:, order)"),
        ("http://x.org/a:b?c=1", "http://x.org/a:b?c=1"),
        ("10:30", "10:30"),
        ("created:2026-01-01..2026-02-01", "created:2026-01-01..2026-02-01"),
        ("attr.order-id:8841", "attr.order-id:8841"),
        ("ORDER ANDROID NOTE", "all(ORDER, ANDROID, NOTE)"),
        ("我的订单 สวัสดี", "all(我的订单, สวัสดี)"),
        ("name(s)", "all(name, s)"),
        ("OR", "OR"),
    ],
)
def test_what_is_written_is_understood(text: str, tree: str) -> None:
    """Words and phrases, fields with their values, negation, OR and parentheses; what stands side by side all holds."""
    assert spell(parse_query(text).root) == tree


@pytest.mark.parametrize(
    ("text", "offset", "length", "words"),
    [
        ('late "order', 5, 6, "never closed"),
        ("“late", 0, 5, "never closed"),
        ("(late", 5, 0, "ends before"),
        ("late)", 4, 1, "closes nothing"),
        ("a ()", 3, 1, "closes nothing"),
        ("a OR", 4, 0, "ends before"),
        ("NOT", 3, 0, "ends before"),
        ("tag:(a)", 4, 1, "not expected"),
        ("late\x00", 4, 1, "no text contains"),
        ("late \ud83d", 5, 1, "no text contains"),
        ("a" * (MAX_QUERY_CHARS + 3), MAX_QUERY_CHARS, 3, "at most"),
        ("a " * (MAX_VALUES + 1), 2 * MAX_VALUES, 1, "at most"),
        ("-" * 300 + "a", 300, 1, "deep"),
        ("(" * (MAX_DEPTH + 1) + "a" + " b)" * (MAX_DEPTH + 1), MAX_DEPTH + 1, 1, "deep"),
    ],
)
def test_what_is_not_understood_is_pointed_at(text: str, offset: int, length: int, words: str) -> None:
    """The problem names the characters that are wrong, counted from the beginning, and says why."""
    with pytest.raises(Problem) as caught:
        parse_query(text)
    [error] = caught.value.errors
    assert (caught.value.code, error.pointer, error.offset, error.length) == ("invalid_query", "?q", offset, length)
    assert words in error.detail
    assert f"character {offset + 1}:" in caught.value.detail


def test_terms_know_where_they_stand() -> None:
    """Fields and values carry the characters they were written with, quotes included."""
    text = 'a tag:"key account",vip'
    term = list(parse_query(text).terms())[1]
    assert term.field is not None
    places = [(one.offset, one.length) for one in (term.field, *term.values)]
    assert [text[start : start + length] for start, length in places] == ["tag", '"key account"', "vip"]


def test_parentheses_alone_are_no_depth() -> None:
    """However often one thing is wrapped, it stays one thing."""
    assert spell(parse_query("(" * 400 + "a" + ")" * 400).root) == "a"


@given(strategies.one_of(strategies.text(max_size=60), strategies.lists(strategies.sampled_from(PIECES)).map("".join)))
def test_any_text_is_understood_or_pointed_at(text: str) -> None:
    """Whatever is written, there is a tree of it, or one refusal that points inside it; never another error."""
    try:
        terms = list(parse_query(text).terms())
    except Problem as problem:
        expect_place(problem, len(text))
    else:
        places = [value for term in terms for value in (*term.values, *([term.field] if term.field else ()))]
        assert all(one.quoted or one.text == text[one.offset : one.offset + one.length] for one in places)


def expect_place(problem: Problem, length: int) -> None:
    """A refusal that points at characters within a text of this length."""
    [error] = problem.errors
    assert problem.code == "invalid_query"
    assert error.offset is not None
    assert error.length is not None
    assert 0 <= error.offset <= error.offset + error.length <= length
