"""The one envelope, and the kinds of things that are told. Pure.

An event says what happened; the objects inside are as they are when it is read, so a word that has been erased is gone
from the feed as well (docs/decisions/0006).
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

import msgspec

from inbox.kit.callers import Actor
from inbox.kit.ids import new_id
from inbox.kit.tracing import request_id, traceparent

EventType = Literal[
    "conversation.created", "conversation.updated", "conversation.assigned", "conversation.status_changed",
    "conversation.read", "conversation.merged", "conversation.split", "conversation.move_undone", "entry.moved",
    "message.created", "message.updated", "message.delivery_updated", "message.redacted",
    "note.created",
    "draft.created", "draft.updated", "draft.sent", "draft.deleted",
    "scheduled_message.created", "scheduled_message.updated", "scheduled_message.sent", "scheduled_message.canceled",
    "scheduled_message.held", "scheduled_message.failed",
    "contact.created", "contact.updated", "contact.consent_changed", "contact.merged", "contact.unmerged",
    "company.created", "company.updated", "company.deleted",
    "channel.connected", "channel.updated", "channel.disconnected",
    "webhook.failing", "webhook.disabled",
    "csat.received",
    "outbox.held", "outbox.released",
    "contact.erased",
    "agent.availability_changed",
    "export.started", "export.progressed", "export.finished", "export.failed", "export.canceled",
    "import.started", "import.progressed", "import.finished", "import.failed", "import.canceled",
]  # fmt: skip


class NewEvent(msgspec.Struct, kw_only=True, frozen=True):
    """One thing that happened, as handed to `append_events`. `facts` are small and carry no customer's words.

    It belongs to the request and the trace it was made in.
    """

    type: EventType
    actor: Actor
    id: UUID = msgspec.field(default_factory=new_id)
    conversation_id: UUID | None = None
    entry_id: UUID | None = None
    contact_id: UUID | None = None
    channel_id: UUID | None = None
    seq: int | None = None
    facts: dict[str, Any] | None = None
    changed: tuple[str, ...] = ()
    request_id: str | None = msgspec.field(default_factory=request_id)
    traceparent: str | None = msgspec.field(default_factory=traceparent)


def show_cursor(position: int) -> str:
    """A cursor as text: fixed-width hex, so that it sorts as it counts."""
    return f"{position:012x}"


def read_cursor(text: str) -> int:
    """The number behind a cursor; ValueError for anything `show_cursor` did not make."""
    if len(text) != 12 or set(text) - set("0123456789abcdef"):
        raise ValueError("a cursor is twelve hexadecimal digits")
    return int(text, 16)
