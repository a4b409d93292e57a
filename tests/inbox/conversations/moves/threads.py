"""What the tests of merging and splitting do and look at."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from channels.parts import Text
from inbox.conversations.actions.change import add_note
from inbox.conversations.moves.actions import merge_conversations, split_conversation, undo_move
from inbox.conversations.moves.plan import STUB
from inbox.kit.db import Row, fetch
from tests.inbox.builders import AGENT, BO, NOW, committed, one_row

KEPT = ("status", "tags", "preview", "unread", "waiting_since", "last_inbound_at", "last_outbound_at", "media",
        "reply_channel_id", "reply_identity_id", "merged_into", "closed_at", "snoozed_until")  # fmt: skip


async def merge(source: UUID, target: UUID, *, across: bool = False, now: datetime = NOW) -> UUID:
    """The id of the merge."""
    return await committed(merge_conversations(source, target, across_contacts=across, actor=AGENT, now=now))


async def split(source: UUID, chosen: Any, *, now: datetime = NOW) -> tuple[UUID, UUID]:
    """The id of the split, and the conversation it made."""
    move_id = await committed(split_conversation(source, chosen=chosen, actor=AGENT, now=now))
    return move_id, (await one_row("conversation_move", move_id))["target_id"]


async def undo(move_id: UUID, *, now: datetime = NOW) -> None:
    """Back."""
    await committed(undo_move(move_id, actor=AGENT, now=now))


async def note(conversation_id: UUID, text: str, *, now: datetime = NOW) -> UUID:
    """A note among ourselves."""
    return await committed(add_note(conversation_id, parts=[Text(text=text)], author=BO, now=now))


async def entries_of(conversation_id: UUID) -> list[Row]:
    """A timeline, stubs among it."""
    return await fetch(
        "SELECT *, event->>'name' AS name FROM entry WHERE conversation_id = $1 ORDER BY seq", conversation_id
    )


async def outline(conversation_id: UUID) -> list[tuple[int, str]]:
    """A timeline in a word an entry: its text, or the name of its event."""
    return [(row["seq"], row["text"] or row["name"]) for row in await entries_of(conversation_id)]


async def kept_facts(conversation_id: UUID) -> dict[str, Any]:
    """What an undo has to bring back."""
    row = await one_row("conversation", conversation_id)
    return {name: row[name] for name in KEPT}


async def check_timelines() -> None:
    """Every timeline counts 1, 2, 3 to its last entry, stubs lead to what is there, and unread counts what is."""
    for conversation in await fetch("SELECT * FROM conversation"):
        rows = await entries_of(conversation["id"])
        assert [row["seq"] for row in rows] == list(range(1, conversation["last_seq"] + 1))
        unread = [row for row in rows if row["direction"] == "inbound" and row["seq"] > conversation["read_seq"]]
        assert len(unread) == conversation["unread"], conversation["status"]
        if conversation["merged_into"]:
            assert {row["type"] for row in rows} <= {"event"}


def is_stub(row: Row) -> bool:
    """Whether this keeps the place of something that moved."""
    return bool(row["name"] == STUB)
