"""Entries as the API speaks of them (thread-and-api.md 2.4)."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from channels.contract import Medium
from channels.email.html.shown import clean_stored
from channels.events import DeliveryError, Verdict
from channels.parts import AnyPart
from inbox.conversations.entry import Author, Recipient, TimelineEvent
from inbox.conversations.ladder import State
from inbox.conversations.letters.letter import Nature, StoredLetter, ThreadMatch
from inbox.kit.callers import ActorType
from inbox.kit.db import Row
from inbox.kit.ids import show_id

EntryType: TypeAlias = Literal["message", "note", "call", "event"]


class Place(msgspec.Struct, kw_only=True, frozen=True):
    """A place in a timeline, as stored."""

    conversation_id: UUID
    seq: int


class MovedFrom(msgspec.Struct, kw_only=True, frozen=True):
    """Where an entry was before conversations were merged or split."""

    conversation_id: str
    seq: int


class EntryChannel(msgspec.Struct, kw_only=True, frozen=True):
    """By which channel an entry came or went."""

    type: Medium
    channel_id: str
    provider: str


class EntryDelivery(msgspec.Struct, kw_only=True, frozen=True):
    """How far a message got; it never goes back. While it is `scheduled`, until `held_until`, it can be canceled."""

    state: State
    updated_at: str | None
    held_until: str | None
    error: DeliveryError | None


class Approver(msgspec.Struct, kw_only=True, frozen=True):
    """Who let go what somebody else had written."""

    type: ActorType
    id: str | None = None
    name: str | None = None


class ProviderFacts(msgspec.Struct, kw_only=True, frozen=True):
    """What the provider calls it, and when it says it happened."""

    message_id: str | None
    occurred_at: str


class EntryAuthentication(msgspec.Struct, kw_only=True, frozen=True):
    """What SPF, DKIM and DMARC said, and whose word that is; `aligned` where one passed for the From address itself."""

    by: Annotated[str, msgspec.Meta(examples=["mx.example.org"])]
    aligned: bool
    spf: Verdict | None
    dkim: Verdict | None
    dmarc: Verdict | None


class EntryLetter(msgspec.Struct, kw_only=True, frozen=True):
    """What only mail says. `match` tells why a mail that came in is in this conversation.

    Message-IDs are without angle brackets, `references` the oldest first. `flags` name what is odd or notable;
    `automatic` is what nobody of us wrote, `quotes` the entry that is quoted under it.
    """

    subject: str | None
    message_id: Annotated[str | None, msgspec.Meta(examples=["CAF8841@mail.example.org"])]
    in_reply_to: Annotated[list[str], msgspec.Meta(examples=[[]])]
    references: Annotated[list[str], msgspec.Meta(examples=[[]])]
    nature: Nature
    authentication: EntryAuthentication | None
    flags: Annotated[list[str], msgspec.Meta(examples=[[]])]
    match: ThreadMatch | None
    automatic: Annotated[bool, msgspec.Meta(examples=[False])]
    quotes: Annotated[str | None, msgspec.Meta(examples=[None])]


class ExpandedEntry(msgspec.Struct, kw_only=True, frozen=True):
    """What was asked for by `expand`."""

    in_reply_to: EntryObject | None


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
    approved_by: Approver | None
    recipients: list[Recipient]
    in_reply_to: str | None
    client_message_id: str | None
    text: str
    parts: list[AnyPart]
    event: TimelineEvent | None
    delivery: EntryDelivery | None
    provider: ProviderFacts | None
    letter: EntryLetter | None
    edited_at: str | None
    redacted_at: str | None
    moved_from: MovedFrom | None
    occurred_at: str
    created_at: str
    expanded: Annotated[
        ExpandedEntry | None, msgspec.Meta(description="Where `expand` was asked for.", examples=[None])
    ] = None


_author = msgspec.json.Decoder(Author).decode
_recipients = msgspec.json.Decoder(list[Recipient]).decode
_parts = msgspec.json.Decoder(list[AnyPart]).decode
_event = msgspec.json.Decoder(TimelineEvent).decode
_error = msgspec.json.Decoder(DeliveryError).decode
_stored_letter = msgspec.json.Decoder(StoredLetter).decode
_approver = msgspec.json.Decoder(Approver).decode


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
        approved_by=_approver(row["approved_by"]) if row["approved_by"] else None,
        recipients=_recipients(row["recipients"]),
        in_reply_to=_id("ent", row["in_reply_to"]),
        client_message_id=row["client_message_id"],
        text=row["text"],
        parts=[_with_url(part) for part in clean_stored(_parts(row["parts"]))],
        event=_event(row["event"]) if row["event"] else None,
        delivery=_delivery(row),
        provider=_provider(row),
        letter=_letter(row["letter"]) if row["letter"] else None,
        edited_at=row["edited_at"],
        redacted_at=row["redacted_at"],
        moved_from=_moved_from(row["moved_from"]) if row["moved_from"] else None,
        occurred_at=row["occurred_at"],
        created_at=row["created_at"],
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


def _delivery(row: Row) -> EntryDelivery | None:
    if row["delivery_state"] is None:
        return None
    error = _error(row["delivery_error"]) if row["delivery_error"] else None
    return EntryDelivery(
        state=row["delivery_state"],
        updated_at=row["delivery_updated_at"],
        held_until=row["held_until"],
        error=error,
    )


def _provider(row: Row) -> ProviderFacts | None:
    if row["type"] != "message" or row["direction"] != "inbound":
        return None
    return ProviderFacts(message_id=row["provider_message_id"], occurred_at=row["occurred_at"])


def _letter(stored: str) -> EntryLetter:
    letter = _stored_letter(stored)
    said = letter.authentication
    return EntryLetter(
        **{name: getattr(letter, name) for name in ("subject", "message_id", "in_reply_to", "references", "nature")},
        authentication=msgspec.convert(said, EntryAuthentication, from_attributes=True) if said else None,
        flags=letter.flags,
        match=letter.match,
        automatic=letter.automatic,
        quotes=_id("ent", letter.quotes),
    )


def _moved_from(stored: str) -> MovedFrom:
    place = msgspec.json.decode(stored, type=Place)
    return MovedFrom(conversation_id=show_id("cnv", place.conversation_id), seq=place.seq)


def _id(prefix: Literal["ent"], value: UUID | None) -> str | None:
    return show_id(prefix, value) if value else None
