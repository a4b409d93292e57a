"""A web chat and its visitors for tests, on the inbox's side: no widget, no sockets."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

import msgspec

from channels.contract import Medium
from channels.events import Address, MessageReceived
from channels.limits import Limits
from channels.parts import AnyPart, Text
from inbox.conversations.actions.reply import Reply, reply_to_conversation
from inbox.conversations.entry import Author
from inbox.intake.batch import Lane
from inbox.kit.db import execute, fetch_value
from inbox.kit.ids import new_id
from tests.inbox.builders import BO, NOW, PlainAdapter, committed, make_channel, receive

KEYS = count(1)


class ChatAdapter(PlainAdapter):
    """A web chat that takes every message."""

    name = "webchat-plain"
    medium: Medium = "webchat"
    limits = Limits(parts=frozenset({"text", "choices", "form", "image", "file"}), text_chars=10_000, whole=True,
                    media_types=("image/",), media_count=5, media_bytes=1_000_000)  # fmt: skip


async def make_chat() -> Lane:
    """A web chat, with its lane."""
    return await make_channel("chat", adapter="webchat-plain", medium="webchat")


async def visitor_writes(lane: Lane, *parts: AnyPart, visitor: str = "vis_1", text: str = "hi") -> UUID:
    """A visitor writes; the conversation it made or joined."""
    key = f"chat{next(KEYS)}"
    sender = Address(kind="visitor", value=visitor)
    said: list[AnyPart] = list(parts) or [Text(text=text)]
    return await receive(lane, MessageReceived(key=key, sender=sender, parts=said, provider_message_id=key), now=NOW)


async def agent_answers(conversation_id: UUID, *parts: AnyPart, author: Author = BO) -> UUID:
    """Our answer in the chat, queued; the id of its entry."""
    said: list[AnyPart] = list(parts) or [Text(text="hello")]
    written = Reply(parts=said, author=author, medium="webchat")
    adapters = {"webchat-plain": ChatAdapter()}
    return await committed(reply_to_conversation(conversation_id, written, adapters=adapters, now=NOW))


async def identity_of(visitor: str = "vis_1") -> UUID:
    """The visitor's address as it is stored."""
    found: UUID = await fetch_value("SELECT id FROM identity WHERE kind = 'visitor' AND address = $1", visitor)
    return found


async def make_visitor(lane: Lane, *, visitor: str = "vis_1", seen_at: datetime = NOW, **said: Any) -> UUID:
    """A visitor's own row, who was seen last then; the id."""
    visitor_id = new_id()
    await execute(
        "INSERT INTO visitor (id, channel_id, address, name, email, phone, attributes, verified, created_at, "
        "last_seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $9)",
        visitor_id, lane.route.channel_id, visitor, said.get("name"), said.get("email"), said.get("phone"),
        msgspec.json.encode(said.get("attributes", {})).decode(), said.get("verified", False), seen_at,
    )  # fmt: skip
    return visitor_id


async def hand_over(*, state: str = "sent") -> None:
    """All that we have written in chats is with the visitor, or read."""
    await execute("UPDATE entry SET delivery_state = $1 WHERE medium = 'webchat' AND direction = 'outbound'", state)
