"""The feed as it is read: whole, narrowed, by cursors of one spelling, and no further back than it is kept."""

from __future__ import annotations

from uuid import UUID

import pytest

from inbox.feed.actions import append_event, prune_events
from inbox.feed.events import read_cursor, show_cursor
from inbox.feed.queries import events_after, feed_head
from inbox.kit.db import execute, fetch
from inbox.kit.ids import new_id
from inbox.kit.tracing import working_for
from tests.inbox.builders import AGENT, committed, make_channel, receive, run_opened, text_message
from tests.inbox.feed.telling import seen_after, sequence_all, tell


def test_what_is_told_is_stored_whole(database_url: str) -> None:
    """An event keeps who, what, where, its number, its facts, and the request that caused it."""

    async def body() -> None:
        ids = [new_id() for _ in range(4)]
        with working_for("req-1"):
            await committed(
                append_event(
                    "message.created", actor=AGENT, conversation_id=ids[0], entry_id=ids[1], contact_id=ids[2],
                    channel_id=ids[3], seq=7, facts={"from": None, "to": {"a": [1, "é"]}}, changed=["x", "y"],
                )
            )  # fmt: skip
        await sequence_all()
        [row] = await events_after(0, limit=1)
        assert (row["type"], row["seq"], row["changed"], row["request_id"]) == (
            "message.created",
            7,
            ["x", "y"],
            "req-1",
        )
        assert [row["conversation_id"], row["entry_id"], row["contact_id"], row["channel_id"]] == ids
        assert row["facts"] == '{"to": {"a": [1, "é"]}, "from": null}'
        assert '"name": "Bo"' in row["actor"]

    run_opened(database_url, body)


def test_readers_narrow_the_feed(database_url: str) -> None:
    """By type and by conversation, in the order of the cursor, so many at a time."""

    async def body() -> None:
        lane = await make_channel()
        one, other = [await receive(lane, text_message(sender=f"+1212555010{n}")) for n in (1, 2)]
        await sequence_all()

        async def found(**narrowed: object) -> list[tuple[str, UUID]]:
            rows = await events_after(0, limit=99, **narrowed)  # type: ignore[arg-type]  # as asked below
            return [(row["type"], row["conversation_id"]) for row in rows]

        assert await found(types=["message.created"]) == [("message.created", one), ("message.created", other)]
        assert await found(conversation_id=other) == [("conversation.created", other), ("message.created", other)]
        assert await found(types=["note.created"], conversation_id=one) == []
        assert await found(types=[]) == await found()
        assert [row["cursor"] for row in await events_after(1, limit=2)] == [2, 3]

    run_opened(database_url, body)


def test_what_is_forgotten_is_marked(database_url: str) -> None:
    """Old events go, the mark says up to where, and the head goes on counting where it was."""

    async def body() -> None:
        for name in ("old", "older", "young"):
            await committed(tell(name))
        await sequence_all()
        await committed(tell("old and not numbered"))
        await execute("UPDATE feed_event SET created_at = now() - interval '8 days' WHERE changed[1] LIKE 'old%'")
        assert await prune_events(older_than_days=7) == 2
        assert await prune_events(older_than_days=7) == 0
        head = await feed_head()
        assert (head.cursor, head.pruned) == (3, 2)
        assert await seen_after(head.pruned) == ["young"]
        assert await sequence_all() == 1
        assert await seen_after(3) == ["old and not numbered"]
        await execute("UPDATE feed_event SET created_at = now() - interval '8 days'")
        assert await prune_events(older_than_days=7) == 2
        await committed(tell("next"))
        await sequence_all()
        head = await feed_head()
        assert (head.cursor, head.pruned) == (5, 4)
        assert [row["cursor"] for row in await fetch("SELECT cursor FROM feed_event")] == [5]

    run_opened(database_url, body)


@pytest.mark.parametrize("number", [0, 1, 2**40])
def test_a_cursor_sorts_as_it_counts(number: int) -> None:
    """A cursor as text comes back as its number, and texts sort as the numbers do."""
    assert read_cursor(show_cursor(number)) == number
    assert show_cursor(number) < show_cursor(number + 1)


@pytest.mark.parametrize("text", ["", "1", "00000000000g", "00000000000A", "0" * 13, "-00000000001", "0x0000000001"])
def test_what_is_no_cursor_of_ours_is_refused(text: str) -> None:
    """There is one spelling of a cursor."""
    with pytest.raises(ValueError, match="twelve"):
        read_cursor(text)
