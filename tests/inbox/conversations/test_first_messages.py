"""First messages at once: one contact, one conversation, whichever process is the first."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from uuid import UUID

from inbox.conversations.actions.change import open_conversation
from inbox.conversations.thread import Route
from inbox.intake.batch import Lane
from inbox.kit.db import tx
from tests.inbox.builders import (
    AGENT,
    ANA,
    BEN,
    NOW,
    apart,
    arrived,
    committed,
    count_rows,
    make_channel,
    one_row,
    project,
    receive,
    rows_of,
    run_opened,
    text_message,
)

PROCESSES = 2
LANES = 6


def write_first(url: str, channels: list[tuple[UUID, str]]) -> None:
    """One process: a stranger's messages over several channels, each lane in a task of its own."""

    async def body() -> None:
        lanes = [
            Lane(route=Route(channel_id=channel, medium="sms", provider="plain"), addresses=frozenset({address}))
            for channel, address in channels
        ]
        rows = [arrived(n, text_message(f"{n}", sender=who, key=f"{n}")) for n, who in enumerate((ANA, BEN, ANA), 1)]
        await asyncio.gather(*(apart(project(lane, *rows)) for lane in lanes))

    run_opened(url, body, size=LANES)


def test_first_messages_from_two_pools_make_one_conversation(database_url: str) -> None:
    """A stranger who writes to twelve numbers, taken in by two processes at once, is one contact, one conversation."""

    async def prepare() -> list[list[tuple[UUID, str]]]:
        numbers = [f"+1212555{number:04}" for number in range(200, 200 + PROCESSES * LANES)]
        made = [((await make_channel(number)).route.channel_id, number) for number in numbers]
        return [made[:LANES], made[LANES:]]

    async def check() -> None:
        assert await count_rows("contact") == await count_rows("identity") == await count_rows("conversation") == 2
        for conversation in await rows_of("conversation"):
            entries = [
                row["seq"] for row in await rows_of("entry", "seq") if row["conversation_id"] == conversation["id"]
            ]
            assert entries == list(range(1, len(entries) + 1))
            assert len(entries) == conversation["last_seq"] == conversation["unread"]
        assert await count_rows("entry") == 3 * PROCESSES * LANES

    shares = run_opened(database_url, prepare)
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as processes:
        list(processes.map(write_first, [database_url] * PROCESSES, shares))
    run_opened(database_url, check)


def test_who_opens_a_conversation_waits_for_who_is_opening_one(database_url: str) -> None:
    """While a stranger's first message is being stored, the second waits, and then joins what the first made."""

    async def body() -> None:
        one, other = await make_channel(), await make_channel("+12125550198")
        await receive(one, text_message("long ago"))
        async with tx() as connection:
            await connection.execute("UPDATE conversation SET status = 'closed', closed_at = '2020-01-01'")
        first = asyncio.Event()
        go_on = asyncio.Event()

        async def hold() -> None:
            async with tx():
                [contact] = await rows_of("contact")
                await open_conversation(contact["id"], subject="held", actor=AGENT, now=NOW)
                first.set()
                await go_on.wait()

        holding = apart(hold())
        await first.wait()
        arriving = apart(receive(other, text_message("new")))
        await asyncio.wait([arriving], timeout=0.1)
        assert not arriving.done()
        go_on.set()
        await holding
        assert (await one_row("conversation", await arriving))["subject"] == "held"

    run_opened(database_url, body)


def test_two_batches_with_the_same_people_do_not_wait_in_a_circle(database_url: str) -> None:
    """Locks are taken in one order: batches that meet the same strangers in opposite orders both get through."""

    async def body() -> None:
        lanes = [await make_channel(), await make_channel("+12125550198")]
        people = [f"+1212556{number:04}" for number in range(12)]

        async def arrive(lane: Lane, order: list[str]) -> None:
            for start in range(3):
                rows = [arrived(1 + start * 100 + n, text_message(sender=who)) for n, who in enumerate(order)]
                await project(lane, *rows)

        await asyncio.wait_for(
            asyncio.gather(apart(arrive(lanes[0], people)), apart(arrive(lanes[1], people[::-1]))), 30
        )
        assert await count_rows("conversation") == 12
        assert {row["last_seq"] for row in await rows_of("conversation")} == {6}

    run_opened(database_url, body)


def test_an_agents_conversation_is_opened_once_each_time(database_url: str) -> None:
    """What we begin is a conversation of its own, also beside an open one; an unknown contact is refused."""

    async def body() -> None:
        lane = await make_channel()
        await receive(lane, text_message())
        [contact] = await rows_of("contact")
        opened = [
            await committed(open_conversation(contact["id"], subject=None, actor=AGENT, now=NOW)) for _ in range(2)
        ]
        assert len({*opened}) == 2
        assert await count_rows("conversation") == 3

    run_opened(database_url, body)
