"""Run G: three times as many texts as can be taken, nearly all of them on one channel.

`python -m tests.faults.overload [--short] [--seed N]` ends within 60 s with one JSON line. Promises 21 and 22 of
reliability: what is too much is refused at once and honestly, memory stays where it was, all is well soon afterwards,
and the quiet channel beside the loud one hardly notices. The line to Postgres is made slow, so that what can be taken
is bounded by it and the same on every machine, and is measured first.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from itertools import islice

import msgspec
import psutil

from inbox.kit.ids import read_id
from tests.faults.checker import Verdict, check
from tests.faults.history import Exchange, History, acknowledge_rate, percentile
from tests.faults.load import Delivery, at_rate, blow, endless_operations
from tests.faults.proxy import Behaviour
from tests.faults.run import Stage, main
from tests.faults.texts import open_texter

SECONDS = 60.0
LINE = Behaviour(delay=0.012)
BATCH = "4"
"""SWITCHBOARD_JOURNAL_BATCH: few a statement, so that the slow line is felt."""
PLACES = "20"
TIMES = 3.0
LOUD, QUIET = 0, 1
QUIET_RATE = 20.0
CALLERS = 12
"""So few that each waits for the journal, and none is sent to the spool."""
FINEST_MS = 50.0
"""Latencies below this are the machine's own."""
RECOVERY_SECONDS = 10.0
RECOVERED_MS = 200.0
REFUSAL_MS = 100.0
QUEUE_SECONDS = 5.0
LOOK_SECONDS = 0.5
MOST_GROWN_MIB = 200.0
MEGABYTE = 2**20
QUEUE_AGE = """
SELECT coalesce(extract(epoch FROM now() - min(r.received_at)), 0)::float8 AS seconds
FROM lane l JOIN raw_event r ON r.channel_id = l.channel_id AND r.id > l.projected_id WHERE l.channel_id = $1
"""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds."""

    trial_seconds: float
    solo_seconds: float
    flood_seconds: float
    after_seconds: float


WHOLE = Plan(trial_seconds=2, solo_seconds=3, flood_seconds=30, after_seconds=3)
SHORT = Plan(trial_seconds=1.5, solo_seconds=1.5, flood_seconds=4, after_seconds=1.5)


async def run(stage: Stage) -> Verdict:
    """Measure what can be taken, and how the quiet channel does alone; flood; check."""
    plan, site = SHORT if stage.short else WHOLE, stage.site
    await site.open(apart=True, channels=2)
    stage.clock.lap("open")
    await site.proxies["postgres"].behave(LINE)
    capacity = await measure_capacity(stage, plan)
    stage.clock.lap(f"capacity {capacity:.0f} a second")
    solo = await quiet_texts(stage, tag="a", seconds=plan.solo_seconds)
    memory = resident(stage)
    loud = asyncio.create_task(start_flood(stage, rate=TIMES * capacity, seconds=plan.flood_seconds))
    watching = asyncio.create_task(watch_queue(stage))
    beside = await quiet_texts(stage, tag="b", seconds=plan.flood_seconds)
    watching.cancel()
    grown = resident(stage) - memory
    flooded = await loud
    stage.clock.lap("flooded")
    # What is measured last is over when the time to recover is.
    await asyncio.sleep((RECOVERY_SECONDS - plan.after_seconds) / (5 if stage.short else 1))
    after = await quiet_texts(stage, tag="c", seconds=plan.after_seconds)
    await site.proxies["postgres"].behave(Behaviour())
    verdict = await check(site, stage.history.read())
    judge_flood(stage, flooded, grown=grown)
    stage.timed("P21", "p99_afterwards_ms", value=p99(after), limit=RECOVERED_MS)
    stage.timed("P22", "quiet_p99_times_solo", value=p99(beside) / p99(solo), limit=2)
    stage.least("P22", "quiet_acknowledge_rate", value=acknowledge_rate(beside), limit=0.999)
    stage.none_of("P21", lost=verdict.lost, doubled=verdict.doubled)
    return verdict


async def measure_capacity(stage: Stage, plan: Plan) -> float:
    """How many texts a second are journaled when each sender waits for its answer before the next."""
    operations = endless_operations("d", senders=CALLERS, prefix="+1555900")
    taken, ends = 0, time.monotonic() + plan.trial_seconds
    async with open_texter(stage.site.servers, channel=stage.site.channels[LOUD], tries=1) as texter:

        async def call_again(first: int) -> None:
            nonlocal taken
            while time.monotonic() < ends:
                answer, _ = await texter.deliver(Delivery(operation=next(operations), due=0, first=first))
                taken += answer == 200

        await asyncio.gather(*(call_again(number % 2) for number in range(CALLERS)))
    return taken / plan.trial_seconds


async def start_flood(stage: Stage, *, rate: float, seconds: float, tag: str = "e") -> list[Exchange]:
    """Texts on the loud channel by another process; what became of them, in the run's history as well."""
    path = stage.folder / f"flood-{tag}.jsonl"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.flood", *(f"--server={server}" for server in stage.site.servers),
        f"--channel={stage.site.channels[LOUD]}", f"--rate={rate}", f"--seconds={seconds}", f"--history={path}",
        f"--tag={tag}",
    )  # fmt: skip
    if await process.wait():
        raise RuntimeError("the flood broke off")
    exchanges = History(path).read()
    for exchange in exchanges:
        stage.history.note(exchange)
    return exchanges


async def quiet_texts(stage: Stage, *, tag: str, seconds: float) -> list[Exchange]:
    """Texts on the quiet channel."""
    operations = islice(endless_operations(tag, senders=20, prefix="+1555800"), int(QUIET_RATE * seconds))
    channel = stage.site.channels[QUIET]
    async with open_texter(stage.site.servers, channel=channel, number=QUIET, tries=1) as texter:
        await blow(at_rate(list(operations), QUIET_RATE), texter.deliver, stage.history)
    return [one for one in stage.history.read() if one.key.startswith(f"SM{tag}")]


async def watch_queue(stage: Stage) -> None:
    """How long the quiet channel's oldest journaled text waits to be in its conversation."""
    channel = read_id("cha", stage.site.channels[QUIET])
    while True:
        [row] = await stage.site.rows(QUEUE_AGE, channel)
        stage.timed("P22", "quiet_queue_age_s", value=row["seconds"], limit=QUEUE_SECONDS)
        await asyncio.sleep(LOOK_SECONDS)


def judge_flood(stage: Stage, exchanges: Sequence[Exchange], *, grown: int) -> None:
    """What was too much was refused at once, with 503, and nothing else happened to it."""
    refused = [one for one in exchanges if not one.acknowledged]
    stage.least("P21", "flooded", value=len(exchanges), limit=100)
    stage.none_of("P21", refused_otherwise=sum(one.answer != 503 for one in refused))
    stage.timed("P21", "refusal_p99_ms", value=percentile([one.answered_ms for one in refused], 0.99), limit=REFUSAL_MS)
    stage.most("P21", "memory_grown_mib", value=grown / MEGABYTE, limit=MOST_GROWN_MIB)


def resident(stage: Stage) -> int:
    """The memory of the gateways together, in bytes."""
    return sum(
        psutil.Process(process.pid).memory_info().rss
        for name, process in stage.site.running.items()
        if name.startswith("serve")
    )


def p99(exchanges: Sequence[Exchange]) -> float:
    """Nearly the longest wait for an answer, in milliseconds, and no finer than the machine is even."""
    return max(FINEST_MS, percentile([one.latency_ms for one in exchanges], 0.99))


if __name__ == "__main__":
    main("G overload", run, seconds=SECONDS, SWITCHBOARD_JOURNAL_BATCH=BATCH, SWITCHBOARD_HOOK_CONCURRENCY=PLACES)
