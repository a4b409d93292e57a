"""What a working process does for webhooks: three tasks that live as long as it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog

from channels.http import Http
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.tasks import end_tasks
from gateway.webhooks.lanes import Lanes
from gateway.webhooks.recorder import Recorder
from gateway.webhooks.sender import WebhookSender
from inbox.kit.db import TRANSIENT, on_wake, tx, wake
from inbox.webhooks.actions.dispatch import recover_deliveries
from inbox.webhooks.actions.endpoints import TOPIC, Workshop
from inbox.webhooks.actions.fan_out import BATCH, fan_out_events
from inbox.webhooks.schedule import Tempo

log = structlog.get_logger()

GATHER_SECONDS = 0.01
"""How long events are gathered before they are fanned out."""
TURN_SECONDS = 0.05
"""How long another process is given to fan out before we look again."""
RECOVER_SECONDS = 2.0
"""How often what dead processes held is looked for."""
WARN_SHARE = 0.4
"""After which share of the time until it would be disabled the owner of a failing endpoint is warned."""
LAST_ROUND_SECONDS = 2.0


@asynccontextmanager
async def run_webhooks(runtime: Runtime, *, http: Http | None = None) -> AsyncIterator[WebhookSender]:
    """Fan out, send and record until left; then what runs gets to end, and what came of it is written.

    Webhooks have a client of their own: an endpoint that hangs holds no connection that a message needs.
    """
    settings = runtime.settings
    client = http or Http(allow=settings.egress_allow, timeout=settings.webhook_timeout_seconds)
    recorder = Recorder(tempo_of(settings))
    sender = WebhookSender(
        client,
        recorder,
        box=runtime.box,
        lanes=Lanes(places=settings.webhook_concurrency, width=settings.webhook_endpoint_concurrency),
        timeout=settings.webhook_timeout_seconds,
        poll_seconds=settings.poll_seconds,
        tracer=runtime.tracer,
    )
    stopping = asyncio.Event()
    looking = [
        asyncio.create_task(fan_out(stopping, poll_seconds=settings.poll_seconds)),
        asyncio.create_task(_repeat(recover_lost, RECOVER_SECONDS, stopping)),
        asyncio.create_task(sender.run()),
    ]
    recording = asyncio.create_task(recorder.run())
    try:
        yield sender
    finally:
        stopping.set()
        await sender.stop(seconds=settings.stop_seconds)
        await _end(looking)
        recorder.stop()
        await _end([recording])
        if http is None:
            await client.aclose()


def webhook_workshop(runtime: Runtime) -> Workshop:
    """What the API makes endpoints with."""
    overlap = timedelta(hours=runtime.settings.webhook_secret_overlap_hours)
    return Workshop(box=runtime.box, check_url=runtime.http.check_egress, overlap=overlap)


def tempo_of(settings: Settings) -> Tempo:
    """The waits that the settings ask for."""
    disable_after = timedelta(days=settings.webhook_disable_days)
    return Tempo(
        retry_seconds=settings.webhook_retry_seconds,
        throttle_seconds=settings.webhook_throttle_seconds,
        warn_after=disable_after * WARN_SHARE,
        disable_after=disable_after,
    )


async def fan_out(stopping: asyncio.Event, *, poll_seconds: float) -> None:
    """Queue what the feed tells: as soon as something was numbered, and now and then for what nobody told us of."""
    told = asyncio.Event()
    unhook = on_wake("sequenced", told.set)
    try:
        while not stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(poll_seconds):
                    await told.wait()
            await asyncio.sleep(GATHER_SECONDS)
            told.clear()
            await _attempt(lambda: _fan_out_once(told))
    finally:
        unhook()


async def _fan_out_once(told: asyncio.Event) -> None:
    async with tx():
        count = await fan_out_events()
    if count:
        wake([TOPIC])
    if count is None:
        await asyncio.sleep(TURN_SECONDS)
    if count in {None, BATCH}:
        told.set()


async def recover_lost() -> None:
    """Put back what a dead process held."""
    recovered = await recover_deliveries()
    if recovered:
        log.warning("webhook_leases_recovered", count=recovered)
        wake([TOPIC])


async def _repeat(work: Callable[[], Awaitable[None]], seconds: float, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        await _attempt(work)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stopping.wait()


async def _attempt(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except TRANSIENT as error:
        log.warning("webhooks_wait", error=type(error).__name__)
    except Exception:
        log.exception("webhooks_broke")


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    _, unfinished = await asyncio.wait(tasks, timeout=LAST_ROUND_SECONDS)
    await end_tasks(unfinished)
