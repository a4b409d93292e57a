"""Conversations and entries as the API speaks of them (thread-and-api.md 2.3 and 2.4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from channels.contract import Medium
from channels.events import DeliveryError
from channels.parts import AnyPart
from inbox.conversations.entry import Author, Recipient, TimelineEvent
from inbox.conversations.ladder import State
from inbox.conversations.queries import ReplyTarget, order_targets
from inbox.conversations.thread import Handler, Priority, Status
from inbox.kit.clock import show_time
from inbox.kit.db import Row
from inbox.kit.ids import show_id

EntryType: TypeAlias = Literal["message", "note", "call", "event"]


class Reference(msgspec.Struct, kw_only=True, frozen=True):
    """Something else, by id and name."""

    object: Literal["contact", "agent"]
    id: str
    name: str | None


class ReplyRoute(msgspec.Struct, kw_only=True, frozen=True):
    """By which way an answer goes if none is named, whether it can, and why not; and the other media there are."""

    channel: str | None
    channel_id: str | None
    address: str | None
    can_reply: bool
    until: str | None = None
    reason: str | None
    alternatives: list[str]


class Counts(msgspec.Struct, kw_only=True, frozen=True):
    """How many entries there are, and how many messages of the contact nobody has read."""

    entries: int
    unread: int


class ConversationObject(msgspec.Struct, kw_only=True, frozen=True):
    """One thread with one contact, across media."""

    object: Literal["conversation"] = "conversation"
    id: str
    number: int
    version: int
    subject: str | None
    preview: str
    status: Status
    snoozed_until: str | None
    priority: Priority
    language: str | None
    handler: Handler
    contact: Reference
    assignee: Reference | None
    channels: list[Medium]
    reply_route: ReplyRoute
    tags: list[str]
    attributes: dict[str, Any]
    external: dict[str, Any]
    counts: Counts
    last_seq: int
    waiting_since: str | None
    last_inbound_at: str | None
    last_outbound_at: str | None
    created_at: str
    updated_at: str


class EntryChannel(msgspec.Struct, kw_only=True, frozen=True):
    """By which channel an entry came or went."""

    type: Medium
    channel_id: str
    provider: str


class Delivery(msgspec.Struct, kw_only=True, frozen=True):
    """How far a message got; the state never goes back."""

    state: State
    updated_at: str | None
    error: DeliveryError | None


class ProviderFacts(msgspec.Struct, kw_only=True, frozen=True):
    """What the provider calls it, and when it says it happened."""

    message_id: str | None
    occurred_at: str


class EntryObject(msgspec.Struct, kw_only=True, frozen=True):
    """One item of the timeline. `text` is always filled for messages and notes; `seq` grows by one without holes."""

    object: Literal["entry"] = "entry"
    type: EntryType
    id: str
    conversation_id: str
    seq: int
    version: int
    direction: Literal["inbound", "outbound", "internal"]
    visibility: Literal["public", "internal"]
    channel: EntryChannel | None
    author: Author
    recipients: list[Recipient]
    in_reply_to: str | None
    client_message_id: str | None
    text: str
    parts: list[AnyPart]
    event: TimelineEvent | None
    delivery: Delivery | None
    provider: ProviderFacts | None
    edited_at: str | None
    redacted_at: str | None
    occurred_at: str
    created_at: str


class AttemptObject(msgspec.Struct, kw_only=True, frozen=True):
    """One try to hand a piece over, or one report of it."""

    object: Literal["delivery_attempt"] = "delivery_attempt"
    id: int
    kind: Literal["send", "report"]
    outcome: str
    round: int
    piece: int
    channel_id: str
    provider_message_id: str | None
    error: DeliveryError | None
    detail: str | None
    started_at: str
    finished_at: str | None


class RawObject(msgspec.Struct, kw_only=True, frozen=True):
    """The provider's own request in which a message came; `body` in base64 where it is not text."""

    object: Literal["raw_event"] = "raw_event"
    id: int
    kind: str
    method: str
    url: str
    headers: dict[str, str]
    body: str
    encoding: Literal["text", "base64"]
    received_at: str


_priority = msgspec.json.Decoder(Priority).decode
_object = msgspec.json.Decoder(dict[str, Any]).decode
_author = msgspec.json.Decoder(Author).decode
_recipients = msgspec.json.Decoder(list[Recipient]).decode
_parts = msgspec.json.Decoder(list[AnyPart]).decode
_event = msgspec.json.Decoder(TimelineEvent).decode
_error = msgspec.json.Decoder(DeliveryError).decode


def show_conversation(row: Row, targets: list[ReplyTarget]) -> ConversationObject:
    """A conversation's row with the ways to its contact."""
    assignee = row["assignee_id"]
    return ConversationObject(
        id=show_id("cnv", row["id"]),
        number=row["number"],
        version=row["version"],
        subject=row["subject"],
        preview=row["preview"],
        status=row["status"],
        snoozed_until=_time(row["snoozed_until"]),
        priority=_priority(row["priority"]),
        language=row["language"],
        handler=row["handler"],
        contact=Reference(object="contact", id=show_id("ctc", row["contact_id"]), name=row["contact_name"]),
        assignee=assignee and Reference(object="agent", id=show_id("agt", assignee), name=row["assignee_name"]),
        channels=row["media"],
        reply_route=show_route(order_targets(targets, row["reply_channel_id"], row["reply_identity_id"])),
        tags=row["tags"],
        attributes=_object(row["attributes"]),
        external=_object(row["external"]),
        counts=Counts(entries=row["last_seq"], unread=row["unread"]),
        last_seq=row["last_seq"],
        waiting_since=_time(row["waiting_since"]),
        last_inbound_at=_time(row["last_inbound_at"]),
        last_outbound_at=_time(row["last_outbound_at"]),
        created_at=show_time(row["created_at"]),
        updated_at=show_time(row["updated_at"]),
    )


def show_route(targets: list[ReplyTarget]) -> ReplyRoute:
    """The way an answer takes by itself, and the others."""
    if not targets:
        reason = "no active channel reaches an address of this contact"
        return ReplyRoute(channel=None, channel_id=None, address=None, can_reply=False, reason=reason, alternatives=[])
    first, *others = targets
    return ReplyRoute(
        channel=first.medium,
        channel_id=show_id("cha", first.channel_id),
        address=first.address,
        can_reply=not first.revoked,
        reason="the contact opted out of this channel" if first.revoked else None,
        alternatives=sorted({other.medium for other in others if not other.revoked} - {first.medium}),
    )


def show_entry(row: Row) -> EntryObject:
    """An entry's row."""
    return EntryObject(
        type=row["type"],
        id=show_id("ent", row["id"]),
        conversation_id=show_id("cnv", row["conversation_id"]),
        seq=row["seq"],
        version=row["version"],
        direction=row["direction"],
        visibility=row["visibility"],
        channel=_channel(row),
        author=_author(row["author"]),
        recipients=_recipients(row["recipients"]),
        in_reply_to=_id("ent", row["in_reply_to"]),
        client_message_id=row["client_message_id"],
        text=row["text"],
        parts=[_with_url(part) for part in _parts(row["parts"])],
        event=_event(row["event"]) if row["event"] else None,
        delivery=_delivery(row),
        provider=_provider(row),
        edited_at=_time(row["edited_at"]),
        redacted_at=_time(row["redacted_at"]),
        occurred_at=show_time(row["occurred_at"]),
        created_at=show_time(row["created_at"]),
    )


def show_attempt(row: Row) -> AttemptObject:
    """A row of the delivery log."""
    return AttemptObject(
        id=row["id"],
        kind=row["kind"],
        outcome=row["outcome"],
        round=row["round"],
        piece=row["piece"],
        channel_id=show_id("cha", row["channel_id"]),
        provider_message_id=row["provider_message_id"],
        error=_error(row["error"]) if row["error"] else None,
        detail=row["detail"],
        started_at=show_time(row["started_at"]),
        finished_at=_time(row["finished_at"]),
    )


def _with_url(part: AnyPart) -> AnyPart:
    file = getattr(part, "attachment", None)
    if file is None or file.id is None:
        return part
    return msgspec.structs.replace(part, attachment=msgspec.structs.replace(file, url=f"/v1/attachments/{file.id}"))


def _channel(row: Row) -> EntryChannel | None:
    if row["channel_id"] is None:
        return None
    return EntryChannel(type=row["medium"], channel_id=show_id("cha", row["channel_id"]), provider=row["provider"])


def _delivery(row: Row) -> Delivery | None:
    if row["delivery_state"] is None:
        return None
    error = _error(row["delivery_error"]) if row["delivery_error"] else None
    return Delivery(state=row["delivery_state"], updated_at=_time(row["delivery_updated_at"]), error=error)


def _provider(row: Row) -> ProviderFacts | None:
    if row["type"] != "message" or row["direction"] != "inbound":
        return None
    return ProviderFacts(message_id=row["provider_message_id"], occurred_at=show_time(row["occurred_at"]))


def _time(moment: datetime | None) -> str | None:
    return show_time(moment) if moment else None


def _id(prefix: Literal["ent"], value: UUID | None) -> str | None:
    return show_id(prefix, value) if value else None
