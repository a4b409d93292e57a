"""Forgetting the journal's old requests and keys: batch by batch, with a pause after each, so that nobody feels it."""

from __future__ import annotations

import asyncio

import structlog

from gateway.runtime import Runtime
from inbox.intake.actions.prune import BATCH, journaled_channels, prune_journal, prune_keys

log = structlog.get_logger()

PAUSE_SECONDS = 0.1
"""Between two batches of at most 1,000 rows."""


async def prune_intake(runtime: Runtime, stopping: asyncio.Event) -> None:
    """One round over all channels' journals and the keys; it ends at once when the process stops."""
    settings, pruned = runtime.settings, 0
    for channel_id in await journaled_channels():
        after: int | None = 0
        while after is not None and not stopping.is_set():
            batch = await prune_journal(channel_id, after=after, older_than_days=settings.raw_event_days)
            pruned, after = pruned + batch.gone, batch.after
            await _pause(stopping, batch.gone)
    forgotten = BATCH
    while forgotten == BATCH and not stopping.is_set():
        forgotten = await prune_keys(older_than_days=settings.event_key_days)
        await _pause(stopping, forgotten)
    if pruned:
        log.info("journal_pruned", count=pruned)


async def _pause(stopping: asyncio.Event, rows: int) -> None:
    if rows:
        try:
            async with asyncio.timeout(PAUSE_SECONDS):
                await stopping.wait()
        except TimeoutError:
            return
