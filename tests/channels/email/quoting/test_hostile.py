"""Text made to hurt: the time is linear in it, and depth is no danger (security.md T45)."""

from __future__ import annotations

import time

import pytest

from channels.email.quoting import split_html, split_text

MEGABYTE = 1_000_000
LONGEST = 1.0  # seconds of processor time for a megabyte or more

DENSE = [
    "\n", ">", ">\n", "> a\nb\n", "a", "a\n", "a:\n", "On\n", "On 1:\n", "On Mon 1:11 ", "wrote:\n", "> wrote:\n",
    "From: a\n", "From: a@b\nDate: 1:11\n", "To: a@b\n\n", "-- \na\n", "_", "_____\n", "Regards,\n", "a <\n",
    "> <http://x\ny>\n",
    "Sent from my ", "2014-10-17 11:28 a <a@b>:\n", f"{'x' * 99} 1 :\n", f"{'On 1 ' * 100}wrote:\n", "\u202b", "\t \n",
    "-----Original Message-----\n> a\n", "- ", "* ", "@", "1:11 ", "This e-mail is confidential\n",
    "> a\nSent from my iPhone\n",
    "> a\n--\n", "a\n> a\n\n",
]  # fmt: skip
MARKUP = [
    "<", "<a", "<a ", '<a "', "<!--", "<!", "</", "<br>", "<hr>", "<p>", "<p>a", "<td>a", "<b>", "<div><b></div>",
    "&#x41;", "<blockquote>a", "<blockquote type=cite>q</blockquote>a<br>", "<div class=gmail_quote>a</div>",
    "<style>", "<pre>a\n",
    "<div class=gmail_signature>a</div>b", '<div class="', "<p>&gt; a</p>", "<hr id=zwchr>", "<div class=x id=y>a:<br>",
]  # fmt: skip


@pytest.mark.parametrize("text", DENSE)
def test_dense_text_is_quick(text: str) -> None:
    """A megabyte of anything that begins like an attribution, a header or a quote takes less than a second."""
    hostile = text * (MEGABYTE // len(text))
    began = time.process_time()
    split = split_text(hostile)
    assert time.process_time() - began < LONGEST
    parts = "".join(filter(None, [split.new, split.quoted, split.signature]))
    assert sum(map(str.isalnum, parts)) == sum(map(str.isalnum, hostile))


@pytest.mark.parametrize("markup", MARKUP)
def test_dense_markup_is_quick(markup: str) -> None:
    """The same holds for a megabyte of tags, open or closed, whole or broken."""
    hostile = markup * (MEGABYTE // len(markup))
    began = time.process_time()
    split_html(hostile)
    assert time.process_time() - began < LONGEST


@pytest.mark.parametrize("tag", ["blockquote", "div", "b", "div class=gmail_quote", "blockquote type=cite", "table"])
def test_depth_is_harmless(tag: str) -> None:
    """A hundred thousand elements inside one another neither recurse nor cost more than a second."""
    name = tag.partition(" ")[0]
    hostile = f"<p>words</p>{f'<{tag}>' * 100_000}deep{f'</{name}>' * 100_000}"
    began = time.process_time()
    split = split_html(hostile)
    assert time.process_time() - began < LONGEST
    assert "words" in split.new
    assert "deep" in split.new + (split.quoted or "")


@pytest.mark.parametrize(
    "hostile",
    [
        "On " * 300_000 + "wrote:",  # email_reply_parser #65: "On ... wrote:" over a text without an end
        "Hi\n" + "On Mon, " * 100_000 + "\n" * 10_000 + "wrote:",
        "> " * 300_000 + "\n--\n" + "-" * 300_000,
        " " * MEGABYTE + "\n" + "\t" * 100_000 + "x",
        "From: " + "a@b, " * 200_000 + "\nSent: x",  # talon #168: backtracking over whitespace and addresses
        "Von: \n" * 100_000 + " \n" * 100_000,
        "<" + "a" * MEGABYTE + "> wrote:",
        "-- " + "- " * 400_000,
    ],
)
def test_known_traps_are_harmless(hostile: str) -> None:
    """The texts on which other readers of quotations hang for minutes are read at once, as text and as HTML."""
    began = time.process_time()
    split_text(hostile)
    split_html(hostile)
    assert time.process_time() - began < LONGEST


def test_lines_beyond_the_limit_are_kept() -> None:
    """What stands beyond the lines that are looked at goes where the last of those went; nothing is dropped."""
    text = "\n".join(f"line {number}" for number in range(20_000))
    assert split_text(text).new == text
    quoted = "\n".join(f"> line {number}" for number in range(20_000))
    split = split_text(f"Red\n\nOn 2/4/2012 14:20, Anna wrote:\n{quoted}")
    assert split.new == "Red"
    assert (split.quoted or "").endswith("> line 19999")
    html = "".join(f"<p>line {number}</p>" for number in range(20_000))
    assert split_html(html).new == html
