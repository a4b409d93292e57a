"""Writing raw requests down: in an order that projectors can follow, and once where once is asked for."""

from __future__ import annotations

import asyncio
from random import Random
from uuid import UUID

from inbox.intake.actions.journal import journal_events
from inbox.intake.queries import count_waiting, waiting_events, waiting_lanes
from inbox.kit.db import fetch, fetch_value, tx
from inbox.kit.ids import new_id
from tests.inbox.builders import apart, journal_row, make_channel, run_opened

WRITERS = 8
WRITES = 12


def test_a_writer_waits_for_the_one_before_it_on_its_channel(database_url: str) -> None:
    """Ids of a channel are given in the order of commits: who comes second waits; other channels go on."""

    async def body() -> None:
        one, other = new_id(), new_id()
        async with tx():
            await journal_events([journal_row(one, b"first")])
            second = apart(journal_events([journal_row(one, b"second")]))
            assert await apart(journal_events([journal_row(other, b"elsewhere")])) == {other}
            await asyncio.wait([second], timeout=0.1)
            assert not second.done()
        await second
        rows = await fetch("SELECT body FROM raw_event WHERE channel_id = $1 ORDER BY id", one)
        assert [row["body"] for row in rows] == [b"first", b"second"]

    run_opened(database_url, body)


def test_a_projector_sees_no_gap_while_many_write(database_url: str) -> None:
    """Under eight writers who hold their transactions open, whoever follows the ids of a channel skips nothing."""

    async def body() -> None:
        lanes = [await make_channel(), await make_channel("+12125550198")]
        channels = [lane.route.channel_id for lane in lanes]
        random = Random(7)

        async def write(writer: int) -> None:
            for number in range(WRITES):
                async with tx():
                    rows = [journal_row(random.choice(channels), b"%d %d" % (writer, number)) for _ in range(3)]
                    await journal_events(rows)
                    await asyncio.sleep(random.random() / 200)

        writing = [apart(write(writer)) for writer in range(WRITERS)]
        following = [apart(follow(channel, writing)) for channel in channels]
        await asyncio.gather(*writing)
        seen = await asyncio.gather(*following)
        for channel, ids in zip(channels, seen, strict=True):
            stored = await fetch("SELECT id FROM raw_event WHERE channel_id = $1 ORDER BY id", channel)
            assert ids == [row["id"] for row in stored]

    async def follow(channel: UUID, writing: list[asyncio.Task[None]]) -> list[int]:
        ids: list[int] = []
        while True:
            ended = all(task.done() for task in writing)
            sql = "SELECT id FROM raw_event WHERE channel_id = $1 AND id > $2 ORDER BY id"
            rows = await fetch(sql, channel, ids[-1] if ids else 0)
            ids += [row["id"] for row in rows]
            if ended:
                return ids

    run_opened(database_url, body)


def test_two_batches_over_the_same_channels_do_not_wait_in_a_circle(database_url: str) -> None:
    """Writers of several channels take their turns in one order, however the requests stand in their batches."""

    async def body() -> None:
        channels = [new_id() for _ in range(6)]

        async def write(order: list[UUID]) -> None:
            for _ in range(20):
                await journal_events([journal_row(channel) for channel in order])

        await asyncio.wait_for(asyncio.gather(apart(write(channels)), apart(write(channels[::-1]))), 30)
        assert await fetch_value("SELECT count(*) FROM raw_event") == 240

    run_opened(database_url, body)


def test_a_batch_keeps_its_order(database_url: str) -> None:
    """Requests are journaled in the order they were handed over."""

    async def body() -> None:
        one = new_id()
        await journal_events([journal_row(one, b"%d" % number) for number in range(50)])
        rows = await fetch("SELECT body FROM raw_event ORDER BY id")
        assert [int(row["body"]) for row in rows] == list(range(50))

    run_opened(database_url, body)


def test_what_came_from_the_spool_is_journaled_once(database_url: str) -> None:
    """A request that waited in the spool is passed over when it is handed over again; what is beside it is not."""

    async def body() -> None:
        one, other, spooled = new_id(), new_id(), new_id()
        assert await journal_events([journal_row(one, b"a", spool_id=spooled)]) == {one}
        again = [journal_row(one, b"a", spool_id=spooled), journal_row(other, b"b", spool_id=new_id())]
        assert await journal_events(again) == {other}
        assert await journal_events(again) == set()
        assert await fetch_value("SELECT count(*) FROM raw_event") == 2

    run_opened(database_url, body)


def test_a_one_time_token_is_good_once_a_channel(database_url: str) -> None:
    """A token that was used is used up, on its own channel only; requests without one are never alike."""

    async def body() -> None:
        one, other = new_id(), new_id()
        await journal_events([journal_row(one, once_key="t1"), journal_row(one, once_key="t1")])
        await journal_events([journal_row(one, once_key="t1"), journal_row(other, once_key="t1")])
        await journal_events([journal_row(one), journal_row(one)])
        rows = await fetch("SELECT channel_id, once_key FROM raw_event ORDER BY id")
        assert [(row["channel_id"], row["once_key"]) for row in rows] == [
            (one, "t1"), (other, "t1"), (one, None), (one, None),
        ]  # fmt: skip

    run_opened(database_url, body)


def test_nothing_is_kept_of_a_batch_that_fails(database_url: str) -> None:
    """A batch is written whole or not at all, so that nobody is told of half of it."""

    async def body() -> None:
        one = new_id()
        failed = await asyncio.gather(
            journal_events([journal_row(one), journal_row(one, headers="not json")]), return_exceptions=True
        )
        assert isinstance(failed[0], Exception)
        assert await fetch_value("SELECT count(*) FROM raw_event") == 0

    run_opened(database_url, body)


def test_what_waits_is_what_lies_behind_the_lane(database_url: str) -> None:
    """A channel waits while its journal goes on behind its lane, and its requests come in journal order."""

    async def body() -> None:
        lane, idle = await make_channel(), await make_channel("+12125550198")
        channel = lane.route.channel_id
        assert await waiting_lanes() == []
        await journal_events([journal_row(channel, b"%d" % number) for number in range(3)])
        assert await waiting_lanes() == [channel]
        assert await count_waiting() == 3
        [first, second] = await waiting_events(channel, limit=2, most_bytes=100)
        assert (first["body"], second["body"]) == (b"0", b"1")
        await fetch("UPDATE lane SET projected_id = $2 WHERE channel_id = $1", channel, second["id"])
        assert [row["body"] for row in await waiting_events(channel, limit=9, most_bytes=100)] == [b"2"]
        assert await waiting_events(idle.route.channel_id, limit=9, most_bytes=100) == []

    run_opened(database_url, body)
