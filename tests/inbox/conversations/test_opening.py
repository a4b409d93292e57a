"""Which conversation an inbound message joins."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from inbox.conversations.actions.change import open_conversation, set_status
from inbox.conversations.opening import choose_thread
from inbox.conversations.queries import read_timeline
from inbox.conversations.thread import Status, Thread
from inbox.intake.batch import Lane
from inbox.kit.ids import new_id
from tests.inbox.builders import (
    AGENT,
    ANA,
    BEN,
    NOW,
    WINDOW,
    committed,
    count_rows,
    make_channel,
    one_row,
    receive,
    rows_of,
    run_opened,
    text_message,
)

HOUR = timedelta(hours=1)


def thread(status: Status, *, hours: float, closed: float | None = None) -> Thread:
    """A conversation last touched so many hours ago, and closed so many."""
    moment = NOW - hours * HOUR
    closed_at = None if closed is None else NOW - closed * HOUR
    return Thread(
        id=new_id(), contact_id=new_id(), created_at=moment, updated_at=moment, status=status, closed_at=closed_at
    )


@pytest.mark.parametrize("status", ["open", "pending", "snoozed"])
def test_what_is_not_closed_is_joined_however_old(status: Status) -> None:
    """A conversation that is open, pending or snoozed is joined, whenever it was last touched."""
    old = thread(status, hours=9000)
    assert choose_thread([old], now=NOW, window=WINDOW).thread is old


@pytest.mark.parametrize(("closed", "joins"), [(0, True), (23.9, True), (24, True), (24.1, False), (900, False)])
def test_what_was_closed_is_joined_within_the_window(closed: float, *, joins: bool) -> None:
    """A closed conversation is joined until the window has passed since it was closed; then a new one is opened."""
    done = thread("closed", hours=closed, closed=closed)
    chosen = choose_thread([done], now=NOW, window=WINDOW)
    assert (chosen.thread is done) is joins
    assert chosen.because


def test_whoever_begins_anew_leaves_closed_what_is_closed() -> None:
    """Without a window nothing closed is joined, however lately; what is open still is."""
    done, running = thread("closed", hours=0, closed=0), thread("open", hours=9)
    assert choose_thread([done], now=NOW, window=None).thread is None
    assert choose_thread([done, running], now=NOW, window=None).thread is running


def test_the_window_counts_from_the_closing_not_from_the_last_touch() -> None:
    """A note on a conversation closed long ago does not bring it back."""
    done = thread("closed", hours=1, closed=100)
    assert choose_thread([done], now=NOW, window=WINDOW).thread is None


def test_of_several_the_one_touched_last_is_joined() -> None:
    """Among open conversations the most recent counts."""
    older, newer = thread("open", hours=5), thread("pending", hours=2)
    assert choose_thread([newer, older], now=NOW, window=WINDOW).thread is newer
    assert choose_thread([older, newer], now=NOW, window=WINDOW).thread is newer


def test_an_open_one_goes_before_a_closed_one() -> None:
    """A conversation somebody still works on is joined before one that was just closed."""
    working, done = thread("open", hours=50), thread("closed", hours=1, closed=1)
    assert choose_thread([done, working], now=NOW, window=WINDOW).thread is working


def test_nobodys_conversation_is_a_new_one() -> None:
    """Who was never here opens a conversation, and the verdict says why."""
    assert choose_thread([], now=NOW, window=WINDOW).thread is None


async def conversation_of(lane: Lane, *, status: Status, hours: float) -> UUID:
    """Ana's conversation, given this status so many hours ago."""
    then = NOW - hours * HOUR
    conversation = await receive(lane, text_message("first"), now=then)
    if status != "open":
        until = NOW + HOUR if status == "snoozed" else None
        await committed(set_status(conversation, status, actor=AGENT, now=then, until=until))
    return conversation


@pytest.mark.parametrize(
    ("status", "hours", "joins", "name"),
    [
        ("open", 90, True, None),
        ("pending", 90, True, "status_changed"),
        ("snoozed", 90, True, "woke"),
        ("closed", 23, True, "reopened"),
        ("closed", 25, False, None),
    ],
)
def test_the_next_message_joins_or_opens(
    database_url: str, status: Status, hours: float, *, joins: bool, name: str | None
) -> None:
    """What sleeps, waits or was just closed opens again, and the timeline says so before the message."""

    async def body() -> None:
        lane = await make_channel()
        first = await conversation_of(lane, status=status, hours=hours)
        second = await receive(lane, text_message("second"))
        assert (first == second) is joins
        row = await one_row("conversation", second)
        assert (row["status"], row["snoozed_until"], row["closed_at"]) == ("open", None, None)
        assert row["waiting_since"] is not None
        listed = await read_timeline(second, after_seq=0, limit=99)
        assert listed is not None
        entries = listed.rows
        assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
        told = [msgspec.json.decode(entry["event"]) for entry in entries if entry["event"]]
        assert [(one["name"], one["to"]) for one in told[-1:]] == ([(name, "open")] if name else [])

    run_opened(database_url, body)


def test_somebody_elses_conversation_is_not_joined(database_url: str) -> None:
    """Two people on one channel have a conversation each."""

    async def body() -> None:
        lane = await make_channel()
        await receive(lane, text_message("a"), text_message("b", sender=BEN), text_message("c"))
        assert await count_rows("conversation") == 2
        assert await count_rows("contact") == 2

    run_opened(database_url, body)


def test_one_person_on_two_channels_has_one_conversation(database_url: str) -> None:
    """A conversation has no channel: who writes to another number of ours goes on where they were."""

    async def body() -> None:
        one, other = await make_channel(), await make_channel("+12125550198")
        first, second = await receive(one, text_message("a")), await receive(other, text_message("b"))
        assert first == second
        entries = await rows_of("entry", "seq")
        assert [entry["channel_id"] for entry in entries] == [one.route.channel_id, other.route.channel_id]
        assert (await one_row("conversation", first))["reply_channel_id"] == other.route.channel_id

    run_opened(database_url, body)


def test_an_answer_joins_the_conversation_we_began_last(database_url: str) -> None:
    """A conversation of ours beside an older open one is the most recent, so the contact's answer joins it."""

    async def body() -> None:
        lane = await make_channel()
        old = await receive(lane, text_message("a"), now=NOW - HOUR)
        contact_id = (await one_row("conversation", old))["contact_id"]
        begun = await committed(open_conversation(contact_id, subject="Your order", actor=AGENT, now=NOW))
        assert await receive(lane, text_message("b"), now=NOW + HOUR) == begun

    run_opened(database_url, body)


def test_the_other_spelling_of_a_number_is_the_same_person(database_url: str) -> None:
    """A Brazilian mobile with and without its ninth digit is one contact with one conversation."""

    async def body() -> None:
        lane = await make_channel()
        old = await receive(lane, text_message("a", sender="+551161234567"))
        assert await receive(lane, text_message("b", sender="+5511961234567")) == old
        assert await count_rows("contact") == 1
        assert ANA not in str(await rows_of("identity"))

    run_opened(database_url, body)
