"""A conversation held under its row lock, and everything that can be done to it. Pure.

The edge loads threads with `lock_threads`, the functions here change them and note down what is to be stored, and
`store_threads` writes it all: entries with the next `seq`, the conversation's new state, and what the feed tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from channels.parts import AnyPart, plain_text
from inbox.conversations.entry import Author, NewEntry, Recipient, TimelineEvent
from inbox.conversations.letters.letter import StoredLetter
from inbox.feed.events import EventType, NewEvent
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.ids import new_id, show_id

Status = Literal["open", "pending", "snoozed", "closed"]
Handler = Literal["bot", "human", "none"]
Level = Literal["low", "normal", "high", "urgent"]

PREVIEW_CHARS = 160


class Priority(msgspec.Struct, kw_only=True, frozen=True):
    """How urgent it is, 0 to 100, and why; `pinned` when a person has said so."""

    score: int = 0
    level: Level = "normal"
    pinned: bool = False
    because: list[str] = []


class Thread(msgspec.Struct, kw_only=True):
    """A conversation under its lock; the fields up to `updated_at` are columns, the rest is to be stored."""

    id: UUID
    contact_id: UUID
    created_at: datetime
    updated_at: datetime
    subject: str | None = None
    status: Status = "open"
    snoozed_until: datetime | None = None
    closed_at: datetime | None = None
    priority: Priority = Priority()
    language: str | None = None
    handler: Handler = "human"
    assignee_id: UUID | None = None
    tags: list[str] = []
    attributes: dict[str, Any] = {}
    external: dict[str, Any] = {}
    preview: str = ""
    media: list[str] = []
    reply_channel_id: UUID | None = None
    reply_identity_id: UUID | None = None
    last_seq: int = 0
    read_seq: int = 0
    unread: int = 0
    waiting_since: datetime | None = None
    last_inbound_at: datetime | None = None
    last_outbound_at: datetime | None = None
    merged_into: UUID | None = None
    version: int = 1


class Held(msgspec.Struct, kw_only=True):
    """A thread together with what is to be written of it.

    `fresh` when its conversation does not exist yet, `touched` when it changed without an entry to tell of it, `seen`
    when what changed is how far our people have read, which is no news of the conversation.
    """

    thread: Thread
    fresh: bool = False
    touched: bool = False
    seen: bool = False
    entries: list[NewEntry] = []
    events: list[NewEvent] = []

    @property
    def news(self) -> bool:
        """Whether something happened in the conversation, so that it goes up in the lists."""
        return bool(self.entries) or self.touched or self.fresh


class Route(msgspec.Struct, kw_only=True, frozen=True):
    """By which of our channels something came or goes."""

    channel_id: UUID
    medium: str
    provider: str


def open_thread(contact_id: UUID, *, now: datetime, closed: bool = False) -> Held:
    """A new conversation with this contact; that of a blocked one is `closed` from the start."""
    thread = Thread(id=new_id(), contact_id=contact_id, created_at=now, updated_at=now)
    if closed:
        thread.status, thread.closed_at = "closed", now
    held = Held(thread=thread, fresh=True)
    tell(held, "conversation.created", actor=SYSTEM)
    return held


def write_message(
    held: Held,
    *,
    parts: list[AnyPart],
    author: Author,
    route: Route,
    to: str,
    identity_id: UUID,
    now: datetime,
    client_message_id: str | None = None,
    in_reply_to: UUID | None = None,
    held_until: datetime | None = None,
    approved_by: Actor | None = None,
    others: Sequence[Recipient] = (),
    letter: StoredLetter | None = None,
) -> NewEntry:
    """What we write to the contact, and to `others`, joins the timeline, queued; nobody waits for us any more.

    With `held_until` it is `scheduled`, until the time for an undo is over. A mail that nobody wrote answers nobody.
    """
    entry = append_entry(
        held,
        NewEntry(
            conversation_id=held.thread.id,
            seq=held.thread.last_seq + 1,
            type="message",
            direction="outbound",
            visibility="public",
            channel_id=route.channel_id,
            medium=route.medium,
            provider=route.provider,
            identity_id=identity_id,
            author=author,
            recipients=[Recipient(role="to", address=to), *others],
            in_reply_to=in_reply_to,
            client_message_id=client_message_id,
            text=plain_text(parts),
            parts=parts,
            delivery_state="scheduled" if held_until else "queued",
            delivery_updated_at=now,
            occurred_at=now,
            created_at=now,
            held_until=held_until,
            approved_by=approved_by,
            letter=letter,
        ),
    )
    _note_answer(held.thread, entry)
    tell(held, "message.created", actor=actor_of(author), entry=entry)
    return entry


def write_note(held: Held, *, parts: list[AnyPart], author: Author, now: datetime) -> NewEntry:
    """A note among ourselves: it never reaches the contact and changes nothing else."""
    entry = append_entry(
        held,
        NewEntry(
            conversation_id=held.thread.id,
            seq=held.thread.last_seq + 1,
            type="note",
            direction="internal",
            visibility="internal",
            author=author,
            text=plain_text(parts),
            parts=parts,
            occurred_at=now,
            created_at=now,
        ),
    )
    tell(held, "note.created", actor=actor_of(author), entry=entry)
    return entry


def change_status(
    held: Held,
    status: Status,
    *,
    actor: Actor,
    now: datetime,
    until: datetime | None = None,
    name: str | None = None,
    reason: str | None = None,
) -> None:
    """Open, wait, snooze or close; nothing happens where nothing changes."""
    thread = held.thread
    if (thread.status, thread.snoozed_until) == (status, until):
        return
    before, thread.status = thread.status, status
    thread.snoozed_until = until if status == "snoozed" else None
    thread.closed_at = now if status == "closed" else None
    if status == "closed":
        thread.waiting_since = None
    named = name or {"snoozed": "snoozed", "open": "reopened" if before == "closed" else None}.get(status)
    record_change(
        held,
        named or "status_changed",
        event_type="conversation.status_changed",
        changed=("status",),
        actor=actor,
        now=now,
        before=before,
        after=status,
        reason=reason,
    )


def record_change(
    held: Held,
    name: str,
    *,
    event_type: EventType,
    changed: tuple[str, ...],
    actor: Actor,
    now: datetime,
    before: Any = None,
    after: Any = None,
    reason: str | None = None,
) -> NewEntry:
    """An event entry that says what was changed, and the feed's telling of it."""
    entry = append_entry(
        held,
        NewEntry(
            conversation_id=held.thread.id,
            seq=held.thread.last_seq + 1,
            type="event",
            direction="internal",
            visibility="internal",
            author=Author(type=actor.type, id=actor.id, name=actor.name),
            event=TimelineEvent(name=name, actor=actor, from_=before, to=after, reason=reason),
            occurred_at=now,
            created_at=now,
        ),
    )
    tell(held, event_type, actor=actor, entry=entry, changed=changed, facts={"from": before, "to": after})
    return entry


def tell(
    held: Held,
    event_type: EventType,
    *,
    actor: Actor,
    entry: NewEntry | None = None,
    entry_id: UUID | None = None,
    seq: int | None = None,
    changed: Sequence[str] = (),
    facts: dict[str, Any] | None = None,
) -> None:
    """Note down something the feed is to tell of this conversation."""
    held.events.append(
        NewEvent(
            type=event_type,
            actor=actor,
            conversation_id=held.thread.id,
            entry_id=entry.id if entry else entry_id,
            contact_id=held.thread.contact_id,
            channel_id=entry.channel_id if entry else None,
            seq=entry.seq if entry else seq,
            facts=facts,
            changed=tuple(changed),
        )
    )


def contact_author(contact_id: UUID, *, name: str | None, address: str, verified: bool) -> Author:
    """The author of what a contact wrote."""
    return Author(type="contact", id=show_id("ctc", contact_id), name=name, address=address, verified=verified)


def append_entry(held: Held, entry: NewEntry) -> NewEntry:
    """One more item at the end of the timeline."""
    held.thread.last_seq = entry.seq
    held.entries.append(entry)
    return entry


def note_message(thread: Thread, entry: NewEntry) -> None:
    """What lists show of a message."""
    thread.preview = entry.text[:PREVIEW_CHARS]
    if entry.medium and entry.medium not in thread.media:
        thread.media = [*thread.media, entry.medium]


def actor_of(author: Author) -> Actor:
    """The author of an entry as the one who acts."""
    return Actor(type=author.type, id=author.id, name=author.name)


def _note_answer(thread: Thread, entry: NewEntry) -> None:
    if entry.letter is not None and entry.letter.automatic:
        return
    thread.waiting_since = None
    thread.last_outbound_at = entry.created_at
    thread.reply_channel_id, thread.reply_identity_id = entry.channel_id, entry.identity_id
    note_message(thread, entry)
