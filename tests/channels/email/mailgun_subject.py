"""Mailgun as the conformance kit needs to know it: how it signs, answers and refuses."""

from __future__ import annotations

import json
import time
from email import message_from_bytes, policy
from hashlib import sha1, sha256
from hmac import new
from pathlib import Path
from urllib.parse import urlencode

import msgspec

import channels.email
from channels.contract import Account, RawEvent, WebhookRequest
from channels.email.mailgun import EmailMailgun, MailgunSettings
from channels.errors import Malformed, Misconfigured, OutcomeUnknown, Rejected, Throttled, Unreachable
from channels.events import Address
from channels.forms import FormField, read_form, write_form
from channels.kit import Answer, Refusal, SeenMessage, SeenRequest, Subject
from channels.kit.reading import make_raw
from channels.vendors.mailgun import MAX_AGE_SECONDS, SIGNATURE_FIELDS

FOLDER = Path(channels.email.__file__).parent / "samples" / "mailgun"
HOOK = "https://switchboard.example/hooks/email-mailgun/cha_01jd3v5x7r"
SIGNING_KEY = "key-0123456789abcdef0123456789abcdef"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def account(url: str, *, signing_key: str = SIGNING_KEY) -> Account:
    """The channel of the samples, its API at this URL."""
    settings = MailgunSettings(
        address="help@shop.example", api_key="mg-0123456789abcdef", signing_key=signing_key, api_url=url
    )
    return Account(channel_id="cha_01jd3v5x7r", settings=settings, hook_url=HOOK)


def sign(channel: Account, request: WebhookRequest) -> WebhookRequest:
    """Sign as Mailgun does, now; the token is made of the body, so that each request has its own."""
    return sign_late(channel, request, 0)


def sign_late(channel: Account, request: WebhookRequest, seconds: float) -> WebhookRequest:
    """Sign as Mailgun did so many seconds ago."""
    assert isinstance(channel.settings, MailgunSettings)
    stamp, token = str(int(time.time() - seconds)), sha256(request.body).hexdigest()[:50]
    signature = new(channel.settings.signing_key.encode(), (stamp + token).encode(), sha256).hexdigest()
    signed = {"timestamp": stamp, "token": token, "signature": signature}
    return put_signature(request, signed)


def put_signature(request: WebhookRequest, signed: dict[str, str]) -> WebhookRequest:
    """A request with this signature in the place of its own."""
    if request.headers.get("content-type") == "application/json":
        body = json.loads(request.body) | {"signature": signed}
        return msgspec.structs.replace(request, body=json.dumps(body).encode())
    try:
        fields = [field for field in read_form(request.headers, request.body) if field.name not in SIGNATURE_FIELDS]
    except Malformed:
        return request
    fields += [FormField(name=name, value=value.encode()) for name, value in signed.items()]
    if request.headers["content-type"].startswith("multipart"):
        content_type, content = write_form(fields, boundary="7d" * 20)
        return msgspec.structs.replace(request, body=content, headers=request.headers | {"content-type": content_type})
    return msgspec.structs.replace(request, body=urlencode([(one.name, one.value) for one in fields]).encode())


def accept(request: SeenRequest) -> tuple[Answer, str]:
    """Mailgun takes a message over under its own Message-ID or, as here, one made of what was asked."""
    message_id = f"{sha1(request.body, usedforsecurity=False).hexdigest()}@shop.example"
    body = {"id": f"<{message_id}>", "message": "Queued. Thank you."}
    return Answer(body=json.dumps(body).encode()), message_id


def understand(request: SeenRequest) -> SeenMessage:
    """The form of Mailgun's messages.mime, and the mail in it as the standard library reads it."""
    fields = {field.name: field for field in read_form(request.headers, request.body)}
    assert request.target == "/v3/shop.example/messages.mime"
    mail = message_from_bytes(fields["message"].value, policy=policy.default)
    text = mail.get_body(("plain",))
    files = [bytes(part.get_payload(decode=True)).decode() for part in mail.walk() if part.get_content_disposition()]
    return SeenMessage(to=fields["to"].text, text=text.get_content().strip("\r\n") if text else "", files=files)


def refusal(status: int, message: str) -> Answer:
    """Mailgun says no."""
    return Answer(status=status, body=json.dumps({"message": message}).encode())


def posted(kind: str, body: bytes, *, headers: dict[str, str] = FORM) -> RawEvent:
    """An unsigned request."""
    return make_raw(kind, f"{HOOK}/{kind}", body, headers=headers)


MAILGUN = Subject(
    make=EmailMailgun,
    samples=FOLDER,
    account=account,
    stranger=lambda url: account(url, signing_key="key-of-somebody-else"),
    sign=sign,
    accept=accept,
    understand=understand,
    recipient=Address(kind="email", value="ana@ruiz.example"),
    refusals=[
        Refusal(
            name="throttled",
            answer=msgspec.structs.replace(refusal(429, "slow down"), headers={"retry-after": "3"}),
            becomes=Throttled,
            code="provider_quota",
            after=3.0,
        ),
        Refusal(
            name="no such address",
            answer=refusal(400, "to parameter is not a valid address. please check documentation"),
            becomes=Rejected,
            code="invalid_address",
        ),
        Refusal(
            name="not our domain",
            answer=refusal(403, "Domain shop.example is not allowed to send: please activate it"),
            becomes=Misconfigured,
            code="sender_unverified",
        ),
        Refusal(
            name="wrong key", answer=Answer(status=401, body=b"Forbidden"), becomes=Misconfigured, code="provider_auth"
        ),
        Refusal(name="too large", answer=refusal(413, ""), becomes=Rejected, code="content_too_large"),
        Refusal(name="a reason of tomorrow", answer=refusal(400, "No"), becomes=Rejected, code="unknown"),
        Refusal(name="away", answer=Answer(status=503), becomes=Unreachable, code="provider_down"),
        Refusal(name="broken", answer=refusal(500, "oops"), becomes=OutcomeUnknown),
        Refusal(name="a proxy in between", answer=Answer(status=502, body=b"<html>"), becomes=OutcomeUnknown),
    ],
    receipts=["event_accepted.http", "event_failed_temporary.http", "event_delivered.http", "event_opened.http"],
    unknown=[
        posted("event", b'{"event-data":{"event":"teleported","id":"e1","timestamp":1}}'),
        posted("event", b'{"event-data":{"event":"failed","severity":"odd","id":"e1","timestamp":1}}'),
        posted("inbound", b"subject=hi"),
        posted("inbound_mime", b"subject=hi"),
    ],
    signs=frozenset({"token"}),
    replay_seconds=MAX_AGE_SECONDS,
    sign_late=sign_late,
    ages=True,
)
