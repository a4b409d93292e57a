"""What Postmark's webhooks say: mails, raw or taken apart, as MIME, and reports as events. Pure.

https://postmarkapp.com/developer/webhooks/inbound-webhook and https://postmarkapp.com/developer/webhooks/webhooks-overview
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from channels.contract import RawEvent
from channels.email.rebuilding import (
    RebuiltBody,
    RebuiltFile,
    mailbox_header,
    prepend_trace,
    rebuild_mail,
    text_header,
)
from channels.email.reported import explain_report
from channels.errors import FailureCode, Malformed
from channels.events import Address, AnyEvent, ConsentChanged, DeliveryError, DeliveryReported

# The types of bounces that are for good or tell of something else than the mailbox; all others pass.
# https://postmarkapp.com/developer/api/bounce-api#bounce-types
PERMANENT = frozenset(
    {
        "HardBounce", "BadEmailAddress", "SpamNotification", "ManuallyDeactivated", "Unconfirmed", "Blocked",
        "VirusNotification", "ChallengeVerification", "SMTPApiError", "InboundError", "DMARCPolicy", "SpamComplaint",
        "TemplateRenderingFailed",
    }
)  # fmt: skip
UNTOLD = frozenset({"AutoResponder", "AddressChange", "Subscribe", "Unsubscribe", "OpenRelayTest"})
"""Types of bounces that are no failure: the mail arrived, or is on its way."""
TYPES: dict[str, FailureCode] = {
    "BadEmailAddress": "invalid_address",
    "SpamNotification": "spam_suspected",
    "Blocked": "blocked_by_carrier",
    "DMARCPolicy": "sender_unverified",
    "ManuallyDeactivated": "opted_out",
    "SpamComplaint": "opted_out",
    "SMTPApiError": "unknown",
}
HEADERS_BUILT = frozenset({"from", "to", "cc", "bcc", "reply-to", "subject", "date", "return-path", "delivered-to"})

_FRACTION = re.compile(r"(\.[0-9]{6})[0-9]+")

REFERENCE = "switchboard_reference"
"""The metadata in which our reference comes back with every report."""

Word = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f]{0,500}\Z")]
Id = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f]{1,500}\Z")]


class Person(msgspec.Struct, rename="pascal"):
    """An address of a header."""

    email: str = ""
    name: str = ""


class Header(msgspec.Struct, rename="pascal"):
    """A header that no field of its own stands for."""

    name: str
    value: str = ""


class AttachedFile(msgspec.Struct, rename={"content_id": "ContentID", "name": "Name", "content": "Content",
                                           "content_type": "ContentType"}):  # fmt: skip
    """A file; its content is base64."""

    name: str = ""
    content: str = ""
    content_type: str = ""
    content_id: str | None = None


class InboundMail(msgspec.Struct, rename="pascal"):
    """What Postmark posts when a mail came. `raw_email` is there where the server is set up to include it."""

    message_id: Id = msgspec.field(name="MessageID")
    from_full: Person = msgspec.field(default_factory=Person)
    to_full: list[Person] = []
    cc_full: list[Person] = []
    original_recipient: str = ""
    subject: str = ""
    reply_to: str = ""
    date: str = ""
    text_body: str = ""
    html_body: str = ""
    headers: list[Header] = []
    attachments: list[AttachedFile] = []
    raw_email: str = ""


class Report(msgspec.Struct, rename="pascal"):
    """What Postmark posts of a message we sent; which fields there are depends on the type of the record."""

    record_type: Word
    message_id: Id = msgspec.field(name="MessageID")
    id: int | None = msgspec.field(name="ID", default=None)
    type: Word | None = None
    email: Word | None = None
    recipient: Word | None = None
    description: str | None = None
    details: str | None = None
    delivered_at: Word | None = None
    bounced_at: Word | None = None
    changed_at: Word | None = None
    received_at: Word | None = None
    first_open: bool = False
    suppress_sending: bool = False
    suppression_reason: Word | None = None
    metadata: dict[str, Word] = {}


def read_posted_mail(raw: RawEvent) -> bytes:
    """The mail in a post of the inbound webhook, under the trace of its envelope; Malformed where there is none."""
    try:
        mail = msgspec.json.decode(raw.body, type=InboundMail)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed("a mail that cannot be read") from error
    mime = _raw_bytes(mail.raw_email) if mail.raw_email else _rebuild(mail)
    return prepend_trace(mime, recipients=[mail.original_recipient], sender=None)


def read_postmark_report(raw: RawEvent) -> list[AnyEvent]:
    """The events of one post; Malformed for a record that Postmark does not document."""
    try:
        report = msgspec.json.decode(raw.body, type=Report)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed("a record that cannot be read") from error
    if report.record_type not in RECORDS:
        raise Malformed(f"a record Postmark does not document: {report.record_type[:32]!r}")
    return list(RECORDS[report.record_type](report))


def _raw_bytes(text: str) -> bytes:
    """The mail as it came; as a string of JSON it can hold no other bytes than those of UTF-8."""
    return text.encode("utf-8", "replace")


def _rebuild(mail: InboundMail) -> bytes:
    built = [
        ("From", _people([mail.from_full])),
        ("To", _people(mail.to_full)),
        ("Cc", _people(mail.cc_full)),
        ("Reply-To", mail.reply_to),
        ("Subject", text_header(mail.subject)),
        ("Date", mail.date),
    ]
    others = [(header.name, header.value) for header in mail.headers if header.name.lower() not in HEADERS_BUILT]
    return rebuild_mail(
        [*((name, value) for name, value in built if value), *others],
        text=_body(mail.text_body),
        html=_body(mail.html_body),
        files=[_file(file) for file in mail.attachments],
    )


def _people(people: Iterable[Person]) -> str:
    return ", ".join(mailbox_header(person.email, person.name) for person in people if person.email)


def _body(text: str) -> RebuiltBody | None:
    return RebuiltBody(content=text.encode("utf-8", "replace")) if text else None


def _file(file: AttachedFile) -> RebuiltFile:
    try:
        content = b64decode(file.content)
    except ValueError as error:
        raise Malformed("a file that is not in base64") from error
    content_id = (file.content_id or "").strip("<> ").removeprefix("cid:")
    return RebuiltFile(content=content, name=file.name, media_type=file.content_type, content_id=content_id or None)


def _delivery(report: Report) -> Iterable[AnyEvent]:
    yield _reported(report, "delivered", key=f"{report.message_id}:delivered:{_whom(report)}", at=report.delivered_at)


def _opening(report: Report) -> Iterable[AnyEvent]:
    if report.first_open:
        yield _reported(report, "read", key=f"{report.message_id}:read:{_whom(report)}", at=report.received_at)


def _bounce(report: Report) -> Iterable[AnyEvent]:
    if report.type in UNTOLD:
        return
    permanent = report.type in PERMANENT
    text = report.details or report.description
    error = explain_report(None, text, permanent=permanent)
    known = TYPES.get(report.type or "")
    error = msgspec.structs.replace(error, code=known) if known else error
    key = f"{report.message_id}:bounce:{report.id or _whom(report)}"
    yield _reported(report, "undelivered", key=key, at=report.bounced_at, error=error)


def _complaint(report: Report) -> Iterable[AnyEvent]:
    yield from _revoked(report, key=f"{report.message_id}:complaint:{_whom(report)}", at=report.bounced_at)


def _suppression(report: Report) -> Iterable[AnyEvent]:
    """Sending was stopped or allowed again. A hard bounce stops it too, and says nothing about what somebody wants."""
    if report.suppression_reason == "HardBounce":
        return
    key = f"{report.message_id}:suppression:{_whom(report)}:{report.changed_at}"
    state: Literal["revoked", "granted"] = "revoked" if report.suppress_sending else "granted"
    yield from _revoked(report, key=key, at=report.changed_at, state=state)


def _nothing(_: Report) -> Iterable[AnyEvent]:
    return []


RECORDS: dict[str, Callable[[Report], Iterable[AnyEvent]]] = {
    "Delivery": _delivery,
    "Bounce": _bounce,
    "SpamComplaint": _complaint,
    "SubscriptionChange": _suppression,
    "Open": _opening,
    "Click": _nothing,
}


def _reported(
    report: Report,
    state: Literal["delivered", "read", "undelivered"],
    *,
    key: str,
    at: str | None,
    error: DeliveryError | None = None,
) -> DeliveryReported:
    return DeliveryReported(
        key=key,
        occurred_at=_moment(at),
        provider_message_id=report.message_id,
        state=state,
        reference=report.metadata.get(REFERENCE),
        recipient=_whom(report) or None,
        error=error,
    )


def _revoked(
    report: Report, *, key: str, at: str | None, state: Literal["revoked", "granted"] = "revoked"
) -> Iterable[AnyEvent]:
    whom = _whom(report)
    if whom:
        sender = Address(kind="email", value=whom)
        yield ConsentChanged(
            key=key, occurred_at=_moment(at), sender=sender, state=state, source="provider", words=report.record_type
        )


def _whom(report: Report) -> str:
    return (report.recipient or report.email or "").strip().lower()[:320]


def _moment(text: str | None) -> datetime | None:
    """Postmark's times have up to seven digits of fraction."""
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", text or ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
