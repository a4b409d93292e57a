"""Providers that hang or ask us to wait: what that does to the other channels, and whether we do as we are told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import zip_longest

import msgspec

from gateway.settings import Settings
from inbox.kit.ids import read_id
from tests.faults.crash_points import ids, locked
from tests.faults.desk import Desk
from tests.faults.history import percentile
from tests.faults.proxy import BLACKHOLE
from tests.faults.run import Stage
from tests.faults.waiting import wait_for

FINEST_SECONDS = 0.1
"""Differences of speed below this are the machine's own."""
MOST_RISE = 0.2
MOST_SHARE = 0.25
BLOCKED_SECONDS = 2.0
CAP_SECONDS = 900.0
SLACK_SECONDS = 0.3
"""How long after a 429 calls may still come that were under way when it came."""
IDLE_SECONDS = 30.0
WATCH_SECONDS = 0.25
SENDING = "SELECT count(*) AS n FROM delivery WHERE state = 'sending' AND channel_id = $1"
IDLE = "SELECT 1 WHERE NOT EXISTS (SELECT FROM job WHERE state < 2 AND ($1::text[] IS NULL OR key = ANY($1)))"
PLACES = Settings().worker_concurrency
"""Of one worker."""


class Hang(msgspec.Struct, frozen=True, kw_only=True):
    """`dead` is the channel whose provider hangs; `rate` is in sends a second over all channels."""

    dead: int
    rate: float
    quiet_seconds: float
    hang_seconds: float
    workers: int = 2


async def hang_one(stage: Stage, desk: Desk, threads: Sequence[Sequence[str]], *, hang: Hang) -> None:
    """A quiet time in which one conversation is blocked, then a time in which one channel's provider hangs.

    `threads` are the conversations by channel, the dead one's among them.
    """
    await until_idle(stage, [one for thread in threads for one in thread])
    # Few of the dead channel's: what hangs for as long as a send may take would pile up, and then the run's own time.
    few = [thread if channel != hang.dead else thread[: len(thread) // 3] for channel, thread in enumerate(threads)]
    everybody, blocked = mix(few), threads[0][-1]
    quiet = time.time()
    await asyncio.gather(
        block_conversation(stage, blocked, seconds=hang.quiet_seconds),
        desk.answer_at_rate(everybody, rate=hang.rate, seconds=hang.quiet_seconds),
    )
    hung = time.time()
    async with stage.site.proxies[f"provider{hang.dead}"].behaving(BLACKHOLE):
        watching = asyncio.create_task(watch_share(stage, hang))
        await desk.answer_at_rate(everybody, rate=hang.rate, seconds=hang.hang_seconds)
        ended = time.time()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    await asyncio.sleep(0.5)
    others = {one for channel, thread in enumerate(threads) if channel != hang.dead for one in thread} - {blocked}
    ledger = await stage.site.ledger()
    before = [took for one, took in desk.latencies(ledger, since=quiet, until=hung) if one in others]
    during = [took for one, took in desk.latencies(ledger, since=hung, until=ended) if one in others]
    stage.timed("P10", "others_delayed_s", value=max(before, default=99.0), limit=BLOCKED_SECONDS)
    stage.timed("P15", "others_p95_rise", value=rise(before, during), limit=MOST_RISE)


async def obey_retry_after(
    stage: Stage, desk: Desk, threads: Sequence[str], *, channel: int, seconds: int, dates: bool
) -> None:
    """After one 429 nothing is asked of that provider before its time, for no conversation of that sender."""
    line = stage.site.proxies[f"provider{channel}"]
    await until_idle(stage)
    await stage.site.provider_faults(next_calls=["throttle"], retry_after=seconds, retry_after_date=dates)
    line.asked.clear()
    await desk.answer_all(threads[:1])
    refused = await until_asked(stage, channel)
    await desk.answer_all(threads)
    await asyncio.sleep(max(0.0, refused + seconds + SLACK_SECONDS - time.time()))
    # A date has no fractions of a second, so it may be up to one second short.
    waited = seconds - (1 if dates else 0)
    early = sum(refused + SLACK_SECONDS < moment < refused + waited for moment in line.asked)
    stage.none_of("P16", **{"calls_before_the_date" if dates else "calls_before_the_seconds": early})
    await until_idle(stage)
    stage.least("P16", "sent_afterwards", value=len(line.asked), limit=len(threads))


async def cap_retry_after(stage: Stage, desk: Desk, thread: str, *, channel: int) -> None:
    """An absurd Retry-After is cut to a quarter of an hour."""
    await stage.site.provider_faults(next_calls=["throttle"], retry_after=10_000_000)
    stage.site.proxies[f"provider{channel}"].asked.clear()
    await desk.answer(thread)
    await until_asked(stage, channel)
    await asyncio.sleep(0.5)
    [row] = await stage.site.rows("SELECT extract(epoch FROM max(until) - now()) AS seconds FROM resting_lane")
    stage.least("P16", "absurd_wait_s", value=float(row["seconds"] or 0), limit=CAP_SECONDS / 2)
    stage.most("P16", "longest_wait_s", value=float(row["seconds"] or 0), limit=CAP_SECONDS)


async def until_idle(stage: Stage, threads: Sequence[str] | None = None) -> None:
    """Until no job waits or runs, in these conversations or in any."""
    keys = None if threads is None else [str(one) for one in ids(threads)]
    await wait_for(lambda: stage.site.rows(IDLE, keys), seconds=IDLE_SECONDS)


async def until_asked(stage: Stage, channel: int) -> float:
    """Until a channel's provider has been called; when it was (Unix time)."""
    line = stage.site.proxies[f"provider{channel}"]
    async with asyncio.timeout(IDLE_SECONDS):
        while not line.asked:  # noqa: ASYNC110 (a line has no event for it)
            await asyncio.sleep(0.01)
    await asyncio.sleep(SLACK_SECONDS / 2)
    return line.asked[0]


async def block_conversation(stage: Stage, conversation: str, *, seconds: float) -> None:
    """Let nobody touch one conversation: its sends hang in the middle."""
    async with locked(stage.site, [conversation]):
        await asyncio.sleep(seconds)


async def watch_share(stage: Stage, hang: Hang) -> None:
    """The most places of all workers that the dead channel's sends ever hold; noted when cancelled."""
    channel, most = read_id("cha", stage.site.channels[hang.dead]), 0
    try:
        while True:
            [row] = await stage.site.rows(SENDING, channel)
            most = max(most, row["n"])
            await asyncio.sleep(WATCH_SECONDS)
    finally:
        stage.most("P15", "workers_held", value=most / (PLACES * hang.workers), limit=MOST_SHARE)
        stage.least("P15", "workers_held_at_all", value=most, limit=1)


def rise(before: Sequence[float], during: Sequence[float]) -> float:
    """How much slower nineteen in twenty became, as a share; no finer than the machine is even."""
    slow, slower = (max(FINEST_SECONDS, percentile(values, 0.95)) for values in (before, during))
    return slower / slow - 1


def mix(threads: Sequence[Sequence[str]]) -> list[str]:
    """The conversations of all channels in turn."""
    return [one for together in zip_longest(*threads) for one in together if one is not None]
