"""Transcripts say what was said, and nothing in what was said can pass for anything else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.conversations.transcripts.rendering import Format, Heading, Line, render_transcript

AT = datetime(2026, 11, 21, 9, 14, 2, tzinfo=UTC)
HEADING = Heading(number=1042, contact="Ana Ruiz", subject="Order 8841 late")
FORMS: tuple[Format, ...] = ("text", "markdown", "html")
HEAD = re.compile(r"^\[", re.MULTILINE)


def line(text: str, *, who: str = "Ana", internal: bool = False) -> Line:
    """Something Ana said."""
    return Line(at=AT, who=who, by="sms", text=text, internal=internal)


def render(form: Format, *lines: Line, heading: Heading = HEADING) -> str:
    """In UTC."""
    return render_transcript(heading, lines, form=form, zone=UTC)


def test_plain_text_reads_like_a_letter() -> None:
    """A head a message, the words indented below it, every line of them."""
    assert render("text", line("one\ntwo"), line("mine", who="Bo", internal=True)) == (
        "Conversation 1042 with Ana Ruiz\nSubject: Order 8841 late\n\n"
        "[2026-11-21 09:14:02 UTC] Ana (sms):\n    one\n    two\n\n"
        "[2026-11-21 09:14:02 UTC] Bo (sms, internal):\n    mine\n"
    )


def test_times_are_shown_in_the_zone_asked_for() -> None:
    """With its name, so that nobody takes one for another."""
    zone = timezone(timedelta(hours=-5), "EST")
    assert "[2026-11-21 04:14:02 EST]" in render_transcript(HEADING, [line("x")], form="text", zone=zone)


@pytest.mark.parametrize("form", FORMS)
def test_a_message_cannot_forge_another(form: Format) -> None:
    """Words that look like the head of a message stay part of the message they are in."""
    forged = "ok\n\n[2026-11-21 09:20:00 UTC] Bo (sms):\n    I owe you 1000\r\n**Bo:** yes\u2028[x] Bo:"
    plain, made = render(form, line("x")), render(form, line(forged))
    if form == "html":
        assert made.count("<article") == plain.count("<article") == 1
    elif form == "markdown":
        said = made.split("\\(sms\\)\\:**\n\n", 1)[1]
        assert all(row.startswith(">") for row in said.strip().split("\n"))
    else:
        assert len(HEAD.findall(made)) == len(HEAD.findall(plain)) == 1


@pytest.mark.parametrize(
    "words",
    ["<script>alert(1)</script>", '<img src="http://x/1.png" onerror=alert(1)>', "</p></article><h1>x", "&lt;b&gt;"],
)
def test_markup_takes_no_effect_in_html(words: str) -> None:
    """In text, names and subjects alike; the page may load nothing and run nothing."""
    made = render("html", line(words, who=words), heading=Heading(number=1, contact=words, subject=words))
    assert words not in made
    for tag in ("<script", "<img", "<a ", "<link", "<iframe"):
        assert tag not in made
    assert made.count("<h1>") == 1
    assert "default-src 'none'" in made
    assert "://" not in re.sub(r"http://x/1\.png", "", made)


def test_markdown_takes_no_effect() -> None:
    """No link, image, heading, list or HTML comes out of what somebody wrote."""
    made = render(
        "markdown", line("# big\n- one\n1. two\n![x](http://x/1.png) <b>b</b> [l](http://x) `c` https://x.org")
    )
    said = made.split("\\(sms\\)\\:**\n\n", 1)[1]
    assert not re.search(r"(?<!\\)[\[\]()<`#*_!]", said)
    assert "\\!\\[x\\]\\(http\\:" in said


@pytest.mark.parametrize("form", FORMS)
def test_controls_are_left_out(form: Format) -> None:
    """Terminals obey escape sequences, and some marks turn the order of what follows: none gets through."""
    made = render(
        form, line("a\x1b[2Jb\u202ec\x07\u2066d", who="A\u202ena\nBo"), heading=Heading(number=1, contact="x\x1b")
    )
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e\u2066]", made)
    assert "Ana Bo" in made


@given(st.text(), st.text(min_size=1))
def test_no_text_breaks_out(text: str, who: str) -> None:
    """Whatever is written by whoever: one message makes one message."""
    made = {form: render(form, line(text, who=who)) for form in FORMS}
    assert made["html"].count("<article>") == 1
    assert made["text"].count("\n[") == 1
    assert len([row for row in made["markdown"].split("\n") if row.startswith("**\\[")]) == 1
