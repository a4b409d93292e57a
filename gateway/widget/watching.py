"""What a visitor's stream watches, and what it is told of."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TypeAlias
from uuid import UUID

import msgspec

from gateway.widget.visitor_auth import VisitorCaller
from inbox.conversations.entry import Author, Recipient
from inbox.conversations.queries import find_conversations, find_entries
from inbox.feed.events import EventType
from inbox.kit.db import Row
from inbox.visitors.queries import count_unread
from inbox.visitors.visitor import Standing

MOVES: frozenset[EventType] = frozenset(
    {"conversation.merged", "conversation.split", "conversation.move_undone", "entry.moved", "contact.merged",
     "contact.unmerged", "contact.erased"}
)  # fmt: skip
"""What may change which conversation is a visitor's, or what is in it."""


class Watch:
    """One stream: in which session, whose it is, where they stand, and what the stream is told."""

    def __init__(self, caller: VisitorCaller, standing: Standing, queue: asyncio.Queue[Item]) -> None:
        self.session_id = caller.session.id
        self.visitor = caller.visitor
        self.standing = standing
        self.queue = queue
        self.begun = False
        self.overrun = False

    def places(self) -> Iterator[Place]:
        """By what the stream is found: conversation, contact, identities, or where their first message will stand."""
        standing = self.standing
        yield self.visitor.channel_id
        yield self.visitor.channel_id, self.visitor.address
        yield from (one for one in (standing.conversation_id, standing.contact_id) if one is not None)
        yield from standing.identity_ids

    def offer(self, item: Item) -> None:
        """Tell it, or cut it off where it does not keep up: it comes back with its cursor."""
        if self.overrun:
            return
        try:
            self.queue.put_nowait(item)
        except asyncio.QueueFull:
            self.overrun = True


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the feed with the rows it is about, as they are now."""

    cursor: int
    event: Row
    entry: Row | None
    conversation: Row | None
    unread: int


class Typing(msgspec.Struct, frozen=True):
    """Somebody of us writes, or has stopped."""

    name: str | None
    typing: bool


class Ended(msgspec.Struct, frozen=True):
    """The stream is over: the session has ended or become another visitor's, or the process stops."""

    why: str


Item: TypeAlias = Told | Typing | Ended
Place: TypeAlias = UUID | tuple[UUID, str | None]
"""What streams are found by: the id of a channel, conversation, contact or identity, or an address on a channel."""


async def read_told(rows: Sequence[Row]) -> list[Told]:
    """Events with the rows they are about: three statements for any number of them."""
    entries = await find_entries(list({row["entry_id"] for row in rows if row["entry_id"]}))
    conversation_ids = {row["conversation_id"] for row in rows if row["conversation_id"]}
    conversations = await find_conversations(list(conversation_ids))
    unread = await count_unread(conversation_ids)
    return [
        Told(
            cursor=row["cursor"],
            event=row,
            entry=entries.get(row["entry_id"]),
            conversation=conversations.get(row["conversation_id"]),
            unread=unread.get(row["conversation_id"], 0),
        )
        for row in rows
    ]


def address_in(entry: Row) -> str | None:
    """The address of the contact in a message: who wrote it, or to whom it goes."""
    if entry["direction"] == "inbound":
        return _author(entry["author"]).address
    recipients = _recipients(entry["recipients"])
    return next((one.address for one in recipients if one.role == "to"), None)


_author = msgspec.json.Decoder(Author).decode
_recipients = msgspec.json.Decoder(list[Recipient]).decode
