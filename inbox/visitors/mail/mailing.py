"""A mail that our own program sends out of a conversation: an event of the timeline, and when it is due. Pure.

It is no message: what it says was said already, or is a document. So nothing stands in the timeline twice, and no
answer counts as given by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from channels.parts import AnyPart, Text, plain_text
from channels.webchat.services import MailContinuation
from inbox.conversations.entry import Author, NewEntry, Recipient, TimelineEvent
from inbox.conversations.letters.letter import StoredLetter
from inbox.conversations.thread import Held, Route, append_entry, tell
from inbox.kit.callers import SYSTEM
from inbox.kit.ids import read_id

MOVED, TRANSCRIBED = "moved_to_email", "transcript_sent"
FORGOTTEN_AFTER = timedelta(days=7)
"""What nobody saw for so long goes by mail no more: its conversation is over."""


class Unseen(msgspec.Struct, kw_only=True, frozen=True):
    """A message of ours in the chat that its visitor has not read."""

    entry_id: UUID
    channel_id: UUID
    identity_id: UUID
    address: str
    author: str | None
    parts: list[AnyPart]
    text: str
    written_at: datetime


class MailWay(msgspec.Struct, kw_only=True, frozen=True):
    """By which channel of ours, and to which address, a mail goes."""

    route: Route
    adapter: str
    identity_id: UUID
    address: str


def due_at(unseen: Sequence[Unseen], *, last_seen_at: datetime, rules: MailContinuation) -> datetime:
    """When these messages go by mail: so long after the first was written and its visitor was there last."""
    return max(unseen[0].written_at, last_seen_at) + timedelta(minutes=rules.after_minutes)


def mailbox_of(rules: MailContinuation) -> UUID | None:
    """The mail channel that is named."""
    return read_id("cha", rules.channel_id) if rules.channel_id else None


def write_digest(unseen: Sequence[Unseen], *, ending: str) -> list[AnyPart]:
    """The messages as one mail, each under its author's name where several wrote, and how to go on."""
    several = len({one.author for one in unseen}) > 1
    parts: list[AnyPart] = []
    for one in unseen:
        parts += [Text(text=f"{one.author}:")] if several and one.author else []
        parts += one.parts
    return [*parts, Text(text=ending)]


def in_words(parts: Sequence[AnyPart]) -> list[AnyPart]:
    """The same without its files, which are named: for a mail that cannot carry them."""
    return [Text(text=plain_text([part])) for part in parts]


def write_mailing(
    held: Held,
    name: str,
    *,
    way: MailWay,
    letter: StoredLetter,
    author: Author,
    facts: dict[str, Any],
    reason: str | None,
    now: datetime,
) -> NewEntry:
    """The event that a mail went out hangs its delivery on."""
    entry = append_entry(
        held,
        NewEntry(
            conversation_id=held.thread.id,
            seq=held.thread.last_seq + 1,
            type="event",
            direction="outbound",
            visibility="internal",
            channel_id=way.route.channel_id,
            medium=way.route.medium,
            provider=way.route.provider,
            identity_id=way.identity_id,
            author=author,
            recipients=[Recipient(role="to", address=way.address)],
            event=TimelineEvent(name=name, actor=SYSTEM, to=facts, reason=reason),
            delivery_state="queued",
            delivery_updated_at=now,
            occurred_at=now,
            created_at=now,
            letter=letter,
        ),
    )
    tell(held, "conversation.updated", actor=SYSTEM, entry=entry, facts={"event": name, **facts})
    return entry
