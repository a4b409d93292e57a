"""Postmark as the conformance kit needs to know it: how it shows itself, answers and refuses."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from hashlib import sha1
from pathlib import Path

import msgspec

import channels.email
from channels.contract import Account, RawEvent, WebhookRequest
from channels.email.postmark import EmailPostmark, PostmarkSettings
from channels.errors import Misconfigured, OptedOut, OutcomeUnknown, Rejected, Throttled, Unreachable
from channels.events import Address
from channels.kit import Answer, Refusal, SeenMessage, SeenRequest, Subject
from channels.kit.reading import make_raw

FOLDER = Path(channels.email.__file__).parent / "samples" / "postmark"
HOOK = "https://switchboard.example/hooks/email-postmark/cha_01jd3v5x7r"
SECRET = "correct-horse-battery-staple"
JSON = {"content-type": "application/json"}


def account(url: str, *, hook_secret: str = SECRET) -> Account:
    """The channel of the samples, its API at this URL."""
    settings = PostmarkSettings(
        address="help@shop.example", server_token="pm-0123456789abcdef", hook_secret=hook_secret, api_url=url
    )
    return Account(channel_id="cha_01jd3v5x7r", settings=settings, hook_url=HOOK)


def sign(channel: Account, request: WebhookRequest) -> WebhookRequest:
    """Postmark sends the user and the password of the URL it was given."""
    assert isinstance(channel.settings, PostmarkSettings)
    shown = b64encode(f"switchboard:{channel.settings.hook_secret}".encode()).decode()
    return msgspec.structs.replace(request, headers=request.headers | {"authorization": f"Basic {shown}"})


def accept(request: SeenRequest) -> tuple[Answer, str]:
    """Postmark takes a message over; the id is made of what was asked, so that each message has its own."""
    message_id = sha1(request.body, usedforsecurity=False).hexdigest()
    body = {"To": "ana@ruiz.example", "MessageID": message_id, "ErrorCode": 0, "Message": "OK"}
    return Answer(body=json.dumps(body).encode()), message_id


def understand(request: SeenRequest) -> SeenMessage:
    """The body of https://postmarkapp.com/developer/api/email-api#send-a-single-email."""
    body = json.loads(request.body)
    assert request.target == "/email"
    assert request.headers["x-postmark-server-token"] == "pm-0123456789abcdef"
    files = [b64decode(file["Content"]).decode() for file in body.get("Attachments", [])]
    return SeenMessage(to=body["To"], text=body.get("TextBody", "").strip("\r\n"), files=files)


def refusal(status: int, code: int) -> Answer:
    """Postmark says no."""
    return Answer(status=status, body=json.dumps({"ErrorCode": code, "Message": "No"}).encode())


def posted(kind: str, body: object) -> RawEvent:
    """An unsigned request."""
    return make_raw(kind, f"{HOOK}/{kind}", json.dumps(body).encode(), headers=JSON)


POSTMARK = Subject(
    make=EmailPostmark,
    samples=FOLDER,
    account=account,
    stranger=lambda url: account(url, hook_secret="another-secret-of-somebody"),
    sign=sign,
    accept=accept,
    understand=understand,
    recipient=Address(kind="email", value="ana@ruiz.example"),
    refusals=[
        Refusal(
            name="throttled",
            answer=msgspec.structs.replace(refusal(429, 429), headers={"retry-after": "3"}),
            becomes=Throttled,
            code="provider_quota",
            after=3.0,
        ),
        Refusal(name="suppressed", answer=refusal(422, 406), becomes=OptedOut, code="opted_out"),
        Refusal(name="no such address", answer=refusal(422, 300), becomes=Rejected, code="invalid_address"),
        Refusal(name="not our sender", answer=refusal(422, 400), becomes=Misconfigured, code="sender_unverified"),
        Refusal(name="wrong token", answer=refusal(401, 10), becomes=Misconfigured, code="provider_auth"),
        Refusal(name="too large", answer=Answer(status=413), becomes=Rejected, code="content_too_large"),
        Refusal(name="a code of tomorrow", answer=refusal(422, 9_999), becomes=Rejected, code="unknown"),
        Refusal(name="away", answer=Answer(status=503), becomes=Unreachable, code="provider_down"),
        Refusal(name="broken", answer=Answer(status=500), becomes=OutcomeUnknown),
        Refusal(name="no in the words of yes", answer=refusal(200, 300), becomes=Rejected, code="invalid_address"),
        Refusal(name="a proxy in between", answer=Answer(status=502, body=b"<html>"), becomes=OutcomeUnknown),
    ],
    receipts=["event_delivery.http", "event_open.http", "event_bounce_hard.http"],
    unknown=[
        posted("event", {"RecordType": "Teleported", "MessageID": "m1"}),
        posted("event", {"MessageID": "m1"}),
        posted("inbound", {"Subject": "no id"}),
        posted("inbound", []),
    ],
    signs=frozenset(),
)
