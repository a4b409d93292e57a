"""The samples of Twilio's webhooks, read as the requests they are, and channels that take them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import channels.sms
from channels.contract import Account, RawEvent
from channels.http import Http
from channels.sms.twilio import TwilioSms, TwilioSmsSettings

FOLDER = Path(channels.sms.__file__).parent / "samples" / "twilio"
NAMES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in {".http", ".json"})

ACCOUNT = "ACf1d0c7a94be34c18a2906d57b8e3a4c1"
SUB_ACCOUNT = "AC90b1e2c7d84f4c0a8b36f2d1a7e5c934"
SERVICE = "MG7c4e9b0d12f84a6fb35d08e6a1c29f70"
TOKEN = "0123456789abcdef0123456789abcdef"
OURS = "+14155550199"
THEIRS = "+14155550143"
HOOK = "https://switchboard.example/hooks/sms-twilio/cha_01jd3v5x7r"
RECEIVED_AT = datetime(2026, 11, 21, 14, 32, tzinfo=UTC)
SID = "SM6787fac2a420ccef74091b10b0754a61"


@cache
def adapter() -> TwilioSms:
    """The adapter, for work that sends nothing."""
    return TwilioSms(Http())


def channel(**settings: Any) -> Account:
    """A channel of one number, with other settings where given."""
    given = {"account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": [OURS]} | settings
    return Account(channel_id="cha_01jd3v5x7r", settings=TwilioSmsSettings(**given), hook_url=HOOK)


def channel_of(name: str) -> Account:
    """The channel a sample belongs to."""
    return channel(account_sid=SUB_ACCOUNT) if "subaccount" in name else channel()


def request_of(name: str) -> RawEvent:
    """A sample as the request it is."""
    content = (FOLDER / name).read_bytes()
    if name.endswith(".json"):
        capture = json.loads(content)
        return raw_event(capture["method"], capture["url"], capture["headers"], capture["body"].encode())
    head, _, body = content.partition(b"\n\n")
    first, *lines = head.decode().split("\n")
    headers = dict(line.split(": ", 1) for line in lines)
    method, path, _ = first.split(" ")
    return raw_event(method, f"https://{headers['Host']}{path}", headers, body)


def raw_event(method: str, url: str, headers: dict[str, str], body: bytes) -> RawEvent:
    """A journaled request."""
    return RawEvent(
        kind=url.partition("?")[0].rpartition("/")[2],
        method=method,
        url=url,
        headers={name.lower(): value for name, value in headers.items()},
        body=body,
        received_at=RECEIVED_AT,
    )


def posted(kind: str, query: str = "", **fields: str) -> RawEvent:
    """An unsigned form of the usual fields, with other ones where given and without those given as "-"."""
    usual = {"MessageSid": SID, "AccountSid": ACCOUNT, "From": THEIRS, "To": OURS}
    usual |= {"message": {"Body": "hi", "NumMedia": "0"}, "status": {"MessageStatus": "sent"}}.get(kind, {})
    body = urlencode({name: value for name, value in (usual | fields).items() if value != "-"}).encode()
    return raw_event("POST", f"{HOOK}/{kind}{query}", {"content-type": "application/x-www-form-urlencoded"}, body)
