"""From a mail to what happened: who wrote, which words are new, what came along, and what it answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from channels.contract import Account, RawEvent
from channels.email.arrival import read_mail_events, unpack_mail_file
from channels.email.settings import EmailSettings
from channels.errors import Malformed
from channels.events import AnyEvent, DeliveryReported, Letter, MessageReceived
from channels.parts import Html, Image, Text, plain_text

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
PICTURE = b"\x89PNG\r\n\x1a\n" + b"pixels" * 20
BOUNCE = b"""From: MAILER-DAEMON@mx.example
To: help@shop.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Your message could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; gone@customers.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 user unknown
--b
Content-Type: text/rfc822-headers

Message-ID: <msg_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b@shop.example>
From: help@shop.example
--b--
"""


def account(**settings: Any) -> Account:
    """A mailbox of ours."""
    made = EmailSettings(
        **{"address": "help@shop.example", "aliases": ["hola@shop.example"], "verify_dkim": False, **settings}
    )
    return Account(channel_id="cha_1", settings=made, hook_url="https://gateway.example/hooks/x")


def read(content: bytes, *, headers: dict[str, str] | None = None, **settings: Any) -> list[AnyEvent]:
    """The events of a mail that has just come."""
    raw = RawEvent(kind="mail", method="SMTP", url="", headers=headers or {}, body=content, received_at=AT)
    return read_mail_events(account(**settings), content, raw)


def received(content: bytes, **more: Any) -> tuple[MessageReceived, Letter]:
    """The one message a mail is."""
    [event] = read(content, **more)
    assert isinstance(event, MessageReceived)
    assert event.letter is not None
    return event, event.letter


def written(text: str = "Hello\n", **headers: str) -> EmailMessage:
    """A mail of Ana's."""
    letter = EmailMessage()
    given = {
        "From": "Ana Ruiz <ana@customers.example>",
        "To": "help@shop.example",
        "Message-ID": "<1@customers.example>",
    }
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in {**given, "Subject": "Order 8841", **more}.items():
        letter[name] = value
    letter.set_content(text)
    return letter


def test_the_new_words_stand_alone() -> None:
    """What was quoted and the signature are kept beside them, and are not what was said."""
    quoted = "On Mon, 3 Nov 2025 at 10:00, Shop <help@shop.example> wrote:\n> It left\n"
    event, _ = received(written(f"It is late.\n\n-- \nAna\n+34 600\n\n{quoted}").as_bytes())
    [part] = event.parts
    assert isinstance(part, Text)
    assert part.text == "It is late."
    assert "> It left" in str(part.quoted)
    assert "Ana" in f"{part.signature}{part.quoted}"
    assert plain_text(event.parts) == "It is late."


def test_pictures_in_the_text_are_found_again() -> None:
    """An inline picture is named in the HTML as its part is, and its bytes come out whole."""
    letter = written()
    letter.add_alternative('<p>Look: <img src="cid:door@x" alt="door"> <script>x()</script></p>', subtype="html")
    html = letter.get_payload()[1]  # type: ignore[index]  # it is a multipart now
    html.add_related(PICTURE, "image", "png", cid="<door@x>", filename="door.png")  # type: ignore[union-attr]
    letter.add_attachment(b"%PDF-1.7 invoice", maintype="application", subtype="pdf", filename="invoice.pdf")
    content = letter.as_bytes()
    event, _ = received(content)
    shown, *files = event.parts
    assert isinstance(shown, Html)
    assert "script" not in shown.html
    [picture] = [part for part in files if isinstance(part, Image)]
    assert f'data-attachment="{picture.attachment.url}"' in shown.html
    assert unpack_mail_file(content, picture.attachment).content == PICTURE
    assert {part.attachment.name for part in files} == {"door.png", "invoice.pdf"}  # type: ignore[union-attr]


def test_a_file_that_is_not_in_the_mail_is_none() -> None:
    """Neither a place that is not there nor an address of another kind."""
    event, _ = received(written().as_bytes())
    with pytest.raises(Malformed):
        unpack_mail_file(written().as_bytes(), Image(attachment=_file("mail:7.7")).attachment)
    with pytest.raises(Malformed):
        unpack_mail_file(written().as_bytes(), _file("https://evil.example/x"))
    assert event.parts


def test_the_same_mail_is_the_same_by_whichever_way_it_comes() -> None:
    """What hosts write on top on the way makes no other mail of it."""
    plain = written().as_bytes()
    travelled = b"Delivered-To: hola@shop.example\r\nReceived: from a by b; today\r\nX-Spam: no\r\n" + plain
    crlf = plain.replace(b"\n", b"\r\n")
    assert received(plain)[0].key == received(travelled)[0].key == received(crlf)[0].key


@pytest.mark.parametrize(
    "change", [{"text": "Other words\n"}, {"Subject": "Other"}, {"Message_ID": "<2@customers.example>"}]
)
def test_another_mail_with_the_same_id_is_another(change: dict[str, str]) -> None:
    """Whoever reuses a Message-ID cannot make a mail disappear (T44)."""
    assert received(written().as_bytes())[0].key != received(written(**change).as_bytes())[0].key


def test_the_tag_of_our_address_is_found_wherever_it_stands() -> None:
    """In To, in Cc, and where only the server's own header tells; tags of others' addresses are not ours (T34)."""
    for name in ("To", "Cc", "Delivered_To", "X_Original_To"):
        letter = written(**{"To": "x@other.example", name: "Shop <Help+cTAG1@Shop.example>, help+no@other.example"})
        assert received(letter.as_bytes())[1].reply_tags == ["cTAG1"], name
    envelope = {"x-envelope-to": "hola+cTAG2@shop.example"}
    assert received(written().as_bytes(), headers=envelope)[1].reply_tags == ["cTAG2"]


def test_a_sender_is_verified_by_a_trusted_host_alone() -> None:
    """Its verdict of another domain, or another host's of this one, verifies nobody (T36, T37)."""
    said = "mx.shop.example; dmarc=pass header.from=customers.example"
    other = "mx.evil.example; dmarc=pass header.from=customers.example"
    trusting = {"trusted_authserv_id": "mx.shop.example"}
    assert received(written(Authentication_Results=said).as_bytes(), **trusting)[0].sender.verified
    assert not received(written(Authentication_Results=other).as_bytes(), **trusting)[0].sender.verified
    assert not received(written(Authentication_Results=said).as_bytes())[0].sender.verified


def test_what_a_mail_answers_and_is_about_is_kept() -> None:
    """Ids without their brackets, the oldest first."""
    letter = written(In_Reply_To="<b@x.example>", References="<a@x.example> <b@x.example>", Reply_To="box@x.example")
    event, told = received(letter.as_bytes())
    assert (told.message_id, told.subject, event.provider_message_id) == (
        "1@customers.example", "Order 8841", "1@customers.example",
    )  # fmt: skip
    assert (told.in_reply_to, told.references) == (["b@x.example"], ["a@x.example", "b@x.example"])
    assert [one.value for one in told.reply_to] == ["box@x.example"]


def test_people_in_copy_are_named_with_their_roles() -> None:
    """And the mail is ours by whichever of our addresses it was sent to."""
    event, _ = received(written(To="Hola@Shop.example, bo@x.example", Cc="Cy <cy@x.example>").as_bytes())
    assert event.to == "hola@shop.example"
    assert [(one.role, one.address.value) for one in event.recipients][1:] == [
        ("to", "bo@x.example"),
        ("cc", "cy@x.example"),
    ]


def test_a_clock_that_runs_ahead_is_not_believed() -> None:
    """A mail was not written after it came; one without a date was written when it came."""
    ahead = written(Date=(AT + timedelta(days=3)).strftime("%a, %d %b %Y %H:%M:%S +0000"))
    before = written(Date="Fri, 20 Nov 2026 10:00:00 +0100")
    assert received(ahead.as_bytes())[0].occurred_at == AT
    assert received(before.as_bytes())[0].occurred_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert received(written().as_bytes())[0].occurred_at == AT


def test_a_mail_that_comes_back_is_a_report_of_ours() -> None:
    """It moves the message it is about, whose name it carries, and is nobody's words."""
    [event] = read(BOUNCE)
    assert isinstance(event, DeliveryReported)
    assert event.reference == "msg_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"
    assert event.state in {"failed", "undelivered"}
    assert event.error is not None
    assert event.error.code == "hard_bounce"


def test_a_mail_without_a_sender_is_its_envelopes() -> None:
    """Where nobody is named at all it is malformed, and waits in quarantine."""
    content = b"To: help@shop.example\r\nSubject: x\r\n\r\nwords\r\n"
    assert received(content, headers={"x-envelope-from": "bo@x.example"})[0].sender.value == "bo@x.example"
    with pytest.raises(Malformed):
        read(content)


def test_a_machine_that_names_no_domain_is_heard() -> None:
    """Where its envelope says more that is its address, else one that nobody can have."""
    content = b"From: root\r\nTo: help@shop.example\r\nSubject: disk full\r\n\r\n/var is full\r\n"
    assert received(content)[0].sender.value == "root@unknown.invalid"
    assert received(content, headers={"x-envelope-from": "root@db1.example"})[0].sender.value == "root@db1.example"
    assert not received(content)[0].sender.verified


def _file(url: str) -> Any:
    event, _ = received(_with_file())
    [part] = [one for one in event.parts if isinstance(one, Image)]
    return type(part.attachment)(url=url)


def _with_file() -> bytes:
    letter = written()
    letter.add_attachment(PICTURE, maintype="image", subtype="png", filename="a.png")
    return letter.as_bytes()
