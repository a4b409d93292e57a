"""Snippets: a piece of a text around what was looked for, and the matches in it as numbers."""

from __future__ import annotations

from hypothesis import given, strategies

from inbox.conversations.search.highlights import (
    LEAD_CHARS,
    MAX_MATCHES,
    SNIPPET_CHARS,
    Snippet,
    cut_snippet,
    wanted_values,
)
from inbox.kit.query import parse_query


def snippet_of(text: str, query: str) -> Snippet | None:
    """What is shown of a text for a query."""
    parsed = parse_query(query)
    return cut_snippet(text, parsed, wanted_values(parsed))


def marked(text: str, query: str) -> str | None:
    """The snippet with its matches in brackets."""
    snippet = snippet_of(text, query)
    if snippet is None:
        return None
    shown, done = "", 0
    for match in snippet.matches:
        shown += f"{snippet.text[done : match.offset]}[{snippet.text[match.offset :][: match.length]}]"
        done = match.offset + match.length
    return shown + snippet.text[done:]


def test_words_phrases_and_beginnings_are_marked() -> None:
    """Words in any spelling, phrases as a whole, the unfinished last word by the word it begins."""
    assert marked("The Ördér, the ORDER!", "order") == "The [Ördér], the [ORDER]!"
    assert marked("an order is late, late", '"order is late"') == "an [order is late], late"
    assert marked("orders ordered", "order") == "[orders] [ordered]"
    assert marked("orders ordered", "order ") is None
    assert marked("我的订单到了", "订单") == "我的[订单]到了"
    assert marked("mail ana@x.org now", "ana@x.org") == "mail [ana@x.org] now"


def test_what_is_not_wanted_is_not_marked() -> None:
    """Negated words and the values of fields are no matches; a text without any word has no snippet."""
    assert marked("late order", "late -order") == "[late] order"
    assert marked("late order", "late OR (tag:order -(order))") == "[late] order"
    assert marked("late order", "tag:late") is None
    assert marked("late order", "never") is None


def test_long_texts_are_cut_around_the_first_match() -> None:
    """A piece begins a little before the match, at a word, with an ellipsis where the text goes on."""
    text = "before " * 100 + "needle " + "after " * 100
    snippet = snippet_of(text, "needle")
    assert snippet is not None
    assert snippet.text.startswith("…before ")
    assert snippet.text.endswith("…")
    assert len(snippet.text) <= SNIPPET_CHARS + 2
    [match] = snippet.matches
    assert snippet.text[match.offset :][: match.length] == "needle"
    assert match.offset <= LEAD_CHARS + 1


@given(strategies.text(max_size=400), strategies.text(alphabet="ab 字é", min_size=1, max_size=6))
def test_matches_lie_in_their_snippet(text: str, words: str) -> None:
    """Whatever the text, matches are within the snippet, in order, apart, and not too many."""
    snippet = snippet_of(f"{text} {words} {text}", f'"{words}"')
    if snippet is None:
        assert not words.strip()
        return
    ends = [0, *(match.offset + match.length for match in snippet.matches)]
    assert all(end <= match.offset for end, match in zip(ends, snippet.matches, strict=False))
    assert ends[-1] <= len(snippet.text)
    assert len(snippet.matches) <= MAX_MATCHES
