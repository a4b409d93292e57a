"""Mailboxes that must be asked: in this process one task for each that is ours, from its place to the journal.

A mailbox is read by one process at a time: the one that holds its row, for as long as it renews that. A mail and the
place behind it are stored in one transaction, which also asks whether the row is still ours; so a process that was
frozen, and wakes when another has taken over, stores nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager, suppress
from contextvars import Context
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID, uuid4

import msgspec
import structlog

from channels.contract import Account, Polled, RawEvent
from channels.errors import SendFailed, Throttled
from gateway.directory import LiveChannel
from gateway.metrics import INBOUND_RECEIVED
from gateway.runtime import Runtime
from inbox.intake.actions.journal import JournalEntry
from inbox.intake.polling.actions import (
    Claimed,
    PollFailure,
    PollLost,
    claim_poll,
    hold_poll,
    journal_polled,
    move_poll,
    record_poll_failure,
    release_poll,
)
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, tx

log = structlog.get_logger()

HOLD_SECONDS = 12.0
"""How long a mailbox is held without renewal: another process takes over from a dead one after that."""
RENEW_SECONDS = 4.0
SOON_SECONDS = (1.0, 5.0)
"""Between two tries after a failure that passes by itself, the first and the longest: new mail is seen within 10 s
after the network is back."""
LATER_SECONDS = (15.0, 900.0)
"""The same where an operator has to act: servers lock accounts that are asked too often with a wrong password."""
DATABASE_SECONDS = 1.0
CLOCK_SECONDS = 0.1
"""So that it is time by the database's clock as well."""
JITTER = 0.2
STOP_SECONDS = 5.0
BROKEN = "something broke on our side while the mailbox was read: the log of this process says what"
ARRIVED = "imap-arrived-at"
"""The header of a raw event that says when the mail arrived in the mailbox."""


class Poller:
    """The mailboxes this process reads or would read if nobody else did."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._holder = uuid4()
        self._random = Random()
        self._tasks: dict[UUID, tuple[Account, asyncio.Task[None]]] = {}
        self._failures: dict[UUID, int] = {}

    async def run(self) -> None:
        """Until cancelled: a task for each mailbox there is, a new one where its settings changed."""
        try:
            while True:
                await self._look_around()
                await asyncio.sleep(self._runtime.settings.poll_seconds)
        finally:
            await self._end([task for _, task in self._tasks.values()])

    async def _look_around(self) -> None:
        wanted = {live.id: live for live in self._runtime.directory.all_channels() if self._is_polled(live)}
        over = [
            channel_id
            for channel_id, (account, task) in self._tasks.items()
            if channel_id not in wanted or wanted[channel_id].account != account or task.done()
        ]
        await self._end([self._tasks.pop(channel_id)[1] for channel_id in over])
        for channel_id, live in wanted.items():
            if channel_id not in self._tasks:
                task = asyncio.create_task(self._read_for_ever(live), context=Context())
                self._tasks[channel_id] = live.account, task

    def _is_polled(self, live: LiveChannel) -> bool:
        return isinstance(self._runtime.adapters.get(live.adapter), Polled)

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        """What is just being stored is stored."""
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)

    async def _read_for_ever(self, live: LiveChannel) -> None:
        at_once = True  # new settings may have mended what kept us from trying
        while True:
            try:
                pause = await self._read_while_ours(live, at_once=at_once)
            except TRANSIENT as error:
                log.warning("poll_waits", channel=live.id, error=type(error).__name__)
                pause = DATABASE_SECONDS
            except Exception:
                log.exception("poll_broke", channel=live.id)
                pause = LATER_SECONDS[0]
            at_once = False
            await asyncio.sleep(pause)

    async def _read_while_ours(self, live: LiveChannel, *, at_once: bool) -> float:
        """Read until it fails or another process has it; how long to wait then, in seconds."""
        claimed = await claim_poll(live.id, holder=self._holder, seconds=HOLD_SECONDS, at_once=at_once)
        if claimed is None:
            return RENEW_SECONDS
        self._failures[live.id] = claimed.failures
        try:
            async with self._holding(live.id):
                await self._read(live, claimed)
        except PollLost:
            log.warning("poll_lost", channel=live.id)
        except SendFailed as failed:
            return await self._note_failure(live, failed)
        except TRANSIENT:
            raise
        except Exception:
            log.exception("poll_broke", channel=live.id)
            return await self._note_failure(live, SendFailed(BROKEN))
        finally:
            with suppress(*TRANSIENT):
                await release_poll(live.id, holder=self._holder)
        return RENEW_SECONDS

    @asynccontextmanager
    async def _holding(self, channel_id: UUID) -> AsyncIterator[None]:
        """Renew the hold for as long as it takes; who loses it notices at the next mail, and is stopped here before."""
        reader = asyncio.current_task()
        renewing = asyncio.create_task(self._renew(channel_id), context=Context())
        lost = False

        def stop(_: object) -> None:
            nonlocal lost
            if not renewing.cancelled() and reader is not None:
                lost = True
                reader.cancel()

        renewing.add_done_callback(stop)
        try:
            yield
        except asyncio.CancelledError:
            if not lost or reader is None or reader.uncancel():
                raise
            raise PollLost from None
        finally:
            renewing.remove_done_callback(stop)
            renewing.cancel()

    async def _renew(self, channel_id: UUID) -> None:
        """Ends when another process holds the mailbox, or may: the database did not let us renew in time."""
        deadline = asyncio.get_running_loop().time() + HOLD_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(RENEW_SECONDS)
            begun = asyncio.get_running_loop().time()
            with suppress(*TRANSIENT):
                if not await hold_poll(channel_id, holder=self._holder, seconds=HOLD_SECONDS):
                    return
                deadline = begun + HOLD_SECONDS

    async def _read(self, live: LiveChannel, claimed: Claimed) -> None:
        adapter: Any = self._runtime.adapters[live.adapter]
        async with aclosing(adapter.poll(live.account, claimed.cursor)) as found:
            async for raw, cursor in found:
                # What has begun to be stored is stored, whoever wants us to stop meanwhile.
                await _to_its_end(self._store(live, raw, cursor))
                self._failures[live.id] = 0

    async def _store(self, live: LiveChannel, raw: RawEvent | None, cursor: str) -> None:
        if raw is None:
            await move_poll(live.id, cursor, holder=self._holder)
            return
        lag = _lag_seconds(raw, now=utc_now())
        async with tx():
            await journal_polled(polled_entry(live.id, raw), cursor, holder=self._holder, lag_seconds=lag)
        INBOUND_RECEIVED.labels(live.account.channel_id, live.provider, "accepted").inc()
        self._runtime.journal.on_written({live.id})

    async def _note_failure(self, live: LiveChannel, failed: SendFailed) -> float:
        """Say in the channel's health why, and when it is tried again."""
        pause = retry_pause(failed, failures=self._failures[live.id], random=self._random)
        failure = PollFailure(code=failed.code, reason=failed.reason, fix=failed.fix)
        log.warning("poll_failed", channel=live.id, code=failed.code, error=type(failed).__name__)
        await record_poll_failure(live.id, failure, holder=self._holder, retry_seconds=pause)
        return pause + CLOCK_SECONDS


async def _to_its_end(storing: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(storing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


def retry_pause(failed: SendFailed, *, failures: int, random: Random) -> float:
    """Seconds until the next try, after so many failures in a row before this one."""
    first, longest = SOON_SECONDS if failed.retry else LATER_SECONDS
    pause = min(longest, first * 2.0 ** min(failures, 30))
    if isinstance(failed, Throttled) and failed.after is not None:
        pause = max(pause, failed.after)
    return pause * (1 - JITTER * random.random())


def polled_entry(channel_id: UUID, raw: RawEvent) -> JournalEntry:
    """A fetched mail as it is journaled."""
    return JournalEntry(
        channel_id=channel_id,
        kind=raw.kind,
        method=raw.method,
        url=raw.url,
        headers=msgspec.json.encode(raw.headers).decode(),
        body=raw.body,
        received_at=raw.received_at,
    )


def _lag_seconds(raw: RawEvent, *, now: datetime) -> float:
    """How long the mail had lain in its mailbox."""
    try:
        arrived = datetime.fromisoformat(raw.headers[ARRIVED])
    except (KeyError, ValueError):
        return 0.0
    return max(0.0, (now - arrived.astimezone(UTC)).total_seconds())


@asynccontextmanager
async def run_poller(runtime: Runtime) -> AsyncIterator[None]:
    """Read the mailboxes until left; then what is being stored is, and other processes may have them at once."""
    task = asyncio.create_task(Poller(runtime).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=2 * STOP_SECONDS)
