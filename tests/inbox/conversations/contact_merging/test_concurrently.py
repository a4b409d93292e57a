"""Merges, undos, answers and messages that come in, all at once: nothing waits in a circle, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count
from uuid import UUID

import asyncpg

from inbox.conversations.actions.store import lock_contacts
from inbox.conversations.contact_merging.merge import UndoReport
from inbox.intake.batch import Lane
from inbox.kit.db import fetch, fetch_value, tx
from inbox.kit.errors import Problem
from tests.inbox.builders import (
    ANA,
    BEN,
    CAI,
    NOW,
    apart,
    arrived,
    make_channel,
    project,
    projected,
    refused,
    reply,
    run_opened,
    text_message,
    until,
)
from tests.inbox.conversations.contact_merging.merging import conversations_of, merge, owner_of, unmerge, writer

ROUNDS = 10
MESSAGES = 30
NUMBERS = (ANA, BEN, CAI)
CLOCK = count(1)

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

GAPS = """
SELECT c.id FROM conversation c LEFT JOIN entry e ON e.conversation_id = c.id
GROUP BY c.id, c.last_seq HAVING count(e.id) <> c.last_seq OR max(e.seq) <> c.last_seq
"""
STRAYED = """
SELECT e.text FROM entry e JOIN conversation c ON c.id = e.conversation_id JOIN identity i ON i.id = e.identity_id
WHERE e.direction = 'inbound' AND e.text LIKE 'last %' AND i.contact_id <> c.contact_id
"""


async def keep_projecting(lane: Lane, numbers: tuple[str, ...], word: str, messages: int) -> int:
    """Messages come in one after the other, tried again as the projector would; returns how often that was."""
    retries = 0
    for number in range(messages):
        event = text_message(f"{word} {number}", sender=numbers[number % len(numbers)])
        row = arrived(await projected(lane) + 1, event)
        while True:
            try:
                assert await project(lane, row, now=NOW + timedelta(seconds=next(CLOCK)))
                break
            except asyncpg.SerializationError:
                retries += 1
    return retries


async def keep_merging(pair: tuple[UUID, UUID]) -> list[UndoReport]:
    """One contact is merged into the other and parted again, in turns of who survives."""
    reports = []
    for _ in range(ROUNDS):
        reports.append(await unmerge(await merge(*pair)))
        pair = (pair[1], pair[0])
    return reports


async def keep_answering(conversation_ids: list[UUID]) -> None:
    """Answers, whoever the conversations belong to at the moment; each is taken."""
    for number in range(MESSAGES):
        await reply(conversation_ids[number % len(conversation_ids)], now=NOW + timedelta(seconds=next(CLOCK)))


async def hold_contact(contact_id: UUID, held: asyncio.Event, release: asyncio.Event) -> None:
    """Keep a contact locked until it is released."""
    async with tx():
        await lock_contacts([contact_id])
        held.set()
        await release.wait()


async def waiting(number: int) -> bool:
    """Whether so many wait for a lock."""
    return int(await fetch_value(WAITING)) >= number


def test_nothing_is_lost_or_stuck_while_people_are_merged_and_parted(database_url: str) -> None:
    """Two lanes, merges, undos and answers at once: no deadlock, every message once, no gap in any seq."""

    async def body() -> None:
        lanes = [await make_channel(), await make_channel("+12125550198")]
        people = [await writer(lanes[0], number) for number in NUMBERS]
        (ana, _), (ben, _), (cai, _) = people
        work: list[Callable[[], Awaitable[object]]] = [
            lambda: keep_projecting(lanes[0], NUMBERS, "one", MESSAGES),
            lambda: keep_projecting(lanes[1], NUMBERS[::-1], "two", MESSAGES),
            lambda: keep_merging((ana, ben)),
            lambda: keep_answering([conversation_id for _, conversation_id in people]),
        ]
        async with asyncio.timeout(60):
            await asyncio.gather(*(apart(one()) for one in work))
        for lane in lanes:
            await keep_projecting(lane, NUMBERS, "last", len(NUMBERS))
        for word in ("one", "two"):
            sql = "SELECT count(*), count(DISTINCT text) FROM entry WHERE text LIKE $1 AND direction = 'inbound'"
            [row] = await fetch(sql, f"{word} %")
            assert tuple(row) == (MESSAGES, MESSAGES)
        assert await fetch(GAPS) == []
        assert await fetch(STRAYED) == []
        assert [await owner_of(number) for number in NUMBERS] == [ana, ben, cai]
        assert await fetch_value("SELECT count(*) FROM contact_merge WHERE undone_at IS NULL") == 0

    run_opened(database_url, body)


def test_a_message_that_waits_for_a_merge_finds_the_survivor(database_url: str) -> None:
    """Inbound that looked the sender up before the merge is tried again, and joins the survivor's conversation."""

    async def body() -> None:
        lane = await make_channel()
        ana, hers = await writer(lane, ANA)
        ben, his = await writer(lane, BEN)
        held, release = asyncio.Event(), asyncio.Event()
        holding = apart(hold_contact(ana, held, release))
        await held.wait()
        merging = apart(merge(ana, ben))
        await until(lambda: waiting(1))
        arriving = apart(keep_projecting(lane, (ANA,), "waited", 1))
        await until(lambda: waiting(2))
        release.set()
        assert (await asyncio.gather(holding, merging, arriving))[2] == 1
        assert await owner_of(ANA) == ben
        found = await fetch("SELECT conversation_id FROM entry WHERE text = 'waited 0'")
        assert {row["conversation_id"] for row in found} <= {hers, his} == await conversations_of(ben)

    run_opened(database_url, body)


def test_of_two_opposite_merges_at_once_one_happens(database_url: str) -> None:
    """The second is told that the two are one already; nobody is lost."""

    async def body() -> None:
        lane = await make_channel()
        ana, _ = await writer(lane, ANA)
        ben, _ = await writer(lane, BEN)
        done = await asyncio.gather(apart(merge(ana, ben)), apart(merge(ben, ana)), return_exceptions=True)
        problems = [one for one in done if isinstance(one, BaseException)]
        assert [one.code for one in problems if isinstance(one, Problem)] == ["merge_cycle"]
        assert len(problems) == 1
        assert await owner_of(ANA) == await owner_of(BEN)
        assert (await refused(merge(ana, ben))).code == "merge_cycle"

    run_opened(database_url, body)
