"""The database as inner code sees it: one pool a process, `tx()` opened at the edge, statements that join it.

Inner code never commits. Piccolo's own `DB.transaction()` is not used: it loses a pooled connection each time a COMMIT
or ROLLBACK fails (docs/decisions/0003). Reads outside a transaction borrow a connection for one statement.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import Any, TypeAlias

import asyncpg
from piccolo.engine.postgres import PostgresEngine


class Engine(PostgresEngine):
    """Piccolo's engine, which must not connect when it is made: where the database is, is not known yet."""

    async def check_version(self) -> None:
        """`doctor` and the readiness check look at the server instead."""


DB = Engine(config={})
CURRENT: ContextVar[Any] = DB.current_transaction
Row: TypeAlias = Any  # an asyncpg Record: a mapping by column name; the driver ships no types

TRANSIENT = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server died between two of the driver's own steps
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
)
"""What passes by itself or is mended elsewhere: the database is away, starting, full, has become a replica, does not
know us at the moment, or asks for another try. All else is our fault."""

CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 30.0
BORROW_SECONDS = 5.0
"""How long to wait for a connection of the pool before giving up with a TimeoutError."""


async def open_database(url: str, *, size: int) -> None:
    """Start the pool. It connects when first used, so a process can start while the database is away."""
    DB.config = {"dsn": url}
    DB.pool = await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        timeout=CONNECT_SECONDS,
        command_timeout=STATEMENT_SECONDS,
        reset=_leave_as_is,
        server_settings={"application_name": "switchboard", "timezone": "UTC"},
    )


async def close_database() -> None:
    """Close the pool, giving borrowed connections a moment to come back."""
    pool, DB.pool = DB.pool, None
    if pool is None:
        return
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()


class Transaction:
    """The open transaction in the shape Piccolo looks for, and what to wake when it has committed."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.savepoint = connection.transaction
        self.wakes: Counter[str] = Counter()

    async def finish(self) -> None:
        """What is done last, before the commit."""
        for topic, act in list(LAST_ACTS.items()):
            if topic in self.wakes:
                self.wakes[await act(self.wakes.pop(topic))] += 1


@asynccontextmanager
async def tx() -> AsyncIterator[Any]:
    """One transaction; Piccolo's queries and the functions below take part in it, in this task.

    Wakes asked for with `wake_after_commit` happen when it has committed, and never otherwise.
    """
    if CURRENT.get() is not None:
        raise RuntimeError("a transaction is already open in this task: only the edge opens one")
    async with _lend() as connection:
        opened = Transaction(connection)
        async with connection.transaction():
            token = CURRENT.set(opened)
            try:
                yield connection
                await opened.finish()
            finally:
                CURRENT.reset(token)
    wake(opened.wakes)


@asynccontextmanager
async def savepoint() -> AsyncIterator[None]:
    """Part of the open transaction that is undone by itself where it ends with an error, and not otherwise."""
    async with CURRENT.get().savepoint():
        yield


async def fetch(sql: str, *args: object) -> list[Row]:
    """Rows of one statement, in the open transaction if there is one."""
    async with _borrowed() as connection:
        rows: list[Row] = await connection.fetch(sql, *args)
    return rows


async def fetch_one(sql: str, *args: object) -> Row | None:
    """The first row of one statement, or None."""
    async with _borrowed() as connection:
        return await connection.fetchrow(sql, *args)


async def fetch_value(sql: str, *args: object) -> Any:
    """The first column of the first row, or None."""
    async with _borrowed() as connection:
        return await connection.fetchval(sql, *args)


async def execute(sql: str, *args: object) -> None:
    """Run one statement for its effect."""
    async with _borrowed() as connection:
        await connection.execute(sql, *args)


def in_transaction() -> bool:
    """Whether this task has a transaction open."""
    return CURRENT.get() is not None


WAKERS: dict[str, list[Callable[[], None]]] = {}


def on_wake(topic: str, call: Callable[[], None]) -> Callable[[], None]:
    """Have `call` run in this process whenever a commit wakes the topic; returns the function that ends it."""
    WAKERS.setdefault(topic, []).append(call)
    return lambda: WAKERS[topic].remove(call)


LastAct: TypeAlias = Callable[[int], Awaitable[str]]
LAST_ACTS: dict[str, LastAct] = {}


def before_commit(topic: str, act: LastAct) -> Callable[[], None]:
    """Have `act` run last in each transaction of this process that is to wake the topic, before its commit.

    It is given for how many things that is, and says which topic is woken instead. Returns the function that ends it.
    """
    LAST_ACTS[topic] = act

    def end() -> None:
        LAST_ACTS.pop(topic, None)

    return end


def wake_after_commit(topic: str, *, things: int = 1) -> None:
    """Wake the topic's waiters in this process once the open transaction has committed, for so many things."""
    CURRENT.get().wakes[topic] += things


def wake(topics: Iterable[str]) -> None:
    """Wake the waiters of these topics in this process now."""
    for topic in topics:
        for call in WAKERS.get(topic, ()):
            call()


class _Given:
    """The open transaction's connection, lent as the pool lends its own."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def __aenter__(self) -> Any:
        return self.connection

    async def __aexit__(self, *_: object) -> None:
        return None


def _borrowed() -> Any:
    current = CURRENT.get()
    return _lend() if current is None else _Given(current.connection)


POOL_WAITS: list[Callable[[float], None]] = []
"""Told, in seconds, of each wait for a connection because none was free."""


class _Awaited:
    """A connection that has to be waited for, the wait measured."""

    def __init__(self, lent: Any) -> None:
        self.lent = lent

    async def __aenter__(self) -> Any:
        asked = perf_counter()
        try:
            return await self.lent.__aenter__()
        finally:
            for tell in POOL_WAITS:
                tell(perf_counter() - asked)

    async def __aexit__(self, *raised: object) -> Any:
        return await self.lent.__aexit__(*raised)


def _lend() -> Any:
    """A connection of the pool; the wait for one is bounded, and only where there is a wait: the bound costs time."""
    pool = _pool()
    free = pool.get_idle_size() > 0 or pool.get_size() < pool.get_max_size()
    return pool.acquire() if free else _Awaited(pool.acquire(timeout=BORROW_SECONDS))


def _pool() -> Any:
    if DB.pool is None:
        raise RuntimeError("the database pool is not open")
    return DB.pool


async def _leave_as_is(connection: object) -> None:
    """No session state is ever left behind (SET LOCAL, xact locks), so a reset would cost a round trip for nothing."""
