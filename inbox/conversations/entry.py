"""One item of the timeline: message, note, call or event, as it is stored. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from channels.events import DeliveryError
from channels.parts import AnyPart
from inbox.conversations.ladder import State
from inbox.conversations.letters.letter import StoredLetter
from inbox.kit.callers import Actor, ActorType
from inbox.kit.ids import new_id


class Author(msgspec.Struct, kw_only=True, frozen=True):
    """Who wrote an entry, as it is shown for ever after."""

    type: ActorType
    id: str | None = None
    name: str | None = None
    address: str | None = None
    verified: bool | None = None


class Recipient(msgspec.Struct, kw_only=True, frozen=True):
    """One address a message went to."""

    role: Literal["to", "cc", "bcc"]
    address: str


class TimelineEvent(msgspec.Struct, kw_only=True, frozen=True):
    """What an event entry tells: who changed what, from what, to what, and why."""

    name: str
    actor: Actor
    from_: Any = msgspec.field(default=None, name="from")
    to: Any = None
    reason: str | None = None


class NewEntry(msgspec.Struct, kw_only=True, frozen=True):
    """One row of the timeline, ready to be stored; the fields are the columns of `entry`."""

    conversation_id: UUID
    seq: int
    type: Literal["message", "note", "call", "event"]
    direction: Literal["inbound", "outbound", "internal"]
    visibility: Literal["public", "internal"]
    author: Author
    occurred_at: datetime
    created_at: datetime
    id: UUID = msgspec.field(default_factory=new_id)
    channel_id: UUID | None = None
    medium: str | None = None
    provider: str | None = None
    identity_id: UUID | None = None
    recipients: list[Recipient] = []
    in_reply_to: UUID | None = None
    client_message_id: str | None = None
    text: str = ""
    parts: list[AnyPart] = []
    event: TimelineEvent | None = None
    delivery_state: State | None = None
    delivery_error: DeliveryError | None = None
    delivery_updated_at: datetime | None = None
    provider_message_id: str | None = None
    raw_event_id: int | None = None
    held_until: datetime | None = None
    approved_by: Actor | None = None
    letter: StoredLetter | None = None
