"""Twilio's own list of messages: what was lost on the way between us is looked up there.

https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources. The list is asked for by
address and walked from the newest back, and not narrowed by DateSent: what Twilio took and never sent has no such date.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec

from channels.contract import RECONCILED, ListedMessage, ListedPage, Listing, RawEvent
from channels.errors import Malformed, OutcomeUnknown, Unreachable
from channels.events import DeliveryState
from channels.http import Http
from channels.vendors.twilio import TwilioSettings
from channels.vendors.twilio_codes import explain_error
from channels.vendors.twilio_rest import read_failure

API_VERSION = "2010-04-01"
PAGE_MESSAGES = 200
MAX_PAGE_BYTES = 4_000_000
TRIAL_PREFIX = "Sent from your Twilio trial account - "
"""What Twilio puts before each text of an account that does not pay."""
FAILED = {"failed", "undelivered"}

States = Mapping[str, DeliveryState | None]
Shape = TypeVar("Shape", bound=msgspec.Struct)


class Record(msgspec.Struct, kw_only=True, frozen=True):
    """A message resource, as far as we read it; times are RFC 2822, numbers are text."""

    sid: str
    account_sid: str
    direction: str
    status: str
    to: str
    date_created: str
    sender: str | None = msgspec.field(name="from", default=None)
    body: str | None = None
    num_media: str = "0"
    error_code: int | None = None
    error_message: str | None = None
    messaging_service_sid: str | None = None


class RecordPage(msgspec.Struct, kw_only=True, frozen=True):
    """One page of the list."""

    messages: list[msgspec.Raw]
    next_page_uri: str | None = None


class MediaRecord(msgspec.Struct, kw_only=True, frozen=True):
    """A file of a message."""

    uri: str
    content_type: str


class MediaPage(msgspec.Struct, kw_only=True, frozen=True):
    """All files of a message: ten are the most."""

    media_list: list[MediaRecord]


class JournaledRecord(msgspec.Struct, kw_only=True, frozen=True):
    """The body of a reconciled raw event: the message resource as it was listed, and where its files are."""

    message: Record
    media: list[MediaRecord] = []


async def list_twilio_messages(
    http: Http,
    settings: TwilioSettings,
    listing: Listing,
    *,
    cursor: str | None,
    service: str | None,
    states: States,
) -> ListedPage:
    """The next part of what Twilio took from us or for us.

    `service` is the messaging service whose messages are ours beside those of the settings' addresses; `states` are
    Twilio's words for how far a message got. A cursor is the number of a walk over the list, ":" and its next page.
    """
    walks = _walks(settings, listing, service)
    at, _, page_uri = (cursor or "0:").partition(":")
    number = int(at)
    page = await _read(http, settings, page_uri or _first_page(settings, walks[number]), RecordPage)
    found = [(msgspec.json.decode(raw, type=Record), bytes(raw)) for raw in page.messages]
    ours = [
        _listed(record, content, states)
        for record, content in found
        if _is_ours(record, settings, service) and listing.since <= _moment(record.date_created) <= listing.until
    ]
    over = bool(found) and all(_moment(record.date_created) < listing.since for record, _ in found)
    following = None if over else page.next_page_uri
    if following:
        return ListedPage(messages=ours, cursor=f"{number}:{_own_page(settings, following)}")
    return ListedPage(messages=ours, cursor=f"{number + 1}:" if number + 1 < len(walks) else None)


async def recall_twilio_message(http: Http, settings: TwilioSettings, listed: ListedMessage) -> RawEvent:
    """The record of a message, with where its files are, to be journaled."""
    media: list[MediaRecord] = []
    path = f"/{API_VERSION}/Accounts/{settings.account_sid}/Messages/{listed.provider_message_id}"
    if listed.files and listed.direction == "inbound":
        media = (await _read(http, settings, f"{path}/Media.json", MediaPage)).media_list
    return RawEvent(
        kind=RECONCILED,
        method="GET",
        url=f"{settings.api_url.rstrip('/')}{path}.json",
        headers={"content-type": "application/json"},
        body=msgspec.json.encode({"message": msgspec.Raw(listed.content), "media": media}),
        received_at=datetime.now(UTC),
    )


def read_listed_form(raw: RawEvent, *, api_url: str) -> tuple[dict[str, str], datetime]:
    """The fields of the webhook that a listed message would have been, and when it was written; else Malformed."""
    try:
        journaled = msgspec.json.decode(raw.body, type=JournaledRecord)
        written = _moment(journaled.message.date_created)
    except (msgspec.DecodeError, Unreachable) as error:
        raise Malformed(f"not a message of Twilio's list: {error}") from error
    record = journaled.message
    form = {"MessageSid": record.sid, "AccountSid": record.account_sid, "To": record.to}
    form |= {"From": record.sender} if record.sender else {}
    if record.direction != "inbound":
        code = {"ErrorCode": str(record.error_code)} if record.error_code else {}
        words = {"ErrorMessage": record.error_message} if record.error_message else {}
        return _tamed(form | {"MessageStatus": record.status} | code | words), written
    form |= {"SmsStatus": record.status, "Body": record.body or "", "NumMedia": str(len(journaled.media))}
    for index, file in enumerate(journaled.media):
        form[f"MediaUrl{index}"] = api_url.rstrip("/") + file.uri.removesuffix(".json")
        form[f"MediaContentType{index}"] = file.content_type
    return _tamed(form), written


def _walks(settings: TwilioSettings, listing: Listing, service: str | None) -> list[dict[str, str]]:
    """The queries that together list what is ours. A service may use numbers nobody told us of: all is looked at."""
    if listing.recipient:
        return [{"To": listing.recipient}]
    if service:
        return [{}]
    return [{side: number} for number in settings.addresses for side in ("To", "From")]


def _first_page(settings: TwilioSettings, query: dict[str, str]) -> str:
    asked = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in query.items())
    return f"/{API_VERSION}/Accounts/{settings.account_sid}/Messages.json?PageSize={PAGE_MESSAGES}&{asked}".rstrip("&")


def _own_page(settings: TwilioSettings, uri: str) -> str:
    """The address of a next page, which goes with our credentials: of this account's list, or nowhere."""
    if not uri.startswith(f"/{API_VERSION}/Accounts/{settings.account_sid}/Messages.json?"):
        raise Unreachable("Twilio's list goes on at an address that is not its own")
    return uri


async def _read(http: Http, settings: TwilioSettings, uri: str, shape: type[Shape]) -> Shape:
    """A resource. Reading changes nothing, so an answer that was lost may simply be asked for again."""
    url = settings.api_url.rstrip("/") + uri
    try:
        answer = await http.request("GET", url, auth=settings.credentials, max_bytes=MAX_PAGE_BYTES)
        if answer.status != 200:
            raise read_failure(answer, now=datetime.now(UTC))
        return msgspec.json.decode(answer.body, type=shape)
    except OutcomeUnknown as error:
        raise Unreachable(error.reason, code=error.code) from error
    except msgspec.DecodeError as error:
        raise Unreachable("Twilio's list cannot be read") from error


def _is_ours(record: Record, settings: TwilioSettings, service: str | None) -> bool:
    """Whether a number of ours, or our service, took it or sent it; "whatsapp:+1..." is another medium's."""
    own = record.to if record.direction == "inbound" else record.sender
    if ":" in record.to or ":" in (record.sender or ""):
        return False
    return own in settings.addresses or (service is not None and record.messaging_service_sid == service)


def _listed(record: Record, content: bytes, states: States) -> ListedMessage:
    inbound = record.direction == "inbound"
    code = str(record.error_code) if record.error_code else None
    return ListedMessage(
        direction="inbound" if inbound else "outbound",
        key=record.sid if inbound else f"{record.sid}:{record.status}",
        provider_message_id=record.sid,
        sender=record.sender,
        recipient=record.to,
        text=(record.body or "").removeprefix(TRIAL_PREFIX),
        files=int(record.num_media) if record.num_media.isdecimal() else 0,
        created_at=_moment(record.date_created),
        content=content,
        status=record.status,
        state=states.get(record.status),
        error=explain_error(code, text=record.error_message) if record.status in FAILED else None,
    )


def _moment(text: str) -> datetime:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError as error:
        raise Unreachable(f"Twilio's list has a date that is none: {text[:40]!r}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _tamed(form: dict[str, str]) -> dict[str, str]:
    """NUL, which Postgres takes in neither text nor jsonb, becomes U+FFFD, as in webhooks."""
    return {name: value.replace("\0", "\ufffd") for name, value in form.items()}
