"""SMS and MMS by Twilio: https://www.twilio.com/docs/messaging.

What its webhooks mean is in `twilio_webhooks`, and what all its media share in `vendors.twilio`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import msgspec

from channels.contract import (
    RECONCILED,
    Account,
    AccountReport,
    ChannelSettings,
    ListedMessage,
    ListedPage,
    Listing,
    Media,
    Medium,
    OutboundMessage,
    RawEvent,
    Sent,
    SetupStep,
    WebhookReply,
    WebhookRequest,
)
from channels.errors import Malformed, Rejected
from channels.events import AnyEvent
from channels.http import Http
from channels.limits import Limits
from channels.parts import MEDIA_PARTS, Attachment, plain_text
from channels.sms.twilio_webhooks import STATES, read_listed_sms, read_sms, read_sms_report
from channels.vendors.twilio import TwilioSettings, check_sid, verify_webhook
from channels.vendors.twilio_account import examine_twilio_account
from channels.vendors.twilio_lists import list_twilio_messages, recall_twilio_message
from channels.vendors.twilio_rest import create_message, download_media, open_client

# https://www.twilio.com/docs/messaging/guides/accepted-mime-types
MEDIA_TYPES = (
    "image/jpeg", "image/jpg", "image/png", "image/gif", "image/bmp", "image/tiff", "image/heic", "image/heif",
    "audio/", "video/", "application/pdf", "application/vcard", "text/vcard", "text/x-vcard", "text/directory",
    "text/calendar", "text/csv", "text/rtf",
)  # fmt: skip
LIMITS = Limits(
    parts=frozenset({"text", "image", "audio", "video", "file"}),
    text_chars=1_600,
    media_types=MEDIA_TYPES,
    media_count=10,
    media_bytes=5_000_000,
    delivery_reports=True,
    counts_segments=True,
)
MAX_BODY_BYTES = 1_000_000
READERS = {"message": read_sms, "status": read_sms_report}

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}")


class TwilioSmsSettings(TwilioSettings, kw_only=True, frozen=True):
    """A channel of numbers, of a messaging service, or of numbers that are its senders.

    `numbers` are ours in E.164, or short codes, the first being the one we write from. With a messaging service
    messages leave through it, and it picks the sender where the message names none.
    """

    numbers: list[str] = msgspec.field(default_factory=list)
    messaging_service_sid: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.numbers and not self.messaging_service_sid:
            raise ValueError("give at least one of numbers and messaging_service_sid: there is nothing to write from")
        for number in self.numbers:
            if not _NUMBER.fullmatch(number):
                raise ValueError(f"{number!r} in numbers is neither E.164, such as +14155550100, nor a short code")
        if self.messaging_service_sid:
            check_sid("messaging_service_sid", self.messaging_service_sid, prefix="MG")

    @property
    def addresses(self) -> tuple[str, ...]:
        """The numbers."""
        return tuple(self.numbers)


class TwilioSms:
    """SMS and MMS over Twilio's REST API and webhooks."""

    name = "sms-twilio"
    medium: Medium = "sms"
    provider = "twilio"
    limits = LIMITS
    settings: type[ChannelSettings] = TwilioSmsSettings
    kinds = frozenset({"message", "status"})
    retries = False  # once, after a failed connection, and never later than 15 seconds
    body_limit = MAX_BODY_BYTES
    accepted = WebhookReply(media_type="text/xml", body=b'<?xml version="1.0" encoding="UTF-8"?><Response/>')

    def __init__(self, http: Http) -> None:
        self._http = http

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """Hand the message to Twilio; its reports come back to us with our reference in their URL."""
        settings = _settings(account)
        content = _content(message)
        sid, status = await create_message(
            open_client(self._http, settings),
            to=message.to.value,
            status_callback=f"{account.hook_url}/status?ref={quote(message.reference, safe='')}",
            **_sender(settings, message.sender),
            **content,
        )
        return Sent(provider_message_id=sid, detail=status)

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Raise Forged unless Twilio signed it for this account."""
        verify_webhook(_settings(account), request)

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """What a webhook or a listed message tells, told twice with the same keys."""
        if raw.kind == RECONCILED:
            return read_listed_sms(raw, api_url=_settings(account).api_url)
        reader = READERS.get(raw.kind)
        if reader is None:
            raise Malformed(f"there is no webhook of the kind {raw.kind!r}")
        return reader(raw)

    async def fetch_media(self, account: Account, attachment: Attachment) -> Media:
        """A file somebody sent, from Twilio's store."""
        return await download_media(self._http, _settings(account), attachment.url or "")

    async def list_messages(self, account: Account, listing: Listing, *, cursor: str | None) -> ListedPage:
        """The next part of Twilio's own list of this channel's messages."""
        settings = _settings(account)
        service = settings.messaging_service_sid
        return await list_twilio_messages(self._http, settings, listing, cursor=cursor, service=service, states=STATES)

    async def recall_message(self, account: Account, listed: ListedMessage) -> RawEvent:
        """A listed message as Twilio records it."""
        return await recall_twilio_message(self._http, _settings(account), listed)

    async def check_account(self, account: Account) -> AccountReport:
        """The account, and whether its numbers post to us; those of a messaging service follow the service."""
        settings, hook = _settings(account), f"{account.hook_url}/message"
        numbers = [] if settings.messaging_service_sid else settings.numbers
        return await examine_twilio_account(self._http, settings, numbers=numbers, hook=hook)

    def setup_steps(self, account: Account) -> list[SetupStep]:
        """What to enter in the Twilio console."""
        settings = _settings(account)
        hook = f"{account.hook_url}/message"
        return [
            *(_service_steps(hook) if settings.messaging_service_sid else _number_steps(settings.numbers, hook)),
            SetupStep(
                title="Protect received files",
                detail="Messaging > Settings > General: enable “Enforce HTTP Auth on Media URLs”. We fetch files with "
                "the account's credentials.",
            ),
            SetupStep(
                title="Try it",
                detail="Send a text to the number. Reports of delivery need no set-up: each message we send names "
                "the address they go to.",
            ),
        ]


def _settings(account: Account) -> TwilioSmsSettings:
    if not isinstance(account.settings, TwilioSmsSettings):
        raise TypeError(f"the channel {account.channel_id} has the settings of another adapter")
    return account.settings


def _content(message: OutboundMessage) -> dict[str, object]:
    text = plain_text([part for part in message.parts if not isinstance(part, MEDIA_PARTS)])
    urls = [part.attachment.url for part in message.parts if isinstance(part, MEDIA_PARTS)]
    if not text and not urls:
        raise Rejected("a message needs a text or a file", code="unsupported_content")
    if not all(urls):
        raise Rejected("a file has no address from which Twilio could fetch it", code="media_rejected")
    return ({"body": text} if text else {}) | ({"media_url": urls} if urls else {})


def _sender(settings: TwilioSmsSettings, sender: str | None) -> dict[str, str]:
    """Through the service where there is one; it picks the sender unless the message answers from a certain number."""
    if not settings.messaging_service_sid:
        return {"from_": sender or settings.numbers[0]}
    return {"messaging_service_sid": settings.messaging_service_sid} | ({"from_": sender} if sender else {})


def _number_steps(numbers: list[str], hook: str) -> Iterator[SetupStep]:
    for number in numbers:
        yield SetupStep(
            title=f"Send us what {number} receives",
            detail="Phone Numbers > Manage > Active numbers > the number > Messaging configuration > A message comes "
            "in: Webhook, this URL, HTTP POST. Enter it under “Primary handler fails” as well: Twilio hardly repeats "
            "a request, and the same message told twice happens once.",
            value=hook,
        )


def _service_steps(hook: str) -> Iterator[SetupStep]:
    yield SetupStep(
        title="Send us what the messaging service receives",
        detail="Messaging > Services > the service > Integration > Send a webhook: this URL as Request URL and as "
        "Fallback URL, HTTP POST. Twilio hardly repeats a request, and the same message told twice happens once.",
        value=hook,
    )
    yield SetupStep(
        title="Let no number go its own way",
        detail="In the same place leave “Defer to sender's webhook” off, and check that the sender pool holds the "
        "numbers of this channel.",
    )
