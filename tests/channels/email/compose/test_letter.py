"""A mail as others read it: the standard library and our own reader."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Quotation
from channels.email.compose import Composed
from channels.email.compose.older import ATTRIBUTIONS
from channels.email.mail import Mail, Mailbox
from channels.email.quoting import split_html, split_text
from channels.email.reading import open_file, read_mail
from channels.errors import Rejected
from channels.parts import AnyPart, Attachment, File, Html, Image, Text
from tests.channels.email.compose.letters import composed, mail_to, named

OLD = Quotation(
    text="Where is it?\n\n> Bought on Monday",
    html="<p>Where <b>is</b> it? <img src=http://t.example/x.gif alt=Smile></p>",
    author="Ann\r\nLee",
    written_at=datetime(2026, 11, 20, 8, 5, tzinfo=UTC),
)
LOGO = Attachment(id="att_1", name="logo.png", media_type="image/png")
BILL = Attachment(id="att_2", name="Rechnung № 1.pdf", media_type="application/pdf")
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"])
LINES = st.lists(st.text(CHARACTERS, max_size=200).map(str.strip), min_size=1, max_size=8)
NAMES = st.text(CHARACTERS, max_size=120).map(lambda name: " ".join(name.split())).filter(bool)


def _stdlib(mail: Composed) -> EmailMessage:
    return message_from_bytes(mail.content, EmailMessage, policy=SMTP)


def _shape(part: EmailMessage) -> object:
    kind = part.get_content_type()
    return (kind, *(_shape(inner) for inner in part.iter_parts())) if part.is_multipart() else kind  # type: ignore[arg-type]  # EmailMessages with this policy


def test_headers_say_who_when_what_and_nobody_of_bcc() -> None:
    """Each header once; Bcc is told to the server and stands nowhere in the mail."""
    mail = composed(
        cc=[mail_to("bob@example.org", "Bob")], bcc=[mail_to("eve@example.org", "Eve")], reply_to="help+c1@shop.example"
    )
    read = _stdlib(mail)
    assert read["From"] == "The Shop <help@shop.example>"
    assert (read["To"], read["Cc"]) == ("Ann Lee <ann@example.org>", "Bob <bob@example.org>")
    assert (read["Reply-To"], read["Date"]) == ("help+c1@shop.example", "Sun, 22 Nov 2026 09:00:00 +0000")
    assert (read["Message-ID"], mail.message_id) == ("<msg_01jd@shop.example>", "msg_01jd@shop.example")
    assert read["X-Switchboard-Loop"] == "help@shop.example"
    assert (b"eve" in mail.content.lower(), read["Auto-Submitted"]) == (False, None)
    assert mail.recipients == ["ann@example.org", "bob@example.org", "eve@example.org"]
    assert (mail.sender, mail.utf8, len(read.keys())) == ("help@shop.example", False, len(set(read.keys())))


def test_composed_again_it_is_the_same() -> None:
    """A retry sends the same bytes, so that a server that had it can tell."""
    parts: list[AnyPart] = [Html(html="<img data-attachment=att_1>"), Image(attachment=LOGO)]
    assert composed(*parts, files={"att_1": b"x"}) == composed(*parts, files={"att_1": b"x"})


def test_everybody_gets_it_once() -> None:
    """Somebody named twice is one recipient, and the one it is written to stays the first."""
    mail = composed(to=mail_to("Ann@Example.org"), cc=[mail_to("b@x.example"), mail_to("ann@example.org")])
    assert mail.recipients == ["Ann@example.org", "b@x.example"]


def test_an_answer_names_what_it_answers_and_a_bounded_chain() -> None:
    """In-Reply-To, and References that end with it: the first and the newest twenty; what is no id is left out."""
    chain = [f"m{n}@x.example" for n in range(60)]
    read = read_mail(
        composed(in_reply_to="<last@x.example>", references=[*chain, "a b", "x>\r\nBcc: y", "é@x"]).content
    )
    assert read.in_reply_to == ["last@x.example"]
    assert read.references == [chain[0], *chain[41:], "last@x.example"]
    assert read_mail(composed(in_reply_to="a\nb").content).in_reply_to == []


def test_automatic_mail_asks_for_no_answer() -> None:
    """RFC 3834, and the words of those who do not know it."""
    read = _stdlib(composed(automatic=True, in_reply_to="a@b.example"))
    asked = (read["Auto-Submitted"], read["Precedence"], read["X-Auto-Response-Suppress"])
    assert asked == ("auto-replied", "auto_reply", "All")
    assert _stdlib(composed(automatic=True))["Auto-Submitted"] == "auto-generated"


def test_text_and_html_say_the_same() -> None:
    """One source, two forms: what is Markdown or HTML reads well as text, what is text looks well as HTML."""
    read = read_mail(
        composed(
            Text(text="Hi <you>,\n\n  see https://x.example/?a=1&b=2\nbye"),
            Text(
                text="# Steps\n\n1. **pay**\n2. [track](https://t.example)\n\n<b>raw</b> ![p](http://p.example/i)",
                format="markdown",
            ),
            Html(html="<ul><li>tea<li>milk</ul><script>x</script>"),
        ).content
    )
    assert read.text == (
        "Hi <you>,\n\n  see https://x.example/?a=1&b=2\nbye\n\nSteps\n\n1. pay\n2. track <https://t.example>\n\n"
        "<b>raw</b> !p <http://p.example/i>\n\n- tea\n- milk\n"
    )
    assert read.html is not None
    assert "<p>Hi &lt;you&gt;,</p>" in read.html
    assert '<a href="https://x.example/?a=1&amp;b=2"' in read.html
    assert "<strong>pay</strong>" in read.html
    assert "&lt;b&gt;raw" in read.html
    assert "<ul><li>tea</li><li>milk</li></ul>" in read.html
    assert "script" not in read.html + read.text
    assert "<img" not in read.html


def test_files_go_where_they_are_shown_or_below() -> None:
    """An image the HTML refers to travels beside it, others are attachments; names come through in any script."""
    parts: list[AnyPart] = [
        Html(html='<p><img src="cid:att_1" alt="Us"></p>'),
        Image(attachment=LOGO),
        File(attachment=BILL),
    ]
    mail = composed(*parts, files={"att_1": b"\x89PNG", "att_2": b"%PDF" * 1000})
    related = ("multipart/related", "text/html", "image/png")
    assert _shape(_stdlib(mail)) == (
        "multipart/mixed",
        ("multipart/alternative", "text/plain", related),
        "application/pdf",
    )
    read = read_mail(mail.content)
    logo, bill = read.files
    assert (logo.disposition, bill.disposition, bill.name) == ("inline", "attachment", "Rechnung № 1.pdf")
    assert f'<img src="cid:{logo.content_id}" alt="Us">' in (read.html or "")
    assert "[Us]" in (read.text or "")
    assert (open_file(mail.content, logo.path), open_file(mail.content, bill.path)) == (b"\x89PNG", b"%PDF" * 1000)


def test_an_image_nobody_shows_is_an_attachment() -> None:
    """And words alone need no groups but the two forms."""
    mail = composed(Text(text="x"), Image(attachment=LOGO), files={"att_1": b"x"})
    assert _shape(_stdlib(mail)) == (
        "multipart/mixed",
        ("multipart/alternative", "text/plain", "text/html"),
        "image/png",
    )
    assert _shape(_stdlib(composed())) == ("multipart/alternative", "text/plain", "text/html")


def test_remote_pictures_of_ours_are_shown_to_the_customer() -> None:
    """What was held back from our agents' view is what our author put there; the quoted mail's pictures go."""
    read = read_mail(
        composed(Html(html='<img data-src="https://shop.example/logo.png" alt="">'), quotation=OLD).content
    )
    assert '<img src="https://shop.example/logo.png" alt="">' in (read.html or "")
    assert "t.example" not in (read.html or "")
    assert "[Smile]" in (read.html or "")


def test_a_mail_within_the_mail_goes_as_a_file() -> None:
    """RFC 2046 forbids to encode message/rfc822, and a multipart would be opened: both go as plain files."""
    for media_type in ("message/rfc822", "multipart/mixed", "text/x\r\nBcc: y", "nonsense"):
        part = File(attachment=Attachment(id="att_1", name="m.eml", media_type=media_type))
        read = read_mail(composed(part, files={"att_1": b"Subject: x\r\n\r\ny"}).content)
        assert [(file.media_type, file.name) for file in read.files] == [("application/octet-stream", "m.eml")]


def test_a_missing_file_is_refused() -> None:
    """A mail never leaves without what it promises."""
    with pytest.raises(Rejected, match="not at hand") as refused:
        composed(File(attachment=BILL))
    assert refused.value.code == "media_rejected"


@pytest.mark.parametrize("language", [*ATTRIBUTIONS, "xx", "de-AT"])
def test_our_reader_finds_our_signature_and_quotation(language: str) -> None:
    """In every language, as text and as HTML, the new words come back alone."""
    mail = read_mail(
        composed(Text(text="It is here.\n\nBye"), signature="Bob\nThe Shop", quotation=OLD, language=language).content
    )
    text, html = split_text(mail.text or ""), split_html(mail.html or "")
    assert (text.new.strip(), text.signature) == ("It is here.\n\nBye", "-- \nBob\nThe Shop")
    assert "> Where is it?" in (text.quoted or "")
    assert "Where <b>is</b> it?" in (html.quoted or "")
    assert "Bob" in (html.signature or "")
    assert not re.search("Bob|Where|Lee|2026", html.new)


def test_long_quotations_end_somewhere() -> None:
    """Each answer quotes the last, so what is quoted is bounded; long HTML is quoted as text."""
    long = Quotation(text="word " * 100_000, html="<p>x</p>" * 100_000, author="Ann", written_at=OLD.written_at)
    assert len(composed(quotation=long).content) < 250_000


@given(LINES, NAMES, NAMES, NAMES)
def test_words_and_names_come_back(lines: list[str], subject: str, name: str, file_name: str) -> None:
    """Any words, subject, names and file name are read back as they were, and no line is too long for any server."""
    text = "\n".join(lines).strip("\n")
    part = File(attachment=Attachment(id="att_1", name=file_name, media_type="text/plain"))
    mail = composed(Text(text=text), part, files={"att_1": text.encode()}, subject=subject, settings=named(name))
    read = read_mail(mail.content)
    assert (read.subject, read.senders) == (subject.strip(), [Mailbox(address="help@shop.example", name=name.strip())])
    assert (read.text or "").rstrip("\n") == text
    assert open_file(mail.content, read.files[0].path) == text.encode()
    assert _same_name(read, file_name)
    assert str(_stdlib(mail)["Subject"]) == subject.strip()
    assert max(map(len, mail.content.split(b"\r\n"))) <= 78
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", mail.content)
    assert mail.content.isascii()


def _same_name(read: Mail, name: str) -> bool:
    """Whether the file's name came back, but for what would be a folder or hide its end."""
    expected = re.sub(r'[/\\"]', "_", name).strip(". ")[:150] or "file"
    return read.files[0].name in {expected, None} or len(name) > 140
