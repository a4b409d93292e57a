"""Merging and splitting: one timeline goes on in another, and nothing that hangs on its entries is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from channels.parts import Text
from inbox.conversations.actions.change import add_note, mark_read, open_conversation, set_status, tag_conversation
from inbox.conversations.actions.deliveries import PieceReport, apply_reports
from inbox.conversations.actions.store import lock_threads, store_threads
from inbox.conversations.drafts.actions import create_draft, update_draft
from inbox.conversations.drafts.draft import DraftChange, DraftContent
from inbox.conversations.moves import actions
from inbox.conversations.moves.plan import Found, list_ranges, plan_places
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.ids import new_id, show_id
from tests.inbox.builders import (
    AGENT,
    ANA,
    BEN,
    BO,
    NOW,
    apart,
    committed,
    delivery_report,
    make_channel,
    one_row,
    receive,
    refused,
    reply,
    rows_of,
    run_opened,
    text_message,
)
from tests.inbox.conversations.moves.threads import check_timelines, entries_of, is_stub, merge, note, outline, split

LATER = NOW + timedelta(minutes=5)


async def two_threads() -> tuple[UUID, UUID]:
    """Ana has written in one conversation and been answered; another with her was begun by us."""
    lane = await make_channel()
    first = await receive(lane, text_message("one"), text_message("two"))
    await reply(first, "answer")
    contact = (await one_row("conversation", first))["contact_id"]
    second = await committed(open_conversation(contact, subject="new", actor=AGENT, now=NOW))
    await note(second, "mine", now=LATER)
    return first, second


def test_entries_follow_at_the_end(database_url: str) -> None:
    """The target's timeline goes on with what came, in its order; in the source stubs keep the places."""

    async def body() -> None:
        source, target = await two_threads()
        before = [row["id"] for row in await entries_of(source)]
        await merge(source, target, now=LATER)
        assert await outline(target) == [
            (1, "opened"), (2, "mine"), (3, "conversation_merged"), (4, "one"), (5, "two"), (6, "answer"),
        ]  # fmt: skip
        assert await outline(source) == [
            (1, "entry_moved"), (2, "entry_moved"), (3, "entry_moved"), (4, "conversation_merged"),
        ]  # fmt: skip
        assert [row["id"] for row in (await entries_of(target))[3:]] == before
        stub = msgspec.json.decode((await entries_of(source))[0]["event"])
        assert stub["to"] == {
            "conversation_id": show_id("cnv", target),
            "entry_id": show_id("ent", before[0]),
            "seq": 4,
        }
        row = await one_row("conversation", source)
        assert (row["status"], row["merged_into"], row["unread"], row["waiting_since"]) == ("closed", target, 0, None)
        await check_timelines()

    run_opened(database_url, body)


def test_the_target_says_what_it_is_now(database_url: str) -> None:
    """Tags of both, open if either was, the newest message as preview, and the channel of the contact's last word."""

    async def body() -> None:
        source, target = await two_threads()
        await committed(tag_conversation(source, "vip", present=True, actor=AGENT, now=NOW))
        await committed(tag_conversation(target, "old", present=True, actor=AGENT, now=NOW))
        await committed(set_status(target, "closed", actor=AGENT, now=NOW))
        await merge(source, target)
        was, row = await one_row("conversation", source), await one_row("conversation", target)
        assert (row["tags"], row["status"], row["preview"]) == (["old", "vip"], "open", "answer")
        assert row["media"] == ["sms"]
        assert (row["reply_channel_id"], row["last_inbound_at"]) == (was["reply_channel_id"], NOW)

    run_opened(database_url, body)


@pytest.mark.parametrize(("read_target", "unread"), [(True, 1), (False, 3)])
def test_what_was_not_read_stays_unread(read_target: bool, unread: int, database_url: str) -> None:
    """Read to the end, the target keeps what was read in the source as read; else nothing unread is hidden."""

    async def body() -> None:
        lane = await make_channel()
        source = await receive(lane, text_message("one"), text_message("two"))
        await committed(mark_read(source, up_to_seq=1, actor=AGENT, now=NOW))
        await committed(set_status(source, "closed", actor=AGENT, now=NOW - timedelta(days=9)))
        target = await receive(lane, text_message("three"))
        assert source != target
        if read_target:
            await committed(mark_read(target, up_to_seq=None, actor=AGENT, now=NOW))
        await merge(source, target)
        row = await one_row("conversation", target)
        assert row["unread"] == unread
        await check_timelines()

    run_opened(database_url, body)


def test_messages_on_their_way_arrive(database_url: str) -> None:
    """Jobs keep their order under the target's key; a report of a moved message moves it where it is now."""

    async def body() -> None:
        source, target = await two_threads()
        [job] = await rows_of("job")
        await merge(source, target)
        await reply(target, "after")
        jobs = await rows_of("job")
        assert [row["key"] for row in jobs] == [str(target)] * 2
        assert jobs[0]["id"] == job["id"]
        [delivery, _] = await rows_of("delivery")
        await committed(_report(source, delivery["id"]))
        entry = await one_row("entry", delivery["entry_id"])
        assert (entry["conversation_id"], entry["delivery_state"]) == (target, "sent")
        told = (await fetch("SELECT conversation_id FROM feed_event WHERE type = 'message.delivery_updated'"))[-1]
        assert told["conversation_id"] == target

    run_opened(database_url, body)


async def _report(source: UUID, delivery_id: UUID) -> None:
    threads = await lock_threads([source])  # as by somebody who looked before the merge
    report = PieceReport(delivery_id=delivery_id, state="sent", provider_message_id="SM1")
    await apply_reports(threads, [report], now=NOW)
    await store_threads(list(threads.values()), now=NOW)


def test_a_provider_report_finds_a_moved_message(database_url: str) -> None:
    """The provider knows nothing of conversations: its receipt, projected after the merge, reaches the message."""

    async def body() -> None:
        lane = await make_channel()
        source = await receive(lane, text_message("one"))
        entry_id = await reply(source, "answer")
        contact = (await one_row("conversation", source))["contact_id"]
        target = await committed(open_conversation(contact, subject=None, actor=AGENT, now=NOW))
        await execute("UPDATE delivery SET state = 'sent', provider_message_id = 'SM9'")
        await merge(source, target)
        await receive(lane, delivery_report("SM9", "delivered"))
        entry = await one_row("entry", entry_id)
        assert (entry["conversation_id"], entry["delivery_state"]) == (target, "delivered")

    run_opened(database_url, body)


def test_inbound_goes_on_in_the_target(database_url: str) -> None:
    """What would have joined the source joins the conversation it is merged into, even where that was closed."""

    async def body() -> None:
        source, target = await two_threads()
        await merge(source, target)
        await committed(set_status(target, "closed", actor=AGENT, now=NOW))
        lane = await make_channel("+12125550111")
        assert await receive(lane, text_message("three"), now=LATER) == target
        await check_timelines()

    run_opened(database_url, body)


def test_drafts_go_along(database_url: str) -> None:
    """What was being written for the source is there in the target, and can be changed there."""

    async def body() -> None:
        source, target = await two_threads()
        content = DraftContent(parts=[Text(text="maybe")])
        draft = await committed(create_draft(source, content, author=BO, actor=AGENT, now=NOW))
        await merge(source, target)
        assert (await one_row("draft", draft))["conversation_id"] == target
        await committed(update_draft(draft, DraftChange(parts=[Text(text="yes")]), actor=AGENT, now=NOW))

    run_opened(database_url, body)


def test_a_merged_conversation_refuses_changes(database_url: str) -> None:
    """Notes, answers and states are refused with the conversation to go on with, however far that has gone."""

    async def body() -> None:
        source, target = await two_threads()
        contact = (await one_row("conversation", source))["contact_id"]
        third = await committed(open_conversation(contact, subject=None, actor=AGENT, now=NOW))
        await merge(source, target)
        await merge(target, third)
        for work in (
            committed(add_note(source, parts=[Text(text="x")], author=BO, now=NOW)),
            committed(set_status(source, "open", actor=AGENT, now=NOW)),
            reply(source, "x"),
            merge(source, third),
            split(source, 1),
        ):
            problem = await refused(work)
            assert problem.code == "conversation_merged"
            assert show_id("cnv", third) in (problem.hint or "")

    run_opened(database_url, body)


def test_the_same_client_message_is_the_same_after_a_merge(database_url: str) -> None:
    """Asked again, the source answers with the message that went; the target's own ids stay its own."""

    async def body() -> None:
        source, target = await two_threads()
        sent = await reply(source, "once", client_message_id="1")
        await merge(source, target)
        assert await reply(source, "once", client_message_id="1") == sent
        other = await reply(target, "another", client_message_id="1")
        assert other != sent
        assert await reply(target, "another", client_message_id="1") == other

    run_opened(database_url, body)


def test_after_a_split_the_same_client_message_is_the_same(database_url: str) -> None:
    """A message that was split off is not written again by a client that repeats itself."""

    async def body() -> None:
        source = await receive(await make_channel(), text_message("one"))
        sent = await reply(source, "once", client_message_id="1")
        await split(source, [sent])
        assert await reply(source, "once", client_message_id="1") == sent

    run_opened(database_url, body)


def test_cycles_and_strangers_are_refused(database_url: str) -> None:
    """Into itself, into what went into it, and into another contact's conversation unless that is asked for."""

    async def body() -> None:
        lane = await make_channel()
        ana = await receive(lane, text_message("a", sender=ANA))
        ben = await receive(lane, text_message("b", sender=BEN))
        assert (await refused(merge(ana, ana))).code == "merge_cycle"
        assert (await refused(merge(ana, new_id()))).code == "not_found"
        assert (await refused(merge(ana, ben))).code == "state_conflict"
        await merge(ana, ben, across=True)
        assert (await refused(merge(ben, ana, across=True))).code == "merge_cycle"
        fresh = await receive(lane, text_message("again", sender=ANA))
        assert fresh not in (ana, ben), "an answer to Ana must not go to Ben"

    run_opened(database_url, body)


def test_a_split_is_a_conversation_of_its_own(database_url: str) -> None:
    """What is chosen goes, with the contact, the tags and who holds it; the rest stays where it was."""

    async def body() -> None:
        lane = await make_channel()
        source = await receive(lane, text_message("one"), text_message("two"), text_message("three"))
        await committed(tag_conversation(source, "vip", present=True, actor=AGENT, now=NOW))
        rows = await entries_of(source)
        _, target = await split(source, [rows[1]["id"]])
        assert await outline(target) == [(1, "conversation_split"), (2, "two")]
        assert [text for _, text in await outline(source)] == [
            "one", "entry_moved", "three", "tagged", "conversation_split",
        ]  # fmt: skip
        old, new = await one_row("conversation", source), await one_row("conversation", target)
        assert (new["contact_id"], new["tags"], new["preview"], new["unread"]) == (old["contact_id"], ["vip"], "two", 1)
        assert (old["unread"], old["preview"], old["status"]) == (2, "three", "open")
        assert sum(is_stub(row) for row in await entries_of(source)) == 1
        await check_timelines()

    run_opened(database_url, body)


def test_both_sides_of_a_split_have_something_to_say(database_url: str) -> None:
    """All of it, none of it, events alone, stubs, and other conversations' entries are refused."""

    async def body() -> None:
        lane = await make_channel()
        source = await receive(lane, text_message("one"), text_message("two"))
        await committed(tag_conversation(source, "vip", present=True, actor=AGENT, now=NOW))
        other = await receive(lane, text_message("b", sender=BEN))
        rows = await entries_of(source)
        foreign = (await entries_of(other))[0]["id"]
        assert (await refused(split(source, 1))).code == "state_conflict"
        assert (await refused(split(source, [rows[2]["id"]]))).code == "state_conflict"
        assert (await refused(split(source, 99))).code == "validation_failed"
        assert (await refused(split(source, [foreign]))).code == "validation_failed"
        await split(source, 2)
        stub = (await entries_of(source))[1]["id"]
        assert (await refused(split(source, [stub]))).code == "validation_failed"

    run_opened(database_url, body)


def test_too_many_entries_are_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A move is one transaction and one event an entry: it has an end."""
    monkeypatch.setattr(actions, "ENTRIES_MAX", 2)

    async def body() -> None:
        source, target = await two_threads()
        assert (await refused(merge(source, target))).code == "state_conflict"
        assert await fetch_value("SELECT count(*) FROM conversation_move") == 0

    run_opened(database_url, body)


def test_opposite_merges_at_once_end_in_one(database_url: str) -> None:
    """Two who merge each into the other do not wait in a circle: one wins, the other hears of a cycle or the merge."""

    async def body() -> None:
        source, target = await two_threads()
        for _ in range(3):
            done = await asyncio.gather(
                apart(merge(source, target)), apart(merge(target, source)), return_exceptions=True
            )
            codes = [getattr(one, "code", None) for one in done]
            assert sorted(code or "" for code in codes)[0] == ""
            assert {"merge_cycle", "conversation_merged"} & set(codes)
            move = await fetch_value("SELECT id FROM conversation_move WHERE undone_at IS NULL")
            await committed(actions.undo_move(move, actor=AGENT, now=NOW))
        await check_timelines()

    run_opened(database_url, body)


def test_messages_that_come_in_during_merges_are_kept(database_url: str) -> None:
    """Inbound, answers and merges of the same conversations at once: every message once, no hole, no deadlock."""

    async def body() -> None:
        lane = await make_channel()
        source = await receive(lane, text_message("0"))
        contact = (await one_row("conversation", source))["contact_id"]
        targets = [await committed(open_conversation(contact, subject=None, actor=AGENT, now=NOW)) for _ in range(4)]

        async def hear() -> None:
            for number in range(1, 9):
                await receive(lane, text_message(str(number)))

        async def join() -> None:
            for before, after in zip([source, *targets], targets, strict=False):
                await merge(before, after)

        await asyncio.gather(apart(hear()), apart(join()))
        texts = [
            row["text"] for row in await fetch("SELECT text FROM entry WHERE type = 'message' ORDER BY raw_event_id")
        ]
        assert texts == [str(number) for number in range(9)]
        await check_timelines()

    run_opened(database_url, body)


def test_places_are_planned_in_order() -> None:
    """Whatever order entries are found in, they keep the order they had; ranges are inclusive."""
    found = [Found(id=new_id(), seq=seq) for seq in (7, 2, 5)]
    places = plan_places(found, after=10)
    assert [(place.from_seq, place.to_seq) for place in places] == [(2, 11), (5, 12), (7, 13)]
    assert len({place.stub_id for place in places}) == 3
    assert list_ranges([3, 1, 2, 9, 7]) == [[1, 3], [7, 7], [9, 9]]
    assert list_ranges([]) == []
