"""HTML as words."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.html import clean_html, text_of
from tests.channels.email.html.test_cleaning import FRAGMENTS, HOSTILE


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>one</p>\n<p>two <b>bo</b>ld</p>", "one\n\ntwo bold"),
        ("one<br>two<br><br>three<div>x<div>y</div></div>z", "one\ntwo\n\nthree\nx\ny\nz"),
        ("<ul><li>a<li>b<ol><li>c</li><li>d</ol></ul>after", "- a\n- b\n  1. c\n  2. d\n\nafter"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></table>", "a b\nc"),
        ("see <a href='https://x.example/'>here</a>", "see here <https://x.example/>"),
        (
            "<a href='http://y.example'>y.example</a> <a href=mailto:a@b.example>a@b.example</a>",
            "y.example a@b.example",
        ),
        ("<a href='javascript:x'>x</a> <a href=/y>y</a>", "x y"),
        ("<p>New</p>On Monday:<blockquote><p>old</p><blockquote>older</blockquote></blockquote>", None),
        ("<div>-- <br>Ann</div>", "-- \nAnn"),
        ("<div>--&nbsp;<br>Ann</div>", "-- \nAnn"),
        ("<div style='DISPLAY : none'>pre<span>header</span></div>shown", "shown"),
        ("<p style='display:none'>a<p>b</p></p>c", "c"),
        ("<pre>a\n  b\n</pre>c", "a\n  b\n\nc"),
        ("<img alt=' a  cat '> x<hr>y", "[a cat] x\n--------------------\ny"),
        ("a&amp;b &lt;c&gt; &#0000065; &#99999999999; &nosuch;", "a&b <c> A \ufffd &nosuch;"),
        ("<p>&nbsp;</p><p>x</p><p></p>", "x"),
        ("<style>p{}</style><script>x</script><title>t</title>words", "words"),
        ("1 < 2 and <3", "1 < 2 and <3"),
        ("", ""),
    ],
)
def test_html_is_read_as_a_person_would(html: str, words: str | None) -> None:
    """Paragraphs, lists, cells, quotations and links keep their sense in plain words; what is hidden stays so."""
    assert text_of(html) == (words if words is not None else "New\n\nOn Monday:\n\n> old\n>\n> > older")


def test_addresses_can_be_left_out() -> None:
    """Search wants the words alone."""
    assert text_of("see <a href='https://x.example/'>here</a>", links=False) == "see here"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=40))
def test_no_word_is_lost(word: str) -> None:
    """Whatever a word is made of, it is there after cleaning and reading."""
    escaped = word.replace("&", "&amp;").replace("<", "&lt;")
    assert text_of(f"<p><b>{escaped}</b></p>") == word
    assert text_of(clean_html(f"<p>{escaped}</p>").html, links=False) == word


@given(st.one_of(FRAGMENTS, st.text(max_size=200)))
def test_any_html_has_words(html: str) -> None:
    """Broken markup never raises, never begins or ends with an empty line, never leaves two."""
    words = text_of(html)
    assert words == words.strip("\n")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_html_is_read_in_its_own_time(name: str) -> None:
    """What breaks cleaners does not break the reader of words."""
    began = time.process_time()
    text_of(HOSTILE[name])
    assert time.process_time() - began < 10
