"""What each process does beside its requests: each chore in a task of its own, none of which ends with an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from gateway.erasing import tend_erasures
from gateway.leaving import release_reopened
from gateway.projector import Projector
from gateway.repairs import begin_due_reconciles, tend_repairs
from gateway.retention import prune_intake, prune_messages
from gateway.runtime import Runtime
from gateway.tasks import end_tasks
from gateway.transfers import tend_all_transfers
from gateway.widget.aftermath import follow_happenings
from gateway.widget.leftovers import prune_left_over
from gateway.worker import Worker
from inbox.audit.actions import prune_audit_log
from inbox.conversations.actions.change import wake_snoozed
from inbox.conversations.search.actions import index_backlog
from inbox.feed.actions import BATCH, number_own, prune_events, sequence_events
from inbox.intake.actions.closing import settle_removed_channels
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, before_commit, on_wake, tx, wake
from inbox.kit.idempotency import forget_requests
from inbox.staff.invitations.actions import prune_links
from inbox.staff.sessions.actions import prune_sessions
from inbox.staff.subjects.actions import prune_states
from inbox.staff.tickets.actions import prune_tickets
from inbox.webhooks.actions.prune import clear_removed_webhooks, prune_deliveries

log = structlog.get_logger()

RECOVER_SECONDS = 5.0
"""How often dead workers' leases and ended snoozes are looked for."""
PRUNE_SECONDS = 600.0
TEND_SECONDS = 60.0
"""How often it is looked whether a channel is to be compared with its provider's list, or a repair was left lying."""
LAST_ROUND_SECONDS = 2.0
"""How long a chore may take to end its round when the process stops."""
TURN_SECONDS = 0.02
"""How long another process is given to number the feed before we try again: what it did not see yet is ours."""


@asynccontextmanager
async def run_chores(runtime: Runtime, projector: Projector, worker: Worker | None) -> AsyncIterator[None]:
    """Run them all until the process stops; then each ends its round, so that no statement is cut off."""
    poll = runtime.settings.poll_seconds
    stopping = asyncio.Event()
    tasks = [
        asyncio.create_task(chore)
        for chore in (
            runtime.hub.run(),
            runtime.live.run(),
            runtime.broadcast.run(),
            _sequence(runtime, stopping),
            _announce(runtime, stopping),
            _repeat(runtime.directory.refresh, poll, stopping, first=True),
            _repeat(projector.look_around, poll, stopping),
            _repeat(projector.join_late, poll, stopping),
            _repeat(lambda: _drain(runtime), poll, stopping),
            _repeat(lambda: _recover(worker), RECOVER_SECONDS, stopping),
            _repeat(lambda: _prune(runtime), PRUNE_SECONDS, stopping),
            _repeat(lambda: prune_intake(runtime, stopping), PRUNE_SECONDS, stopping),
            _repeat(lambda: prune_messages(runtime, stopping), PRUNE_SECONDS, stopping),
            _repeat(lambda: begin_due_reconciles(runtime), TEND_SECONDS, stopping),
            _repeat(tend_repairs, TEND_SECONDS, stopping),
            _repeat(index_backlog, TEND_SECONDS, stopping, first=True),
            _repeat(lambda: tend_erasures(runtime), TEND_SECONDS, stopping),
            _repeat(tend_all_transfers, TEND_SECONDS, stopping),
            _repeat(lambda: follow_happenings(runtime), poll, stopping),
            _repeat(lambda: prune_left_over(runtime), PRUNE_SECONDS, stopping),
            _repeat(lambda: prune_tickets(now=utc_now()), TEND_SECONDS, stopping),
            _repeat(release_reopened, TEND_SECONDS, stopping),
        )
    ]
    try:
        yield
    finally:
        stopping.set()
        runtime.hub.stop()
        runtime.live.stop()
        runtime.broadcast.stop()
        _, unfinished = await asyncio.wait(tasks, timeout=LAST_ROUND_SECONDS)
        await end_tasks(unfinished)


async def _sequence(runtime: Runtime, stopping: asyncio.Event) -> None:
    """Number the feed as soon as something was told here, and look now and then for what others told and left."""
    told = asyncio.Event()
    unhook, stop_numbering = on_wake("feed", told.set), before_commit("feed", number_own)
    poll = runtime.settings.poll_seconds
    try:
        while not stopping.is_set():
            await _first_of(told, stopping, seconds=poll)
            told.clear()
            with _surviving("sequence"):
                numbered = await sequence_events()
                if numbered:
                    wake(["numbered"])
                if numbered is None:
                    await asyncio.sleep(TURN_SECONDS)
                if numbered in (None, BATCH):
                    told.set()
    finally:
        stop_numbering()
        unhook()


async def _announce(runtime: Runtime, stopping: asyncio.Event) -> None:
    """Wake who reads the feed, in this process at once, whenever something was numbered here."""
    numbered = asyncio.Event()

    def hear() -> None:
        wake(["sequenced"])
        numbered.set()

    unhook = on_wake("numbered", hear)
    try:
        while not stopping.is_set():
            await _first_of(numbered, stopping, seconds=runtime.settings.poll_seconds)
            if numbered.is_set():
                numbered.clear()
                with _surviving("announce"):
                    await runtime.hub.publish()
    finally:
        unhook()


async def _first_of(*events: asyncio.Event, seconds: float) -> None:
    """Until one of these happens, or the time is over."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _drain(runtime: Runtime) -> None:
    await runtime.journal.drain()


async def _recover(worker: Worker | None) -> None:
    if worker is not None:
        await worker.recover()
    async with tx():
        await wake_snoozed(now=utc_now())
    aside = await settle_removed_channels()
    if aside:
        log.warning("removed_channel_called", count=aside)


async def _prune(runtime: Runtime) -> None:
    await prune_events(older_than_days=runtime.settings.feed_retention_days)
    await _prune_webhooks(log_days=runtime.settings.webhook_log_days)
    await _prune_signins()
    await prune_audit_log(older_than_days=runtime.settings.audit_retention_days)
    await forget_requests(older_than=utc_now() - timedelta(hours=runtime.settings.idempotency_hours))


async def _prune_signins() -> None:
    """Forget sessions, links and attempts to sign in that are over."""
    now = utc_now()
    while await prune_sessions(now=now):
        pass
    await prune_links(now=now)
    await prune_states(now=now)


async def _prune_webhooks(*, log_days: int) -> None:
    """Forget deliveries after their time, a batch in each transaction."""
    older_than = utc_now() - timedelta(days=log_days)
    pruned = True
    while pruned:
        pruned = bool(await prune_deliveries(older_than=older_than) or await clear_removed_webhooks())


async def _repeat(
    chore: Callable[[], Awaitable[object]], seconds: float, stopping: asyncio.Event, *, first: bool = False
) -> None:
    while True:
        if not first:
            await _first_of(stopping, seconds=seconds)
        if stopping.is_set():
            return
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
