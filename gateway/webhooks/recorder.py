"""Gathers what came of tries, and writes it down many at a time."""

from __future__ import annotations

import asyncio
from random import Random

import structlog

from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, tx, wake
from inbox.webhooks.actions.endpoints import TOPIC
from inbox.webhooks.actions.record import Tried, record_tries
from inbox.webhooks.schedule import Tempo

log = structlog.get_logger()

GATHER_SECONDS = 0.02
"""How long results are gathered before they are written."""
BATCH = 500
AGAIN_SECONDS = 0.5


class Recorder:
    """Results waiting to be written. While the database is away they wait; if a lease ends first, it is tried anew."""

    def __init__(self, tempo: Tempo) -> None:
        self.tempo = tempo
        self.random = Random()
        self._waiting: list[Tried] = []
        self._added = asyncio.Event()
        self._stopping = False

    def add(self, tried: Tried) -> None:
        """One more result."""
        self._waiting.append(tried)
        self._added.set()

    async def run(self) -> None:
        """Write until stopped, and then what is left."""
        while not self._stopping:
            await self._added.wait()
            await asyncio.sleep(GATHER_SECONDS)
            await self._write()
        await self._write()

    def stop(self) -> None:
        """Write what is left, and end."""
        self._stopping = True
        self._added.set()

    async def _write(self) -> None:
        """All that waits, a batch at a time; a batch that cannot be written now stays."""
        self._added.clear()
        while batch := self._waiting[:BATCH]:
            try:
                async with tx():
                    settled = await record_tries(batch, tempo=self.tempo, now=utc_now(), random=self.random)
            except TRANSIENT as error:
                log.warning("webhook_results_wait", error=type(error).__name__, count=len(self._waiting))
                await self._try_later()
                return
            except Exception:
                # Their leases end and they are tried again, so nothing is lost by letting go of what cannot be stored.
                log.exception("webhook_results_dropped", count=len(batch))
                settled = None
            del self._waiting[: len(batch)]
            if settled is not None and settled.finished:
                wake([TOPIC])

    async def _try_later(self) -> None:
        if not self._stopping:
            await asyncio.sleep(AGAIN_SECONDS)
            self._added.set()
