"""The feed's cursor: given after the commit, in the order of commits, so that who remembers one skips nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from random import Random
from uuid import UUID

import pytest

from inbox.conversations.actions.change import add_note
from inbox.feed.actions import (
    SEQUENCER_LOCK,
    append_events,
    number_own,
    sequence_events,
)
from inbox.feed.events import NewEvent
from inbox.feed.queries import events_after, feed_head
from inbox.kit.callers import SYSTEM
from inbox.kit.db import before_commit, fetch_value, on_wake, tx
from tests.inbox.builders import (
    BO,
    NOW,
    apart,
    committed,
    make_channel,
    receive,
    run_opened,
    text_message,
    until,
)
from tests.inbox.feed.telling import seen_after, sequence_all, tell


@pytest.fixture(params=["numbered after the commit", "numbered with it"])
def numbering(request: pytest.FixtureRequest) -> Iterator[None]:
    """Both ways of a cursor to an event: by the sequencer, or by the transaction itself where nobody else waits."""
    unhook = before_commit("feed", number_own) if request.param == "numbered with it" else None
    yield
    if unhook:
        unhook()


class Undone(Exception):
    """A transaction that is to be rolled back."""


def undo_if(fails: bool) -> None:
    """Have the open transaction rolled back."""
    if fails:
        raise Undone


class Reader:
    """Follows the feed as every reader does: by the last cursor it has seen."""

    def __init__(self) -> None:
        self.cursor = 0
        self.cursors: list[int] = []
        self.names: list[str] = []

    async def read(self, limit: int = 7) -> None:
        """Whatever is new."""
        while rows := await events_after(self.cursor, limit=limit):
            self.cursor = rows[-1]["cursor"]
            self.cursors += [row["cursor"] for row in rows]
            self.names += [row["changed"][0] for row in rows]


def test_a_late_commit_is_not_skipped(database_url: str) -> None:
    """What was written first and is committed last gets the later cursor: a reader in between misses neither."""

    async def body() -> None:
        reader, written, go_on = Reader(), asyncio.Event(), asyncio.Event()

        async def write_slowly() -> None:
            async with tx():
                await tell("early position, late commit")
                written.set()
                await go_on.wait()

        slow = apart(write_slowly())
        await written.wait()
        await committed(tell("late position, early commit"))
        assert await sequence_all() == 1
        await reader.read()
        assert reader.names == ["late position, early commit"]
        go_on.set()
        await slow
        assert await sequence_all() == 1
        await reader.read()
        assert reader.names == ["late position, early commit", "early position, late commit"]
        assert reader.cursors == [1, 2]

    run_opened(database_url, body)


@pytest.mark.usefixtures("numbering")
def test_every_reader_sees_everything_once(database_url: str) -> None:
    """With transactions held open or rolled back and two sequencers at work, cursors have neither hole nor repeat."""

    async def body() -> None:
        random, kept = Random(11), []

        async def write(writer: int) -> None:
            for number in range(15):
                name, fails = f"{writer}.{number}", random.random() < 0.2
                with suppress(Undone):
                    async with tx():
                        await tell(name)
                        await asyncio.sleep(random.random() / 200)
                        undo_if(fails)
                    kept.append(name)

        async def keep_on(work: str) -> None:
            while not all(task.done() for task in writing):
                await (sequence_events() if work == "sequence" else readers[int(work)].read(random.randint(1, 9)))
                await asyncio.sleep(0.001)

        readers = [Reader(), Reader()]
        writing = [apart(write(writer)) for writer in range(5)]
        await asyncio.gather(*(apart(keep_on(work)) for work in ("sequence", "sequence", "0", "1")))
        await sequence_all()
        for reader in readers:
            await reader.read()
            assert reader.cursors == list(range(1, len(kept) + 1))
            assert sorted(reader.names) == sorted(kept)

    run_opened(database_url, body)


@pytest.mark.usefixtures("numbering")
def test_a_conversations_events_follow_its_numbers(database_url: str) -> None:
    """Within a conversation the feed's order is the order of `seq`, however many write to it at once."""

    async def body() -> None:
        lane = await make_channel()
        people = [f"+1212556{number:04}" for number in range(3)]
        conversations = [await receive(lane, text_message(sender=who)) for who in people]

        async def write(conversation: UUID) -> None:
            for _ in range(4):
                await committed(add_note(conversation, parts=[], author=BO, now=NOW))

        async def number() -> None:
            while not all(task.done() for task in writing):
                await sequence_events()

        writing = [apart(write(conversation)) for conversation in conversations * 2]
        await asyncio.gather(apart(number()), apart(number()), *writing)
        await sequence_all()
        for conversation in conversations:
            rows = await events_after(0, limit=1000, conversation_id=conversation)
            assert [row["seq"] for row in rows if row["seq"]] == list(range(1, 10))

    run_opened(database_url, body)


def test_one_process_numbers_at_a_time(database_url: str) -> None:
    """While one is numbering, another is sent away at once; a numbering that fails leaves no hole."""

    async def body() -> None:
        for name in ("a", "b", "c"):
            await committed(tell(name))
        async with tx() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", 0x5EED)
            assert await asyncio.wait_for(apart(sequence_events()), 30) is None
        numbered = await asyncio.gather(*(apart(sequence_events()) for _ in range(3)))
        assert sum(one or 0 for one in numbered) == 3
        assert await seen_after(0) == ["a", "b", "c"]

    run_opened(database_url, body)


def test_what_nobody_waits_before_is_numbered_with_its_commit(database_url: str) -> None:
    """Then it needs no second one: whoever is woken reads it. Rolled back, it leaves no hole."""

    async def body() -> None:
        unhook, woken = before_commit("feed", number_own), list[str]()
        hooks = [on_wake(topic, partial(woken.append, topic)) for topic in ("feed", "numbered")]
        with pytest.raises(Undone):
            await committed(fail())
        await committed(tell("a"))
        async with tx():
            await tell("b")
            await tell("c")
            assert await seen_after(0) == ["a"]
        assert (await seen_after(0), woken) == (["a", "b", "c"], ["numbered", "numbered"])
        assert (await feed_head()).cursor == 3
        for end in (unhook, *hooks):
            end()

    run_opened(database_url, body)


async def fail() -> None:
    """Tell something and come to nothing."""
    await tell("never")
    raise Undone


def test_what_comes_after_others_is_left_to_the_sequencer(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where others' events wait, somebody is numbering, or there are many at once, nobody is waited for."""
    monkeypatch.setattr("inbox.feed.actions.OWN_MOST", 2)

    async def body() -> None:
        await committed(tell("theirs"))
        unhook, woken = before_commit("feed", number_own), list[str]()
        end = on_wake("feed", partial(woken.append, "feed"))
        await committed(tell("a"))
        assert await seen_after(0) == []
        assert await sequence_all() == 2
        async with tx() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", SEQUENCER_LOCK)
            await asyncio.wait_for(apart(committed(tell("b"))), 30)
        assert await sequence_all() == 1
        await committed(append_events([NewEvent(type="contact.updated", actor=SYSTEM, changed=("c",))]))
        many = [NewEvent(type="contact.updated", actor=SYSTEM, changed=(name,)) for name in "def"]
        await committed(append_events(many))
        assert await seen_after(0) == ["theirs", "a", "b", "c"]
        assert woken == ["feed"] * 3
        assert await sequence_all() == 3
        assert await seen_after(0) == ["theirs", "a", "b", "c", "d", "e", "f"]
        end()
        unhook()

    run_opened(database_url, body)


def test_a_numbering_that_came_too_late_is_done_again(database_url: str) -> None:
    """Whoever looked before another had numbered, and got the lock after, numbers nothing: no repeat and no hole."""

    async def body() -> None:
        await committed(tell("a"))
        async with tx() as connection:
            await connection.execute("UPDATE feed_head SET pruned = pruned")  # what the late one has to wait for
            late = apart(sequence_events())
            await until(somebody_waits)
            await connection.execute("UPDATE feed_event SET cursor = 1")
            await connection.execute("UPDATE feed_head SET cursor = 1")
        assert await late is None
        assert await sequence_all() == 0
        assert [row["cursor"] for row in await events_after(0, limit=9)] == [1]

    run_opened(database_url, body)


async def somebody_waits() -> bool:
    """Whether a statement waits for another's lock."""
    return bool(await apart(fetch_value("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def test_a_large_backlog_is_numbered_in_parts(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pass numbers so many; the order over several passes is the order of writing."""
    monkeypatch.setattr("inbox.feed.actions.BATCH", 4)

    async def body() -> None:
        names = [f"{number}" for number in range(10)]
        for name in names:
            await committed(tell(name))
        assert [await sequence_events() for _ in range(4)] == [4, 4, 2, 0]
        assert await seen_after(0) == names

    run_opened(database_url, body)


def test_an_event_is_told_if_and_only_if_its_cause_was_committed(database_url: str) -> None:
    """What was rolled back is not told and wakes nobody; what was committed wakes after the commit."""

    async def body() -> None:
        woken: list[int] = []
        unhook = on_wake("feed", lambda: woken.append(1))

        async def fail() -> None:
            async with tx():
                await tell("never")
                raise Undone

        with pytest.raises(Undone):
            await fail()
        assert not woken
        async with tx():
            await tell("told")
            assert not woken
        assert woken == [1]
        unhook()
        await committed(tell("unheard"))
        assert woken == [1]
        await sequence_all()
        assert await seen_after(0) == ["told", "unheard"]
        assert await fetch_value("SELECT cursor FROM feed_head") == 2

    run_opened(database_url, body)
