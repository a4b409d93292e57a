"""Tags that stand open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.html.nesting import OpenTags
from channels.email.html.rules import MAX_DEPTH, MAX_STYLED_DEPTH, TAGS, VOID

STEPS = st.lists(st.tuples(st.booleans(), st.sampled_from(sorted(TAGS - VOID))), max_size=120)


def _nested(steps: str) -> str:
    """What is written for `b p /b`: tags that open, and tags that close."""
    written: list[str] = []
    tags = OpenTags(written.append)
    for step in steps.split():
        if step.startswith("/"):
            tags.close(step[1:])
        elif tags.begin(step):
            written.append(f"<{step}>")
    tags.close_all()
    return "".join(written)


@pytest.mark.parametrize(
    ("steps", "written"),
    [
        ("b i /b /i", "<b><i></i></b>"),
        ("p p", "<p></p><p></p>"),
        ("p b div", "<p><b></b></p><div></div>"),
        ("ul li b li", "<ul><li><b></b></li><li></li></ul>"),
        ("ul li ul li", "<ul><li><ul><li></li></ul></li></ul>"),
        ("dl dt dd dt", "<dl><dt></dt><dd></dd><dt></dt></dl>"),
        ("table tr td tr td", "<table><tr><td></td></tr><tr><td></td></tr></table>"),
        (
            "table tr td table tr td /td td",
            "<table><tr><td><table><tr><td></td><td></td></tr></table></td></tr></table>",
        ),
        ("div table tr td /div b", "<div><table><tr><td><b></b></td></tr></table></div>"),
        ("table tr td b /table i", "<table><tr><td><b></b></td></tr></table><i></i>"),
        ("a b a", "<a><b></b></a><a></a>"),
        ("/p /td b", "<b></b>"),
    ],
)
def test_tags_close_as_they_should(steps: str, written: str) -> None:
    """A tag closes what it cannot stand in, an end closes what is inside, and none reaches out of its table cell."""
    assert _nested(steps) == written


@given(STEPS)
def test_whatever_comes_is_nested_rightly(steps: list[tuple[bool, str]]) -> None:
    """Every tag that was written is closed once, in the order of a tree, and never too deep."""
    open_tags: list[str] = []
    written: list[str] = []
    tags = OpenTags(written.append)
    for begins, tag in steps:
        if begins and tags.begin(tag):
            written.append(f"<{tag}>")
        elif not begins:
            tags.close(tag)
    tags.close_all()
    for mark in written:
        if mark.startswith("</"):
            assert mark == f"</{open_tags.pop()}>"
        else:
            open_tags.append(mark[1:-1])
            assert len(open_tags) <= MAX_DEPTH
    assert open_tags == []


def test_what_is_too_deep_is_left_out_with_its_end() -> None:
    """Beyond the depth a tag is not written, and its end closes nothing that was."""
    assert _nested("div " * (MAX_DEPTH + 5) + "/div " * 5).count("<div>") == MAX_DEPTH
    assert _nested("b " * 40 + "/b " * 39) == "<b>" * MAX_STYLED_DEPTH + "</b>" * MAX_STYLED_DEPTH
