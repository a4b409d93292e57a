"""Where entries go when conversations are merged or split, and what that makes of the two. Pure.

An entry that moves takes the next `seq` of the conversation it goes to, and leaves a stub in its old place. So both
timelines keep growing by one, and an undo finds every place as it was left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from inbox.conversations.entry import Author, NewEntry, TimelineEvent
from inbox.conversations.thread import Held, Status, Thread, record_change, tell
from inbox.feed.events import EventType
from inbox.kit.callers import Actor
from inbox.kit.ids import new_id, show_id

Kind: TypeAlias = Literal["merge", "split"]

STUB = "entry_moved"
"""The name of the event that stands where an entry was."""
TOLD: dict[Kind, EventType] = {"merge": "conversation.merged", "split": "conversation.split"}
NAMES: dict[Kind, str] = {"merge": "conversation_merged", "split": "conversation_split"}
UNDONE: dict[Kind, str] = {"merge": "merge_undone", "split": "split_undone"}


class Found(msgspec.Struct, kw_only=True, frozen=True):
    """An entry that is to move, as far as that matters."""

    id: UUID
    seq: int
    client_message_id: str | None = None
    moved_from: Any = None


class Place(msgspec.Struct, kw_only=True, frozen=True):
    """One entry's way: from its seq to its new one, and the stub that stays."""

    entry_id: UUID
    from_seq: int
    to_seq: int
    stub_id: UUID


class Standing(msgspec.Struct, kw_only=True, frozen=True):
    """What a conversation is restored to where nothing has happened in it since; its words are not kept here."""

    status: Status
    snoozed_until: datetime | None
    closed_at: datetime | None
    tags: list[str]
    waiting_since: datetime | None
    last_inbound_at: datetime | None
    last_outbound_at: datetime | None
    media: list[str]
    reply_channel_id: UUID | None
    reply_identity_id: UUID | None


class Before(msgspec.Struct, kw_only=True, frozen=True):
    """How the two stood before a move, and up to which seq they had grown when it was done."""

    source: Standing
    target: Standing | None
    source_read_seq: int = 0
    source_seq: int = 0
    target_seq: int = 0
    added_tags: list[str] = []
    draft_ids: list[UUID] = []
    scheduled_ids: list[UUID] = []


def note_standing(thread: Thread) -> Standing:
    """How it stands now."""
    return msgspec.convert(thread, Standing, from_attributes=True)


def plan_places(entries: Iterable[Found], *, after: int) -> list[Place]:
    """The way of each entry to the end of another timeline, in the order they have."""
    ordered = sorted(entries, key=lambda entry: entry.seq)
    return [
        Place(entry_id=entry.id, from_seq=entry.seq, to_seq=after + number, stub_id=new_id())
        for number, entry in enumerate(ordered, 1)
    ]


def open_merge(source: Held, target: Held, *, actor: Actor, now: datetime, reason: str | None) -> list[str]:
    """What the target gains besides entries: it is open if either was, and has the tags of both; the tags it got."""
    if target.thread.status == "closed" and source.thread.status != "closed":
        target.thread.status, target.thread.closed_at = "open", None
    added = [tag for tag in source.thread.tags if tag not in target.thread.tags]
    target.thread.tags = sorted([*target.thread.tags, *added])
    came = place_of(source.thread.id)
    _record_move(target, "merge", came=came, actor=actor, now=now, reason=reason)
    return added


def open_split(source: Held, target: Held, *, actor: Actor, now: datetime, reason: str | None) -> None:
    """The new conversation begins as its source stands, with an entry that says where it comes from."""
    old, new = source.thread, target.thread
    new.assignee_id, new.handler, new.priority = old.assignee_id, old.handler, old.priority
    new.language, new.tags = old.language, list(old.tags)
    _record_move(target, "split", came=place_of(old.id), actor=actor, now=now, reason=reason)


def take_in(source: Held, target: Held, places: Sequence[Place], *, actor: Actor) -> None:
    """Let the target's timeline grow by what comes, and the feed tell where each entry is now."""
    old, new = source.thread, target.thread
    if new.unread == 0:  # what had been read in the source stays read; else nothing unread is hidden
        new.read_seq = new.last_seq + sum(1 for place in places if place.from_seq <= old.read_seq)
    new.last_seq += len(places)
    for place in places:
        facts = {"from": {"conversation_id": show_id("cnv", old.id), "seq": place.from_seq}}
        tell(target, "entry.moved", actor=actor, entry_id=place.entry_id, seq=place.to_seq, facts=facts)


def leave_merged(
    source: Held, target_id: UUID, places: Sequence[Place], *, actor: Actor, now: datetime, reason: str | None
) -> None:
    """The source is closed for good; it leads to where its entries are."""
    close_merged(source.thread, target_id, now=now)
    went = place_of(target_id, left=[place.from_seq for place in places])
    _record_move(source, "merge", went=went, actor=actor, now=now, reason=reason)


def leave_split(
    source: Held, target_id: UUID, places: Sequence[Place], *, actor: Actor, now: datetime, reason: str | None
) -> None:
    """The source goes on without what has left it."""
    went = place_of(target_id, left=[place.from_seq for place in places])
    _record_move(source, "split", went=went, actor=actor, now=now, reason=reason)


def close_merged(thread: Thread, target_id: UUID, *, now: datetime) -> None:
    """Nothing is written in it any more."""
    thread.status, thread.closed_at, thread.snoozed_until = "closed", thread.closed_at or now, None
    thread.waiting_since, thread.merged_into = None, target_id


def give_back(
    source: Held, target: Held, places: Sequence[Place], *, kind: Kind, actor: Actor, now: datetime, reason: str | None
) -> None:
    """Both tell that the entries are back in the places they had; the target keeps stubs in theirs."""
    left, back = place_of(target.thread.id, left=[place.to_seq for place in places]), place_of(source.thread.id)
    for held in (target, source):
        record_change(
            held, UNDONE[kind], event_type="conversation.move_undone", changed=("entries",), actor=actor, now=now,
            before=left, after=back, reason=reason,
        )  # fmt: skip
    for place in places:
        facts = {"from": {"conversation_id": left["conversation_id"], "seq": place.to_seq}}
        tell(source, "entry.moved", actor=actor, entry_id=place.entry_id, seq=place.from_seq, facts=facts)


def restore_standing(thread: Thread, standing: Standing) -> None:
    """As it stood."""
    for name in Standing.__struct_fields__:
        setattr(thread, name, getattr(standing, name))


def make_stubs(
    places: Iterable[Place], *, of: UUID, into: UUID, actor: Actor, now: datetime, undo: bool = False
) -> list[NewEntry]:
    """What keeps the places of entries that went from one conversation into another; with `undo`, the way back."""
    shown = show_id("cnv", into)
    stubs = []
    for place in places:
        here, there = (place.to_seq, place.from_seq) if undo else (place.from_seq, place.to_seq)
        to = {"conversation_id": shown, "entry_id": show_id("ent", place.entry_id), "seq": there}
        stubs.append(
            NewEntry(
                id=new_id() if undo else place.stub_id,
                conversation_id=of,
                seq=here,
                type="event",
                direction="internal",
                visibility="internal",
                author=Author(type=actor.type, id=actor.id, name=actor.name),
                event=TimelineEvent(name=STUB, actor=actor, to=to),
                occurred_at=now,
                created_at=now,
            )
        )
    return stubs


def list_ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Numbers as ranges, both ends included: 1, 2, 3, 7 is [[1, 3], [7, 7]]."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges


def place_of(conversation_id: UUID, *, left: Iterable[int] = ()) -> dict[str, Any]:
    """A conversation in what is told of a move, with the places in it that hold stubs from now on."""
    shown = {"conversation_id": show_id("cnv", conversation_id)}
    return {**shown, "places": list_ranges(left)} if left else shown


def _record_move(
    held: Held,
    kind: Kind,
    *,
    actor: Actor,
    now: datetime,
    reason: str | None,
    came: dict[str, Any] | None = None,
    went: dict[str, Any] | None = None,
) -> None:
    record_change(
        held, NAMES[kind], event_type=TOLD[kind], changed=("entries", "status", "tags"), actor=actor, now=now,
        before=came, after=went, reason=reason,
    )  # fmt: skip
