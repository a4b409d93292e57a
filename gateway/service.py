"""What runs in a process beside its requests: the projector, the chores, and the worker where it is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.chores import run_chores
from gateway.poller import run_poller
from gateway.projector import Projector
from gateway.runtime import Runtime
from gateway.webhooks import run_webhooks
from gateway.worker import Worker


@asynccontextmanager
async def run_service(runtime: Runtime, *, work: bool) -> AsyncIterator[Projector]:
    """Run until left, then stop in order: streams, claims, what is being written, what is being projected."""
    projector = Projector(runtime)
    runtime.journal.on_written = projector.wake
    worker = Worker(runtime) if work else None
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(run_chores(runtime, projector, worker))
        if worker:
            await stack.enter_async_context(_running(worker, runtime.settings.stop_seconds))
            await stack.enter_async_context(run_webhooks(runtime))
            await stack.enter_async_context(run_poller(runtime))
        yield projector
        runtime.hub.stop()
        await runtime.journal.stop()
        await projector.stop()


@asynccontextmanager
async def _running(worker: Worker, stop_seconds: float) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        await worker.stop(seconds=stop_seconds)
        await asyncio.wait([task], timeout=1)
