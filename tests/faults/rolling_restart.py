"""Run F: gateways restarted one by one behind a balancer, live clients cut off, and migrations, all under load.

`python -m tests.faults.rolling_restart [--short] [--seed N]` ends within 60 s with one JSON line. Promises 19, 20, 23
and 24 of reliability: a deployment refuses nobody, a live client misses nothing and hears nothing twice, and migrations
stop nobody, killed in the middle or not. A migration is undone and run again under the running code, since the code of
the release before is not at hand; the last gateways and the last worker have wrong clocks, which are stepped as well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import aiohttp
import msgspec

from inbox.feed.events import show_cursor
from tests.faults.balancer import Balancer, open_balancer
from tests.faults.checker import Verdict, check, judge_sends, settle_sends
from tests.faults.desk import Desk, begin_conversations, open_desk
from tests.faults.followers import Follower, SocketFollower, cut_at_random
from tests.faults.load import blow_until, during, endless_operations
from tests.faults.migrating import change_schema
from tests.faults.run import Stage, main
from tests.faults.texts import Texter, open_texter
from tests.faults.waiting import wait_for

SECONDS = 60.0
SENDERS = 50
SLOTS = 6
"""Ports the gateways move over: the next two start while those before still drain."""
DRAIN_SECONDS = "2"
STOP_SECONDS = 15.0
CATCH_UP_SECONDS = 15.0
ANSWER_RATE = 20.0
AHEAD_SECONDS, BEHIND_SECONDS, BACK_SECONDS = 600.0, -600.0, -3600.0
"""By how much clocks are wrong, and where they are stepped to while everybody works."""
CLOCKS = (*(f"serve{number}" for number in range(SLOTS)), "work0")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Rates a second, times in seconds. A rolling restart is one of both gateways."""

    rate: float
    restarts: int
    followers: int
    cuts: int
    crowd: int
    crowd_rate: float
    crowd_seconds: float
    crowd_cuts: int
    migration_rate: float
    answer_seconds: float


WHOLE = Plan(
    rate=100, restarts=5, followers=8, cuts=50, crowd=200, crowd_rate=8, crowd_seconds=4, crowd_cuts=200,
    migration_rate=50, answer_seconds=4,
)  # fmt: skip
SHORT = Plan(
    rate=40, restarts=1, followers=5, cuts=10, crowd=20, crowd_rate=10, crowd_seconds=1.5, crowd_cuts=20,
    migration_rate=30, answer_seconds=1,
)  # fmt: skip


async def run(stage: Stage) -> Verdict:
    """Restart, cut, migrate, check."""
    plan, site = SHORT if stage.short else WHOLE, stage.site
    await site.open(apart=True)
    stage.clock.lap("open")
    threads = await begin_conversations(site, 0, amount=10)
    async with open_balancer() as balancer, open_desk(site) as desk:
        balancer.ports = site.ports[:2]
        await wait_for(balancer.all_ready, seconds=CATCH_UP_SECONDS)
        site.servers = [balancer.url]
        async with open_texter(site.servers, channel=site.channel, tries=1) as texter:
            await restart_all(stage, plan, balancer, texter=texter)
            stage.clock.lap("restarted")
            await cut_crowd(stage, plan, texter)
            stage.clock.lap("cut")
            # Code that is newer than its tables is not ready for all, and says so; texts it takes all the same.
            balancer.probe = "/health/ready/inbound"
            await migrate_under_load(stage, plan, texter, desk=desk, threads=threads)
            stage.clock.lap("migrated")
        verdict = await check(site, stage.history.read())
        await judge_clocks(stage, desk, verdict)
    stage.none_of("P19", lost=verdict.lost, doubled=verdict.doubled)
    return verdict


async def restart_all(stage: Stage, plan: Plan, balancer: Balancer, *, texter: Texter) -> None:
    """One gateway after the other is replaced, while texts come and live clients are cut off now and then."""
    done = asyncio.Event()

    async def roll() -> None:
        retiring: list[asyncio.Task[None]] = []
        for turn in range(plan.restarts):
            clocks = (None, None) if turn < plan.restarts - 1 else (AHEAD_SECONDS, BEHIND_SECONDS)
            await asyncio.gather(*retiring[:-2])  # their ports are free again
            retiring += await replace_pair(stage, balancer, first=2 * turn, clocks=clocks)
        await asyncio.gather(*retiring)
        done.set()

    async with open_followers(stage, amount=plan.followers) as followers:
        cutting = asyncio.create_task(cut_until(done, stage, followers, cuts=plan.cuts))
        await during(text_until(done, stage, texter, tag="a", rate=plan.rate), roll())
        await cutting
        await judge_followers(stage, followers)
    judge_answers(stage, "P19", tag="a")


async def replace_pair(
    stage: Stage, balancer: Balancer, *, first: int, clocks: Sequence[float | None]
) -> list[asyncio.Task[None]]:
    """Start the next two, wait until the balancer takes them, and begin to stop the two before."""
    site = stage.site
    for number, clock in enumerate(clocks):
        slot = (first + 2 + number) % SLOTS
        if clock is None:
            site.start(f"serve{slot}")
        else:
            start_with_clock(stage, f"serve{slot}", seconds=clock)
        balancer.ports.append(site.ports[slot])
    await wait_for(balancer.all_ready, seconds=CATCH_UP_SECONDS)
    stage.clock.lap("two more are ready")
    return [asyncio.create_task(retire(stage, balancer, (first + number) % SLOTS)) for number in range(len(clocks))]


async def retire(stage: Stage, balancer: Balancer, number: int) -> None:
    """SIGTERM, and how it ended; the balancer finds out by itself."""
    began = time.monotonic()
    status = await asyncio.to_thread(stage.site.stop, f"serve{number}")
    stage.none_of("P19", exit_status=abs(status))
    stage.timed("P19", "exit_s", value=time.monotonic() - began, limit=STOP_SECONDS)
    balancer.ports.remove(stage.site.ports[number])


async def cut_crowd(stage: Stage, plan: Plan, texter: Texter) -> None:
    """Very many live clients, each cut off again and again."""
    done = asyncio.Event()

    async def cut() -> None:
        await cut_at_random(crowd, seconds=plan.crowd_seconds, cuts=plan.crowd_cuts, dice=stage.dice)
        done.set()

    async with open_followers(stage, amount=plan.crowd) as crowd:
        await during(text_until(done, stage, texter, tag="b", rate=plan.crowd_rate), cut())
        await judge_followers(stage, crowd)


async def migrate_under_load(stage: Stage, plan: Plan, texter: Texter, *, desk: Desk, threads: list[str]) -> None:
    """The tables change while texts come."""
    done = asyncio.Event()

    async def migrate() -> None:
        await asyncio.gather(change_schema(stage), answer_by_wrong_clocks(stage, plan, desk, threads))
        done.set()

    await during(text_until(done, stage, texter, tag="c", rate=plan.migration_rate), migrate())
    judge_answers(stage, "P24", tag="c")


async def answer_by_wrong_clocks(stage: Stage, plan: Plan, desk: Desk, threads: list[str]) -> None:
    """Answers, some refused for now, by a worker whose clock is stepped back in the middle, as a gateway's is."""
    site = stage.site
    await asyncio.to_thread(site.stop, "work0")
    start_with_clock(stage, "work0", seconds=AHEAD_SECONDS)
    await site.provider_faults(throttled=0.05, broken=0.05, retry_after=1)
    half = plan.answer_seconds / 2
    await desk.answer_at_rate(threads, rate=ANSWER_RATE, seconds=half)
    for name in CLOCKS:
        set_clock(stage, name, seconds=BACK_SECONDS)
    await desk.answer_at_rate(threads, rate=ANSWER_RATE, seconds=half)
    await site.provider_faults()


async def judge_clocks(stage: Stage, desk: Desk, verdict: Verdict) -> Verdict:
    """Nothing lost, doubled, out of order or forgotten, in either direction."""
    sends = await settle_sends(stage.site)
    bodies = [(one["to"], one["body"]) for one in await stage.site.ledger()]
    sent = judge_sends(desk.accepted, sends, bodies)
    stage.least("P23", "sends", value=sent.acknowledged, limit=10)
    for one in (verdict, sent):
        stage.none_of("P23", lost=one.lost, doubled=one.doubled, out_of_order=one.out_of_order, stranded=one.stranded)
    return sent


def start_with_clock(stage: Stage, name: str, *, seconds: float) -> None:
    """Start a process whose clock is off by so much."""
    set_clock(stage, name, seconds=seconds)
    stage.site.start(name, module="tests.faults.wrong_clock", FAULTS_CLOCK=str(stage.folder / f"{name}.clock"))


def set_clock(stage: Stage, name: str, *, seconds: float) -> None:
    """Step the clock of a process."""
    path = stage.folder / f"{name}.clock"
    path.with_suffix(".new").write_text(str(seconds))
    path.with_suffix(".new").rename(path)


async def text_until(done: asyncio.Event, stage: Stage, texter: Texter, *, tag: str, rate: float) -> None:
    """Texts at a fixed rate until something is done; their keys carry the tag."""
    operations = endless_operations(tag, senders=SENDERS, prefix="+1555600")
    await blow_until(done, operations, texter.deliver, rate=rate, history=stage.history)


async def cut_until(done: asyncio.Event, stage: Stage, followers: list[Follower], *, cuts: int) -> None:
    """Cut a random client now and then until it is done, and at least so often."""
    made = 0
    while made < cuts or not done.is_set():
        await asyncio.sleep(0.0 if done.is_set() else stage.dice.uniform(0, 1))
        stage.dice.choice(followers).cut()
        made += 1


@asynccontextmanager
async def open_followers(stage: Stage, *, amount: int) -> AsyncIterator[list[Follower]]:
    """So many live clients, all connected, every second one by WebSocket."""
    url, key = stage.site.servers[0], stage.site.key
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        kinds: tuple[type[Follower], ...] = (Follower, SocketFollower)
        followers = [kinds[number % 2](session, url, key=key) for number in range(amount)]
        tasks = [asyncio.create_task(one.follow()) for one in followers]
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await asyncio.gather(*(one.connected.wait() for one in followers))
            yield followers
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def judge_followers(stage: Stage, followers: Sequence[Follower]) -> None:
    """Each was told of everything since it came, once and in order."""
    await asyncio.sleep(1)  # what was just acknowledged is still to be projected and told
    rows = await stage.site.rows("SELECT cursor FROM feed_event WHERE cursor IS NOT NULL ORDER BY cursor")
    cursors = [show_cursor(row["cursor"]) for row in rows]
    with suppress(TimeoutError):
        await wait_for(lambda: _caught_up(followers, cursors[-1]), seconds=CATCH_UP_SECONDS)
    expected = {one: [cursor for cursor in cursors if cursor > one.began] for one in followers}
    stage.none_of(
        "P20",
        gaps=sum(len(set(expected[one]) - set(one.cursors)) for one in followers),
        repeats=sum(len(one.cursors) - len(set(one.cursors)) for one in followers),
        out_of_order=sum(one.cursors != sorted(one.cursors) for one in followers),
        resets=sum(one.resets for one in followers),
    )
    stage.least("P20", f"cuts_of_{len(followers)}", value=sum(one.cuts for one in followers), limit=len(followers) / 2)
    stage.least("P20", "events_told", value=sum(len(one.cursors) for one in followers), limit=len(followers))


async def _caught_up(followers: Sequence[Follower], cursor: str) -> bool:
    return all(one.last == cursor for one in followers)


def judge_answers(stage: Stage, promise: str, *, tag: str) -> None:
    """Nobody was refused, cut off or told of an error."""
    exchanges = [one for one in stage.history.read() if one.key.startswith(f"SM{tag}")]
    stage.least(promise, "sent", value=len(exchanges), limit=10)
    stage.none_of(
        promise,
        refused=sum(one.answer is None for one in exchanges),
        errors=sum(one.answer is not None and not one.acknowledged for one in exchanges),
    )


if __name__ == "__main__":
    main("F rolling restart", run, seconds=SECONDS, SWITCHBOARD_DRAIN_SECONDS=DRAIN_SECONDS)
