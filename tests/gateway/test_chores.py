"""What each process does beside its requests: soon, again and again, and whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.chores import run_chores
from gateway.projector import Projector
from gateway.runtime import Runtime
from gateway.worker import Worker
from inbox.conversations.actions.change import set_status
from inbox.feed.actions import append_event, sequence_events
from inbox.feed.queries import feed_head
from inbox.intake.actions.journal import journal_events
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch_value
from inbox.kit.ids import new_id
from inbox.outbox.actions import claim_jobs, enqueue_jobs
from inbox.outbox.jobs import DeliverMessage, NewJob
from inbox.outbox.queries import count_jobs
from tests.gateway.runtimes import connect, open_test_runtime
from tests.inbox.builders import (
    AGENT,
    apart,
    committed,
    connect_apart,
    count_rows,
    journal_row,
    receive,
    text_message,
    until,
)

LONG = 300.0
"""A poll so seldom that it is not what brings a test on."""


@asynccontextmanager
async def chores(runtime: Runtime, *, work: bool = False) -> AsyncIterator[Projector]:
    """A process's chores."""
    projector = Projector(runtime)
    runtime.journal.on_written = projector.wake
    async with run_chores(runtime, projector, Worker(runtime) if work else None):
        yield projector
    await projector.stop()


def run_process(url: str, folder: Path, body: Callable[[Runtime], Awaitable[None]], **settings: Any) -> None:
    """A test's body with the clients of a process."""

    async def opened() -> None:
        async with open_test_runtime(url, folder, **settings) as runtime:
            await body(runtime)

    asyncio.run(opened())


async def tell() -> None:
    """Tell something."""
    await committed(append_event("contact.updated", actor=SYSTEM))


async def head_is(cursor: int) -> bool:
    """Whether the feed has come so far."""
    return (await feed_head()).cursor == cursor


def test_what_is_told_is_numbered_at_once(database_url: str, tmp_path: Path) -> None:
    """A commit in this process is numbered and reaches the hub's listeners without waiting for any poll."""

    async def body(runtime: Runtime) -> None:
        async with chores(runtime), runtime.hub.listen() as listener:
            await tell()
            async with asyncio.timeout(30):
                row: Any = await listener.queue.get()
            assert row["cursor"] == 1

    run_process(database_url, tmp_path, body, poll_seconds=LONG)


def test_what_another_process_told_is_numbered_soon(database_url: str, tmp_path: Path) -> None:
    """What a process told before it died is numbered by whoever looks next."""

    async def body(runtime: Runtime) -> None:
        await tell()
        async with chores(runtime):
            await until(lambda: head_is(1))

    run_process(database_url, tmp_path, body, poll_seconds=0.05)


def test_what_is_told_while_another_is_numbering_is_not_forgotten(database_url: str, tmp_path: Path) -> None:
    """Who finds another at the numbering tries again soon: that one may have looked too early."""

    async def body(runtime: Runtime) -> None:
        other = await connect_apart(database_url)
        async with chores(runtime):
            async with other.transaction():
                await other.execute("SELECT pg_advisory_xact_lock($1)", 0x5EED)
                await tell()
                await asyncio.sleep(0.1)
                assert await head_is(0)
            await until(lambda: head_is(1))
        await other.close()

    run_process(database_url, tmp_path, body, poll_seconds=LONG)


def test_a_large_backlog_is_numbered_without_pause(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one pass numbers is numbered pass after pass, not poll after poll."""
    monkeypatch.setattr("inbox.feed.actions.BATCH", 3)
    monkeypatch.setattr("gateway.chores.BATCH", 3)

    async def body(runtime: Runtime) -> None:
        for _ in range(11):
            await tell()
        async with chores(runtime):
            await tell()
            await until(lambda: head_is(12))

    run_process(database_url, tmp_path, body, poll_seconds=LONG)


def test_what_others_left_in_journal_and_spool_is_taken_up(database_url: str, tmp_path: Path) -> None:
    """Requests journaled by a process that died are projected, and those it spooled are journaled and projected."""

    async def body(runtime: Runtime) -> None:
        lane = await connect(runtime)
        bodies = [msgspec.json.encode([text_message(f"m{n}")]) for n in range(2)]
        rows = [journal_row(lane.route.channel_id, one) for one in bodies]
        await journal_events(rows[:1])
        await runtime.spool.append(rows[1:])
        async with chores(runtime):
            await until(two_entries)
        assert not runtime.spool.holds

    async def two_entries() -> bool:
        return await count_rows("entry") == 2

    run_process(database_url, tmp_path, body)


def test_the_sleeping_wake_and_the_lost_is_found(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended snoozes are opened, and what dead workers held is put back, every few seconds."""
    monkeypatch.setattr("gateway.chores.RECOVER_SECONDS", 0.05)

    async def body(runtime: Runtime) -> None:
        conversation = await receive(await connect(runtime), text_message())
        then = utc_now() - timedelta(hours=1)
        until_then = then + timedelta(minutes=1)
        await committed(set_status(conversation, "snoozed", actor=AGENT, now=then, until=until_then))
        await committed(enqueue_jobs([NewJob(job=DeliverMessage(entry_id=new_id()), key="k")]))
        await claim_jobs(limit=1, lease_seconds=-1)
        async with chores(runtime, work=True):
            await until(awake)
            await until(put_back)

    async def awake() -> bool:
        return bool(await fetch_value("SELECT status = 'open' FROM conversation"))

    async def put_back() -> bool:
        return (await count_jobs())["waiting"] == 1

    run_process(database_url, tmp_path, body)


def test_old_events_are_forgotten(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is older than the retention goes."""
    monkeypatch.setattr("gateway.chores.PRUNE_SECONDS", 0.05)

    async def body(runtime: Runtime) -> None:
        for _ in range(2):
            await tell()
        await sequence_events()
        await execute("UPDATE feed_event SET created_at = now() - interval '100 days' WHERE cursor = 1")
        async with chores(runtime):
            await until(one_left)
        assert (await feed_head()).pruned == 1

    async def one_left() -> bool:
        return await count_rows("feed_event") == 1

    run_process(database_url, tmp_path, body)


def test_a_chore_that_fails_is_done_again(database_url: str, tmp_path: Path) -> None:
    """Whatever goes wrong in a chore, it is tried again, and the others go on."""

    async def body(runtime: Runtime) -> None:
        await tell()
        await execute("ALTER TABLE feed_head RENAME TO away")
        await execute("ALTER TABLE lane RENAME TO gone")
        async with chores(runtime):
            await asyncio.sleep(0.2)
            await execute("ALTER TABLE away RENAME TO feed_head")
            await execute("ALTER TABLE gone RENAME TO lane")
            await until(lambda: head_is(1))
            async with runtime.hub.listen() as listener:
                await tell()
                async with asyncio.timeout(30):
                    assert await listener.queue.get() is not None

    run_process(database_url, tmp_path, body, poll_seconds=0.05)


def test_chores_end_when_they_are_told_to(database_url: str, tmp_path: Path) -> None:
    """A process under load that stops is not held up by its chores."""

    async def body(runtime: Runtime) -> None:
        for _ in range(20):
            async with asyncio.timeout(30), chores(runtime):
                telling = [apart(tell()) for _ in range(5)]
                await asyncio.wait(telling, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*telling)

    run_process(database_url, tmp_path, body)
