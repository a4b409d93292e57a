"""Mails as providers post them, raw or taken apart: one mail is one mail, whoever brings it and in whatever form."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec
import pytest

from channels.contract import RawEvent, Unpacking, Vouching
from channels.email.hook_secrets import HOOK_USER
from channels.email.mailgun_webhooks import read_routed_mail
from channels.email.postmark_webhooks import read_posted_mail
from channels.email.sendgrid_webhooks import read_parsed_mail
from channels.errors import Malformed
from channels.events import AnyEvent, DeliveryReported, MessageReceived
from channels.forms import FormField, write_form
from channels.kit import Subject
from channels.kit.reading import make_raw
from channels.kit.subject import NOWHERE
from channels.parts import MEDIA_PARTS, Attachment
from tests.channels.email.mailgun_subject import MAILGUN
from tests.channels.email.postmark_subject import POSTMARK
from tests.channels.email.sendgrid_subject import SENDGRID

SUBJECTS = {"sendgrid": SENDGRID, "mailgun": MAILGUN, "postmark": POSTMARK}
RAW = {"sendgrid": "inbound_raw.http", "mailgun": "inbound_mime.http", "postmark": "inbound_raw.http"}
PARSED = "inbound_parsed.http"
MAILS = {"sendgrid": read_parsed_mail, "mailgun": read_routed_mail, "postmark": read_posted_mail}


def read(subject: Subject, raw: RawEvent) -> list[AnyEvent]:
    """What a request becomes."""
    return subject.idle.parse(subject.account(NOWHERE), raw)


def message(subject: Subject, name: str) -> MessageReceived:
    """The one message of a sample."""
    [received] = read(subject, subject.read_sample(name))
    assert isinstance(received, MessageReceived)
    return received


def form(fields: Mapping[str, str | bytes], *, kind: str = "inbound") -> RawEvent:
    """A post with these fields."""
    made = [FormField(name=name, value=value if isinstance(value, bytes) else value.encode())
            for name, value in fields.items()]  # fmt: skip
    content_type, body = write_form(made, boundary="7e" * 16)
    return make_raw(kind, f"https://switchboard.example/hooks/x/y/{kind}", body, headers={"content-type": content_type})


def test_the_same_mail_has_the_same_key_at_every_provider() -> None:
    """Whatever the hosts on the way put on top, a mail that two routes bring is one."""
    told = [message(SUBJECTS[provider], name) for provider, name in RAW.items()]
    assert len({one.key for one in told}) == 1
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("provider", list(SUBJECTS))
def test_a_mail_taken_apart_is_read_like_a_raw_one(provider: str) -> None:
    """Names, words, the picture in its place and the file: nothing of it depends on how the provider tells it."""
    told = message(SUBJECTS[provider], PARSED)
    letter = told.letter
    assert letter is not None
    assert (told.sender.value, told.sender.name) == ("zoe@dupont.example", "Zoé Dupont")
    assert (letter.subject, letter.message_id) == ("Café cassé", "parsed-1@mail.dupont.example")
    assert [msgspec.to_builtins(part)["type"] for part in told.parts] == ["html", "image", "file"]
    assert "cassée" in msgspec.to_builtins(told.parts[0])["html"]


@pytest.mark.parametrize("provider", list(SUBJECTS))
def test_files_are_found_again_in_the_request(provider: str) -> None:
    """The bytes as they were attached; another path is Malformed, and no file of a mail is asked for elsewhere."""
    subject = SUBJECTS[provider]
    adapter, account, raw = subject.idle, subject.account(NOWHERE), subject.read_sample(PARSED)
    assert isinstance(adapter, Unpacking)
    files = [part.attachment for part in message(subject, PARSED).parts if isinstance(part, MEDIA_PARTS)]
    picture, receipt = (adapter.unpack_file(account, raw, file) for file in files)
    assert picture.content.startswith(b"\x89PNG")
    assert (receipt.content, receipt.name) == (b"%PDF-1.4 receipt", "reçu.pdf")
    with pytest.raises(Malformed):
        adapter.unpack_file(account, raw, Attachment(url="mail:9.9"))


@pytest.mark.parametrize(
    ("provider", "name"),
    [("sendgrid", "inbound_reply_in_bcc.http"), ("mailgun", "inbound_mime_reply_in_bcc.http"),
     ("postmark", "inbound_raw_reply_in_bcc.http")],
)  # fmt: skip
def test_a_reply_address_counts_where_only_the_envelope_has_it(provider: str, name: str) -> None:
    """An answer in Bcc finds its conversation: the tag stands in no header of the mail (T34)."""
    letter = message(SUBJECTS[provider], name).letter
    assert letter is not None
    assert letter.reply_tags == ["c7Kd2x"]


@pytest.mark.parametrize("provider", list(SUBJECTS))
def test_the_mail_in_a_post_is_the_one_that_came(provider: str) -> None:
    """Below the trace it is byte for byte the same; a report is none, and wants no key of a signature."""
    subject = SUBJECTS[provider]
    adapter, account, raw = subject.idle, subject.account(NOWHERE), subject.read_sample(RAW[provider])
    assert b"\r\n\r\nHej! Var =C3=A4r mitt paket?" in MAILS[provider](raw)
    assert isinstance(adapter, Vouching)
    assert adapter.list_txt_names(account, raw) == []
    assert adapter.list_txt_names(account, subject.read_sample(subject.receipts[0])) == []
    signature = (
        "DKIM-Signature: v=1; a=rsa-sha256; d=ruiz.example; s=one; h=from; bh=eA==; b=eA==\r\nFrom: a@ruiz.example"
    )
    signed = f"{signature}\r\n\r\nhi"
    posts = {
        "sendgrid": form({"email": signed}),
        "mailgun": form({"body-mime": signed}, kind="inbound_mime"),
        "postmark": msgspec.structs.replace(raw, body=msgspec.json.encode({"MessageID": "m", "RawEmail": signed})),
    }
    assert adapter.list_txt_names(account, posts[provider]) == ["one._domainkey.ruiz.example"]


@pytest.mark.parametrize("extra", ["", "{", '{"to":"a"}', '{"to":[1]}', "[" * 100_000, "null"])
def test_odd_company_costs_no_mail(extra: str) -> None:
    """An envelope, charsets or attachment-info that nobody documents are left aside: the mail itself counts."""
    headers = "From: a@b.example\nMessage-ID: <1@b>\nSubject: hi"
    raw = form({"headers": headers, "text": "words", "envelope": extra, "charsets": extra, "attachment-info": extra,
                "attachment1": b"bytes", "attachmentx": b"no"})  # fmt: skip
    [told] = read(SENDGRID, raw)
    assert isinstance(told, MessageReceived)
    assert [msgspec.to_builtins(part)["type"] for part in told.parts] == ["text", "file"]
    told_headers = msgspec.json.encode([["From", "a@b.example"], ["Subject", "hi"]])
    raw = form({"message-headers": told_headers, "body-plain": "words", "content-id-map": extra})
    [told] = read(MAILGUN, raw)
    assert isinstance(told, MessageReceived)


@pytest.mark.parametrize("provider", list(SUBJECTS))
def test_a_report_says_whose_copy_it_is_about(provider: str) -> None:
    """A mail that went to several has as many fates, and only that of its recipient is its own."""
    subject = SUBJECTS[provider]
    raw = subject.read_sample("event_delivery.http" if provider == "postmark" else "event_delivered.http")
    [told] = read(subject, msgspec.structs.replace(raw, body=raw.body.replace(b"ana@ruiz", b"Luc@ruiz")))
    assert isinstance(told, DeliveryReported)
    assert told.recipient == "luc@ruiz.example"
    assert told.reference == "msg_0193a1b2c3d47e8f9a0b1c2d3e4f5a6b"


def test_nothing_unstorable_comes_of_a_bounce() -> None:
    """A NUL in any field of a report or of the returned headers is in no event: no database would take it (T47)."""
    raw = SENDGRID.read_sample("inbound_bounce.http")
    for words in (b"5.1.1", b"user unknown", b"rfc822; ana", b"@shop.example>\r\nSubject"):
        assert words in raw.body
        body = raw.body.replace(words, words[:2] + b"\0" + words[2:])
        for event in read(SENDGRID, msgspec.structs.replace(raw, body=body)):
            assert "\\u0000" not in msgspec.json.encode(event).decode()


@pytest.mark.parametrize("field", ["email", "sg_event_id", "sg_message_id", "status", "switchboard_reference"])
def test_nothing_unstorable_comes_of_a_report(field: str) -> None:
    """An id, an address or a code with a control character in it is none: the post is put aside."""
    event = {"event": "bounce", "email": "a@b.example", "sg_event_id": "e", "sg_message_id": "m.1", "status": "5.1.1"}
    raw = SENDGRID.read_sample("event_bounce.http")
    with pytest.raises(Malformed):
        read(SENDGRID, msgspec.structs.replace(raw, body=msgspec.json.encode([event | {field: "a\0b"}])))


@pytest.mark.parametrize("provider", list(SUBJECTS))
def test_a_large_post_is_read_in_time(provider: str) -> None:
    """A mail of many megabytes, or a form of a thousand fields, costs time by its length alone (T46)."""
    subject = SUBJECTS[provider]
    mail = b"From: a@b.example\r\nSubject: hi\r\n\r\n" + b"words and words\r\n" * 300_000
    raws = {
        "sendgrid": form({"email": mail} | {f"x{n}": b"1" for n in range(900)}),
        "mailgun": form({"body-mime": mail} | {f"x{n}": b"1" for n in range(900)}, kind="inbound_mime"),
        "postmark": msgspec.structs.replace(
            subject.read_sample(RAW[provider]), body=msgspec.json.encode({"MessageID": "m", "RawEmail": mail.decode()})
        ),
    }
    began = time.process_time()
    assert MAILS[provider](raws[provider]).endswith(mail)
    assert time.process_time() - began < 3


@pytest.mark.parametrize("provider", ["sendgrid", "postmark"])
def test_the_set_up_says_where_the_secret_goes(provider: str) -> None:
    """The user of the URL is named, and where the secret goes, but not the secret."""
    subject = SUBJECTS[provider]
    account = subject.account(NOWHERE)
    settings = msgspec.structs.replace(account.settings, hook_secret="a-secret-of-our-own")
    steps = subject.idle.setup_steps(msgspec.structs.replace(account, settings=settings))
    told = " ".join(step.detail for step in steps)
    assert f"https://{HOOK_USER}:SECRET@" in told
    assert "a-secret-of-our-own" not in told
