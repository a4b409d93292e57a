"""Twilio as the conformance kit needs to know it: how it signs, answers and refuses."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha1
from hmac import digest
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from channels.contract import Account, RawEvent, WebhookRequest
from channels.errors import Misconfigured, OptedOut, OutcomeUnknown, Rejected, Throttled, Unreachable
from channels.events import Address
from channels.kit import Answer, Refusal, SeenMessage, SeenRequest, Subject
from channels.kit.reading import make_raw
from channels.sms.twilio import TwilioSms, TwilioSmsSettings
from tests.channels.sms.twilio_samples import ACCOUNT, FOLDER, HOOK, OURS, SID, SUB_ACCOUNT, THEIRS, TOKEN

FORM = {"content-type": "application/x-www-form-urlencoded"}


def account(url: str, **settings: str) -> Account:
    """The channel of the samples, its API at this URL."""
    given: dict[str, Any] = {"account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": [OURS], "api_url": url}
    return Account(channel_id="cha_01jd3v5x7r", settings=TwilioSmsSettings(**given | settings), hook_url=HOOK)


def sign(channel: Account, request: WebhookRequest) -> WebhookRequest:
    """Sign as https://www.twilio.com/docs/usage/webhooks/webhooks-security says."""
    assert isinstance(channel.settings, TwilioSmsSettings)
    fields = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    text = request.url + "".join(name + value for name, value in sorted(set(fields)))
    signature = b64encode(digest(channel.settings.auth_token.encode(), text.encode(), sha1)).decode()
    return msgspec.structs.replace(request, headers=request.headers | {"x-twilio-signature": signature})


def accept(request: SeenRequest) -> tuple[Answer, str]:
    """Twilio takes a message over; the id is made of what was asked, so that each message has its own."""
    sid = "SM" + sha1(request.body, usedforsecurity=False).hexdigest()[:32]
    return Answer(status=201, body=json.dumps({"sid": sid, "status": "queued", "error_code": None}).encode()), sid


def understand(request: SeenRequest) -> SeenMessage:
    """The form of https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource."""
    fields = parse_qsl(request.body.decode(), keep_blank_values=True)
    form = dict(fields)
    return SeenMessage(
        to=form["To"], text=form.get("Body", ""), files=[url for name, url in fields if name == "MediaUrl"]
    )


def refusal(status: int, code: int) -> Answer:
    """Twilio says no."""
    return Answer(status=status, body=json.dumps({"code": code, "message": "No", "status": status}).encode())


def posted(kind: str, **fields: str) -> RawEvent:
    """An unsigned form of this account, with other fields where given."""
    usual = {"MessageSid": SID, "AccountSid": ACCOUNT, "From": THEIRS, "To": OURS}
    return make_raw(kind, f"{HOOK}/{kind}", urlencode(usual | fields).encode(), headers=FORM)


TWILIO = Subject(
    make=TwilioSms,
    samples=FOLDER,
    account=account,
    stranger=lambda url: account(url, auth_token="f" * 32),
    sample_account=lambda name: account("https://api.twilio.com", account_sid=_owner(name)),
    sign=sign,
    accept=accept,
    understand=understand,
    recipient=Address(kind="phone", value=THEIRS),
    refusals=[
        Refusal(
            name="throttled",
            answer=msgspec.structs.replace(refusal(429, 20429), headers={"retry-after": "3"}),
            becomes=Throttled,
            code="provider_quota",
            after=3.0,
        ),
        Refusal(name="opted out", answer=refusal(400, 21610), becomes=OptedOut, code="opted_out"),
        Refusal(name="no such number", answer=refusal(400, 21211), becomes=Rejected, code="invalid_address"),
        Refusal(name="wrong credentials", answer=refusal(401, 20003), becomes=Misconfigured, code="provider_auth"),
        Refusal(name="not our sender", answer=refusal(400, 21659), becomes=Misconfigured, code="sender_unverified"),
        Refusal(name="a code of tomorrow", answer=refusal(400, 99_999), becomes=Rejected, code="unknown"),
        Refusal(name="away", answer=Answer(status=503), becomes=Unreachable, code="provider_down"),
        Refusal(name="broken", answer=refusal(500, 20500), becomes=OutcomeUnknown),
        Refusal(name="a proxy in between", answer=Answer(status=502, body=b"<html>"), becomes=OutcomeUnknown),
    ],
    receipts=["status_sent.http", "status_delivered.http", "status_read.http"],
    unknown=[
        posted("status", MessageStatus="teleported"),
        posted("message", SmsStatus="delivered", Body="hi"),
        posted("message"),
    ],
    foreign=[
        posted("message", AccountSid=SUB_ACCOUNT, Body="hi"),
        posted("status", AccountSid=SUB_ACCOUNT, MessageStatus="sent"),
    ],
)


def _owner(name: str) -> str:
    return SUB_ACCOUNT if "subaccount" in name else ACCOUNT
