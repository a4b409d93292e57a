"""What Mailgun's webhooks say: mails of routes, raw or taken apart, as MIME, and reports as events. Pure.

https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http and
https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec

from channels.contract import RawEvent
from channels.email.rebuilding import RebuiltBody, RebuiltFile, prepend_trace, rebuild_mail
from channels.email.reported import explain_report
from channels.errors import FailureCode, Malformed
from channels.events import Address, AnyEvent, ConsentChanged, DeliveryError, DeliveryReported, DeliveryState
from channels.forms import FormField, read_form

# Mailgun's words in ours. None: known, and nothing to report. What failed for a while is still on its way.
STATES: dict[tuple[str, str | None], DeliveryState | None] = {
    ("accepted", None): "sent",
    ("delivered", None): "delivered",
    ("opened", None): "read",
    ("failed", "temporary"): "sent",
    ("failed", "permanent"): "undelivered",
    ("rejected", None): "failed",
    ("clicked", None): None,
    ("complained", None): None,
    ("unsubscribed", None): None,
    ("stored", None): None,
}
REVOKING = frozenset({"complained", "unsubscribed"})
# Why Mailgun did not even try.
REASONS: dict[str, FailureCode] = {
    "suppress-bounce": "hard_bounce",
    "suppress-complaint": "opted_out",
    "suppress-unsubscribe": "opted_out",
    "espblock": "blocked_by_carrier",
    "old": "soft_bounce",
}

Form = TypeVar("Form")
Word = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f]{0,500}\Z")]
Id = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f]{1,500}\Z")]


class Headers(msgspec.Struct, rename="kebab"):
    """The headers of the message an event is about."""

    message_id: Word | None = None


class Message(msgspec.Struct):
    """The message an event is about."""

    headers: Headers = msgspec.field(default_factory=Headers)


class DeliveryStatus(msgspec.Struct, rename="kebab"):
    """What the receiving server said."""

    code: int | Word | None = None
    enhanced_code: Word | None = None
    message: str | None = None
    description: str | None = None


class Variables(msgspec.Struct):
    """What we gave along when sending."""

    switchboard_reference: Word | None = None


class EventData(msgspec.Struct, rename="kebab"):
    """One event. `timestamp` is in seconds since 1970; `id` is unique within a day."""

    event: Word
    id: Id
    timestamp: Annotated[float, msgspec.Meta(ge=0, lt=253_402_300_800)]
    severity: Word | None = None
    reason: Word | None = None
    recipient: Word | None = None
    message: Message = msgspec.field(default_factory=Message)
    delivery_status: DeliveryStatus = msgspec.field(default_factory=DeliveryStatus)
    user_variables: Variables | list[str] = msgspec.field(default_factory=Variables)
    reject: dict[str, str] = {}


class Post(msgspec.Struct, rename="kebab"):
    """What a webhook posts."""

    event_data: EventData


def read_routed_mail(raw: RawEvent) -> bytes:
    """The mail in a post of a route, under the trace of its envelope; Malformed where there is none."""
    fields = {field.name: field for field in read_form(raw.headers, raw.body)}
    mime = fields["body-mime"].value if "body-mime" in fields else _rebuild(fields)
    sender = fields["sender"].text.strip() if "sender" in fields else None
    return prepend_trace(mime, recipients=_text(fields, "recipient").split(","), sender=sender)


def read_mailgun_report(raw: RawEvent) -> list[AnyEvent]:
    """The events of one post; Malformed for one that Mailgun does not document."""
    try:
        report = msgspec.json.decode(raw.body, type=Post).event_data
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed("an event that cannot be read") from error
    kind = report.event, report.severity if report.event == "failed" else None
    if kind not in STATES:
        raise Malformed(f"an event Mailgun does not document: {report.event[:32]!r}")
    return list(_events(report, STATES[kind]))


def _rebuild(fields: Mapping[str, FormField]) -> bytes:
    headers = _typed(fields.get("message-headers"), list[tuple[str, str]])
    if headers is None:
        raise Malformed("a form with neither a raw mail nor the headers of one")
    return rebuild_mail(
        headers,
        text=_body(fields.get("body-plain")),
        html=_body(fields.get("body-html")),
        files=list(_files(fields)),
    )


def _body(field: FormField | None) -> RebuiltBody | None:
    return None if field is None else RebuiltBody(content=field.value)


def _files(fields: Mapping[str, FormField]) -> Iterable[RebuiltFile]:
    """Files are `attachment-1` and so on; the map of content ids names those that are inline."""
    inline = _typed(fields.get("content-id-map"), dict[str, str]) or {}
    ids = {name: content_id.strip("<> ") for content_id, name in inline.items()}
    for name, field in fields.items():
        if name.startswith("attachment-") and name[len("attachment-") :].isdecimal():
            yield RebuiltFile(
                content=field.value, name=field.file_name, media_type=field.media_type, content_id=ids.get(name)
            )


def _events(report: EventData, state: DeliveryState | None) -> Iterable[AnyEvent]:
    occurred_at = datetime.fromtimestamp(report.timestamp, UTC)
    key = f"{report.id}:{occurred_at:%Y-%m-%d}"
    message_id = (report.message.headers.message_id or "").strip("<> ")
    given = report.user_variables if isinstance(report.user_variables, Variables) else Variables()
    whom = (report.recipient or "").strip().lower()
    if state is not None and message_id:
        yield DeliveryReported(
            key=key,
            occurred_at=occurred_at,
            provider_message_id=message_id,
            state=state,
            reference=given.switchboard_reference,
            recipient=whom or None,
            error=_error(report) if state in {"failed", "undelivered"} else None,
        )
    if report.event in REVOKING and whom:
        yield ConsentChanged(
            key=f"{key}:consent",
            occurred_at=occurred_at,
            sender=Address(kind="email", value=whom),
            state="revoked",
            source="provider",
            words=report.event,
        )


def _error(report: EventData) -> DeliveryError:
    status = report.delivery_status
    text = status.message or status.description or report.reject.get("reason")
    code: FailureCode | None = "unknown" if report.event == "rejected" else REASONS.get(report.reason or "")
    if code is None:
        return explain_report(status.enhanced_code or str(status.code or ""), text, permanent=True)
    told = (text or "Mailgun did not send it").replace("\0", "\ufffd")[:500]
    return DeliveryError(code=code, provider_code=report.reason, message=told)


def _text(fields: Mapping[str, FormField], name: str) -> str:
    return fields[name].text.strip() if name in fields else ""


def _typed(field: FormField | None, form: type[Form]) -> Form | None:
    """What a field of JSON says; None where it is missing or not what Mailgun documents: the mail counts."""
    try:
        return None if field is None else msgspec.json.decode(field.text, type=form)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
