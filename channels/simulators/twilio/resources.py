"""Twilio's REST documents: what it accepts to create a message, and how it shows messages, accounts and lists.

Source: Twilio's OpenAPI description of API version 2010-04-01 (twilio/twilio-oai, MIT).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

import msgspec

from channels.simulators.ledger import MediaFile, Message
from channels.simulators.twilio.accounts import TwilioAccount, TwilioNumber
from channels.simulators.twilio.refusals import DELIVERY_ERRORS, TwilioRefusal
from channels.simulators.twilio.webhooks import API_VERSION, media_path

REPEATED_FIELDS = frozenset({"MediaUrl", "PersistentAction"})
NOT_SIMULATED = (  # they change what is sent, so taking and ignoring them would hide a fault of the sender
    "application_sid", "content_sid", "content_variables", "fallback_from", "persistent_action", "schedule_type",
    "send_at",
)  # fmt: skip


class CreateMessage(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, rename="pascal"):
    """The fields of `POST Messages.json`. Unlike Twilio, which ignores what it does not know, others are refused."""

    to: str = ""
    sender: str = msgspec.field(default="", name="From")
    messaging_service_sid: Annotated[str, msgspec.Meta(pattern="^(MG[0-9a-fA-F]{32})?$")] = ""
    body: str = ""
    media_url: list[str] = []
    status_callback: str = ""
    max_price: float | None = None
    provide_feedback: bool | None = None
    attempt: int | None = None
    validity_period: Annotated[int, msgspec.Meta(ge=1, le=36000)] | None = None
    force_delivery: bool | None = None
    content_retention: Literal["retain", "discard"] | None = None
    address_retention: Literal["retain", "obfuscate"] | None = None
    smart_encoded: bool | None = None
    traffic_type: Literal["free"] | None = None
    shorten_urls: bool | None = None
    send_as_mms: bool | None = None
    risk_check: Literal["enable", "disable"] | None = None
    application_sid: str | None = None
    content_sid: str | None = None
    content_variables: str | None = None
    fallback_from: str | None = None
    persistent_action: list[str] | None = None
    schedule_type: Literal["fixed"] | None = None
    send_at: str | None = None


class MessageResource(msgspec.Struct, kw_only=True, frozen=True, rename={"sender": "from"}):
    """A message as the REST API shows it. Numbers are strings and times RFC 2822, as Twilio has them."""

    account_sid: str
    api_version: str
    body: str
    date_created: str
    date_sent: str | None
    date_updated: str
    direction: str
    error_code: int | None
    error_message: str | None
    sender: str | None
    messaging_service_sid: str | None
    num_media: str
    num_segments: str
    price: str | None
    price_unit: str
    sid: str
    status: str
    subresource_uris: dict[str, str]
    to: str
    uri: str


class MediaResource(msgspec.Struct, kw_only=True, frozen=True):
    """A file of a message as the REST API shows it."""

    account_sid: str
    content_type: str
    date_created: str
    date_updated: str
    parent_sid: str
    sid: str
    uri: str


class MediaPage(msgspec.Struct, kw_only=True, frozen=True):
    """All files of a message; Twilio allows ten, so there is one page."""

    media_list: list[MediaResource]
    page: int = 0
    page_size: int = 50
    start: int = 0
    end: int
    uri: str
    first_page_uri: str
    next_page_uri: str | None = None
    previous_page_uri: str | None = None


class AccountResource(msgspec.Struct, kw_only=True, frozen=True):
    """An account as the REST API shows it."""

    sid: str
    owner_account_sid: str
    auth_token: str
    friendly_name: str
    status: str
    type: str
    date_created: str
    date_updated: str
    subresource_uris: dict[str, str]
    uri: str


class IncomingNumberResource(msgspec.Struct, kw_only=True, frozen=True):
    """A number the account holds."""

    account_sid: str
    phone_number: str
    sms_url: str
    sms_method: str = "POST"
    sms_fallback_url: str = ""
    sms_application_sid: str = ""


class IncomingNumberPage(msgspec.Struct, kw_only=True, frozen=True):
    """The numbers that match."""

    incoming_phone_numbers: list[IncomingNumberResource]


def read_create_form(body: bytes) -> CreateMessage:
    """The typed form, or a refusal with code 20001 that names the field."""
    fields: dict[str, Any] = {}
    try:
        for name, value in parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), errors="strict"):
            if name in REPEATED_FIELDS:
                fields.setdefault(name, []).append(value)
            else:
                fields[name] = value
        form = msgspec.convert(fields, CreateMessage, strict=False)
    except (UnicodeDecodeError, ValueError) as error:  # msgspec's ValidationError is a ValueError
        raise TwilioRefusal(20001, str(error)) from error
    for name in NOT_SIMULATED:
        if getattr(form, name) is not None:
            raise TwilioRefusal(20001, f"{name} is Twilio's, but not simulated")
    return form


def show_twilio_message(message: Message) -> MessageResource:
    """The message as the REST API shows it now."""
    uri = f"/{API_VERSION}/Accounts/{message.account_sid}/Messages/{message.sid}"
    return MessageResource(
        account_sid=message.account_sid,
        api_version=API_VERSION,
        body=message.body,
        date_created=rfc2822(message.created),
        date_sent=rfc2822(message.sent) if message.sent else None,
        date_updated=rfc2822(message.updated),
        direction=message.direction,
        error_code=message.error_code,
        error_message=DELIVERY_ERRORS.get(message.error_code, "Unknown error") if message.error_code else None,
        sender=message.sender,
        messaging_service_sid=message.service,
        num_media=str(len(message.media) + len(message.media_urls)),
        num_segments=str(message.segments if message.sender else 0),
        price=None,
        price_unit="USD",
        sid=message.sid,
        status=message.status,
        subresource_uris={"media": f"{uri}/Media.json"},
        to=message.to,
        uri=f"{uri}.json",
    )


def show_twilio_media(message: Message, file: MediaFile) -> MediaResource:
    """The file as the REST API shows it."""
    return MediaResource(
        account_sid=message.account_sid,
        content_type=file.content_type,
        date_created=rfc2822(message.created),
        date_updated=rfc2822(message.updated),
        parent_sid=message.sid,
        sid=file.sid,
        uri=f"{media_path(message, file.sid)}.json",
    )


def show_twilio_media_page(message: Message) -> MediaPage:
    """The list of a message's files."""
    uri = f"/{API_VERSION}/Accounts/{message.account_sid}/Messages/{message.sid}/Media.json"
    files = [show_twilio_media(message, file) for file in message.media]
    return MediaPage(media_list=files, end=max(len(files) - 1, 0), uri=uri, first_page_uri=f"{uri}?PageSize=50&Page=0")


def show_incoming_numbers(numbers: Sequence[TwilioNumber]) -> IncomingNumberPage:
    """Numbers as the REST API shows them."""
    return IncomingNumberPage(
        incoming_phone_numbers=[
            IncomingNumberResource(account_sid=one.account_sid, phone_number=one.number, sms_url=one.hook or "")
            for one in numbers
        ]
    )


def show_twilio_account(account: TwilioAccount) -> AccountResource:
    """The account as the REST API shows it to its owner."""
    uri = f"/{API_VERSION}/Accounts/{account.sid}"
    return AccountResource(
        sid=account.sid,
        owner_account_sid=account.owner or account.sid,
        auth_token=account.token,
        friendly_name="Simulated account",
        status="active",
        type="Full",
        date_created=rfc2822(account.created),
        date_updated=rfc2822(account.created),
        subresource_uris={"messages": f"{uri}/Messages.json"},
        uri=f"{uri}.json",
    )


def rfc2822(moment: datetime) -> str:
    """The time in GMT, to the second: `Thu, 24 Aug 2023 05:01:45 +0000`."""
    return format_datetime(moment)
