"""What Twilio's webhooks about text messages say, as events. Pure.

Twilio posts two kinds of form to us: `message` for what somebody wrote, `status` for how far a message of ours got.
It gives neither a time. https://www.twilio.com/docs/messaging/guides/webhook-request and
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec

from channels.contract import RawEvent
from channels.errors import Malformed
from channels.events import Address, AnyEvent, ConsentChanged, DeliveryReported, DeliveryState, MessageReceived
from channels.parts import AnyPart, Attachment, Location, Text, Unsupported, media_part
from channels.sms.keywords import read_keyword
from channels.vendors.twilio import read_hook_parameter, read_webhook_form
from channels.vendors.twilio_codes import explain_error
from channels.vendors.twilio_lists import read_listed_form

# Twilio's ladder in our words. Once it has taken a message over, how it queues it is its own affair. None: known, and
# nothing to report; these two are of messages that come in.
STATES: dict[str, DeliveryState | None] = {
    "accepted": "sent",
    "scheduled": "sent",
    "queued": "sent",
    "sending": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "partially_delivered": "delivered",
    "read": "read",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "canceled",
    "receiving": None,
    "received": None,
}
CONSENT: dict[str, Literal["revoked", "granted"]] = {"stop": "revoked", "start": "granted"}
OPT_OUT_TYPES = {"STOP": "stop", "START": "start", "HELP": "help"}
INCOMING = {"receiving", "received"}
MAX_KEYWORD_CHARS = 160

_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,63}/[a-z0-9.+-]{1,63}")

Sid = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z]{2}[0-9A-Za-z]{1,62}\Z")]
# A number, a short code or a sender's name; a prefix such as "whatsapp:" is another medium's.
Party = Annotated[str, msgspec.Meta(pattern=r"\A[^:\x00-\x1f\x7f-\x9f\ufffd]{1,64}\Z")]
Form = TypeVar("Form", bound=msgspec.Struct)


class InboundForm(msgspec.Struct, kw_only=True, frozen=True, rename="pascal"):
    """What Twilio posts when somebody wrote. MediaUrl0 and so on are read beside it."""

    message_sid: Sid
    account_sid: Sid
    sender: Party = msgspec.field(name="From")
    to: Party
    sms_status: str = "received"
    body: str = ""
    num_media: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    opt_out_type: str = ""
    latitude: str = ""
    longitude: str = ""
    address: str | None = None
    label: str | None = None


class StatusForm(msgspec.Struct, kw_only=True, frozen=True, rename="pascal"):
    """What Twilio posts when a message of ours got further. `To` is the customer, `From` is us or the service."""

    message_sid: Sid
    account_sid: Sid
    message_status: str
    to: Party | None = None
    sender: str | None = msgspec.field(name="From", default=None)
    error_code: str | None = None
    error_message: str | None = None


def read_sms(raw: RawEvent) -> list[AnyEvent]:
    """The message somebody wrote and, where it is nothing but a keyword, what it says about consent."""
    return _read_text(read_webhook_form(raw), written=None)


def read_sms_report(raw: RawEvent) -> list[AnyEvent]:
    """How far a message of ours got and, where it failed because the recipient had opted out, that they had."""
    return _read_report(read_webhook_form(raw), reference=read_hook_parameter(raw, "ref"))


def read_listed_sms(raw: RawEvent, *, api_url: str) -> list[AnyEvent]:
    """What the webhook of a listed message would have told, with the same keys, so that told twice it happens once."""
    fields, written = read_listed_form(raw, api_url=api_url)
    return _read_text(fields, written=written) if "SmsStatus" in fields else _read_report(fields, reference=None)


def _read_text(fields: dict[str, str], *, written: datetime | None) -> list[AnyEvent]:
    form = _typed(fields, InboundForm)
    if form.sms_status not in INCOMING:
        raise Malformed("a report of delivery at the address for messages")
    sender = Address(kind="phone", value=form.sender)
    received = MessageReceived(
        key=form.message_sid,
        to=form.to,
        occurred_at=written,
        sender=sender,
        parts=list(_parts(form, fields)),
        provider_message_id=form.message_sid,
    )
    # Twilio's own verdict knows the words a messaging service was taught, and who had opted out before a "YES".
    meaning = OPT_OUT_TYPES.get(form.opt_out_type.upper()) or read_keyword(form.body)
    if meaning not in CONSENT:
        return [received]
    consent = ConsentChanged(
        key=f"{form.message_sid}:consent",
        to=form.to,
        sender=sender,
        state=CONSENT[meaning],
        source="keyword",
        words=form.body.strip()[:MAX_KEYWORD_CHARS] or None,
    )
    return [received, consent]


def _read_report(fields: dict[str, str], *, reference: str | None) -> list[AnyEvent]:
    form = _typed(fields, StatusForm)
    if form.message_status not in STATES:
        raise Malformed(f"a MessageStatus Twilio does not document: {form.message_status[:32]!r}")
    state = STATES[form.message_status]
    if state is None:
        return []
    error = explain_error(form.error_code, text=form.error_message) if state in {"failed", "undelivered"} else None
    report = DeliveryReported(
        key=f"{form.message_sid}:{form.message_status}",
        to=form.sender,
        provider_message_id=form.message_sid,
        state=state,
        reference=reference,
        error=error,
    )
    if error is None or error.code != "opted_out" or form.to is None:
        return [report]
    recipient = Address(kind="phone", value=form.to)
    key = f"{form.message_sid}:consent"
    return [report, ConsentChanged(key=key, to=form.sender, sender=recipient, state="revoked", source="provider")]


def _typed(fields: dict[str, str], form: type[Form]) -> Form:
    try:
        return msgspec.convert(fields, form, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(f"not the form Twilio documents: {error}") from error


def _parts(form: InboundForm, fields: dict[str, str]) -> Iterator[AnyPart]:
    if form.body.strip():
        yield Text(text=form.body)
    for index in range(form.num_media):
        yield _file(fields.get(f"MediaUrl{index}"), fields.get(f"MediaContentType{index}", ""))
    if form.latitude or form.longitude:
        yield _place(form)
    if not (form.body.strip() or form.num_media or form.latitude or form.longitude):
        yield Unsupported(provider_type="empty", fallback="[empty message]")


def _file(url: str | None, media_type: str) -> AnyPart:
    if not url:
        return Unsupported(provider_type="media", fallback="[a file without its address]")
    plain = media_type.partition(";")[0].strip().lower()
    return media_part(
        Attachment(url=url, media_type=plain if _MEDIA_TYPE.fullmatch(plain) else "application/octet-stream")
    )


def _place(form: InboundForm) -> AnyPart:
    try:
        latitude, longitude = float(form.latitude), float(form.longitude)
    except ValueError:
        latitude = longitude = math.nan
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return Unsupported(provider_type="location", fallback=f"[location] {form.latitude[:32]},{form.longitude[:32]}")
    return Location(latitude=latitude, longitude=longitude, name=form.label or None, address=form.address or None)
