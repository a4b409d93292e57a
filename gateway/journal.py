"""Group commit: requests that come together share one durable statement; without Postgres the spool takes over."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from itertools import chain
from typing import TypeAlias
from uuid import UUID

import structlog

from gateway.hook_bodies import LARGE_BYTES
from gateway.metrics import INBOUND_SPOOLED
from gateway.spool import Spool, SpoolFull
from inbox.intake.actions.journal import JournalEntry, journal_events
from inbox.intake.actions.large import journal_large_event
from inbox.kit.db import TRANSIENT, tx

log = structlog.get_logger()

LARGE_AT_ONCE = 2
"""Large bodies on their way to Postgres at the same time."""
LARGE_BYTES_A_SECOND = 5_000_000
"""How fast Postgres has to take a large body at the least."""

Waiting: TypeAlias = tuple[JournalEntry, asyncio.Future[None]]


class JournalDown(Exception):
    """Neither the database nor the spool took the request: the provider has to send it again."""


class Journal:
    """Writes requests down before they are answered. `timeout` in seconds is how long Postgres may take.

    `on_written` is told which channels have something new.
    """

    def __init__(self, spool: Spool, *, batch: int, timeout: float) -> None:
        self.spool = spool
        self.batch = batch
        self.timeout = timeout
        self.on_written: Callable[[set[UUID]], None] = _nobody_waits
        self._waiting: dict[UUID, deque[Waiting]] = {}
        self._writer: asyncio.Task[None] | None = None
        self._since: float | None = None
        self._down = False
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def write(self, entry: JournalEntry, *, spoolable: bool, crowded: bool = False) -> None:
        """Return when the request is durable: in the journal, or, for a provider that hardly retries, in the spool.

        While the spool holds something of ours, such requests queue up behind it, so that their order is kept. A door
        that is `crowded` has more before the journal than it can write soon: the spool takes what it may.
        """
        if spoolable and (crowded or self.spool.holds or self._stalled()):
            return await self._spool(entry)
        try:
            await (self._write_large(entry) if len(entry.body) > LARGE_BYTES else self._enqueue(entry))
        except TRANSIENT as error:
            self._note_down(error)
            if not spoolable:
                raise JournalDown("the database is away") from error
            await self._spool(entry)

    @property
    def busy(self) -> bool:
        """Whether requests are being written or wait to be."""
        return self._writer is not None

    async def drain(self) -> int:
        """Move the spool into the journal; TRANSIENT errors mean: later."""
        drained = await self.spool.drain(self._journal)
        if drained:
            log.info("spool_drained", count=drained)
        return drained

    async def stop(self) -> None:
        """Finish what is being written."""
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=self.timeout)

    async def _write_large(self, entry: JournalEntry) -> None:
        """By itself, beside the batches: it takes long, and the others must not wait for it."""
        if self._stalled():
            raise TimeoutError("the database does not answer")
        writing = asyncio.create_task(self._journal_large(entry), context=Context())
        await asyncio.wait([writing], timeout=self.timeout + len(entry.body) / LARGE_BYTES_A_SECOND)
        if not writing.done():  # to take a statement back may take as long again: nobody waits for that
            writing.add_done_callback(_let_go)
            writing.cancel()
            raise TimeoutError("the database is too slow")
        writing.result()

    async def _journal_large(self, entry: JournalEntry) -> None:
        async with self._large:
            async with tx():
                written = await journal_large_event(entry)
            self.on_written(written)
            self._down = False

    def _enqueue(self, entry: JournalEntry) -> asyncio.Future[None]:
        if self._stalled():
            raise TimeoutError("the database does not answer")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(entry.channel_id, deque()).append((entry, done))
        if self._writer is None:
            # It writes for all that come, so it belongs to none of their traces.
            self._writer = asyncio.create_task(self._write_waiting(), context=Context())
        return done

    async def _write_waiting(self) -> None:
        try:
            while taken := self._take_turns():
                await self._write_batch([one for one in taken if not one[1].done()])
        finally:
            self._writer = None

    def _take_turns(self) -> list[Waiting]:
        """The next batch: of each channel one in turn, so that a loud one does not fill it alone."""
        taken: list[Waiting] = []
        while self._waiting and len(taken) < self.batch:
            channel_id = next(iter(self._waiting))
            queue = self._waiting.pop(channel_id)
            taken.append(queue.popleft())
            if queue:
                self._waiting[channel_id] = queue
        return taken

    async def _write_batch(self, taken: list[Waiting]) -> None:
        if not taken:
            return
        self._since = time.monotonic()
        overdue = asyncio.get_running_loop().call_later(self.timeout, self._give_up, taken)
        try:
            await self._journal([entry for entry, _ in taken])
        except TRANSIENT as error:
            self._finish(taken, error)
        except Exception as error:  # noqa: BLE001 (handed to the one it is about)
            await self._write_apart(taken, error)
        else:
            self._finish(taken, None)
        finally:
            overdue.cancel()
            self._since = None

    async def _write_apart(self, taken: list[Waiting], error: Exception) -> None:
        """One of these cannot be stored: the others, which only happened to come with it, can."""
        if len(taken) == 1:
            self._finish(taken, error)
            return
        for one in taken:
            if not one[1].done():
                await self._write_batch([one])

    def _give_up(self, taken: list[Waiting]) -> None:
        """Postgres hangs: nobody waits for it any longer. What it still writes is known twice by its event key."""
        waiting = [*taken, *chain.from_iterable(self._waiting.values())]
        self._waiting.clear()
        self._finish(waiting, TimeoutError("the database does not answer"))

    def _finish(self, taken: list[Waiting], error: Exception | None) -> None:
        for _, done in taken:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    async def _journal(self, entries: Sequence[JournalEntry]) -> None:
        self.on_written(await journal_events(entries))
        self._down = False

    async def _spool(self, entry: JournalEntry) -> None:
        try:
            await self.spool.append([entry])
        except SpoolFull as error:
            raise JournalDown(str(error)) from error
        INBOUND_SPOOLED.inc()

    def _stalled(self) -> bool:
        return self._since is not None and time.monotonic() - self._since > self.timeout

    def _note_down(self, error: BaseException) -> None:
        if not self._down:
            log.error("journal_down", error=type(error).__name__)
        self._down = True


def _let_go(writing: asyncio.Task[None]) -> None:
    """What became of it was told already."""
    if not writing.cancelled():
        writing.exception()


def _nobody_waits(channel_ids: set[UUID]) -> None:
    """Until a projector asks to be told."""
