"""Forgetting what is old, requests, keys and messages: batch by batch, with a pause, so that nobody feels it."""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog

from gateway.runtime import Runtime
from inbox.intake.actions.prune import BATCH, journaled_channels, prune_journal, prune_keys
from inbox.kit.clock import utc_now
from inbox.kit.db import tx
from inbox.privacy.retention.actions import What, take_away_old
from inbox.privacy.retention.queries import Keeping, list_keepings, oldest_kept

log = structlog.get_logger()

PAUSE_SECONDS = 0.1
"""Between two batches of at most 1,000 rows."""


async def prune_intake(runtime: Runtime, stopping: asyncio.Event) -> None:
    """One round over all channels' journals and the keys; it ends at once when the process stops."""
    settings, pruned, keepings = runtime.settings, 0, await list_keepings()
    for channel_id in await journaled_channels():
        after: int | None = 0
        own = keepings.get(channel_id, Keeping()).raw_event_days
        while after is not None and not stopping.is_set():
            batch = await prune_journal(channel_id, after=after, older_than_days=own or settings.raw_event_days)
            pruned, after = pruned + batch.gone, batch.after
            await _pause(stopping, batch.gone)
    forgotten = BATCH
    while forgotten == BATCH and not stopping.is_set():
        forgotten = await prune_keys(older_than_days=settings.event_key_days)
        await _pause(stopping, forgotten)
    if pruned:
        log.info("journal_pruned", count=pruned)


async def prune_messages(runtime: Runtime, stopping: asyncio.Event) -> int:
    """One round over all channels' messages and files; how many it took away. Legal holds keep theirs."""
    settings, taken = runtime.settings, 0
    defaults = Keeping(message_days=settings.message_retention_days, attachment_days=settings.attachment_retention_days)
    for channel_id, own in (await list_keepings()).items():
        kept = own.settled(defaults)
        days: tuple[tuple[What, int | None], ...] = (
            ("messages", kept.message_days),
            ("attachments", kept.attachment_days),
        )
        for what, limit in days:
            if limit:
                taken += await _prune_channel(channel_id, what, days=limit, stopping=stopping)
    if taken:
        log.info("messages_pruned", count=taken)
    return taken


async def _prune_channel(channel_id: UUID, what: What, *, days: int, stopping: asyncio.Event) -> int:
    taken, batch = 0, 1 if not stopping.is_set() else None
    while batch is not None and not stopping.is_set():
        now = utc_now()
        async with tx():
            batch = await take_away_old(channel_id, what, before=oldest_kept(days, now=now), now=now)
        taken += batch or 0
        await _pause(stopping, batch or 0)
    return taken


async def _pause(stopping: asyncio.Event, rows: int) -> None:
    if rows:
        try:
            async with asyncio.timeout(PAUSE_SECONDS):
                await stopping.wait()
        except TimeoutError:
            return
