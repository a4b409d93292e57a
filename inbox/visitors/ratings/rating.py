"""Asking a visitor how it was, and what they say: when it may be asked and changed. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import msgspec

from channels.webchat.services import RatingRules
from inbox.conversations.entry import Author, NewEntry, TimelineEvent
from inbox.conversations.thread import Held, Route, append_entry, tell
from inbox.kit.callers import Actor
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id

REQUESTED, RECEIVED = "csat_requested", "csat_received"
COMMENT_CHARS = 2_000

Score: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=5, examples=[5])]
Comment: TypeAlias = Annotated[str, msgspec.Meta(max_length=COMMENT_CHARS, examples=["Quick and kind"])]


class Asked(msgspec.Struct, kw_only=True, frozen=True):
    """A request as stored."""

    entry_id: UUID
    conversation_id: UUID
    identity_id: UUID | None
    channel_id: UUID | None
    rating: int | None
    rated_at: datetime | None
    received_entry_id: UUID | None


class Reached(msgspec.Struct, kw_only=True, frozen=True):
    """What decides whether a closed conversation is asked about: who wrote, and when it was asked last."""

    last_inbound_at: datetime | None
    answered: bool
    last_requested_at: datetime | None


def asks_on_close(rules: RatingRules | None, reached: Reached) -> bool:
    """Whether to ask by itself: of a talk both took part in, and once for each time the visitor came back."""
    if rules is None or not rules.enabled or not reached.answered or reached.last_inbound_at is None:
        return False
    return reached.last_requested_at is None or reached.last_requested_at < reached.last_inbound_at


def write_request(held: Held, route: Route, *, identity_id: UUID, actor: Actor, now: datetime) -> NewEntry:
    """The question joins the timeline, where its visitor sees it."""
    entry = append_entry(
        held,
        NewEntry(
            conversation_id=held.thread.id,
            seq=held.thread.last_seq + 1,
            type="event",
            direction="internal",
            visibility="internal",
            channel_id=route.channel_id,
            medium=route.medium,
            provider=route.provider,
            identity_id=identity_id,
            author=Author(type=actor.type, id=actor.id, name=actor.name),
            event=TimelineEvent(name=REQUESTED, actor=actor),
            occurred_at=now,
            created_at=now,
        ),
    )
    tell(held, "conversation.updated", actor=actor, entry=entry, changed=("csat",))
    return entry


def write_rating(
    held: Held, asked: Asked, *, author: Author, score: int, comment: str | None, now: datetime
) -> NewEntry:
    """The answer joins the timeline, its comment as the words of the entry."""
    actor = Actor(type=author.type, id=author.id, name=author.name)
    entry = append_entry(
        held,
        NewEntry(
            conversation_id=held.thread.id,
            seq=held.thread.last_seq + 1,
            type="event",
            direction="internal",
            visibility="internal",
            channel_id=asked.channel_id,
            medium="webchat",
            identity_id=asked.identity_id,
            author=author,
            in_reply_to=asked.entry_id,
            text=comment or "",
            event=TimelineEvent(name=RECEIVED, actor=actor, to=score),
            occurred_at=now,
            created_at=now,
        ),
    )
    tell(held, "csat.received", actor=actor, entry=entry, changed=("csat",), facts=rating_facts(asked, score))
    return entry


def rating_facts(asked: Asked, score: int) -> dict[str, Any]:
    """What the feed tells of a rating: numbers and ids, no words."""
    return {"csat_id": show_id("csr", asked.entry_id), "rating": score, "before": asked.rating}


def refuse_late(asked: Asked, rules: RatingRules | None, *, now: datetime) -> None:
    """The `state_conflict` problem where an answer has stood for too long to be changed."""
    hours = (rules or RatingRules()).change_hours
    if asked.rated_at is not None and now > asked.rated_at + timedelta(hours=hours):
        raise Problem("state_conflict", f"A rating can be changed for {hours:g} hours", hint="Write a message instead")
