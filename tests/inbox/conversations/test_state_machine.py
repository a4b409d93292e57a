"""Conversation, message and delivery against a model: whatever happens, in whatever order, they stay in step.

The model knows the rules in words: what people write is kept once and in order, a conversation has one dense row of
entries, a message only ever gets further, and nothing is sent to those who said stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar, get_args
from uuid import UUID

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from channels.events import DeliveryState
from inbox.conversations.actions.change import mark_read, set_status
from inbox.conversations.actions.deliveries import (
    EndedAttempt,
    PieceReport,
    apply_reports,
    begin_attempts,
    end_attempts,
)
from inbox.conversations.actions.reply import retry_message
from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.conversations.thread import Status
from inbox.intake.batch import Lane
from inbox.kit.db import close_database, execute, fetch, fetch_one, fetch_value, open_database
from inbox.kit.errors import Problem
from tests.inbox.builders import (
    AGENT,
    ANA,
    BEN,
    NOW,
    OURS,
    arrived,
    committed,
    consent_change,
    delivery_report,
    make_channel,
    project,
    reply,
    text_message,
)

Result = TypeVar("Result")

EXAMPLES = 500
PARTS = 4
STEPS = 14
PEOPLE = (ANA, BEN)
LADDER = ("queued", "sending", "unknown", "sent", "delivered", "read")
ENDS = ("failed", "undelivered", "expired", "canceled")
ARRIVED = ("delivered", "read")
ANOTHER_ROUND = ("failed", "undelivered", "expired", "unknown")
EMPTY = (
    "entry", "delivery", "delivery_attempt", "conversation", "identity", "contact", "consent", "feed_event",
    "event_key", "job", "raw_event", "lane", "channel",
)  # fmt: skip
ENTRIES = "SELECT id, seq, type, direction, text, delivery_state FROM entry WHERE conversation_id = $1 ORDER BY seq"
ROUND = "SELECT id, state FROM delivery WHERE entry_id = $1 ORDER BY round DESC LIMIT 1"


@dataclass
class Message:
    """One of ours: how far it got, and the ids its rounds go by at the provider."""

    state: str = "queued"
    given: list[str] = field(default_factory=list)
    attempt: int | None = None


@dataclass
class Conversation:
    """What is expected of one person's conversation."""

    id: UUID
    status: str = "open"
    texts: list[tuple[str, str]] = field(default_factory=list)
    unread: int = 0
    waiting: bool = False
    messages: dict[UUID, Message] = field(default_factory=dict)


class Desk(RuleBasedStateMachine):
    """People write, agents answer, the provider takes, loses and reports, in any order."""

    runner: asyncio.Runner
    count = 0

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[str, list[str]] = {person: [] for person in PEOPLE}
        self.stopped: set[str] = set()
        self.threads: dict[str, Conversation] = {}
        self.raw = 0
        self.lane: Lane = self.do(self._begin())

    def do(self, work: Awaitable[Result]) -> Result:
        """Run one step in the loop that has the database open."""
        return Desk.runner.run(_awaited(work))

    def attempt(self, work: Awaitable[Result]) -> Result | str:
        """One step that may be refused: what it gives, or the code of the refusal."""
        try:
            return self.do(work)
        except Problem as problem:
            return problem.code

    @rule(person=st.sampled_from(PEOPLE), again=st.booleans())
    def somebody_writes(self, person: str, again: bool) -> None:
        """A new message joins the conversation, and opens it; one told again changes nothing."""
        known = self.keys[person]
        if again and known:
            self.arrive(text_message("again", sender=person, key=known[-1]))
            return
        text, key = f"words {len(known)}", f"{person}-{Desk.count}-{len(known)}"
        self.arrive(text_message(text, sender=person, key=key))
        known.append(key)
        thread = self._thread_of(person)
        if thread.status != "open":
            thread.texts.append(("event", ""))
        thread.status, thread.waiting = "open", True
        thread.texts.append(("inbound", text))
        thread.unread += 1

    @precondition(lambda self: self.threads)
    @rule(data=st.data())
    def an_agent_answers(self, data: st.DataObject) -> None:
        """A reply is queued and ends the wait; to whom said stop, nothing is written."""
        person = data.draw(st.sampled_from(sorted(self.threads)))
        thread, text = self.threads[person], f"answer {len(self.threads[person].texts)}"
        entry = self.attempt(reply(thread.id, text))
        if person in self.stopped:
            assert entry == "contact_opted_out"
            return
        assert isinstance(entry, UUID)
        thread.messages[entry] = Message()
        thread.texts.append(("outbound", text))
        thread.waiting = False

    @precondition(lambda self: self.threads)
    @rule(data=st.data(), status=st.sampled_from(get_args(Status)))
    def the_status_is_changed(self, data: st.DataObject, status: Status) -> None:
        """An event entry says so, once; a closed conversation waits for nobody."""
        thread = self.threads[data.draw(st.sampled_from(sorted(self.threads)))]
        if status == thread.status:
            return
        until = NOW + timedelta(hours=1) if status == "snoozed" else None
        change = set_status(thread.id, status, until=until, actor=AGENT, now=NOW)
        self.do(committed(change))
        thread.status = status
        thread.waiting = thread.waiting and status != "closed"
        thread.texts.append(("event", ""))

    @precondition(lambda self: self.threads)
    @rule(data=st.data())
    def everything_is_read(self, data: st.DataObject) -> None:
        """Nothing is unread then."""
        thread = self.threads[data.draw(st.sampled_from(sorted(self.threads)))]
        self.do(committed(mark_read(thread.id, up_to_seq=None, actor=AGENT, now=NOW)))
        thread.unread = 0

    @rule(person=st.sampled_from(PEOPLE), state=st.sampled_from(["revoked", "granted"]))
    def somebody_says_stop_or_start(self, person: str, state: str) -> None:
        """It is told in the timeline and changes nothing else; it holds also for who never wrote a message."""
        self.arrive(consent_change(state, sender=person))
        (self.stopped.add if state == "revoked" else self.stopped.discard)(person)
        self._thread_of(person).texts.append(("event", ""))

    @precondition(lambda self: self.sendable("queued"))
    @rule(data=st.data())
    def a_worker_begins_to_send(self, data: st.DataObject) -> None:
        """The piece is being handed over."""
        thread, entry, message = data.draw(st.sampled_from(self.sendable("queued")))
        message.attempt = self.do(committed(self._move(thread.id, entry, "sending")))
        message.state = "sending"

    @precondition(lambda self: self.sendable("sending"))
    @rule(data=st.data(), outcome=st.sampled_from(["sent", "failed", "unknown"]))
    def the_provider_answers(self, data: st.DataObject, outcome: str) -> None:
        """It took the message, refused it, or nobody knows."""
        thread, entry, message = data.draw(st.sampled_from(self.sendable("sending")))
        Desk.count += 1
        given = f"PM{Desk.count}" if outcome == "sent" else None
        self.do(committed(self._move(thread.id, entry, outcome, given=given, attempt=message.attempt)))
        message.given += [given] if given else []
        message.state = climb(message.state, outcome)

    @precondition(lambda self: any(one.given for _, _, one in self.sendable()))
    @rule(data=st.data(), state=st.sampled_from(get_args(DeliveryState)))
    def the_provider_reports(self, data: st.DataObject, state: DeliveryState) -> None:
        """Reports come late, twice and out of order; a message gets further, never back, and old rounds are over."""
        sent = [(message, given) for _, _, message in self.sendable() for given in message.given]
        message, given = data.draw(st.sampled_from(sent))
        self.arrive(delivery_report(given, state))
        newest = self.do(fetch_value("SELECT max(round) FROM delivery d WHERE entry_id = $1", self._entry_of(message)))
        round_ = self.do(fetch_value("SELECT round FROM delivery WHERE provider_message_id = $1", given))
        if round_ == newest:
            message.state = climb(message.state, state)

    @precondition(lambda self: self.sendable())
    @rule(data=st.data())
    def somebody_wants_another_round(self, data: st.DataObject) -> None:
        """Only what did not arrive may be sent again, and not to who said stop."""
        thread, entry, message = data.draw(st.sampled_from(self.sendable()))
        person = next(name for name, one in self.threads.items() if one is thread)
        refused = self.attempt(committed(retry_message(entry, actor=AGENT, now=NOW)))
        if message.state not in ANOTHER_ROUND:
            assert refused == "state_conflict"
        elif person in self.stopped:
            assert refused == "contact_opted_out"
        else:
            assert refused is None
            message.state, message.attempt = "queued", None

    @invariant()
    def everything_is_as_expected(self) -> None:
        """Each conversation is what the model says, entry by entry, and the feed tells each message once."""
        for thread in self.threads.values():
            self.do(self._compare(thread))

    def teardown(self) -> None:
        """Every job belongs to a message that waits to be handed over or was, and each of these has its job."""
        if self.threads:
            jobs = self.do(
                fetch_value("SELECT count(DISTINCT payload->>'entry_id') FROM job WHERE type = 'deliver_message'")
            )
            assert jobs == sum(len(thread.messages) for thread in self.threads.values())

    def sendable(self, *states: str) -> list[tuple[Conversation, UUID, Message]]:
        """Our messages, those in these states or all."""
        return [
            (thread, entry, message)
            for thread in self.threads.values()
            for entry, message in thread.messages.items()
            if message.state in states or not states
        ]

    def arrive(self, event: Any) -> None:
        """The provider tells something."""
        self.raw += 1
        assert self.do(project(self.lane, arrived(self.raw, event)))

    async def _begin(self) -> Lane:
        Desk.count += 1
        await execute(f"TRUNCATE {', '.join(EMPTY)} CASCADE")
        return await make_channel(OURS)

    async def _move(
        self, conversation_id: UUID, entry: UUID, state: Any, *, given: str | None = None, attempt: int | None = None
    ) -> int | None:
        held = await lock_thread(conversation_id)
        piece = await fetch_one(ROUND, entry)
        assert piece is not None
        if attempt is not None:
            await end_attempts([EndedAttempt(id=attempt, outcome=state)], now=NOW)
        begun = (await begin_attempts([piece["id"]], now=NOW))[piece["id"]] if state == "sending" else None
        report = PieceReport(delivery_id=piece["id"], state=state, provider_message_id=given)
        await apply_reports({conversation_id: held}, [report], now=NOW)
        await store_threads([held], now=NOW)
        return begun

    async def _compare(self, thread: Conversation) -> None:
        row = await fetch_one("SELECT * FROM conversation WHERE id = $1", thread.id)
        assert row is not None
        entries = await fetch(ENTRIES, thread.id)
        assert [entry["seq"] for entry in entries] == list(range(1, row["last_seq"] + 1))
        assert [_shown(entry) for entry in entries] == thread.texts
        assert (row["status"], row["unread"]) == (thread.status, thread.unread)
        assert (row["waiting_since"] is not None) == thread.waiting
        states = {entry["id"]: entry["delivery_state"] for entry in entries if entry["direction"] == "outbound"}
        assert states == {entry: message.state for entry, message in thread.messages.items()}
        told = "SELECT seq FROM feed_event WHERE conversation_id = $1 AND type = 'message.created' ORDER BY position"
        assert [one["seq"] for one in await fetch(told, thread.id)] == [
            entry["seq"] for entry in entries if entry["type"] == "message"
        ]

    def _thread_of(self, person: str) -> Conversation:
        if person not in self.threads:
            self.threads[person] = Conversation(self.do(self._only_conversation(person)))
        return self.threads[person]

    async def _only_conversation(self, person: str) -> UUID:
        rows = await fetch(
            "SELECT c.id FROM conversation c JOIN identity i ON i.contact_id = c.contact_id WHERE i.match_key = $1",
            person,
        )
        [row] = rows
        found: UUID = row["id"]
        return found

    def _entry_of(self, message: Message) -> UUID:
        return next(entry for _, entry, one in self.sendable() if one is message)


@pytest.mark.parametrize("part", range(PARTS))
def test_conversation_message_and_delivery_follow_the_model(database_url: str, part: int) -> None:
    """Five hundred different days at the desk, and not one of them ends otherwise than the rules say."""
    with asyncio.Runner() as runner:
        runner.run(open_database(database_url, size=2))
        Desk.runner = runner
        try:
            run_state_machine_as_test(
                seed(part)(type(f"Desk{part}", (Desk,), {})),
                settings=settings(
                    max_examples=EXAMPLES // PARTS,
                    stateful_step_count=STEPS,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(close_database())


def climb(old: str, new: str) -> str:
    """The rule of reports: an end is final, what arrived stays arrived, else the further step."""
    if old in ENDS or (new in ENDS and old in ARRIVED):
        return old
    return new if new in ENDS else max(old, new, key=LADDER.index)


def _shown(entry: Any) -> tuple[str, str]:
    return ("event", "") if entry["type"] == "event" else (entry["direction"], entry["text"])


async def _awaited(work: Awaitable[Result]) -> Result:
    return await work
