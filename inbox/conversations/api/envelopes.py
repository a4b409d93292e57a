"""The feed's one envelope, filled with the objects an event is about."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec

from inbox.conversations.api.entries import EntryObject, show_entry
from inbox.conversations.api.shapes import Counts, Reference
from inbox.conversations.queries import find_conversations, find_entries
from inbox.conversations.thread import Handler, Status
from inbox.feed.events import show_cursor
from inbox.kit.callers import ActorType
from inbox.kit.clock import show_time
from inbox.kit.db import Row
from inbox.kit.ids import show_id


class EnvelopeActor(msgspec.Struct, kw_only=True, frozen=True):
    """Who did it."""

    type: ActorType
    id: str | None = None
    name: str | None = None


class SmallConversation(msgspec.Struct, kw_only=True, frozen=True):
    """What a list needs to know of a conversation that changed."""

    object: Literal["conversation"] = "conversation"
    id: str
    number: int
    version: int
    status: Status
    handler: Handler
    subject: str | None
    preview: str
    contact: Reference
    assignee: Reference | None
    tags: list[str]
    counts: Counts
    last_seq: int
    waiting_since: str | None
    updated_at: str


class EnvelopeData(msgspec.Struct, kw_only=True, frozen=True):
    """The objects an event is about."""

    entry: EntryObject | None = None
    conversation: SmallConversation | None = None
    contact_id: str | None = None
    channel_id: str | None = None
    facts: dict[str, Any] | None = None


class Envelope(msgspec.Struct, kw_only=True, frozen=True):
    """What happened, in the one form that pull, stream and webhooks share.

    `data` holds the objects as they are when the event is read, and `facts`, what was changed from what to what.
    """

    object: Literal["event"] = "event"
    id: str
    cursor: str
    type: str
    timestamp: str
    conversation_id: str | None
    seq: int | None
    actor: EnvelopeActor
    data: EnvelopeData
    changed: list[str]
    request_id: str | None


_actor = msgspec.json.Decoder(EnvelopeActor).decode
_facts = msgspec.json.Decoder(dict[str, Any]).decode


async def show_events(rows: Sequence[Row]) -> list[Envelope]:
    """Events of the feed as envelopes, outside any transaction: two statements side by side, for any number of them."""
    entries, conversations = await asyncio.gather(
        find_entries(list({row["entry_id"] for row in rows if row["entry_id"]})),
        find_conversations(list({row["conversation_id"] for row in rows if row["conversation_id"]})),
    )
    return [_envelope(row, entries, conversations) for row in rows]


def _envelope(row: Row, entries: dict[UUID, Row], conversations: dict[UUID, Row]) -> Envelope:
    entry, conversation = entries.get(row["entry_id"]), conversations.get(row["conversation_id"])
    return Envelope(
        id=show_id("evt", row["id"]),
        cursor=show_cursor(row["cursor"]),
        type=row["type"],
        timestamp=show_time(row["created_at"]),
        conversation_id=show_id("cnv", row["conversation_id"]) if row["conversation_id"] else None,
        seq=row["seq"],
        actor=_actor(row["actor"]),
        data=EnvelopeData(
            entry=show_entry(entry) if entry else None,
            conversation=_small(conversation) if conversation else None,
            contact_id=show_id("ctc", row["contact_id"]) if row["contact_id"] else None,
            channel_id=show_id("cha", row["channel_id"]) if row["channel_id"] else None,
            facts=_facts(row["facts"]) if row["facts"] else None,
        ),
        changed=row["changed"],
        request_id=row["request_id"],
    )


def _small(row: Row) -> SmallConversation:
    assignee = row["assignee_id"]
    return SmallConversation(
        id=show_id("cnv", row["id"]),
        number=row["number"],
        version=row["version"],
        status=row["status"],
        handler=row["handler"],
        subject=row["subject"],
        preview=row["preview"],
        contact=Reference(object="contact", id=show_id("ctc", row["contact_id"]), name=row["contact_name"]),
        assignee=assignee and Reference(object="agent", id=show_id("agt", assignee), name=row["assignee_name"]),
        tags=row["tags"],
        counts=Counts(entries=row["last_seq"], unread=row["unread"]),
        last_seq=row["last_seq"],
        waiting_since=row["waiting_since"],
        updated_at=row["updated_at"],
    )
