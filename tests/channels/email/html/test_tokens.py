"""HTML taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.html.tokens import MAX_TAG_CHARS, End, Start, Words, read_attributes, read_tokens


@pytest.mark.parametrize(
    ("html", "tokens"),
    [
        ("a<B>b</B >c", [Words("a"), Start("b", ""), Words("b"), End("b"), Words("c")]),
        ("<br/><hr />", [Start("br", "/"), Start("hr", " /")]),
        ('<a title=">">x', [Start("a", ' title=">"'), Words("x")]),
        ("<a title='>' b>x", [Start("a", " title='>' b"), Words("x")]),
        ('<a title=">x', [Start("a", ' title="'), Words("x")]),
        ("<a title=x", [Start("a", "")]),
        ("1 < 2 <3 a<b", [Words("1 "), Words("< 2 "), Words("<3 a"), Start("b", "")]),
        ("<!-- <b> -->x", [Words("x")]),
        ("<!-->x", [Words("x")]),
        ("<!--->x", [Words("x")]),
        ("<!-- a --!>x", [Words("x")]),
        ("<!-- never", []),
        ("<!doctype html><?xml?><![if x]></ >x", [Words("x")]),
        ("<script>a<b>c</scriptx></SCRIPT >x", [Words(""), End("script"), Words("x")]),
        ("<style>never", [Words("")]),
        ("<xmp><b></xmp>", [Words("<b>"), End("xmp")]),
        ("<plaintext></plaintext><b>", [Words("</plaintext><b>")]),
        ("&lt;b&gt;&amp;lt;", [Words("<b>&lt;")]),
        ("", []),
    ],
)
def test_tags_and_words_are_told_apart_as_browsers_do(html: str, tokens: list[object]) -> None:
    """Quotes hide a >, comments and scripts hide all, and what is no tag is words."""
    read = list(read_tokens(html))
    assert "".join(t.text for t in read if isinstance(t, Words)) == "".join(
        t.text for t in tokens if isinstance(t, Words)
    )
    assert [t for t in read if not isinstance(t, Words)] == [t for t in tokens if not isinstance(t, Words)]


@pytest.mark.parametrize(
    ("rest", "attributes"),
    [
        (" a=1 B='2' c=\"3\" d", {"a": "1", "b": "2", "c": "3", "d": ""}),
        (" a = 1 a=2", {"a": "1"}),
        ("/a/b=x/", {"a": "", "b": "x/"}),
        (" a='&quot;&#39;'", {"a": "\"'"}),
        (" a=&#106;&#0000000000097;&#99999999999;", {"a": "ja\ufffd"}),
        (' ""=x \x00a=b', {"x": "", "a": "b"}),
    ],
)
def test_attributes_are_read(rest: str, attributes: dict[str, str]) -> None:
    """However quoted and spaced; the first of a name counts; references are resolved."""
    assert read_attributes(rest) == attributes


def test_an_endless_tag_loses_its_attributes_and_no_words() -> None:
    """A tag has a length beyond which nobody reads it; what follows is read."""
    read = list(read_tokens(f"<p title={'x' * MAX_TAG_CHARS}>words"))
    assert read == [Start("p", ""), Words("words")]


@given(st.text(max_size=300))
def test_anything_can_be_taken_apart(html: str) -> None:
    """No input raises, and no token is made of nothing but air: each tag has a name."""
    assert all(token.tag for token in read_tokens(html) if not isinstance(token, Words))
