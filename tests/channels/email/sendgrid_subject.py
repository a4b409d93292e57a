"""SendGrid as the conformance kit needs to know it: how it signs, answers and refuses."""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from hashlib import sha1
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import channels.email
from channels.contract import Account, RawEvent, WebhookRequest
from channels.email.sendgrid import EmailSendgrid, SendgridSettings
from channels.errors import Misconfigured, OutcomeUnknown, Rejected, Throttled, Unreachable
from channels.events import Address
from channels.kit import Answer, Refusal, SeenMessage, SeenRequest, Subject
from channels.kit.reading import make_raw
from channels.vendors.sendgrid import MAX_AGE_SECONDS

FOLDER = Path(channels.email.__file__).parent / "samples" / "sendgrid"
HOOK = "https://switchboard.example/hooks/email-sendgrid/cha_01jd3v5x7r"
KEYS = {kind: ec.derive_private_key(number, ec.SECP256R1()) for number, kind in enumerate(["inbound", "event"], 1_000)}
STRANGE = ec.derive_private_key(77, ec.SECP256R1())


def show_key(key: ec.EllipticCurvePrivateKey) -> str:
    """A public key as SendGrid's console shows it."""
    return b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def account(url: str, **settings: Any) -> Account:
    """The channel of the samples, its API at this URL."""
    given = {"inbound_key": show_key(KEYS["inbound"]), "event_key": show_key(KEYS["event"]), "api_url": url} | settings
    made = SendgridSettings(address="help@shop.example", api_key="SG.0123456789abcdef", **given)
    return Account(channel_id="cha_01jd3v5x7r", settings=made, hook_url=HOOK)


def sign(channel: Account, request: WebhookRequest) -> WebhookRequest:
    """Sign as SendGrid does, now."""
    return sign_late(channel, request, 0)


def sign_late(channel: Account, request: WebhookRequest, seconds: float) -> WebhookRequest:
    """Sign as SendGrid did so many seconds ago: ECDSA over the time and the raw body."""
    stamp = str(int(time.time() - seconds))
    assert isinstance(channel.settings, SendgridSettings)
    ours = channel.settings.inbound_key == show_key(KEYS["inbound"])
    key = KEYS.get(request.kind, STRANGE) if ours else STRANGE
    signature = b64encode(key.sign(stamp.encode() + request.body, ec.ECDSA(SHA256()))).decode()
    headers = {
        "x-twilio-email-event-webhook-signature": signature,
        "x-twilio-email-event-webhook-timestamp": stamp,
    }
    return msgspec.structs.replace(request, headers=request.headers | headers)


def accept(request: SeenRequest) -> tuple[Answer, str]:
    """SendGrid takes a message over, in a header; the id is made of what was asked."""
    message_id = sha1(request.body, usedforsecurity=False).hexdigest()[:22]
    return Answer(status=202, headers={"x-message-id": message_id}), message_id


def understand(request: SeenRequest) -> SeenMessage:
    """The body of https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send."""
    body = json.loads(request.body)
    assert request.target == "/v3/mail/send"
    assert request.headers["authorization"] == "Bearer SG.0123456789abcdef"
    [personal] = body["personalizations"]
    text = next((one["value"] for one in body["content"] if one["type"] == "text/plain"), "")
    files = [b64decode(file["content"]).decode() for file in body.get("attachments", [])]
    return SeenMessage(to=personal["to"][0]["email"], text=text.strip("\r\n"), files=files)


def refusal(status: int, field: str | None = None) -> Answer:
    """SendGrid says no."""
    errors = [{"message": "No", "field": field, "help": None}]
    return Answer(status=status, body=json.dumps({"errors": errors}).encode())


def posted(kind: str, body: bytes, *, content_type: str = "application/json") -> RawEvent:
    """An unsigned request."""
    return make_raw(kind, f"{HOOK}/{kind}", body, headers={"content-type": content_type})


SENDGRID = Subject(
    make=EmailSendgrid,
    samples=FOLDER,
    account=account,
    stranger=lambda url: account(url, inbound_key=show_key(STRANGE), event_key=show_key(STRANGE)),
    sign=sign,
    accept=accept,
    understand=understand,
    recipient=Address(kind="email", value="ana@ruiz.example"),
    refusals=[
        Refusal(
            name="throttled",
            answer=msgspec.structs.replace(refusal(429), headers={"retry-after": "3"}),
            becomes=Throttled,
            code="provider_quota",
            after=3.0,
        ),
        Refusal(
            name="no such address", answer=refusal(400, "personalizations.0.to.0.email"), becomes=Rejected,
            code="invalid_address",
        ),
        Refusal(name="not our sender", answer=refusal(400, "from.email"), becomes=Misconfigured,
                code="sender_unverified"),
        Refusal(name="sender not verified", answer=refusal(403, "from"), becomes=Misconfigured,
                code="sender_unverified"),
        Refusal(name="wrong key", answer=refusal(401), becomes=Misconfigured, code="provider_auth"),
        Refusal(name="too large", answer=refusal(413), becomes=Rejected, code="content_too_large"),
        Refusal(name="a reason of tomorrow", answer=refusal(400), becomes=Rejected, code="unknown"),
        Refusal(name="away", answer=Answer(status=503), becomes=Unreachable, code="provider_down"),
        Refusal(name="broken", answer=refusal(500), becomes=OutcomeUnknown),
        Refusal(name="a proxy in between", answer=Answer(status=502, body=b"<html>"), becomes=OutcomeUnknown),
    ],
    receipts=["event_processed.http", "event_deferred.http", "event_delivered.http", "event_open.http"],
    unknown=[
        posted("event", b'[{"event":"teleported","email":"a@b.example","sg_event_id":"e1"}]'),
        posted("event", b'[{"event":"delivered"}]'),
        posted("inbound", b"subject=hi", content_type="application/x-www-form-urlencoded"),
        posted("inbound", b"{}"),
    ],
    signs=frozenset({"body"}),
    replay_seconds=MAX_AGE_SECONDS,
    sign_late=sign_late,
    ages=True,
)  # fmt: skip
