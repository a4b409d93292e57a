"""Mails built again from forms: the standard library, which had no part in it, reads them as they were."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.rebuilding import (
    RebuiltBody,
    RebuiltFile,
    header_lines,
    mailbox_header,
    prepend_trace,
    rebuild_mail,
    split_headers,
    text_header,
)

HEADERS = [("From", "Ana <ana@ruiz.example>"), ("Content-Type", "text/plain"), ("Subject", "Hi"), ("MIME-Version", "1")]
PICTURE = RebuiltFile(content=b"\x89PNG", name="a.png", media_type="image/png", content_id="a@b")
BILL = RebuiltFile(content=b"%PDF" + bytes(range(256)), name='the "bill" – März.pdf', media_type="application/pdf")


def read(mime: bytes) -> EmailMessage:
    """A mail as the standard library reads it, which must find nothing wrong with it."""
    mail = message_from_bytes(mime, EmailMessage, policy=policy.default)
    assert not [defect for part in mail.walk() for defect in part.defects]
    return mail


def test_bodies_and_files_are_where_readers_look_for_them() -> None:
    """Text and HTML as alternatives, the inline picture with the HTML, the file beside; headers without old frames."""
    mail = read(
        rebuild_mail(
            HEADERS,
            text=RebuiltBody(content="Grüße".encode("latin-1"), charset="iso-8859-1"),
            html=RebuiltBody(content="<p>Grüße</p>".encode()),
            files=[BILL, PICTURE],
        )
    )
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed", "multipart/related", "multipart/alternative", "text/plain", "text/html", "image/png",
        "application/pdf",
    ]  # fmt: skip
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert (text.get_content().strip(), html.get_content().strip()) == ("Grüße", "<p>Grüße</p>")
    parts = {part.get_content_type(): part for part in mail.walk()}
    assert parts["image/png"]["Content-ID"] == "<a@b>"
    assert parts["image/png"].get_content_disposition() == "inline"
    assert parts["application/pdf"].get_filename() == BILL.name
    assert parts["application/pdf"].get_content() == BILL.content
    assert (mail["From"], mail["Subject"]) == ("Ana <ana@ruiz.example>", "Hi")


def test_a_mail_without_any_body_is_one() -> None:
    """A form without text is an empty mail, not an error."""
    mail = read(rebuild_mail(HEADERS, text=None, html=None, files=[]))
    assert (mail.get_content_type(), mail.get_content().strip()) == ("text/plain", "")


def test_a_bounce_stays_a_report() -> None:
    """The root's kind and the parts for machines survive being taken apart."""
    kind = 'multipart/report; boundary="x"; report-type=Delivery-Status'
    status = RebuiltFile(
        content=b"Reporting-MTA: dns; a\r\n\r\nStatus: 5.1.1\r\n", media_type="message/delivery-status"
    )
    mail = read(rebuild_mail([("Content-Type", kind)], text=RebuiltBody(content=b"no"), html=None, files=[status]))
    assert (mail.get_content_type(), mail.get_param("report-type")) == ("multipart/report", "delivery-status")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "message/delivery-status"]


def test_the_same_fields_give_the_same_bytes() -> None:
    """A repeat by the provider is recognised by its content."""
    made = [rebuild_mail(HEADERS, text=RebuiltBody(content=b"a"), html=None, files=[BILL, PICTURE]) for _ in range(2)]
    assert made[0] == made[1]


@given(
    st.lists(st.tuples(st.text(max_size=30), st.text(max_size=60)), max_size=5),
    st.binary(max_size=100),
    st.text(max_size=30),
    st.text(max_size=30),
)
def test_nothing_of_a_stranger_breaks_out(
    headers: list[tuple[str, str]], content: bytes, name: str, media_type: str
) -> None:
    """Whatever names, values, types and bytes are given: the mail has that one text, that one file and no more."""
    file = RebuiltFile(content=content, name=name, media_type=media_type, content_id=None)
    mime = rebuild_mail(headers, text=RebuiltBody(content=content, charset=media_type), html=None, files=[file])
    head, _, _ = mime.partition(b"\r\n\r\n")
    assert len(head.split(b"\r\n")) <= len(headers) + 2
    parts = list(message_from_bytes(mime, EmailMessage, policy=policy.default).walk())
    assert len([part for part in parts if part.get_content_maintype() != "multipart"]) >= 2
    assert parts[0].get_content_type() == "multipart/mixed"


def test_a_header_cannot_bring_others() -> None:
    """Line breaks in a value are spaces, and what is no name is left out."""
    lines = header_lines(
        [("Subject", "a\r\nBcc: x@y"), ("Bad name", "1"), ("", "2"), ("X:Y", "3"), ("X-A", "b\n\n\nc")]
    )
    assert lines == b"Subject: a Bcc: x@y\r\nX-A: b c\r\n"


def test_a_header_block_keeps_its_bytes() -> None:
    """Folded lines are one, and what is no UTF-8 stays what it is."""
    block = b"Subject: caf\xe9\r\n  au lait\nnonsense\nX-B:  1 \r\n\r\n"
    assert header_lines(split_headers(block)) == b"Subject: caf\xe9 au lait\r\nX-B: 1\r\n"


def test_the_envelope_stands_on_top() -> None:
    """Who it was for and where bounces go, none for a bounce itself; without an envelope nothing is added."""
    mail = prepend_trace(b"To: x\r\n\r\n", recipients=["a@b", "a@b", "", "c@d\r\nX: y"], sender="")
    assert mail == b"Return-Path: <>\r\nDelivered-To: a@b\r\nDelivered-To: c@d X: y\r\nTo: x\r\n\r\n"
    assert prepend_trace(b"To: x\r\n\r\n", recipients=[], sender=None) == b"To: x\r\n\r\n"


@pytest.mark.parametrize(
    ("address", "name", "becomes"),
    [
        ("a@b.example", None, "a@b.example"),
        ("a@b.example", 'Ruiz, "Ana"', '"Ruiz, \\"Ana\\"" <a@b.example>'),
        ("a@b.example", "Zoé", "=?utf-8?q?Zo=C3=A9?= <a@b.example>"),
        ("zoé@b.example", "Zoé", "<zoé@b.example>"),
    ],
)
def test_a_mailbox_is_written_as_a_header_has_it(address: str, name: str | None, becomes: str) -> None:
    """Names with commas are quoted, others encoded; an address beyond ASCII stays as it is."""
    assert mailbox_header(address, name) == becomes


def test_words_are_encoded_where_they_must_be() -> None:
    """ASCII stays as it is; anything else is an encoded word, and never a second line."""
    assert text_header("plain\r\nBcc: x") == "plain Bcc: x"
    assert "\n" not in text_header("ü" * 500)
