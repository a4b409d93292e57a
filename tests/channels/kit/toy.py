"""A provider nobody has, whose webhooks are JSON signed with a time, and an adapter for it that keeps the contract."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from channels.contract import (
    Account,
    ChannelSettings,
    Medium,
    OutboundMessage,
    RawEvent,
    Secret,
    Sent,
    SetupStep,
    WebhookReply,
    WebhookRequest,
)
from channels.errors import Forged, Malformed, Misconfigured, OutcomeUnknown, Rejected, SendFailed, Throttled
from channels.events import Address, AnyEvent, DeliveryError, DeliveryReported, DeliveryState, MessageReceived
from channels.http import Http, Response, retry_after_seconds
from channels.kit import Answer, Refusal, SeenMessage, SeenRequest, Subject
from channels.kit.reading import make_raw
from channels.limits import Limits
from channels.parts import MEDIA_PARTS, Text, Unsupported, plain_text
from channels.signatures import sign_content, valid_hmac
from inbox.kit.clock import utc_now

KEY = "toy-secret-0123456789abcdef"
HOOK = "https://switchboard.example/hooks/sms-toy/cha_toy"
NOW = 1_795_271_520
WINDOW_SECONDS = 300.0
STATES: dict[str, DeliveryState] = {"sent": "sent", "arrived": "delivered", "lost": "failed"}
REFUSALS: dict[int, type[SendFailed]] = {400: Rejected, 401: Misconfigured}


class ToySettings(ChannelSettings, kw_only=True, frozen=True):
    """A channel."""

    number: str
    key: Secret
    api_url: str

    def __repr__(self) -> str:
        """Without the key."""
        return f"ToySettings(number={self.number!r})"

    @property
    def addresses(self) -> tuple[str, ...]:
        """The number."""
        return (self.number,)


class Hook(msgspec.Struct, kw_only=True, frozen=True):
    """What the provider posts."""

    id: str
    number: str
    sender: str = ""
    text: str | None = None
    poll: str | None = None
    status: str | None = None


class ToySms:
    """The adapter; tests sabotage one method of it at a time."""

    name = "sms-toy"
    medium: Medium = "sms"
    provider = "toy"
    limits = Limits(
        parts=frozenset({"text", "image"}),
        text_chars=50,
        media_types=("image/",),
        media_count=2,
        media_bytes=1_000_000,
        delivery_reports=True,
    )
    settings: type[ChannelSettings] = ToySettings
    kinds = frozenset({"message", "status"})
    retries = True
    body_limit = 1_000_000
    accepted = WebhookReply(body=b"ok")

    def __init__(self, http: Http) -> None:
        self.http = http

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Signature over time, URL and body; at most five minutes old; for our number."""
        at = request.headers.get("toy-time", "")
        if not (at.isdecimal() and at.isascii() and len(at) < 12 and NOW - int(at) <= WINDOW_SECONDS):
            raise Forged("too old")
        if not valid_hmac(request.headers.get("toy-sign"), _covered(request, at), key=_settings(account).key):
            raise Forged("not signed with the channel's key")
        if _decode(request.body, Forged).number != _settings(account).number:
            raise Forged("signed for another number")

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """A message, or how far one got."""
        if raw.kind not in self.kinds:
            raise Malformed("no such webhook")
        hook = _decode(raw.body, Malformed)
        if hook.status is not None:
            return [self.report(hook, hook.status)]
        part = Text(text=hook.text) if hook.text else Unsupported(provider_type="poll", fallback=f"[poll] {hook.poll}")
        sender = Address(kind="phone", value=hook.sender)
        return [MessageReceived(key=hook.id, sender=sender, parts=[part], provider_message_id=hook.id)]

    def report(self, hook: Hook, status: str) -> AnyEvent:
        """How far one got."""
        if status not in STATES:
            raise Malformed("a status nobody documents")
        error = DeliveryError(code="unreachable", message="lost") if STATES[status] == "failed" else None
        return DeliveryReported(
            key=f"{hook.id}:{status}", provider_message_id=hook.id, state=STATES[status], error=error
        )

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """Post it as JSON."""
        settings = _settings(account)
        content = {
            "to": message.to.value,
            "text": plain_text([part for part in message.parts if not isinstance(part, MEDIA_PARTS)]),
            "files": [part.attachment.url for part in message.parts if isinstance(part, MEDIA_PARTS)],
        }
        headers = {"authorization": f"Bearer {settings.key}", "content-type": "application/json"}
        answer = await self.http.request(
            "POST", settings.api_url, headers=headers, content=msgspec.json.encode(content)
        )
        return self.read_answer(answer)

    def read_answer(self, answer: Response) -> Sent:
        """Its id, or the failure."""
        if answer.status == 429:
            raise Throttled("too fast", after=retry_after_seconds(answer.headers.get("retry-after"), now=utc_now()))
        if answer.status in REFUSALS:
            raise REFUSALS[answer.status]("refused")
        try:
            return Sent(provider_message_id=msgspec.json.decode(answer.body, type=dict[str, str])["id"])
        except (msgspec.DecodeError, msgspec.ValidationError, KeyError, UnicodeDecodeError) as error:
            raise OutcomeUnknown("an answer nobody can read") from error

    def setup_steps(self, account: Account) -> list[SetupStep]:
        """One."""
        return [SetupStep(title="Webhook", detail="Enter it", value=f"{account.hook_url}/message")]


def make_subject(folder: Path, make: Callable[[Http], Any] = ToySms, **changes: Any) -> Subject:
    """The toy as the kit needs to know it, its samples written to a folder."""
    account = make_account("http://127.0.0.1:9")
    (folder / "expected").mkdir(parents=True, exist_ok=True)
    hooks = {
        "message_text": ("message", {"id": "m1", "number": "+1", "sender": "+34600111222", "text": "Hello"}),
        "message_poll": ("message", {"id": "m2", "number": "+1", "sender": "+34600111222", "poll": "Day?"}),
        "status_sent": ("status", {"id": "m3", "number": "+1", "status": "sent"}),
        "status_arrived": ("status", {"id": "m3", "number": "+1", "status": "arrived"}),
        "status_lost": ("status", {"id": "m4", "number": "+1", "status": "lost"}),
    }
    for name, (kind, hook) in hooks.items():
        raw = sign(account, make_raw(kind, f"{HOOK}/{kind}", msgspec.json.encode(hook), headers={}))
        capture = {"method": "POST", "url": raw.url, "headers": raw.headers, "body": raw.body.decode()}
        (folder / f"{name}.json").write_bytes(msgspec.json.encode(capture))
        events = ToySms(Http()).parse(account, make_raw(kind, raw.url, raw.body, headers={}))
        (folder / "expected" / f"{name}.json").write_bytes(msgspec.json.encode(events))
    return Subject(**(_facts(folder, make) | changes))


def make_account(url: str, key: str = KEY) -> Account:
    """The channel."""
    return Account(
        channel_id="cha_toy", settings=ToySettings(number="+1", key=key, api_url=f"{url}/send"), hook_url=HOOK
    )


def sign(account: Account, request: WebhookRequest, age: float = 0.0) -> WebhookRequest:
    """Sign as the toy's provider does, some seconds ago."""
    at = str(int(NOW - age))
    signature = sign_content(_covered(request, at), key=_settings(account).key)
    return msgspec.structs.replace(request, headers={"toy-time": at, "toy-sign": signature})


def _facts(folder: Path, make: Callable[[Http], Any]) -> dict[str, Any]:
    return {
        "make": make,
        "samples": folder,
        "account": make_account,
        "stranger": lambda url: make_account(url, key="another-secret-9876543210"),
        "sign": sign,
        "accept": lambda seen: (Answer(body=b'{"id":"%s"}' % _id_of(seen).encode()), _id_of(seen)),
        "understand": lambda seen: msgspec.json.decode(seen.body, type=SeenMessage),
        "recipient": Address(kind="phone", value="+34600111222"),
        "refusals": [
            Refusal(name="slow", answer=Answer(status=429, headers={"retry-after": "7"}), becomes=Throttled, after=7.0),
            Refusal(name="no", answer=Answer(status=400), becomes=Rejected),
            Refusal(name="who", answer=Answer(status=401), becomes=Misconfigured),
        ],
        "receipts": ["status_sent.json", "status_arrived.json"],
        "unknown": [make_raw("status", HOOK, b'{"id":"m5","number":"+1","status":"beamed"}', headers={})],
        "foreign": [make_raw("message", f"{HOOK}/message", b'{"id":"m6","number":"+2","text":"x"}', headers={})],
        "replay_seconds": WINDOW_SECONDS,
        "sign_late": sign,
    }


def _id_of(seen: SeenRequest) -> str:
    return sha256(seen.body).hexdigest()[:12]


def _covered(request: WebhookRequest, at: str) -> bytes:
    return f"{at}\n{request.url}\n".encode("utf-8", "surrogatepass") + request.body


def _settings(account: Account) -> ToySettings:
    assert isinstance(account.settings, ToySettings)
    return account.settings


def _decode(body: bytes, failure: type[Forged | Malformed]) -> Hook:
    try:
        return msgspec.json.decode(body, type=Hook)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise failure("not what the provider documents") from error
