"""What SendGrid's webhooks say: mails of Inbound Parse, raw or taken apart, as MIME, and reports as events. Pure.

https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook and
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

import msgspec

from channels.contract import RawEvent
from channels.email.rebuilding import RebuiltBody, RebuiltFile, prepend_trace, rebuild_mail, split_headers
from channels.email.reported import explain_report
from channels.errors import FailureCode, Malformed
from channels.events import Address, AnyEvent, ConsentChanged, DeliveryError, DeliveryReported, DeliveryState
from channels.forms import FormField, read_form

REFERENCE = "switchboard_reference"
"""The custom argument in which our reference comes back with every report."""

# SendGrid's words in ours. None: known, and nothing to report. A deferred mail is still on its way.
STATES: dict[str, DeliveryState | None] = {
    "processed": "sent",
    "deferred": "sent",
    "delivered": "delivered",
    "open": "read",
    "bounce": "undelivered",
    "dropped": "failed",
    "click": None,
    "spamreport": None,
    "unsubscribe": None,
    "group_unsubscribe": None,
    "group_resubscribe": None,
}
CONSENT: dict[str, Literal["revoked", "granted"]] = {
    "spamreport": "revoked",
    "unsubscribe": "revoked",
    "group_unsubscribe": "revoked",
    "group_resubscribe": "granted",
}
# Why SendGrid did not even try, by the beginning of its reason.
DROPS: dict[str, FailureCode] = {
    "bounced address": "hard_bounce",
    "unsubscribed address": "opted_out",
    "spam reporting address": "opted_out",
    "invalid": "invalid_address",
    "spam content": "spam_suspected",
    "recipient list over": "provider_quota",
}
NO_DROP: FailureCode = "unknown"
MAX_REASON_CHARS = 500

Form = TypeVar("Form")
Word = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f]{0,500}\Z")]
Id = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f]{1,500}\Z")]


class Envelope(msgspec.Struct):
    """Who SMTP carried it from and to."""

    to: list[str] = []
    sender: str | None = msgspec.field(name="from", default=None)


class FileInfo(msgspec.Struct, rename="kebab"):
    """What SendGrid says of one file."""

    filename: str | None = None
    name: str | None = None
    type: str | None = None
    content_id: str | None = None


class Report(msgspec.Struct):
    """One event of the Event Webhook. `timestamp` is in seconds since 1970."""

    event: Word
    email: Word
    sg_event_id: Id
    timestamp: Annotated[float, msgspec.Meta(ge=0, lt=253_402_300_800)] = 0
    sg_message_id: Word | None = None
    switchboard_reference: Word | None = None
    type: Word | None = None
    reason: str | None = None
    response: str | None = None
    status: Word | None = None
    sg_machine_open: bool = False


def read_parsed_mail(raw: RawEvent) -> bytes:
    """The mail in a post of Inbound Parse, under the trace of its envelope; Malformed where there is none."""
    fields = {field.name: field for field in read_form(raw.headers, raw.body)}
    envelope = _typed(fields.get("envelope"), Envelope) or Envelope()
    mime = fields["email"].value if "email" in fields else _rebuild(fields)
    return prepend_trace(mime, recipients=envelope.to, sender=envelope.sender)


def read_sendgrid_reports(raw: RawEvent) -> list[AnyEvent]:
    """The events of one post, in their order; Malformed for one that SendGrid does not document."""
    try:
        reports = msgspec.json.decode(raw.body, type=list[Report])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed("a post of events that cannot be read") from error
    return [event for report in reports for event in _events(report)]


def _rebuild(fields: dict[str, FormField]) -> bytes:
    if "headers" not in fields:
        raise Malformed("a form with neither a raw mail nor the headers of one")
    charsets = _typed(fields.get("charsets"), dict[str, str]) or {}
    return rebuild_mail(
        split_headers(fields["headers"].value),
        text=_body(fields.get("text"), charsets.get("text")),
        html=_body(fields.get("html"), charsets.get("html")),
        files=list(_files(fields)),
    )


def _body(field: FormField | None, charset: str | None) -> RebuiltBody | None:
    return None if field is None else RebuiltBody(content=field.value, charset=charset or "utf-8")


def _files(fields: dict[str, FormField]) -> Iterable[RebuiltFile]:
    told = _typed(fields.get("attachment-info"), dict[str, FileInfo]) or {}
    for name, field in fields.items():
        if name.startswith("attachment") and name[len("attachment") :].isdecimal():
            info = told.get(name) or FileInfo()
            yield RebuiltFile(
                content=field.value,
                name=info.filename or info.name or field.file_name,
                media_type=info.type or field.media_type,
                content_id=info.content_id,
            )


def _events(report: Report) -> Iterable[AnyEvent]:
    if report.event not in STATES:
        raise Malformed(f"an event SendGrid does not document: {report.event[:32]!r}")
    occurred_at = datetime.fromtimestamp(report.timestamp, UTC) if report.timestamp else None
    state = STATES[report.event]
    whom = report.email.strip().lower()
    if state is not None and not report.sg_machine_open and report.sg_message_id:
        yield DeliveryReported(
            key=report.sg_event_id,
            occurred_at=occurred_at,
            provider_message_id=report.sg_message_id.partition(".")[0],
            state=state,
            reference=report.switchboard_reference,
            recipient=whom or None,
            error=_error(report) if state in {"failed", "undelivered"} else None,
        )
    if report.event in CONSENT:
        sender = Address(kind="email", value=whom)
        change = CONSENT[report.event]
        yield ConsentChanged(
            key=f"{report.sg_event_id}:consent",
            occurred_at=occurred_at,
            sender=sender,
            state=change,
            source="provider",
            words=report.event,
        )


def _error(report: Report) -> DeliveryError:
    reason = report.reason or report.response
    if report.event == "bounce":
        return explain_report(report.status, reason, permanent=report.type != "blocked")
    told = (reason or "SendGrid did not send it").replace("\0", "\ufffd")[:MAX_REASON_CHARS]
    codes = (code for start, code in DROPS.items() if told.lower().startswith(start))
    return DeliveryError(code=next(codes, NO_DROP), message=told)


def _typed(field: FormField | None, form: type[Form]) -> Form | None:
    """What a field of JSON says; None where it is missing or not what SendGrid documents: the mail counts."""
    try:
        return None if field is None else msgspec.json.decode(field.text, type=form)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
