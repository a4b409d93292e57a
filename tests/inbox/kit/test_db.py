"""Transactions: opened at the edge, never lost from the pool, and heard of only once they are committed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
import pytest

from inbox.accounts.tables import Channel
from inbox.kit.db import (
    TRANSIENT,
    before_commit,
    close_database,
    execute,
    fetch,
    fetch_one,
    fetch_value,
    in_transaction,
    on_wake,
    open_database,
    tx,
    wake,
    wake_after_commit,
)
from tests.inbox.builders import apart, connect_apart, run_opened
from tests.outage import cuttable_line

SIZE = 3
TIMES = 12
"""More often than the pool is large, so that a connection lost each time would be missed."""


async def make_things() -> None:
    """Two tables, one of which is checked only at the commit."""
    await execute("CREATE TABLE thing (id serial PRIMARY KEY, number int NOT NULL UNIQUE)")
    await execute("CREATE TABLE part (number int REFERENCES thing (number) DEFERRABLE INITIALLY DEFERRED)")


async def numbers() -> list[int]:
    """What is stored."""
    return [row["number"] for row in await fetch("SELECT number FROM thing ORDER BY number")]


async def check_pool() -> None:
    """Every connection can be had at once, and none is in a transaction."""
    held, enough = asyncio.Semaphore(0), asyncio.Event()

    async def hold() -> None:
        async with tx() as connection:
            await connection.fetch("SELECT 1")
            held.release()
            await enough.wait()

    holding = [apart(hold()) for _ in range(SIZE)]
    async with asyncio.timeout(30):
        for _ in range(SIZE):
            await held.acquire()
    enough.set()
    await asyncio.gather(*holding)
    assert not in_transaction()


async def fails(
    error: type[BaseException] | tuple[type[BaseException], ...], body: Callable[[], Awaitable[Any]]
) -> None:
    """It ends with this error."""
    with pytest.raises(error):
        await body()


def test_what_is_done_in_a_transaction_is_done_together(database_url: str) -> None:
    """Our statements, the driver's and Piccolo's share one transaction, which is committed or rolled back whole."""

    async def body() -> None:
        await make_things()
        await execute("INSERT INTO channel SELECT gen_random_uuid(), 'x', 'sms', 'x', 'x', '', '{}', ''")

        async def work(*, fail: bool) -> None:
            async with tx() as connection:
                assert in_transaction()
                await execute("INSERT INTO thing (number) VALUES ($1)", 1)
                await connection.execute("INSERT INTO thing (number) VALUES (2)")
                await Channel.raw("INSERT INTO thing (number) VALUES ({})", 3)
                await Channel.delete(force=True)
                assert await fetch_value("SELECT count(*) FROM thing") == 3
                assert await Channel.count() == 0
                assert await apart(numbers()) == []
                assert await apart(fetch_value("SELECT count(*) FROM channel")) == 1
                if fail:
                    raise ZeroDivisionError

        await fails(ZeroDivisionError, lambda: work(fail=True))
        assert (await numbers(), await Channel.count()) == ([], 1)
        await work(fail=False)
        assert (await numbers(), await Channel.count()) == ([1, 2, 3], 0)
        assert await fetch_one("SELECT number FROM thing WHERE number = 9") is None
        assert not in_transaction()

    run_opened(database_url, body, size=SIZE)


def test_only_the_edge_opens_a_transaction(database_url: str) -> None:
    """A transaction inside a transaction is refused; the outer one goes on, and a savepoint is still to be had."""

    async def body() -> None:
        await make_things()

        async def again() -> None:
            async with tx():
                raise AssertionError("never reached")

        async with tx() as connection:
            await execute("INSERT INTO thing (number) VALUES (1)")
            await fails(RuntimeError, again)
            with pytest.raises(asyncpg.UniqueViolationError):
                async with connection.transaction():
                    await execute("INSERT INTO thing (number) VALUES (1)")
            await execute("INSERT INTO thing (number) VALUES (2)")
        assert await numbers() == [1, 2]

    run_opened(database_url, body, size=SIZE)


def test_a_commit_that_fails_loses_no_connection(database_url: str) -> None:
    """A deferred constraint fails at the commit: nothing is stored, nobody is woken, the connection comes back."""

    async def body() -> None:
        await make_things()
        woken: list[int] = []
        unhook = on_wake("t", lambda: woken.append(1))

        async def work() -> None:
            async with tx():
                await execute("INSERT INTO thing (number) VALUES (1)")
                await execute("INSERT INTO part (number) VALUES (99)")
                wake_after_commit("t")

        for _ in range(TIMES):
            await fails(asyncpg.ForeignKeyViolationError, work)
        assert (await numbers(), woken) == ([], [])
        await check_pool()
        unhook()

    run_opened(database_url, body, size=SIZE)


def test_a_killed_backend_loses_no_connection(database_url: str) -> None:
    """When the server ends the connection in mid-transaction the pool makes another, and the error is transient."""

    async def body() -> None:
        other = await connect_apart(database_url)

        async def work() -> None:
            async with tx() as connection:
                pid = await connection.fetchval("SELECT pg_backend_pid()")
                await other.execute("SELECT pg_terminate_backend($1)", pid)
                await connection.fetch("SELECT pg_sleep(5)")

        for _ in range(TIMES):
            await fails(TRANSIENT, work)
        await check_pool()
        await other.close()

    run_opened(database_url, body, size=SIZE)


@pytest.mark.parametrize("cancels", [1, 2])
def test_a_cancelled_task_loses_no_connection(database_url: str, cancels: int) -> None:
    """A task cancelled in the middle, or while it rolls back, leaves a connection without its transaction behind."""

    async def body() -> None:
        await make_things()

        async def work() -> None:
            async with tx() as connection:
                await execute("INSERT INTO thing (number) VALUES (1)")
                begun.set()
                await connection.fetch("SELECT pg_sleep(30)")

        for _ in range(TIMES):
            begun = asyncio.Event()
            working = apart(work())
            await begun.wait()
            for _ in range(cancels):
                await asyncio.sleep(0)
                working.cancel()
            await asyncio.wait([working], timeout=30)
            assert working.cancelled()
        await check_pool()
        await execute("INSERT INTO thing (number) VALUES (1)")
        assert await apart(numbers()) == [1]

    run_opened(database_url, body, size=SIZE)


def test_waiters_are_woken_after_the_commit_once(database_url: str) -> None:
    """However often a transaction asks, each topic wakes its waiters once, when others can see what was done."""

    async def body() -> None:
        await make_things()
        woken: list[str] = []
        unhook = [on_wake(topic, lambda topic=topic: woken.append(topic)) for topic in ("a", "b")]  # type: ignore[misc]
        async with tx():
            for topic in ("a", "a", "c"):
                wake_after_commit(topic)
            assert woken == []
        assert woken == ["a"]

        async def fail() -> None:
            async with tx():
                wake_after_commit("b")
                raise ZeroDivisionError

        await fails(ZeroDivisionError, fail)
        wake(["b", "nobody's"])
        assert woken == ["a", "b"]
        for end in unhook:
            end()
        wake(["a", "b"])
        assert woken == ["a", "b"]

    run_opened(database_url, body, size=SIZE)


def test_tasks_beside_a_transaction_have_no_part_in_it(database_url: str) -> None:
    """Each task has its own transaction or none; two at once do not get into each other's connection."""

    async def body() -> None:
        await make_things()

        async def work(number: int) -> None:
            async with tx():
                await execute("INSERT INTO thing (number) VALUES ($1)", number)
                await asyncio.sleep(0)
                seen = await numbers()
                assert number in seen
                assert all(one % 2 == 0 for one in seen if one != number)
                if number % 2:
                    raise ZeroDivisionError

        ended = await asyncio.gather(*(apart(work(number)) for number in range(10)), return_exceptions=True)
        assert [isinstance(one, ZeroDivisionError) for one in ended] == [False, True] * 5
        assert await numbers() == [0, 2, 4, 6, 8]
        async with tx():
            assert not await apart(has_transaction())

    async def has_transaction() -> bool:
        return in_transaction()

    run_opened(database_url, body, size=SIZE)


def test_a_database_that_is_away_is_transient(database_url: str) -> None:
    """A process starts and goes on without its database; every failure meanwhile says: later; then all is well."""

    async def body() -> None:
        async with cuttable_line(database_url) as line:
            await line.cut()
            await open_database(line.url, size=SIZE)
            for work in (numbers, make_things, lambda: fetch_value("SELECT 1")):
                await fails(TRANSIENT, work)
            await line.mend()
            await make_things()
            await line.cut()
            for _ in range(TIMES):
                await fails(TRANSIENT, numbers)
            await line.mend()
            assert await numbers() == []
            await check_pool()
            await close_database()

    asyncio.run(body())


def test_without_a_pool_nothing_connects_by_itself() -> None:
    """Before the pool is open, and after it is closed, a statement is refused, not sent over a new connection."""

    async def body() -> None:
        await close_database()
        await fails(RuntimeError, lambda: fetch("SELECT 1"))
        await fails(RuntimeError, numbers)

    asyncio.run(body())


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(), TimeoutError(), asyncpg.DeadlockDetectedError(), asyncpg.SerializationError(),
        asyncpg.AdminShutdownError(), asyncpg.CannotConnectNowError(), asyncpg.DiskFullError(),
        asyncpg.TooManyConnectionsError(), asyncpg.ReadOnlySQLTransactionError(), asyncpg.InvalidPasswordError(),
        asyncpg.InterfaceError("connection is closed"), asyncpg.QueryCanceledError(),
    ],
)  # fmt: skip
def test_what_passes_is_told_from_what_is_our_fault(error: Exception) -> None:
    """Outages, overload, deadlocks and a server that has become a replica pass; bad data and bad SQL do not."""
    assert isinstance(error, TRANSIENT)
    for fault in (asyncpg.UniqueViolationError(), asyncpg.DataError(), asyncpg.UndefinedTableError(), ValueError()):
        assert not isinstance(fault, TRANSIENT)


def test_the_last_act_is_part_of_its_transaction(database_url: str) -> None:
    """It is done once, after all else and before the commit, for so many things; what it raises undoes the whole."""

    async def body() -> None:
        await make_things()
        woken: list[str] = []
        hooks = [on_wake(topic, partial(woken.append, topic)) for topic in ("told", "done")]

        async def act(things: int) -> str:
            assert in_transaction()
            await execute("INSERT INTO thing (number) VALUES ($1)", things)
            return "done"

        async def tell(*amounts: int) -> None:
            async with tx():
                for amount in amounts:
                    wake_after_commit("told", things=amount)

        end = before_commit("told", act)
        await apart(tell())
        await apart(tell(2, 3))
        with pytest.raises(asyncpg.UniqueViolationError):
            await apart(tell(1, 4))
        assert (await numbers(), woken) == ([5], ["done"])
        end()
        await apart(tell(7))
        assert (await numbers(), woken) == ([5], ["done", "told"])
        for unhook in hooks:
            unhook()

    run_opened(database_url, body)
