"""Run A: a storm of inbound texts while gateways, workers, Postgres and Redis are killed, frozen and starved.

`python -m tests.faults.inbound_storm [--short] [--seed N]` ends within 120 s with one JSON line. Promises 1, 2, 6, 9,
11 and 12 of reliability: nothing acknowledged is lost or doubled, conversations keep their order, Redis is not needed.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import aiohttp
import msgspec

from tests.faults.checker import SPREAD, Verdict, check
from tests.faults.followers import Follower
from tests.faults.history import Exchange, acknowledge_rate, between, percentile
from tests.faults.load import Delivery, Operation, at_rate, blow, during, make_operations, repeated, shuffled
from tests.faults.proxy import BLACKHOLE
from tests.faults.run import Stage, main
from tests.faults.texts import Texter, open_texter
from tests.faults.waiting import wait_for, wait_until

SECONDS = 120.0
RATE = 100.0
SHUFFLED_SECONDS = 2.0
LATE = 0.05
COPIES = 5
OTHER_CHANNEL = 5
"""Keys that come once more on a second channel, where they are other messages."""
GAP_SECONDS = 3.0
"""Between two kills of gateways, so that one of the two is up: with both away nobody can answer."""


class Plan(msgspec.Struct, frozen=True):
    """When what happens, in seconds from the beginning of the load. `kills` of gateways, and as many of workers."""

    seconds: float
    senders: int
    late_by: float
    repeated_within: float
    again_after: float
    redis_dead: tuple[float, float]
    redis_mute: tuple[float, float]
    redis_full: tuple[float, float]
    postgres_killed: tuple[float, ...]
    postgres_frozen: tuple[float, float]
    kills: int


WHOLE = Plan(
    seconds=80, senders=50, late_by=30, repeated_within=20, again_after=60,
    redis_dead=(1, 21), redis_mute=(22, 42), redis_full=(45, 50),
    postgres_killed=(52, 68), postgres_frozen=(58, 63), kills=5,
)  # fmt: skip
SHORT = Plan(
    seconds=8, senders=20, late_by=2, repeated_within=4, again_after=3,
    redis_dead=(0.3, 1.5), redis_mute=(1.7, 2.9), redis_full=(3.3, 4.3),
    postgres_killed=(4.6,), postgres_frozen=(6.5, 7.2), kills=1,
)  # fmt: skip


class Seen(msgspec.Struct):
    """What was noticed while it happened. Moments are Unix time."""

    accepting_again: list[float] = []
    spool_seconds: list[float] = []
    degraded: bool = False


async def run(stage: Stage) -> Verdict:
    """Blow, break, check."""
    plan, site, seen = SHORT if stage.short else WHOLE, stage.site, Seen()
    await site.open(channels=2, apart=True)
    async with open_texter(site.servers, channel=site.channel) as texter, aiohttp.ClientSession() as session:
        followers = [Follower(session, server, key=site.key, timed=True) for server in site.servers]
        following = [asyncio.create_task(follower.follow()) for follower in followers]
        began_at = time.time()
        await during(
            blow(plan_deliveries(plan, stage), texter.deliver, stage.history),
            break_redis(stage, plan, seen),
            break_postgres(stage, plan, seen),
            kill_again(stage, plan, "serve"),
            kill_again(stage, plan, "work"),
        )
        verdict = await check(site, stage.history.read(), seconds=SECONDS if stage.short else 25)
        for task in following:
            task.cancel()
        await judge_others(stage, plan, seen)
        await judge_redis(stage, plan, followers, began_at=began_at)
        await repeat_elsewhere(stage, texter.session)
    stage.none_of("P1", lost=verdict.lost, unprocessed=verdict.stranded)
    stage.none_of("P2", lost=verdict.lost, doubled=verdict.doubled)
    stage.none_of("P6", doubled=verdict.doubled)
    stage.none_of("P9", out_of_order=verdict.out_of_order)
    return verdict


def plan_deliveries(plan: Plan, stage: Stage) -> list[Delivery]:
    """Numbered texts at a fixed rate, out of order as networks are, one in ten told again and again."""
    plain = at_rate(make_operations(senders=plan.senders, amount=int(RATE * plan.seconds)), RATE)
    early = [one for one in plain if one.due < plan.repeated_within]
    middle = [one for one in plain if plan.repeated_within <= one.due < plan.seconds - plan.late_by]
    rest = [one for one in plain if one.due >= plan.seconds - plan.late_by]
    one_in_ten, dice = 0.1 * len(plain) / len(early), stage.dice
    late = LATE * len(plain) / len(middle)
    # The copies of one text keep their moment: they are to meet.
    return [
        *repeated(early, share=one_in_ten, copies=COPIES, again_after=plan.again_after, dice=dice),
        *shuffled(middle, within=SHUFFLED_SECONDS, late=late, late_by=plan.late_by, dice=dice),
        *shuffled(rest, within=SHUFFLED_SECONDS, late=0, late_by=0, dice=dice),
    ]


async def break_redis(stage: Stage, plan: Plan, seen: Seen) -> None:
    """Dead, mute, empty after a restart, and so full that it refuses what is larger than a word."""
    redis, line = stage.site.redis, stage.site.proxies["redis"]
    if redis is None:
        raise RuntimeError("Redis is not the run's own")
    began = time.monotonic()
    await wait_until(began + plan.redis_dead[0])
    redis.kill()
    await wait_until(began + plan.redis_dead[1])
    await redis.open()
    await wait_until(began + plan.redis_mute[0])
    async with line.behaving(BLACKHOLE):
        await wait_until(began + plan.redis_mute[1])
    await redis.restart_empty()
    await wait_until(began + plan.redis_full[0])
    await redis.fill_up()
    await wait_until(began + plan.redis_full[1] - 0.5)
    seen.degraded = await says_degraded(stage)
    await wait_until(began + plan.redis_full[1])
    await redis.empty()


async def break_postgres(stage: Stage, plan: Plan, seen: Seen) -> None:
    """The postmaster killed, and all of it frozen."""
    postgres = stage.site.postgres
    if postgres is None:
        raise RuntimeError("Postgres is not the run's own")
    began = time.monotonic()
    moments = [*((moment, "kill") for moment in plan.postgres_killed), (plan.postgres_frozen[0], "freeze")]
    for moment, what in sorted(moments):
        await wait_until(began + moment)
        if what == "kill":
            postgres.kill()
            await asyncio.sleep(0.1)
            await postgres.until_accepting()
        else:
            await postgres.freeze(plan.postgres_frozen[1] - plan.postgres_frozen[0])
        seen.accepting_again.append(time.time())
        seen.spool_seconds.append(await spool_drained(stage))


async def spool_drained(stage: Stage) -> float:
    """How long until nothing waits in the spool any more."""
    began = time.monotonic()
    await asyncio.sleep(0.2)
    await wait_for(stage.site.spool_empty, seconds=SECONDS)
    return time.monotonic() - began


async def kill_again(stage: Stage, plan: Plan, kind: str) -> None:
    """SIGKILL one of them at random moments, and start it again."""
    began, turn = time.monotonic(), plan.seconds / plan.kills
    for number in range(plan.kills):
        await wait_until(began + number * turn + stage.dice.uniform(0.5, max(0.6, turn - GAP_SECONDS)))
        name = f"{kind}{number % 2 if kind == 'serve' else 0}"
        stage.site.kill(name)
        await asyncio.sleep(0.2)
        stage.site.start(name)


async def says_degraded(stage: Stage) -> bool:
    """Whether a gateway that is up serves, and says that not all of it is well."""
    async with aiohttp.ClientSession() as session:
        for server in stage.site.servers:
            with suppress(aiohttp.ClientError, OSError):
                async with session.get(f"{server}/health/ready") as answer:
                    return answer.status == 200 and (await answer.json())["state"] == "degraded"
    return False


async def judge_redis(stage: Stage, plan: Plan, followers: list[Follower], *, began_at: float) -> None:
    """While Redis was away or full: what was taken, how fast, and how late the live streams were."""
    history = stage.history.read()
    for promise, windows in {"P11": (plan.redis_dead, plan.redis_mute), "P12": (plan.redis_full,)}.items():
        exchanges = [one for window in windows for one in between(history, *window)]
        delays = [
            delay for follower in followers for at, delay in follower.delays
            if any(first <= at - began_at < last for first, last in windows)
        ]  # fmt: skip
        stage.least(promise, "acknowledge_rate", value=acknowledge_rate(exchanges), limit=0.999)
        latency = percentile([one.latency_ms for one in exchanges], 0.99)
        stage.timed(promise, "acknowledge_p99_ms", value=latency, limit=500)
        stage.least(promise, "live_events", value=len(delays), limit=1)
        stage.timed(promise, "live_delay_s", value=max(delays, default=0.0), limit=5)


async def judge_others(stage: Stage, plan: Plan, seen: Seen) -> None:
    """What the first contacts became, how soon all was well after Postgres, and what readiness said of a full Redis."""
    [spread] = await stage.site.rows(SPREAD)
    stage.none_of(
        "P9",
        contacts_too_many=spread["contacts"] - plan.senders,
        conversations_too_many=spread["conversations"] - plan.senders,
        repeated_cursors=spread["repeated_cursors"],
        feed_out_of_order=spread["feed_out_of_order"],
        api_out_of_order=await read_back(stage),
    )
    history = stage.history.read()
    waits = [wait for moment in seen.accepting_again for wait in wait_for_answer(history, moment)]
    stage.timed("P2", "first_200_s", value=max(waits), limit=10)
    stage.timed("P2", "spool_drained_s", value=max(seen.spool_seconds), limit=30)
    stage.least("P12", "readiness_degraded", value=float(seen.degraded), limit=1)


def wait_for_answer(history: list[Exchange], moment: float) -> list[float]:
    """How long after a moment (Unix time) the first acknowledgement came; nothing where nobody asked any more."""
    after = [one.sent_at + one.latency_ms / 1000 - moment for one in history if one.acknowledged]
    return [min(seconds for seconds in after if seconds >= 0)] if max(after, default=-1) >= 0 else []


async def read_back(stage: Stage) -> int:
    """How often the API tells a timeline in another order than that of `seq`, or twice differently."""
    site = stage.site
    wrong = 0
    listed = (await site.ask("GET", "/v1/conversations", params={"limit": 5})).json()["data"]
    for conversation in listed:
        path = f"/v1/conversations/{conversation['id']}/entries"
        reads = [(await site.ask("GET", path, params={"limit": 100})).json()["data"] for _ in range(2)]
        seqs = [[entry["seq"] for entry in read] for read in reads]
        wrong += seqs[0] != seqs[1] or seqs[0] not in (sorted(seqs[0]), sorted(seqs[0], reverse=True))
    return wrong


async def repeat_elsewhere(stage: Stage, session: aiohttp.ClientSession) -> None:
    """The same keys on another channel are other messages."""
    site = stage.site
    [before] = await site.rows("SELECT count(*) AS n FROM entry WHERE type = 'message'")
    other = Texter(session, site.servers, channel=site.channels[1], number=1)
    for number in range(OTHER_CHANNEL):
        operation = Operation(key=f"SM{number:032x}", conversation=f"+1555400{number:04d}", sequence=number)
        await other.deliver(Delivery(operation=operation, due=0))
    deadline = time.monotonic() + 10
    missing = OTHER_CHANNEL
    while missing and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        [after] = await site.rows("SELECT count(*) AS n FROM entry WHERE type = 'message'")
        missing = OTHER_CHANNEL - (after["n"] - before["n"])
    stage.none_of("P6", missing_on_another_channel=missing)


if __name__ == "__main__":
    main("A inbound storm", run, seconds=SECONDS)
