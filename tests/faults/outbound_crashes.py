"""Run B: a thousand answers while the worker is killed at each point of a send and providers drop, refuse and hang.

`python -m tests.faults.outbound_crashes [--short] [--seed N]` ends within 90 s with one JSON line. Promises 7, 8, 10,
15 and 16 of reliability: nothing reaches a customer twice because of us, nothing accepted disappears, conversations
leave in their order, a hanging provider slows no other, and Retry-After is obeyed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from tests.faults.checker import Verdict, judge_sends, settle_sends
from tests.faults.crash_points import CRASH_POINTS
from tests.faults.desk import Desk, begin_conversations, open_desk
from tests.faults.run import Stage, main
from tests.faults.slow_providers import Hang, cap_retry_after, hang_one, mix, obey_retry_after

SECONDS = 90.0
CHANNELS = 4
DEAD, THROTTLED = 2, 3
"""The channel whose provider hangs, and the one that is told to wait; the first is the one that crashes."""
EACH_POINT = 2
"""Conversations at each crash point."""
ARRIVED = frozenset({"sent", "delivered", "read"})


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes, and times in seconds; `chaos_rate` is in sends a second over all channels."""

    conversations: int
    crash_points: Sequence[str]
    chaos_rate: float
    chaos_seconds: float
    kills: int
    hang: Hang
    retry_after: int
    sends: int


WHOLE = Plan(
    conversations=18, crash_points=tuple(CRASH_POINTS), chaos_rate=55, chaos_seconds=6, kills=2,
    hang=Hang(dead=DEAD, rate=18, quiet_seconds=6, hang_seconds=30), retry_after=3, sends=1000,
)  # fmt: skip
SHORT = Plan(
    conversations=8, crash_points=("during_call", "before_commit"), chaos_rate=30, chaos_seconds=1.5, kills=0,
    hang=Hang(dead=DEAD, rate=17, quiet_seconds=1, hang_seconds=2.5), retry_after=2, sends=100,
)  # fmt: skip


async def run(stage: Stage) -> Verdict:
    """Crash, shake, hang, throttle, check."""
    plan, site = SHORT if stage.short else WHOLE, stage.site
    await site.open(channels=CHANNELS, apart=True)
    async with open_desk(site) as desk:
        threads = await asyncio.gather(
            *(begin_conversations(site, channel, amount=plan.conversations) for channel in range(CHANNELS))
        )
        crashing, threads[0] = split(threads[0], EACH_POINT * len(plan.crash_points))
        stage.clock.lap("begun")
        await crash_everywhere(stage, desk, plan, crashing)
        stage.clock.lap("crashed")
        site.start("work1")
        await shake(stage, desk, plan, threads[:THROTTLED])
        stage.clock.lap("shaken")
        await hang_one(stage, desk, threads[:THROTTLED], hang=plan.hang)
        stage.clock.lap("hung")
        for dates in (False,) if stage.short else (False, True):
            few = threads[THROTTLED][:6]
            await obey_retry_after(stage, desk, few, channel=THROTTLED, seconds=plan.retry_after, dates=dates)
            stage.clock.lap("throttled")
        sends = await settle_sends(site)
        ledger = await site.ledger()
        verdict = judge_sends(desk.accepted, sends, [(one["to"], one["body"]) for one in ledger])
        stage.clock.lap("settled")
        await cap_retry_after(stage, desk, threads[THROTTLED][0], channel=THROTTLED)
    stage.none_of("P7", sent_twice=verdict.doubled)
    stage.least("P7", "sends", value=verdict.acknowledged, limit=plan.sends)
    stage.none_of("P8", lost=verdict.lost, stranded=verdict.stranded, claimed_but_not_sent=missing(sends, ledger))
    stage.none_of("P10", out_of_order=verdict.out_of_order)
    return verdict


async def crash_everywhere(stage: Stage, desk: Desk, plan: Plan, threads: Sequence[str]) -> None:
    """Kill the only worker at each point, with sends of other conversations each time."""
    for number, name in enumerate(plan.crash_points):
        await CRASH_POINTS[name](stage.site, desk, threads[number * EACH_POINT : (number + 1) * EACH_POINT])
    stage.least("P7", "crash_points", value=len(plan.crash_points), limit=len(plan.crash_points))


async def shake(stage: Stage, desk: Desk, plan: Plan, threads: Sequence[Sequence[str]]) -> None:
    """5 % of the answers dropped after acceptance, some 500 and 429, and workers killed at random."""
    await stage.site.provider_faults(dropped=0.05, broken=0.03, throttled=0.02, retry_after=1)
    sending = asyncio.create_task(desk.answer_at_rate(mix(threads), rate=plan.chaos_rate, seconds=plan.chaos_seconds))
    for number in range(plan.kills):
        await asyncio.sleep(stage.dice.uniform(0.5, plan.chaos_seconds / plan.kills))
        stage.site.kill(f"work{number % 2}")
        stage.site.start(f"work{number % 2}")
    await sending
    await stage.site.provider_faults()


def split(threads: list[str], at: int) -> tuple[list[str], list[str]]:
    """Those that crash, and those that go on."""
    return threads[:at], threads[at:]


def missing(sends: Sequence[Any], ledger: Sequence[Any]) -> int:
    """How many messages we call sent that the provider never took."""
    return max(0, sum(row["state"] in ARRIVED for row in sends) - len(ledger))


if __name__ == "__main__":
    main("B outbound crashes", run, seconds=SECONDS)
