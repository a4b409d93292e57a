"""The way back: exactly as it was where nothing came after, and as far as it can be where something did."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from inbox.conversations.actions.change import mark_read, open_conversation, set_status, tag_conversation
from inbox.conversations.moves.actions import why_no_undo
from inbox.conversations.moves.queries import find_move
from inbox.kit.db import fetch
from inbox.kit.ids import show_id
from tests.inbox.builders import (
    AGENT,
    NOW,
    committed,
    make_channel,
    one_row,
    receive,
    refused,
    reply,
    rows_of,
    run_opened,
    text_message,
)
from tests.inbox.conversations.moves.threads import (
    check_timelines,
    entries_of,
    kept_facts,
    merge,
    note,
    outline,
    split,
    undo,
)

LATER = NOW + timedelta(minutes=5)
PLACED = ("id", "seq", "text", "client_message_id", "moved_from", "delivery_state")


async def snapshot(conversation_id: UUID) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """What a conversation is, and where each of its entries stands."""
    rows = [tuple(row[name] for name in PLACED) for row in await entries_of(conversation_id)]
    return await kept_facts(conversation_id), rows


async def two_threads() -> tuple[UUID, UUID]:
    """One conversation with messages both ways, snoozed and tagged; another that is closed."""
    lane = await make_channel()
    first = await receive(lane, text_message("one"), text_message("two"))
    await reply(first, "answer", client_message_id="c1")
    await committed(tag_conversation(first, "vip", present=True, actor=AGENT, now=NOW))
    await committed(set_status(first, "snoozed", actor=AGENT, now=NOW, until=NOW + timedelta(days=1)))
    contact = (await one_row("conversation", first))["contact_id"]
    second = await committed(open_conversation(contact, subject="new", actor=AGENT, now=NOW))
    await note(second, "mine")
    await committed(set_status(second, "closed", actor=AGENT, now=NOW))
    return first, second


def test_an_undone_merge_leaves_all_as_it_was(database_url: str) -> None:
    """Every entry in its place with its own id, both conversations as they stood; each gains the lines that tell it."""

    async def body() -> None:
        source, target = await two_threads()
        facts, entries = await snapshot(source)
        others, theirs = await snapshot(target)
        move = await merge(source, target, now=LATER)
        await undo(move, now=LATER)
        assert await kept_facts(source) == facts
        assert await kept_facts(target) == others
        assert (await snapshot(source))[1][: len(entries)] == entries
        assert (await snapshot(target))[1][: len(theirs)] == theirs
        assert [text for _, text in (await outline(source))[-2:]] == ["conversation_merged", "merge_undone"]
        [job] = await rows_of("job")
        assert job["key"] == str(source)
        await check_timelines()

    run_opened(database_url, body)


def test_an_undone_split_leaves_all_as_it_was(database_url: str) -> None:
    """The conversation it made is closed and leads back to where its entries are."""

    async def body() -> None:
        lane = await make_channel()
        source = await receive(lane, text_message("one"), text_message("two"), text_message("three"))
        facts, entries = await snapshot(source)
        move, target = await split(source, 2)
        await undo(move)
        assert await kept_facts(source) == facts
        assert (await snapshot(source))[1][: len(entries)] == entries
        row = await one_row("conversation", target)
        assert (row["status"], row["merged_into"], row["unread"]) == ("closed", source, 0)
        assert [text for _, text in await outline(target)] == [
            "conversation_split", "entry_moved", "entry_moved", "split_undone",
        ]  # fmt: skip
        assert await receive(lane, text_message("four")) == source
        await check_timelines()

    run_opened(database_url, body)


def test_what_came_after_stays_where_it_is(database_url: str) -> None:
    """A message of the time after the merge stays with the target; what was read meanwhile stays read."""

    async def body() -> None:
        lane = await make_channel()
        source = await receive(lane, text_message("one"))
        contact = (await one_row("conversation", source))["contact_id"]
        target = await committed(open_conversation(contact, subject=None, actor=AGENT, now=NOW))
        move = await merge(source, target)
        await committed(mark_read(target, up_to_seq=None, actor=AGENT, now=NOW))
        assert await receive(lane, text_message("two"), now=LATER) == target
        await undo(move, now=LATER)
        assert [text for _, text in await outline(target)] == [
            "opened", "conversation_merged", "entry_moved", "two", "merge_undone",
        ]  # fmt: skip
        mine, theirs = await one_row("conversation", source), await one_row("conversation", target)
        assert (mine["unread"], mine["preview"], mine["status"]) == (0, "one", "open")
        assert (theirs["unread"], theirs["preview"], theirs["waiting_since"]) == (1, "two", LATER)
        await check_timelines()

    run_opened(database_url, body)


def test_moves_are_undone_in_their_order(database_url: str) -> None:
    """Where entries have moved on, the refusal names the move to undo first; after that it works."""

    async def body() -> None:
        source, target = await two_threads()
        contact = (await one_row("conversation", source))["contact_id"]
        third = await committed(open_conversation(contact, subject=None, actor=AGENT, now=NOW))
        entries = (await snapshot(source))[1]
        first, second = await merge(source, target), await merge(target, third)
        problem = await refused(undo(first))
        assert problem.code == "state_conflict"
        assert show_id("mov", second) in problem.detail
        await undo(second)
        await undo(first)
        assert (await snapshot(source))[1][: len(entries)] == entries
        assert (await refused(undo(first))).code == "state_conflict"
        await check_timelines()

    run_opened(database_url, body)


def test_a_split_that_was_written_in_is_not_undone(database_url: str) -> None:
    """New messages would have no place; merging it instead keeps them all."""

    async def body() -> None:
        lane = await make_channel()
        source = await receive(lane, text_message("one"), text_message("two"))
        move, target = await split(source, 2)
        await note(target, "new here")
        problem = await refused(undo(move))
        assert "merge" in problem.detail
        assert move in await why_no_undo([await find_move(move)])
        await merge(target, source)
        texts = [text for _, text in await outline(source)]
        assert {"one", "two", "new here"} <= set(texts)
        assert (await refused(undo(move))).code == "state_conflict"
        await check_timelines()

    run_opened(database_url, body)


def test_the_audit_log_tells_of_each(database_url: str) -> None:
    """Who merged and who undid it, with the ids and how many entries, and no words."""

    async def body() -> None:
        source, target = await two_threads()
        move = await merge(source, target)
        await undo(move)
        rows = await fetch("SELECT * FROM audit_event WHERE action LIKE 'conversation.%' ORDER BY id")
        assert [row["action"] for row in rows] == ["conversation.merged", "conversation.merge_undone"]
        assert {row["target"] for row in rows} == {show_id("cnv", source)}
        assert all(show_id("mov", move) in row["facts"] and "answer" not in row["facts"] for row in rows)

    run_opened(database_url, body)
