"""The door's journal: durable before it is said, in Postgres or in the spool, and honest where neither takes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from gateway.journal import Journal, JournalDown
from inbox.intake.actions.journal import JournalEntry
from inbox.kit.db import TRANSIENT, close_database, fetch, fetch_value, open_database, tx
from inbox.kit.ids import new_id
from tests.gateway.spools import open_spool
from tests.inbox.builders import apart, connect_apart, count_rows, journal_row, run_opened
from tests.outage import Line, cuttable_line

CHANNEL = new_id()
TIMEOUT = 0.3
LARGE = b"\x00\xff" * 600_000


def open_journal(folder: Path, *, limit: int = 50_000_000, timeout: float = 30) -> Journal:
    """The journal of one process."""
    return Journal(open_spool(folder, limit=limit), batch=8, timeout=timeout)


def entry(body: object, channel: UUID = CHANNEL, **fields: Any) -> JournalEntry:
    """A request that can be told apart."""
    return journal_row(channel, str(body).encode(), **fields)


async def journaled() -> list[str]:
    """What is in the journal, in its order."""
    return [row["body"].decode() for row in await fetch("SELECT body FROM raw_event ORDER BY id")]


@asynccontextmanager
async def cuttable_journal(database_url: str, folder: Path) -> AsyncIterator[tuple[Journal, Line]]:
    """A journal whose database can be cut off and mended."""
    async with cuttable_line(database_url) as line:
        await open_database(line.url, size=4)
        journal = open_journal(folder)
        try:
            yield journal, line
        finally:
            journal.spool.close()
            await close_database()


@asynccontextmanager
async def held_up(database_url: str, channel: UUID = CHANNEL) -> AsyncIterator[None]:
    """Postgres does not answer those who write to this channel: somebody else has its turn."""
    other = await connect_apart(database_url)
    async with other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", str(channel))
        yield
    await other.close()


def test_requests_that_come_together_are_written_together(database_url: str, tmp_path: Path) -> None:
    """Every request returns when it is committed, in the order it came; the projector is told which channels."""

    async def body() -> None:
        journal, told = open_journal(tmp_path), list[set[UUID]]()
        journal.on_written = told.append
        other = new_id()
        writing = [
            apart(journal.write(entry(n, other if n % 10 == 0 else CHANNEL), spoolable=bool(n % 2))) for n in range(40)
        ]
        await asyncio.gather(*writing)
        rows = [int(body) for body in await journaled()]
        assert [n for n in rows if n % 10] == [n for n in range(40) if n % 10], "each channel's in the order they came"
        assert [n for n in rows if not n % 10] == [0, 10, 20, 30]
        assert set().union(*told) == {CHANNEL, other}
        assert len(told) <= 10
        assert not journal.busy

    run_opened(database_url, body)


def test_nothing_is_said_before_the_commit(database_url: str, tmp_path: Path) -> None:
    """While Postgres has not answered nobody is told that a request is kept, and the projector is not woken."""

    async def body() -> None:
        journal, told = open_journal(tmp_path, timeout=30), list[set[UUID]]()
        journal.on_written = told.append
        async with held_up(database_url):
            writing = apart(journal.write(entry("a"), spoolable=True))
            await asyncio.wait([writing], timeout=0.1)
            assert (writing.done(), told, journal.busy) == (False, [], True)
        await writing
        assert told == [{CHANNEL}]

    run_opened(database_url, body)


def test_without_a_database_who_hardly_retries_is_spooled(database_url: str, tmp_path: Path) -> None:
    """Cut off, a request of a provider that hardly retries is kept on disk, the other's is honestly refused."""

    async def body() -> None:
        async with cuttable_journal(database_url, tmp_path) as (journal, line):
            await journal.write(entry("before"), spoolable=True)
            await line.cut()
            async with asyncio.timeout(30):
                await journal.write(entry("spooled"), spoolable=True)
                with pytest.raises(JournalDown):
                    await journal.write(entry("refused"), spoolable=False)
            assert (journal.spool.holds, journal.spool.count()) == (True, 1)
            with pytest.raises(TRANSIENT):
                await journal.drain()
            await line.mend()
            assert await journal.drain() == 1
            assert not journal.spool.holds
            assert await journaled() == ["before", "spooled"]

    asyncio.run(body())


def test_the_order_is_kept_over_an_outage(database_url: str, tmp_path: Path) -> None:
    """Before, during and after: what is acknowledged first stands first, also while the spool is being drained."""

    async def body() -> None:
        async with cuttable_journal(database_url, tmp_path) as (journal, line):

            async def write(first: int, last: int) -> None:
                for number in range(first, last):
                    await journal.write(entry(number), spoolable=True)

            await write(0, 10)
            await line.cut()
            await write(10, 120)
            await line.mend()
            draining = apart(journal.drain())
            await write(120, 160)
            await draining
            while journal.spool.holds:
                await journal.drain()
            await write(160, 170)
            assert await journaled() == [f"{n}" for n in range(170)]

    asyncio.run(body())


def test_a_drain_cut_off_in_the_middle_loses_and_doubles_nothing(database_url: str, tmp_path: Path) -> None:
    """The database goes away while the spool is being emptied: the next drain ends it, once and in order."""

    async def body() -> None:
        async with cuttable_journal(database_url, tmp_path) as (journal, line):
            await line.cut()
            for number in range(150):
                await journal.write(entry(number), spoolable=True)
            await line.mend()
            handed_over = asyncio.Event()
            journal.on_written = lambda _: handed_over.set()
            draining = apart(journal.drain())
            await handed_over.wait()
            await line.cut()
            with pytest.raises(TRANSIENT):
                await draining
            assert journal.spool.holds
            await journal.write(entry(150), spoolable=True)
            await line.mend()
            await journal.drain()
            assert await journaled() == [f"{n}" for n in range(151)]

    asyncio.run(body())


def test_a_database_that_hangs_is_not_waited_for(database_url: str, tmp_path: Path) -> None:
    """After the timeout whoever waits is spooled or refused, and from then on at once; what hung is known twice."""

    async def body() -> None:
        journal = open_journal(tmp_path, timeout=TIMEOUT)

        async def nobody_may(entries: object) -> None:
            raise AssertionError("the database was asked")

        async with held_up(database_url):
            first = [apart(journal.write(entry(n), spoolable=True)) for n in range(3)]
            refused = apart(journal.write(entry("refused"), spoolable=False))
            async with asyncio.timeout(30):
                await asyncio.gather(*first)
                with pytest.raises(JournalDown):
                    await refused
            journal._journal = nobody_may  # type: ignore[method-assign]  # from now on nothing goes there
            await journal.write(entry(3), spoolable=True)
            with pytest.raises(JournalDown):
                await journal.write(entry("refused"), spoolable=False)
            del journal._journal
            assert journal.spool.count() == 4
        await journal.stop()
        await journal.drain()
        kept = await journaled()
        assert [body for body in kept if body != "refused"][-4:] == ["0", "1", "2", "3"]
        assert not journal.spool.holds

    run_opened(database_url, body)


def test_who_waits_behind_a_hanging_batch_is_not_forgotten(database_url: str, tmp_path: Path) -> None:
    """Of more requests than one batch takes, those that wait are given up with it, and spooled in order."""

    async def body() -> None:
        journal = open_journal(tmp_path, timeout=TIMEOUT)
        async with held_up(database_url):
            await asyncio.gather(*(apart(journal.write(entry(n), spoolable=True)) for n in range(30)))
            assert journal.spool.count() == 30
        await journal.stop()
        await journal.drain()
        kept = await journaled()
        assert kept[-30:] == [f"{n}" for n in range(30)]

    run_opened(database_url, body)


def test_while_the_spool_holds_something_nobody_overtakes(database_url: str, tmp_path: Path) -> None:
    """Though the database is back, a request that may be spooled queues behind the spool; the others go straight in."""

    async def body() -> None:
        journal = open_journal(tmp_path)
        await journal.spool.append([entry("spooled")])
        await journal.write(entry("behind"), spoolable=True)
        await journal.write(entry("straight"), spoolable=False)
        assert await journaled() == ["straight"]
        await journal.drain()
        assert await journaled() == ["straight", "spooled", "behind"]
        await journal.write(entry("direct"), spoolable=True)
        assert (await journaled())[-1] == "direct"

    run_opened(database_url, body)


def test_where_neither_takes_it_the_provider_is_told(database_url: str, tmp_path: Path) -> None:
    """No database and a full spool: the request is refused, never acknowledged."""

    async def body() -> None:
        journal = open_journal(tmp_path, limit=100, timeout=TIMEOUT)
        async with held_up(database_url):
            with pytest.raises(JournalDown):
                await journal.write(entry("x" * 200), spoolable=True)
        await journal.stop()
        assert journal.spool.count() == 0

    run_opened(database_url, body)


def test_a_request_that_cannot_be_stored_harms_no_other(database_url: str, tmp_path: Path) -> None:
    """Of requests written together one is not storable: it alone fails, the others are journaled in order."""

    async def body() -> None:
        journal = open_journal(tmp_path)
        entries = [entry(n, headers="no json" if n == 3 else "{}") for n in range(6)]
        ended = await asyncio.gather(
            *(apart(journal.write(one, spoolable=True)) for one in entries), return_exceptions=True
        )
        assert [isinstance(one, Exception) for one in ended] == [n == 3 for n in range(6)]
        assert not isinstance(ended[3], JournalDown)
        assert await journaled() == ["0", "1", "2", "4", "5"]
        assert not journal.spool.holds

    run_opened(database_url, body)


def test_a_replica_takes_nothing_and_loses_nothing(database_url: str, tmp_path: Path) -> None:
    """After a failover to a server that only reads, requests are spooled as if it were away."""

    async def body() -> None:
        journal = open_journal(tmp_path)
        other = await connect_apart(database_url)
        [name] = (await fetch("SELECT current_database() AS name"))[0]
        await other.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        await close_database()
        await open_database(database_url, size=2)
        await journal.write(entry("a"), spoolable=True)
        assert journal.spool.count() == 1
        await other.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        await other.close()
        await close_database()
        await open_database(database_url, size=2)
        await journal.drain()
        assert await journaled() == ["a"]

    run_opened(database_url, body)


def test_a_request_given_up_is_not_waited_for(database_url: str, tmp_path: Path) -> None:
    """A client that goes away while its batch is written disturbs neither the batch nor the next."""

    async def body() -> None:
        journal = open_journal(tmp_path, timeout=30)
        async with held_up(database_url):
            writing = [apart(journal.write(entry(n), spoolable=True)) for n in range(12)]
            await asyncio.sleep(0.05)
            for task in (writing[2], writing[10]):
                task.cancel()
            await asyncio.sleep(0)
        ended = await asyncio.gather(*writing, return_exceptions=True)
        assert [n for n, one in enumerate(ended) if one is not None] == [2, 10]
        kept = await journaled()
        assert {f"{n}" for n in range(12)} - set(kept) <= {"2", "10"}
        assert kept == sorted(kept, key=int)

    run_opened(database_url, body)


def test_stopping_waits_for_what_is_being_written(database_url: str, tmp_path: Path) -> None:
    """At a stop the requests at hand are written first."""

    async def body() -> None:
        journal = open_journal(tmp_path, timeout=5)
        await journal.stop()
        writing = apart(journal.write(entry("a"), spoolable=True))
        await asyncio.sleep(0)
        await journal.stop()
        await writing
        async with tx():
            assert await count_rows("raw_event") == 1

    run_opened(database_url, body)


def test_a_large_request_goes_by_itself(database_url: str, tmp_path: Path) -> None:
    """Small ones are written while it waits for its turn; then it is there, and the projector is told."""

    async def body() -> None:
        journal, told = open_journal(tmp_path, timeout=30), list[set[UUID]]()
        journal.on_written = told.append
        other = new_id()
        async with held_up(database_url):
            large = apart(journal.write(journal_row(CHANNEL, LARGE), spoolable=False))
            await journal.write(entry("small", other), spoolable=False)
            assert not large.done()
        await large
        assert told == [{other}, {CHANNEL}]
        assert (
            await fetch_value("SELECT count(*) FROM raw_event WHERE body = $1 AND channel_id = $2", LARGE, CHANNEL) == 1
        )

    run_opened(database_url, body)


def test_a_large_request_is_put_off_where_postgres_is_away_or_hangs(database_url: str, tmp_path: Path) -> None:
    """Nobody waits for ever, nothing is half there, and once Postgres answers the next one passes."""

    async def body() -> None:
        async with cuttable_journal(database_url, tmp_path) as (journal, line):
            large = journal_row(CHANNEL, LARGE)
            journal.timeout = TIMEOUT
            async with held_up(database_url):
                with pytest.raises(JournalDown):
                    await journal.write(large, spoolable=False)
            journal.timeout = 30
            await line.cut()
            with pytest.raises(JournalDown):
                await journal.write(large, spoolable=False)
            await line.mend()
            await journal.write(large, spoolable=False)
            assert await fetch_value("SELECT count(*) FROM raw_event WHERE body = $1", LARGE) == 1
            assert await fetch_value("SELECT count(*) FROM raw_event WHERE id < 0") == 0

    asyncio.run(body())
