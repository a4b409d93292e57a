"""A worker's steps, one by one, over a channel whose provider the test scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from gateway.jobs import run_job
from gateway.runtime import Runtime
from gateway.worker import settle
from inbox.intake.batch import Lane
from inbox.kit.db import execute
from inbox.outbox.actions import claim_jobs, recover_leases
from inbox.outbox.jobs import Backoff, ClaimedJob
from tests.gateway.runtimes import ScriptedAdapter, connect, open_test_runtime
from tests.inbox.builders import (
    apart,
    one_row,
    receive,
    reply,
    rows_of,
    text_message,
)

BACKOFF = Backoff(base_seconds=2, max_seconds=900, attempts=3)
NO_JOBS = {"waiting": 0, "running": 0, "dead": 0}


class Post:
    """A channel, its provider, and a worker's steps one by one."""

    def __init__(self, runtime: Runtime, lane: Lane, adapter: ScriptedAdapter) -> None:
        self.runtime = runtime
        self.lane = lane
        self.adapter = adapter

    async def write(self, text: str = "hello") -> UUID:
        """A queued message."""
        return await reply(await receive(self.lane, text_message()), text)

    async def claim(self) -> ClaimedJob:
        """The next job, whenever it is due."""
        await execute("UPDATE job SET available_at = now()")
        [claimed] = await claim_jobs(limit=1, lease_seconds=30)
        return claimed

    async def work(self) -> None:
        """Run the next job to its end."""
        claimed = await self.claim()
        await settle(claimed, run_job(self.runtime, claimed), backoff=BACKOFF, random=Random(1))

    async def die_in(self, moment: asyncio.Event) -> None:
        """A worker that is killed when this moment has come; then its lease ends."""
        working = apart(self.work())
        async with asyncio.timeout(30):
            await moment.wait()
        working.cancel()
        await asyncio.wait([working])
        await self.take_over()

    async def take_over(self) -> None:
        """The lease of whoever has the job ends."""
        await execute("UPDATE job SET lease_until = now() - interval '1 second'")
        await recover_leases(attempts=99)


def run_post(url: str, folder: Path, body: Callable[[Post], Awaitable[None]], **settings: Any) -> None:
    """A test's body with a channel to send by."""

    async def opened() -> None:
        adapter = ScriptedAdapter()
        async with open_test_runtime(url, folder, adapter=adapter, **settings) as runtime:
            await body(Post(runtime, await connect(runtime), adapter))

    asyncio.run(opened())


async def state_of(entry_id: UUID) -> str:
    """How far a message is."""
    return str((await one_row("entry", entry_id))["delivery_state"])


async def attempts() -> list[str]:
    """How each try ended."""
    return [row["outcome"] for row in await rows_of("delivery_attempt") if row["kind"] == "send"]
