"""A conversation as its visitor sees it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from inbox.kit.ids import show_id


class VisitorAssignee(msgspec.Struct, kw_only=True, frozen=True):
    """Who of us has the conversation, by name."""

    name: str | None


class VisitorRating(msgspec.Struct, kw_only=True, frozen=True):
    """What the visitor was asked last about how it went, what they said, if anything, and when they first said so."""

    entry_id: str
    rating: int | None
    rated_at: Annotated[str | None, msgspec.Meta(examples=[None])]


class VisitorConversation(msgspec.Struct, kw_only=True, frozen=True):
    """The conversation a visitor is in. `unread` are messages of ours in the chat that no `read` has told of."""

    object: Literal["visitor_conversation"] = "visitor_conversation"
    id: str
    status: Literal["open", "closed"]
    assignee: VisitorAssignee | None
    unread: int
    last_seq: int
    csat: Annotated[VisitorRating | None, msgspec.Meta(examples=[None])]


class AskedRating(msgspec.Struct, kw_only=True, frozen=True):
    """The newest request of a conversation, and its answer."""

    entry_id: UUID
    rating: int | None
    rated_at: str | None = None


_asked = msgspec.json.Decoder(AskedRating).decode


def show_visitor_conversation(row: Mapping[str, Any], *, unread: int) -> VisitorConversation:
    """A conversation's row as its visitor sees it: that it waits or sleeps is our own business."""
    asked = _asked(row["csat"]) if row["csat"] else None
    return VisitorConversation(
        id=show_id("cnv", row["id"]),
        status="closed" if row["status"] == "closed" else "open",
        assignee=VisitorAssignee(name=row["assignee_name"]) if row["assignee_id"] else None,
        unread=unread,
        last_seq=row["last_seq"],
        csat=_show_rating(asked) if asked else None,
    )


def _show_rating(asked: AskedRating) -> VisitorRating:
    return VisitorRating(entry_id=show_id("ent", asked.entry_id), rating=asked.rating, rated_at=asked.rated_at)
