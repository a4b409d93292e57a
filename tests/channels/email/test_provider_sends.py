"""A letter handed to a provider's API: with our Message-ID and its thread, to everybody it is for, with its files."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest

from channels.contract import Account, LetterOut, OutboundMessage
from channels.email.mailgun import EmailMailgun, MailgunSettings
from channels.email.posting import take_apart
from channels.email.postmark import EmailPostmark, PostmarkSettings
from channels.email.sendgrid import EmailSendgrid, SendgridSettings
from channels.errors import Forged, Rejected
from channels.events import Address
from channels.forms import read_form
from channels.http import Http
from channels.kit import SeenRequest, Subject
from channels.kit.provider import Provider, run_with_provider
from channels.parts import Attachment, File, Html
from tests.channels.email.mailgun_subject import MAILGUN
from tests.channels.email.postmark_subject import POSTMARK
from tests.channels.email.sendgrid_subject import SENDGRID, STRANGE, show_key

REFERENCE = "msg_0193a1b2c3d47e8f9a0b1c2d3e4f5a6b"
MESSAGE_ID = f"<{REFERENCE}@shop.example>"
BILL = Attachment(id="att_1", name="Rechnung März.pdf", media_type="application/pdf", size=4)
ANA = Address(kind="email", value="ana@ruiz.example", name='Ruiz, "Ana"')


def letter(**more: Any) -> OutboundMessage:
    """An answer to a customer, with a copy, a blind copy and a file."""
    out = LetterOut(
        subject="Re: Café cassé",
        cc=[Address(kind="email", value="luc@ruiz.example", name="Luc")],
        bcc=[Address(kind="email", value="audit@shop.example")],
        reply_to="help+c7Kd2x@shop.example",
        in_reply_to="first@ruiz.example",
        references=["root@ruiz.example", "first@ruiz.example"],
        automatic=True,
    )
    parts = [Html(html="<p>We <b>replace</b> it, José.</p>"), File(attachment=BILL)]
    given: dict[str, Any] = {"parts": parts, "files": {"att_1": b"%PDF"}, "letter": out}
    return OutboundMessage(reference=REFERENCE, to=ANA, **given | more)


def post(subject: Subject, message: OutboundMessage) -> SeenRequest:
    """What the provider is asked when this is sent."""
    seen: list[SeenRequest] = []

    async def send(provider: Provider, http: Http) -> None:
        await subject.make(http).send(subject.account(provider.url), message)
        seen.extend(provider.seen)

    run_with_provider(lambda request: subject.accept(request)[0], send)
    [request] = seen
    return request


def test_sendgrid_gets_all_of_the_letter() -> None:
    """In fields, since it takes no MIME: ours are the Message-ID, the thread and the reference in its reports."""
    body = json.loads(post(SENDGRID, letter()).body)
    assert body["personalizations"] == [
        {
            "to": [{"email": "ana@ruiz.example", "name": 'Ruiz, "Ana"'}],
            "cc": [{"email": "luc@ruiz.example", "name": "Luc"}],
            "bcc": [{"email": "audit@shop.example"}],
        }
    ]
    assert body["from"] == {"email": "help@shop.example"}
    assert body["subject"] == "Re: Café cassé"
    assert body["reply_to_list"] == [{"email": "help+c7Kd2x@shop.example"}]
    assert body["headers"]["Message-ID"] == MESSAGE_ID
    assert body["headers"]["In-Reply-To"] == "<first@ruiz.example>"
    assert body["headers"]["References"].split() == ["<root@ruiz.example>", "<first@ruiz.example>"]
    assert body["headers"]["Auto-Submitted"] == "auto-replied"
    reserved = {
        "to",
        "from",
        "subject",
        "cc",
        "bcc",
        "reply-to",
        "content-type",
        "content-transfer-encoding",
        "received",
    }
    assert not reserved & {name.lower() for name in body["headers"]}, "SendGrid refuses these"
    assert body["custom_args"] == {"switchboard_reference": REFERENCE}
    assert [part["type"] for part in body["content"]] == ["text/plain", "text/html"]
    assert "<b>replace</b>" in body["content"][1]["value"]
    [file] = body["attachments"]
    assert (file["filename"], file["type"], b64decode(file["content"])) == (BILL.name, "application/pdf", b"%PDF")
    assert body["tracking_settings"]["click_tracking"] == {"enable": False}


def test_postmark_gets_all_of_the_letter() -> None:
    """As above; without X-PM-KeepID it would put its own Message-ID in the place of ours."""
    body = json.loads(post(POSTMARK, letter()).body)
    assert (body["To"], body["Cc"]) == ('"Ruiz, \\"Ana\\"" <ana@ruiz.example>', '"Luc" <luc@ruiz.example>')
    assert (body["From"], body["Bcc"]) == ("help@shop.example", "audit@shop.example")
    assert (body["Subject"], body["ReplyTo"]) == ("Re: Café cassé", "help+c7Kd2x@shop.example")
    headers = {header["Name"]: header["Value"] for header in body["Headers"]}
    assert (headers["Message-ID"], headers["X-PM-KeepID"]) == (MESSAGE_ID, "true")
    assert headers["References"].split() == ["<root@ruiz.example>", "<first@ruiz.example>"]
    assert body["Metadata"] == {"switchboard_reference": REFERENCE}
    assert (body["TrackOpens"], body["TrackLinks"], body["MessageStream"]) == (False, "None", "outbound")
    assert "<b>replace</b>" in body["HtmlBody"]
    assert "replace it, José" in body["TextBody"]
    [file] = body["Attachments"]
    assert (file["Name"], file["ContentType"], b64decode(file["Content"])) == (BILL.name, "application/pdf", b"%PDF")


def test_mailgun_gets_the_mail_itself() -> None:
    """The MIME as it is, and beside it everybody it goes to: a blind copy stands nowhere in the mail."""
    request = post(MAILGUN, letter())
    fields = read_form(request.headers, request.body)
    assert [field.text for field in fields if field.name == "to"] == [
        "ana@ruiz.example", "luc@ruiz.example", "audit@shop.example",
    ]  # fmt: skip
    own = {field.name: field.text for field in fields if field.name.startswith("v:")}
    assert own == {"v:switchboard_reference": REFERENCE}
    content = next(field.value for field in fields if field.name == "message")
    assert b"audit@shop.example" not in content
    mail = message_from_bytes(content, EmailMessage, policy=policy.default)
    assert (mail["Message-ID"], mail["In-Reply-To"]) == (MESSAGE_ID, "<first@ruiz.example>")


@pytest.mark.parametrize("subject", [SENDGRID, MAILGUN, POSTMARK], ids=lambda one: one.samples.name)
def test_a_missing_file_is_refused_before_anything_is_sent(subject: Subject) -> None:
    """Bytes that are not at hand cannot be sent: the message is refused, and no part of it leaves."""
    with pytest.raises(Rejected):
        post(subject, letter(files={}))


def test_a_mail_is_taken_apart_without_loss() -> None:
    """Inline pictures keep their ids, a mail within the mail is one file, and bodies are decoded."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Shop <help@shop.example>", "ana@ruiz.example", "Grüße"
    mail.set_content("Grüße\n")
    mail.add_alternative('<img src="cid:a@b">', subtype="html")
    mail.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<a@b>", filename="a.png")  # type: ignore[index,union-attr]  # the second alternative
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("within\n")
    mail.add_attachment(inner)
    found = take_apart(bytes(mail))
    assert (found.subject, found.text.strip(), found.html) == ("Grüße", "Grüße", '<img src="cid:a@b">\n')
    assert [(file.media_type, file.content_id) for file in found.files] == [
        ("image/png", "a@b"), ("message/rfc822", None),
    ]  # fmt: skip
    assert b"Subject: inner" in found.files[1].content


WRONG: list[tuple[Callable[..., Any], dict[str, str], str]] = [
    (SendgridSettings, {"api_key": "k"}, "inbound_key"),
    (SendgridSettings, {"api_key": "", "hook_secret": "a" * 20}, "api_key"),
    (SendgridSettings, {"api_key": "k", "inbound_key": "nonsense"}, "inbound_key"),
    (SendgridSettings, {"api_key": "k", "hook_secret": "a" * 20, "event_key": "nonsense"}, "event_key"),
    (SendgridSettings, {"api_key": "k", "hook_secret": "short"}, "hook_secret"),
    (SendgridSettings, {"api_key": "k", "hook_secret": "a" * 20, "api_url": "ftp://x"}, "api_url"),
    (MailgunSettings, {"api_key": "k", "signing_key": ""}, "signing_key"),
    (MailgunSettings, {"api_key": "", "signing_key": "k"}, "api_key"),
    (MailgunSettings, {"api_key": "k", "signing_key": "k", "domain": "a b"}, "domain"),
    (PostmarkSettings, {"server_token": "t", "hook_secret": ""}, "hook_secret"),
    (PostmarkSettings, {"server_token": "", "hook_secret": "a" * 20}, "server_token"),
    (PostmarkSettings, {"server_token": "t", "hook_secret": "a" * 20, "message_stream": "a\r\nb"}, "message_stream"),
]


@pytest.mark.parametrize(("settings", "given", "named"), WRONG)
def test_a_channel_that_anybody_could_post_to_cannot_be_made(
    settings: Callable[..., Any], given: dict[str, str], named: str
) -> None:
    """Without a secret or key, with a weak one, or with one that is none: refused by the setting's name."""
    with pytest.raises(ValueError, match=named):
        settings(address="help@shop.example", **given)


def test_every_guard_that_is_set_must_hold() -> None:
    """A key and a secret are both asked for where both are set, and events need a key or a secret of their own."""
    adapter, secret = EmailSendgrid(Http()), "a" * 20
    both = SENDGRID.account("https://api.sendgrid.example")
    raw = SENDGRID.read_sample("inbound_raw.http")
    adapter.verify(both, raw)
    guarded = with_settings(both, hook_secret=secret)
    with pytest.raises(Forged, match="the secret"):
        adapter.verify(guarded, raw)
    shown = SENDGRID.sign(guarded, raw)
    asked = msgspec.structs.replace(shown, url=f"{raw.url}?key={secret}")
    adapter.verify(guarded, asked)
    keyless = with_settings(both, event_key=None)
    with pytest.raises(Forged, match="nothing to know SendGrid by"):
        adapter.verify(keyless, SENDGRID.read_sample("event_delivered.http"))
    stranger = with_settings(guarded, inbound_key=show_key(STRANGE))
    with pytest.raises(Forged, match="not signed"):
        adapter.verify(stranger, asked)


def with_settings(channel: Account, **changes: Any) -> Account:
    """The channel with other settings."""
    return msgspec.structs.replace(channel, settings=msgspec.structs.replace(channel.settings, **changes))


def test_what_the_adapters_declare() -> None:
    """Large bodies are taken; SendGrid and Postmark drop what is refused, Mailgun uses its token once."""
    sendgrid, mailgun, postmark = EmailSendgrid(Http()), EmailMailgun(Http()), EmailPostmark(Http())
    assert [one.body_limit >= 50_000_000 for one in (sendgrid, mailgun, postmark)] == [True] * 3
    assert [one.retries for one in (sendgrid, mailgun, postmark)] == [True] * 3
    assert [getattr(one, "refused_is_lost", False) for one in (sendgrid, mailgun, postmark)] == [True, False, True]
    raw = MAILGUN.read_sample("inbound_mime.http")
    assert mailgun.once(raw)
    assert mailgun.once(raw) != mailgun.once(MAILGUN.read_sample("inbound_plain.http"))
