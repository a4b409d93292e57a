"""HTML mail: pieces that stand on their own, and nothing missing."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channels.email.quoting import Split, split_html

ATTRIBUTION = '<div class="gmail_attr">On Mon, 2 Apr 2012 at 2:20 PM, Anna &lt;anna@shop.example&gt; wrote:<br></div>'


def quote(words: str) -> str:
    """A quotation as Gmail writes it."""
    return f'<blockquote class="gmail_quote">{words}</blockquote>'


def test_answers_inside_gmails_frame_stay() -> None:
    """Gmail puts answers between the quotes inside its frame: they stay there with the quotes above the last."""
    frame = f"{ATTRIBUTION}{quote('Q1')}<div>Answer 1</div>{quote('Q2')}<div>Answer 2</div>"
    split = split_html(f'<div>See below</div><div class="gmail_quote">{frame}{quote("Q3")}</div>')
    assert split.new == f'<div>See below</div><div class="gmail_quote">{frame}</div>'
    assert split.quoted == f'<div class="gmail_quote">{quote("Q3")}</div>'


def test_an_answer_beneath_a_quote_stands_alone() -> None:
    """An answer beneath a whole quoted mail is new without it."""
    introduction = '<div class="moz-cite-prefix">Am 2.4.2012 um 14:20 schrieb Anna:<br></div>'
    older = f'{introduction}<blockquote type="cite">Q</blockquote>'
    assert split_html(f"{older}<p>Red</p>") == Split(new="<p>Red</p>", quoted=older)


@pytest.mark.parametrize(
    "html",
    [
        '<div>fyi<br><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>From: '
        "<b>Bob</b><br></div><br><div>content</div></div></div>",
        '<div>fyi</div><blockquote type="cite"><div>Begin forwarded message:</div><div><b>From: </b>Bob</div>'
        "<div>content</div></blockquote>",
        '<p>fyi</p><div class="moz-forward-container"><br>-------- Weitergeleitete Nachricht --------<table><tr><th>'
        "Betreff: </th><td>Hi</td></tr></table>content</div>",
        '<p>fyi</p><div id="isForwardContent">content</div>',
        '<div id="divRplyFwdMsg"><b>From:</b> Bob<br><b>Sent:</b> Monday<br><b>Subject:</b> Hi</div><div>content</div>',
    ],
)
def test_forwards_are_shown(html: str) -> None:
    """A mail passed on stays whole, as each client marks it."""
    assert split_html(html) == Split(new=html, forwarded=True)


def test_outlook_forwards_with_words_are_told_by_the_subject() -> None:
    """Outlook's markup is the same for replies: the subject decides."""
    older = '<hr><div id="divRplyFwdMsg"><b>From:</b> Bob<br><b>Sent:</b> Monday</div><div>content</div>'
    assert split_html(f"<p>fyi</p>{older}") == Split(new="<p>fyi</p>", quoted=older)
    assert split_html(f"<p>fyi</p>{older}", forward=True) == Split(new=f"<p>fyi</p>{older}", forwarded=True)


@pytest.mark.parametrize(
    "html",
    [
        "<div>Ok</div><blockquote>a thought of mine, indented</blockquote>",
        "<div>Ok</div><blockquote>a thought of mine, indented</blockquote><div>end</div>",
        '<div class="gmail_signature">I wrote all of it in here, by mistake.</div>',
        '<img src="cid:1">',
        "<p>From: London<br>To: Paris<br>Date: 3 May</p>",
        "<p>words</p><!-- <blockquote type=cite>no</blockquote> --><style>p{}</style>",
        "",
        "   ",
    ],
)
def test_what_is_new_stays_untouched(html: str) -> None:
    """HTML without a quotation or signature comes back as it was, to the byte."""
    assert split_html(html) == Split(new=html)


def test_a_picture_is_words() -> None:
    """A mail with nothing but a picture above the quote has the picture as new."""
    split = split_html(f'<img src="cid:1"><br><div class="gmail_quote">{ATTRIBUTION}{quote("Q")}</div>')
    assert split.new == '<img src="cid:1"><br>'
    assert split.quoted is not None


def test_a_frame_without_a_quotation_is_one() -> None:
    """Some clients reuse Gmail's frame without a <blockquote>: then all of it is the older mail."""
    frame = f'<div class="gmail_quote">{ATTRIBUTION}<div>older</div></div>'
    assert split_html(f"<p>Red</p>{frame}") == Split(new="<p>Red</p>", quoted=frame)


def test_quotes_written_as_text_are_seen() -> None:
    """Quotation marks, attributions and delimiters count in HTML as they do in plain text."""
    older = "&gt; Subject: Test<br>&gt; Hi"
    assert split_html(f"<p>Red</p><div>{older}</div>") == Split(new="<p>Red</p>", quoted=f"<div>{older}</div>")
    older = "<div>-----Original Message-----<br>old</div>"
    assert split_html(f"<p>Red</p>{older}") == Split(new="<p>Red</p>", quoted=older)


def test_an_indented_quotation_may_hold_older_ones() -> None:
    """What introduces a quotation inside a bare one does not end the mail: the answer beneath is still new."""
    inner = "On Mon, 2 Apr 2012 at 2:20 PM, Bob &lt;bob@x.example&gt; wrote:<br>older"
    older = f"<div>02.04.2012, 14:20, Anna &lt;anna@shop.example&gt;:</div><blockquote>{inner}</blockquote>"
    assert split_html(f"{older}<p>Red</p>") == Split(new="<p>Red</p>", quoted=older)


def test_lines_of_preformatted_text_count() -> None:
    """In <pre> a line ends where the source's does."""
    split = split_html("<pre>Red\n\nOn 2/4/2012 14:20, Anna wrote:\n&gt; Colour?\n\n-- \nJo</pre>")
    assert split.new == "<pre>Red\n\n</pre>"
    assert split.quoted == "<pre>On 2/4/2012 14:20, Anna wrote:\n&gt; Colour?\n\n</pre>"
    assert split.signature == "<pre>-- \nJo</pre>"


def test_pieces_are_whole() -> None:
    """A cut inside a table or a right-to-left body closes what is open and opens it again, so direction survives."""
    cell = '<table><tr><td dir="rtl">'
    older = "From: A &lt;a@b.example&gt;<br>Sent: Monday 14:20<br>To: B<br>Subject: x<br><br>old"
    split = split_html(f"{cell}Ok<br>{older}</td></tr></table>")
    assert split.new == f"{cell}Ok<br></td></tr></table>"
    assert split.quoted == f"{cell}{older}</td></tr></table>"


def test_names_other_clients_put_a_prefix_to_are_known() -> None:
    """Outlook and Gmail rename the classes of what passes through them."""
    older = '<div class="x_x_gmail_quote"><blockquote class="x_gmail_quote">old</blockquote></div>'
    assert split_html(f"<p>Red</p>{older}").quoted == older
    older = '<div class="m_-123yahoo_quoted">old</div>'
    assert split_html(f"<p>Red</p>{older}").quoted == older


TAGS = st.sampled_from(
    ["<div>", "</div>", "<p>", "</p>", "<b>", "</b>", "<br>", "<hr>", "<pre>", "</pre>", "<td>", "</table>", "<img>",
     '<div class="gmail_quote">', '<blockquote type="cite">', "<blockquote>", "</blockquote>", "</span>", "&gt; q<br>",
     '<div id="divRplyFwdMsg">', '<div class="gmail_signature">', ATTRIBUTION, "<br>-- <br>Jo", "words", "\n", "<",
     "<a", "From: a@b.example<br>Sent: 1 May 2012 14:20<br>Subject: x<br>", "---- Forwarded message ----<br>", "<li>"]
)  # fmt: skip


@given(st.lists(TAGS, max_size=16))
@example(["</p>", "words", "<p>", "<br>"])
def test_every_word_is_in_one_of_the_three(tags: list[str]) -> None:
    """However broken the markup, each word is in exactly one part, and in their order."""
    html = "".join(f"{tag}w{number}." for number, tag in enumerate(tags))
    split = split_html(html)
    parts = [split.new, split.quoted or "", split.signature or ""]
    for number in range(len(tags)):
        assert sum(part.count(f"w{number}.") for part in parts) == 1
    for part in parts:
        words = re.findall(r"w(\d+)\.", part)
        assert words == sorted(words, key=int)


@given(st.lists(TAGS, max_size=16).map("".join) | st.text("<>/abr =\"'!-&;\n", max_size=80))
@example('<<blockquote type="cite"><img>')
def test_no_byte_goes_missing(html: str) -> None:
    """All of the source is in the three together; only tags that were open at a cut are there again."""
    split = split_html(html)
    parts = Counter("".join(filter(None, [split.new, split.quoted, split.signature])))
    assert parts >= Counter(html)
