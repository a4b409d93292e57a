"""Killing a worker at a chosen point of a send, with nothing in the product that helps: locks and lines that hold back.

Each function has conversations answered, waits until at least one send stands at its point, kills the only worker
there, and starts the next one. A point that is never reached is a TimeoutError, not a pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import asyncpg

from inbox.kit.ids import read_id
from tests.faults.desk import Desk
from tests.faults.proxy import BLACKHOLE, PASS, RESETTING, Behaviour
from tests.faults.site import Site
from tests.faults.waiting import wait_for

WORKER = "work0"
EACH = 3
"""Texts in each conversation: what stands behind a send that was killed has to wait for it."""
REACHED_SECONDS = 30.0
HELD_SECONDS = 1.5
"""How long the provider's line holds an answer back, which is less than a send may take."""
SLOW = Behaviour(answer_delay=HELD_SECONDS)

SENDING = "SELECT 1 FROM entry WHERE delivery_state = 'sending' AND conversation_id = ANY($1)"
BLOCKED = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND state <> 'idle'"


async def kill_before_claim(site: Site, desk: Desk, threads: Sequence[str]) -> None:
    """The jobs wait, nobody has taken them."""
    site.freeze(WORKER)
    await desk.answer_all(threads, times=EACH)
    await revive(site)


async def kill_after_claim(site: Site, desk: Desk, threads: Sequence[str]) -> None:
    """The worker holds the jobs and has not noted any attempt: it waits for the conversations."""
    site.freeze(WORKER)
    await desk.answer_all(threads, times=EACH)
    async with locked(site, threads):
        site.thaw(WORKER)
        await until_found(site, BLOCKED)
        await revive(site)


async def kill_before_call(site: Site, desk: Desk, threads: Sequence[str]) -> None:
    """The attempt is noted, the request has not reached the provider and never will."""
    line = site.proxies["provider0"]
    await line.behave(BLACKHOLE)
    await desk.answer_all(threads, times=EACH)
    await until_found(site, SENDING, ids(threads))
    site.kill(WORKER)
    await line.behave(RESETTING)
    await line.behave(PASS)
    site.start(WORKER)


async def kill_during_call(site: Site, desk: Desk, threads: Sequence[str]) -> None:
    """The provider has taken the message, its answer is on the way."""
    async with site.proxies["provider0"].behaving(SLOW):
        await desk.answer_all(threads, times=EACH)
        await until_taken(site, threads)
        await revive(site)


async def kill_after_call(site: Site, desk: Desk, threads: Sequence[str]) -> None:
    """The answer is there, and the database cannot be told of it."""
    line = site.proxies["postgres-work"]
    async with site.proxies["provider0"].behaving(SLOW):
        await desk.answer_all(threads, times=EACH)
        await until_taken(site, threads)
        await line.behave(BLACKHOLE)
        await asyncio.sleep(HELD_SECONDS * 1.1)
        site.kill(WORKER)
    await line.behave(RESETTING)
    await line.behave(PASS)
    site.start(WORKER)


async def kill_before_commit(site: Site, desk: Desk, threads: Sequence[str]) -> None:
    """The transaction that records the answer is open and waits for a lock."""
    async with site.proxies["provider0"].behaving(SLOW):
        await desk.answer_all(threads, times=EACH)
        await until_taken(site, threads)
        async with locked(site, threads):
            await until_found(site, BLOCKED)
            await revive(site)


CRASH_POINTS: dict[str, Callable[[Site, Desk, Sequence[str]], Awaitable[None]]] = {
    "before_claim": kill_before_claim,
    "after_claim": kill_after_claim,
    "before_call": kill_before_call,
    "during_call": kill_during_call,
    "after_call": kill_after_call,
    "before_commit": kill_before_commit,
}


async def revive(site: Site) -> None:
    """SIGKILL, and another worker in its place."""
    site.kill(WORKER)
    site.start(WORKER)


@asynccontextmanager
async def locked(site: Site, threads: Sequence[str]) -> AsyncIterator[None]:
    """Hold the row locks of these conversations."""
    if site.postgres is None:
        raise RuntimeError("Postgres is not the run's own")
    connection = await asyncpg.connect(site.postgres.url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM conversation WHERE id = ANY($1) FOR UPDATE", ids(threads))
            yield
    finally:
        await connection.close()


async def until_found(site: Site, sql: str, *args: object) -> None:
    """Until the database has at least one such row."""
    await wait_for(lambda: site.rows(sql, *args), seconds=REACHED_SECONDS, pause=0.02)


async def until_taken(site: Site, threads: Sequence[str]) -> None:
    """Until the provider has a text of one of these conversations whose send is not recorded yet."""
    await wait_for(lambda: _taken(site, threads), seconds=REACHED_SECONDS)


async def _taken(site: Site, threads: Sequence[str]) -> list[object]:
    told = {message["body"].partition("#")[0] for message in await site.ledger()}
    return await site.rows(SENDING, ids([one for one in threads if one in told]))


def ids(threads: Sequence[str]) -> list[object]:
    """As the database has them."""
    return [read_id("cnv", one) for one in threads]
