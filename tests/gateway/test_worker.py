"""The worker: order kept a conversation, shares kept a channel, leases held, nothing lost when it stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from channels.contract import OutboundMessage, Sent
from channels.errors import Throttled
from gateway.worker import Worker
from inbox.kit.db import execute, fetch_value
from inbox.kit.ids import new_id
from inbox.kit.tracing import request_id, working_for
from inbox.outbox.actions import claim_jobs, enqueue_jobs
from inbox.outbox.jobs import DeliverMessage, NewJob
from inbox.outbox.queries import count_jobs, list_jobs
from tests.gateway.posts import NO_JOBS, Post, run_post
from tests.gateway.runtimes import connect
from tests.inbox.builders import apart, committed, connect_apart, one_row, receive, reply, text_message, until

LONG = 300.0
"""A poll so seldom that it is not what brings a test on."""


@asynccontextmanager
async def working(post: Post, *, stop_seconds: float = 30) -> AsyncIterator[Worker]:
    """A worker at work."""
    worker = Worker(post.runtime)
    running = apart(worker.run())
    try:
        yield worker
    finally:
        await worker.stop(seconds=stop_seconds)
        await running


async def all_done() -> bool:
    """Whether nothing waits, runs or is dead."""
    return await count_jobs() == NO_JOBS


async def conversations(post: Post, count: int) -> list[UUID]:
    """So many people who wrote to us."""
    return [await receive(post.lane, text_message(sender=f"+1212556{number:04}")) for number in range(count)]


def test_replies_leave_in_the_order_they_were_written(database_url: str, tmp_path: Path) -> None:
    """Each conversation's messages reach the provider in their order, also when some are put off by 429."""

    async def body(post: Post) -> None:
        threads = await conversations(post, 4)
        written: dict[str, list[str]] = {}
        calls = Counter[str]()

        async def answer(message: OutboundMessage) -> Sent:
            calls["all"] += 1
            if calls["all"] % 5 == 0:
                raise Throttled("slow down", after=0.05)
            return post.adapter.take(message)

        post.adapter.steps = [answer] * 200
        async with working(post):
            for number in range(6):
                for index, thread in enumerate(threads):
                    text = f"{index}.{number}"
                    await reply(thread, text)
                    written.setdefault(f"+1212556{index:04}", []).append(text)
            await until(all_done)
        left: dict[str, list[str]] = {}
        for message, text in zip(post.adapter.sent, post.adapter.texts, strict=True):
            left.setdefault(message.to.value, []).append(text)
        assert left == written
        assert calls["all"] > 24

    run_post(database_url, tmp_path, body, send_attempts=50)


def test_a_blocked_conversation_delays_no_other(database_url: str, tmp_path: Path) -> None:
    """While one conversation's message hangs at the provider, the next of it waits and all others go."""

    async def body(post: Post) -> None:
        blocked, *others = await conversations(post, 4)
        hanging = post.adapter.hang(taken=False)
        async with working(post):
            await reply(blocked, "first")
            await hanging.reached.wait()
            await reply(blocked, "second")
            for thread in others:
                await reply(thread, "other")
            await until(lambda: sent(post, 3))
            assert set(post.adapter.texts) == {"other"}
            hanging.go_on.set()
            await until(all_done)
        assert post.adapter.texts[3:] == ["first", "second"]

    async def sent(post: Post, count: int) -> bool:
        return len(post.adapter.sent) >= count

    run_post(database_url, tmp_path, body)


def test_a_throttled_channel_is_left_alone(database_url: str, tmp_path: Path) -> None:
    """After a 429 no conversation of that channel is tried before its provider said so, and then all are."""

    async def body(post: Post) -> None:
        threads = await conversations(post, 3)
        post.adapter.fail(Throttled("slow down", after=600))
        await reply(threads[0], "first")
        async with working(post):
            await until(lambda: throttled(post))
            for thread in threads[1:]:
                await reply(thread, "second")
            await asyncio.sleep(0.3)
            assert post.adapter.calls == 1
            await execute("UPDATE resting_lane SET until = until - interval '12 minutes'")
            await execute("UPDATE job SET available_at = available_at - interval '12 minutes'")
            await until(all_done)
        assert post.adapter.calls == 4

    async def throttled(post: Post) -> bool:
        return post.adapter.calls == 1 and (await count_jobs())["waiting"] == 1

    run_post(database_url, tmp_path, body, poll_seconds=0.1, send_retry_base_seconds=0.1)


def test_a_slow_channel_takes_only_its_share(database_url: str, tmp_path: Path) -> None:
    """However much waits for a channel that hangs, most of the worker is free for the others."""

    async def body(post: Post) -> None:
        threads = await conversations(post, 6)
        quick = await connect(post.runtime, "+12125550198")
        hangs = [post.adapter.hang(taken=False) for _ in range(6)]
        for thread in threads:
            await reply(thread, "slow")
        async with working(post):
            await asyncio.gather(*(one.reached.wait() for one in hangs[:2]))
            post.adapter.steps, waiting = [], post.adapter.steps
            for number in range(3):
                thread = await receive(quick, text_message(sender=f"+1212557{number:04}"))
                await reply(thread, "quick", channel_id=quick.route.channel_id)
            await until(lambda: texts(post, ["quick"] * 3))
            assert post.adapter.calls == 2 + 3
            post.adapter.steps = waiting
            for one in hangs:
                one.go_on.set()
            await until(all_done)
        assert Counter(post.adapter.texts) == {"slow": 6, "quick": 3}

    async def texts(post: Post, wanted: list[str]) -> bool:
        return post.adapter.texts == wanted

    run_post(database_url, tmp_path, body, worker_concurrency=8, worker_channel_share=0.25)


def test_a_long_job_keeps_its_lease(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is alive holds on to what takes longer than a lease; nobody takes it over."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        hanging = post.adapter.hang(taken=False)
        async with working(post) as worker:
            await hanging.reached.wait()
            for _ in range(3):
                await execute("UPDATE job SET lease_until = now() + interval '5 seconds'")
                await until(renewed)
                await worker.recover()
            hanging.go_on.set()
            await until(all_done)
        assert (post.adapter.calls, (await one_row("entry", entry_id))["delivery_state"]) == (1, "sent")

    async def renewed() -> bool:
        return bool(await fetch_value("SELECT lease_until > now() + interval '8 seconds' FROM job"))

    monkeypatch.setattr("gateway.worker.RENEWALS", 100)
    run_post(database_url, tmp_path, body, job_lease_seconds=10.0)


def test_a_dead_workers_jobs_are_taken_over(database_url: str, tmp_path: Path) -> None:
    """What a killed worker had claimed is recovered and done by the next."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        await post.claim()
        await execute("UPDATE job SET lease_until = now() - interval '1 second'")
        async with working(post) as worker:
            await worker.recover()
            await until(all_done)
        assert (await one_row("entry", entry_id))["delivery_state"] == "sent"

    run_post(database_url, tmp_path, body, poll_seconds=LONG)


def test_a_worker_is_woken_from_elsewhere(database_url: str, tmp_path: Path) -> None:
    """A job that another process commits is begun at once, not at the next poll."""

    async def body(post: Post) -> None:
        [thread] = await conversations(post, 1)
        other = await connect_apart(database_url)
        async with working(post):
            await until(listens)
            await reply(thread, "here")
            await until(all_done)
            payload = msgspec.json.encode(DeliverMessage(entry_id=new_id())).decode()
            sql = "INSERT INTO job (type, key, lane, payload) VALUES ('deliver_message', $1, $2, $3)"
            async with other.transaction():
                await other.execute(sql, str(thread), str(post.lane.route.channel_id), payload)
                await other.execute("SELECT pg_notify('switchboard_jobs', '')")
            await until(all_done)
        await other.close()

    async def listens() -> bool:
        watcher = await connect_apart(database_url)
        seen = await watcher.fetchval("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        await watcher.close()
        return bool(seen)

    run_post(database_url, tmp_path, body, poll_seconds=LONG)


def test_two_workers_share_and_double_nothing(database_url: str, tmp_path: Path) -> None:
    """Any number of workers may run: every message is sent once."""

    async def body(post: Post) -> None:
        threads = await conversations(post, 5)
        async with working(post), working(post):
            await asyncio.gather(*(apart(reply(thread, f"{n}")) for thread in threads for n in range(5)))
            await until(all_done)
        assert len(post.adapter.sent) == 25
        assert len({message.reference for message in post.adapter.sent}) == 25

    run_post(database_url, tmp_path, body)


def test_a_worker_outlives_a_database_that_is_away(database_url: str, tmp_path: Path) -> None:
    """A claim that fails, for whatever reason, is tried again; the worker does not end."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        await execute("ALTER TABLE job RENAME TO away")
        async with working(post):
            await asyncio.sleep(0.1)
            assert post.adapter.calls == 0
            await execute("ALTER TABLE away RENAME TO job")
            await until(all_done)
        assert (await one_row("entry", entry_id))["delivery_state"] == "sent"

    run_post(database_url, tmp_path, body)


def test_stopping_finishes_what_runs_and_claims_no_more(database_url: str, tmp_path: Path) -> None:
    """A worker told to stop ends the call at hand and its record; what it has not begun stays for another."""

    async def body(post: Post) -> None:
        first, second = await conversations(post, 2)
        hanging = post.adapter.hang(taken=False)
        async with working(post) as worker:
            await reply(first, "running")
            await hanging.reached.wait()
            stopping = apart(worker.stop(seconds=30))
            await asyncio.sleep(0)
            await reply(second, "waiting")
            hanging.go_on.set()
            await stopping
        assert post.adapter.texts == ["running"]
        assert await count_jobs() == {"waiting": 1, "running": 0, "dead": 0}

    run_post(database_url, tmp_path, body)


def test_a_claim_that_comes_back_after_the_stop_is_given_back(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a worker was just claiming when it was told to stop waits for another at once, untried."""
    claiming, go_on = asyncio.Event(), asyncio.Event()

    async def slow_claim(**fields: Any) -> Any:
        claimed = await claim_jobs(**fields)
        claiming.set()
        await go_on.wait()
        return claimed

    async def body(post: Post) -> None:
        await post.write()
        monkeypatch.setattr("gateway.worker.claim_jobs", slow_claim)
        async with working(post) as worker:
            await claiming.wait()
            await worker.stop(seconds=1)
            go_on.set()
        [job] = await list_jobs()
        assert (post.adapter.calls, job["state"], job["attempts"]) == (0, 0, 0)

    run_post(database_url, tmp_path, body)


def test_what_does_not_end_in_time_is_left_to_its_lease(database_url: str, tmp_path: Path) -> None:
    """A call that hangs beyond the stop is dropped; its job is taken over and its outcome said to be unknown."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        hanging = post.adapter.hang(taken=True)
        async with working(post, stop_seconds=0.05):
            await hanging.reached.wait()
        assert await count_jobs() == {"waiting": 0, "running": 1, "dead": 0}
        await post.take_over()
        async with working(post):
            await until(all_done)
        assert (post.adapter.calls, (await one_row("entry", entry_id))["delivery_state"]) == (1, "unknown")

    run_post(database_url, tmp_path, body)


def test_a_job_that_always_breaks_is_dead_and_said_aloud(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of ours is tried as often as anything else; then the job is dead, with its error, and its key goes on."""

    async def break_down(entry_ids: list[UUID]) -> None:
        raise ValueError("a bug of ours")

    async def body(post: Post) -> None:
        await post.write()
        async with working(post):
            await until(dead)
        [job] = await list_jobs(state="dead")
        assert (job["error"], job["attempts"]) == ("ValueError: a bug of ours", 2)

    async def dead() -> bool:
        return (await count_jobs())["dead"] == 1

    monkeypatch.setattr("gateway.handover.next_pieces", break_down)
    run_post(database_url, tmp_path, body, send_attempts=2)


def test_a_job_works_in_the_name_of_its_request(database_url: str, tmp_path: Path) -> None:
    """What a job does carries the id of the request that asked for it."""

    async def body(post: Post) -> None:
        seen: list[str | None] = []

        async def look(message: OutboundMessage) -> Sent:
            seen.append(request_id())
            return post.adapter.take(message)

        post.adapter.steps.append(look)
        with working_for("req-9"):
            await post.write()
        async with working(post):
            await until(all_done)
        assert seen == ["req-9"]

    run_post(database_url, tmp_path, body)


def test_a_job_about_nothing_is_done(database_url: str, tmp_path: Path) -> None:
    """A message that is gone, or whose pieces are all with the provider, needs nothing more."""

    async def body(post: Post) -> None:
        job = NewJob(job=DeliverMessage(entry_id=new_id()), key=str(new_id()), lane=str(post.lane.route.channel_id))
        await committed(enqueue_jobs([job]))
        async with working(post):
            await until(all_done)
        assert post.adapter.calls == 0

    run_post(database_url, tmp_path, body)
