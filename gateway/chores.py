"""What each process does beside its requests: each chore in a task of its own, none of which ends with an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog

from gateway.projector import Projector
from gateway.runtime import Runtime
from gateway.worker import Worker
from inbox.conversations.actions.change import wake_snoozed
from inbox.feed.actions import BATCH, prune_events, sequence_events
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, on_wake, tx, wake
from inbox.kit.idempotency import forget_requests

log = structlog.get_logger()

RECOVER_SECONDS = 5.0
"""How often dead workers' leases and ended snoozes are looked for."""
PRUNE_SECONDS = 600.0
TURN_SECONDS = 0.02
"""How long another process is given to number the feed before we try again: what it did not see yet is ours."""


@asynccontextmanager
async def run_chores(runtime: Runtime, projector: Projector, worker: Worker | None) -> AsyncIterator[None]:
    """Run them all until the process stops."""
    poll = runtime.settings.poll_seconds
    tasks = [
        asyncio.create_task(runtime.hub.run()),
        asyncio.create_task(_sequence(runtime)),
        asyncio.create_task(_repeat(runtime.directory.refresh, poll, first=True)),
        asyncio.create_task(_repeat(projector.look_around, poll)),
        asyncio.create_task(_repeat(lambda: _drain(runtime), poll)),
        asyncio.create_task(_repeat(lambda: _recover(worker), RECOVER_SECONDS)),
        asyncio.create_task(_repeat(lambda: _prune(runtime), PRUNE_SECONDS)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _sequence(runtime: Runtime) -> None:
    """Number the feed as soon as something was told here, and look now and then for what others told and left."""
    told = asyncio.Event()
    unhook = on_wake("feed", told.set)
    try:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(runtime.settings.poll_seconds):
                    await told.wait()
            told.clear()
            with _surviving("sequence"):
                numbered = await sequence_events()
                if numbered:
                    wake(["sequenced"])
                    await runtime.hub.publish()
                if numbered is None:
                    await asyncio.sleep(TURN_SECONDS)
                if numbered in (None, BATCH):
                    told.set()
    finally:
        unhook()


async def _drain(runtime: Runtime) -> None:
    await runtime.journal.drain()


async def _recover(worker: Worker | None) -> None:
    if worker is not None:
        await worker.recover()
    async with tx():
        await wake_snoozed(now=utc_now())


async def _prune(runtime: Runtime) -> None:
    await prune_events(older_than_days=runtime.settings.feed_retention_days)
    await forget_requests(older_than=utc_now() - timedelta(hours=runtime.settings.idempotency_hours))


async def _repeat(chore: Callable[[], Awaitable[object]], seconds: float, *, first: bool = False) -> None:
    while True:
        if not first:
            await asyncio.sleep(seconds)
        first = False
        with _surviving(getattr(chore, "__name__", "chore")):
            await chore()


class _surviving:  # noqa: N801 (reads as a phrase where it is used)
    """A chore that fails is said aloud and tried again in its time."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        if isinstance(error, TRANSIENT):
            log.warning("chore_waits", outcome=self.name, error=type(error).__name__)
            return True
        if isinstance(error, Exception):
            log.error("chore_failed", outcome=self.name, exc_info=error)
            return True
        return False
