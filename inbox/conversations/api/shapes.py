"""Conversations as the API speaks of them (thread-and-api.md 2.3)."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from channels.contract import Medium
from inbox.conversations.api.expansion import ExpandedConversation
from inbox.conversations.queries import ReplyTarget, order_targets
from inbox.conversations.search.highlights import Highlight
from inbox.conversations.thread import Handler, Priority, Status
from inbox.kit.clock import show_time
from inbox.kit.db import Row
from inbox.kit.ids import show_id


class Reference(msgspec.Struct, kw_only=True, frozen=True):
    """Something else, by id and name."""

    object: Literal["contact", "agent"]
    id: str
    name: str | None


class LatestRating(msgspec.Struct, kw_only=True, frozen=True):
    """How the contact was last asked to rate us, and what they said, 1 to 5; null until they answer."""

    entry_id: str
    rating: Annotated[int | None, msgspec.Meta(examples=[5])] = None
    rated_at: str | None = None


class StoredRating(msgspec.Struct, kw_only=True, frozen=True):
    """The same beside the conversation's row."""

    entry_id: UUID
    rating: int | None = None
    rated_at: str | None = None


class ReplyRoute(msgspec.Struct, kw_only=True, frozen=True):
    """By which way an answer goes if none is named, whether it can, and why not; and the other media there are.

    `last_seen_at` is when the contact was last there, where the way is a web chat: nobody else says so.
    """

    channel: str | None
    channel_id: str | None
    address: str | None
    can_reply: bool
    until: str | None = None
    last_seen_at: Annotated[str | None, msgspec.Meta(examples=[None])] = None
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
    merged_into: Annotated[str | None, msgspec.Meta(examples=[None])]
    csat: LatestRating | None
    waiting_since: str | None
    last_inbound_at: str | None
    last_outbound_at: str | None
    created_at: str
    updated_at: str
    highlight: Annotated[
        Highlight | None, msgspec.Meta(description="In a list that looks for words, where they stand; else null.")
    ] = None
    expanded: Annotated[
        ExpandedConversation | None, msgspec.Meta(description="Where `expand` was asked for.", examples=[None])
    ] = None


KEPT_PRIORITIES = 1024
"""Most conversations share a few priorities: each is read once."""

_priority = lru_cache(KEPT_PRIORITIES)(msgspec.json.Decoder(Priority).decode)
_rating = msgspec.json.Decoder(StoredRating).decode
_object = msgspec.json.Decoder(dict[str, Any]).decode


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
        snoozed_until=row["snoozed_until"],
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
        merged_into=show_id("cnv", row["merged_into"]) if row["merged_into"] else None,
        csat=_show_rating(_rating(row["csat"])) if row["csat"] else None,
        waiting_since=row["waiting_since"],
        last_inbound_at=row["last_inbound_at"],
        last_outbound_at=row["last_outbound_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _show_rating(stored: StoredRating) -> LatestRating:
    return LatestRating(entry_id=show_id("ent", stored.entry_id), rating=stored.rating, rated_at=stored.rated_at)


def show_route(targets: list[ReplyTarget]) -> ReplyRoute:
    """The way an answer takes by itself, and the others."""
    if not targets:
        reason = "no channel reaches an address of this contact"
        return ReplyRoute(channel=None, channel_id=None, address=None, can_reply=False, reason=reason, alternatives=[])
    first, *others = targets
    media = {other.medium for other in others if other.why_not is None} - {first.medium} if others else ()
    return ReplyRoute(
        channel=first.medium,
        channel_id=show_id("cha", first.channel_id),
        address=first.address,
        can_reply=first.why_not is None,
        last_seen_at=show_time(first.seen_at) if first.seen_at else None,
        reason=first.remark,
        alternatives=sorted(media),
    )
