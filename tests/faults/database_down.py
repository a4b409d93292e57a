"""Run C: the database is away under load, a gateway dies while it flushes its spool, and the spool's disk fills up.

`python -m tests.faults.database_down [--short] [--seed N]` ends within 60 s with one JSON line. Promises 3 and 4 of
reliability: texts go to a durable spool or are honestly refused, a false 200 is never given, and what was spooled comes
in once and in order. Twilio's is the only door so far; the answers to providers that retry belong to their channels.
"""

from __future__ import annotations

import asyncio
import time

import aiohttp
import msgspec

from tests.faults.checker import Verdict, check
from tests.faults.full_disk import small_disk, tear_orphans
from tests.faults.history import Exchange, acknowledge_rate, between
from tests.faults.load import at_rate, blow, during, make_operations
from tests.faults.proxy import PASS, REFUSE, Behaviour
from tests.faults.run import Stage, main
from tests.faults.texts import Texter, open_texter
from tests.faults.waiting import wait_for, wait_until

SECONDS = 60.0
RATE = 100.0
SENDERS = 50
ANSWER_SECONDS = 2.0
DRAIN_SECONDS = 30.0
FLUSHED = "SELECT count(*) AS n FROM raw_event WHERE spool_id IS NOT NULL"
SLOW = Behaviour(rate=100_000)
"""Bytes a second, so that a spool takes a while to be flushed and can be caught half-way."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds from the beginning of each load; the disk in bytes."""

    seconds: float
    away: tuple[float, float]
    half_way: int
    full_rate: float
    full_seconds: float
    disk: int


WHOLE = Plan(seconds=26, away=(2, 22), half_way=300, full_rate=200, full_seconds=7, disk=1_000_000)
SHORT = Plan(seconds=4, away=(0.5, 2.5), half_way=30, full_rate=150, full_seconds=2, disk=150_000)


async def run(stage: Stage) -> Verdict:
    """Take it away, kill half-way, fill up, check."""
    plan, site = SHORT if stage.short else WHOLE, stage.site
    await site.open(apart=True)
    stage.clock.lap("open")
    async with open_texter(site.servers, channel=site.channel) as texter:
        first = at_rate(make_operations(senders=SENDERS, amount=int(RATE * plan.seconds)), RATE)
        await during(blow(first, texter.deliver, stage.history), take_away(stage, plan))
        away = between(stage.history.read(), *plan.away)
        stage.least("P3", "acknowledge_rate", value=acknowledge_rate(away), limit=1)
        stage.timed("P3", "longest_answer_s", value=max(one.latency_ms for one in away) / 1000, limit=ANSWER_SECONDS)
        stage.clock.lap("away")
        await fill_disk(stage, plan, texter)
        stage.clock.lap("full")
    verdict = await check(site, stage.history.read())
    stage.none_of("P3", lost=verdict.lost, doubled=verdict.doubled, out_of_order=verdict.out_of_order)
    stage.none_of("P4", lost=verdict.lost)
    return verdict


async def take_away(stage: Stage, plan: Plan) -> None:
    """No connection to Postgres for a while; when it is back, the first gateway dies in the middle of flushing."""
    site, began = stage.site, time.monotonic()
    await wait_until(began + plan.away[0])
    await behave(stage, REFUSE)
    await wait_until(began + (plan.away[0] + plan.away[1]) / 2)
    await judge_readiness(stage)
    await wait_until(began + plan.away[1])
    await behave(stage, SLOW)
    back = time.monotonic()
    await wait_for(lambda: half_flushed(stage, plan), seconds=DRAIN_SECONDS, pause=0.02)
    stage.least("P3", "half_flushed_when_killed", value=float(not await site.spool_empty()), limit=1)
    site.kill("serve0")
    torn = tear_orphans(site.data / "spool")
    await behave(stage, PASS)
    site.start("serve0")
    await wait_for(site.spool_empty, seconds=SECONDS)
    stage.timed("P3", "spool_empty_s", value=time.monotonic() - back, limit=DRAIN_SECONDS)
    aside = len(list((site.data / "spool").glob("*.torn")))
    stage.least("P4", "torn_files_set_aside", value=aside, limit=max(1, torn))


async def judge_readiness(stage: Stage) -> None:
    """Not ready to serve, and said so soon; ready to take webhooks."""
    async with aiohttp.ClientSession() as session:
        began = time.monotonic()
        async with session.get(f"{stage.site.servers[0]}/health/ready") as answer:
            stage.least("P3", "ready_refused", value=float(answer.status == 503), limit=1)
        stage.timed("P3", "ready_answer_s", value=time.monotonic() - began, limit=ANSWER_SECONDS)
        async with session.get(f"{stage.site.servers[0]}/health/ready/inbound") as answer:
            stage.least("P3", "inbound_ready", value=float(answer.status == 200), limit=1)


async def half_flushed(stage: Stage, plan: Plan) -> bool:
    """Whether some of the spool is in the journal, and some is not."""
    [row] = await stage.site.rows(FLUSHED)
    return bool(row["n"] >= plan.half_way)


async def fill_disk(stage: Stage, plan: Plan, texter: Texter) -> None:
    """Postgres away again, and hardly any room for the spool: from then on an honest 503."""
    site = stage.site
    await site.until_ready(0)
    operations = make_operations(senders=SENDERS, amount=int(plan.full_rate * plan.full_seconds), prefix="+1555500")
    keyed = [msgspec.structs.replace(one, key="SMF" + one.key[3:]) for one in operations]
    before = len(stage.history.read())
    texter.retry_afters.clear()
    with small_disk(site, size=plan.disk) as is_disk:
        await behave(stage, REFUSE)
        await blow(at_rate(keyed, plan.full_rate), texter.deliver, stage.history)
        await judge_full(stage, texter, stage.history.read()[before:], is_disk=is_disk)
        await behave(stage, PASS)
        await wait_for(site.spool_empty, seconds=DRAIN_SECONDS)
    [row] = await site.rows(FLUSHED)
    stage.least("P4", "spooled_before_it_was_full", value=row["n"], limit=1)


async def judge_full(stage: Stage, texter: Texter, exchanges: list[Exchange], *, is_disk: bool) -> None:
    """Each answer is 200 or 503 with Retry-After, and readiness says that nothing can be taken."""
    refused = [one for one in exchanges if not one.acknowledged]
    stage.least("P4", "refused", value=len(refused), limit=1)
    stage.none_of(
        "P4",
        refused_otherwise=sum(one.answer != 503 for one in refused),
        without_retry_after=sum(value is None for value in texter.retry_afters),
    )
    if not is_disk:
        stage.skip("P4 readiness", "no tmpfs can be mounted here, and a limit on files does not fill the disk")
        return
    url = f"{stage.site.servers[0]}/health/ready/inbound"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        stage.least("P4", "inbound_not_ready", value=float(answer.status == 503), limit=1)


async def behave(stage: Stage, behaviour: Behaviour) -> None:
    """Both lines to Postgres, the gateways' and the workers'."""
    await asyncio.gather(*(stage.site.proxies[name].behave(behaviour) for name in ("postgres", "postgres-work")))


if __name__ == "__main__":
    main("C database down", run, seconds=SECONDS)
