"""The body of a delivery: the feed's envelope, whole or with ids in place of the objects."""

from __future__ import annotations

from typing import Literal

import msgspec

from inbox.conversations.api.envelopes import Envelope
from inbox.kit.callers import ActorType
from inbox.kit.db import Row
from inbox.kit.ids import CHANNEL, CONTACT, CONVERSATION, ENTRY, Prefix, show_id
from inbox.webhooks.endpoint import Payload


class ThinActor(msgspec.Struct, kw_only=True, frozen=True):
    """Who did it, without a name."""

    type: ActorType
    id: str | None = None


class ThinData(msgspec.Struct, kw_only=True, frozen=True):
    """What an event is about, by id: ask the API for the objects."""

    conversation_id: str | None = None
    entry_id: str | None = None
    contact_id: str | None = None
    channel_id: str | None = None


class ThinEnvelope(msgspec.Struct, kw_only=True, frozen=True):
    """What happened, as an Envelope, but without anybody's words or names: `data` holds ids alone."""

    object: Literal["event"] = "event"
    id: str
    cursor: str
    type: str
    timestamp: str
    conversation_id: str | None
    seq: int | None
    actor: ThinActor
    data: ThinData
    changed: list[str]
    request_id: str | None


def form_body(envelope: Envelope, row: Row, payload: Payload) -> bytes:
    """The bytes to send of an event, given as its envelope and its row of the feed."""
    return msgspec.json.encode(envelope if payload == "full" else thin_envelope(envelope, row))


def thin_envelope(envelope: Envelope, row: Row) -> ThinEnvelope:
    """The envelope of an event without its objects."""
    return ThinEnvelope(
        id=envelope.id,
        cursor=envelope.cursor,
        type=envelope.type,
        timestamp=envelope.timestamp,
        conversation_id=envelope.conversation_id,
        seq=envelope.seq,
        actor=ThinActor(type=envelope.actor.type, id=envelope.actor.id),
        data=ThinData(**{f"{name}_id": _shown(row, name, prefix) for name, prefix in ABOUT.items()}),
        changed=envelope.changed,
        request_id=envelope.request_id,
    )


ABOUT: dict[str, Prefix] = {
    "conversation": CONVERSATION, "entry": ENTRY, "contact": CONTACT, "channel": CHANNEL,
}  # fmt: skip


def _shown(row: Row, name: str, prefix: Prefix) -> str | None:
    value = row[f"{name}_id"]
    return show_id(prefix, value) if value else None
