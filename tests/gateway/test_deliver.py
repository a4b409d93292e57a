"""Delivering: whatever dies in whichever moment, nobody gets a message twice and no message disappears."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from channels.contract import OutboundMessage, Sent
from channels.errors import (
    Misconfigured,
    OptedOut,
    OutcomeUnknown,
    Rejected,
    SendFailed,
    Throttled,
    Unreachable,
    WindowClosed,
)
from gateway.jobs import run_job
from gateway.runtime import Runtime
from gateway.worker import settle
from inbox.accounts.actions import ChannelChange, disconnect_channel, update_channel
from inbox.conversations.actions.deliveries import PieceReport, apply_reports, end_attempt, open_attempt
from inbox.conversations.actions.reply import retry_message
from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.intake.batch import Lane
from inbox.kit.db import Row, execute, fetch, tx
from inbox.kit.ids import read_id
from inbox.outbox.actions import claim_jobs, recover_leases
from inbox.outbox.jobs import Backoff, ClaimedJob
from inbox.outbox.queries import count_jobs
from tests.gateway.runtimes import ScriptedAdapter, connect, open_test_runtime
from tests.inbox.builders import (
    AGENT,
    NOW,
    apart,
    arrived,
    committed,
    consent_change,
    count_rows,
    delivery_report,
    one_row,
    project,
    receive,
    refused,
    reply,
    rows_of,
    text_message,
    until,
)

BACKOFF = Backoff(base_seconds=2, max_seconds=900, attempts=3)
NO_JOBS = {"waiting": 0, "running": 0, "dead": 0}


class Post:
    """A channel, its provider, and a worker's steps one by one."""

    def __init__(self, runtime: Runtime, lane: Lane, adapter: ScriptedAdapter) -> None:
        self.runtime = runtime
        self.lane = lane
        self.adapter = adapter

    async def write(self, text: str = "hello") -> UUID:
        """A queued message."""
        return await reply(await receive(self.lane, text_message()), text)

    async def claim(self) -> ClaimedJob:
        """The next job, whenever it is due."""
        await execute("UPDATE job SET available_at = now()")
        [claimed] = await claim_jobs(limit=1, lease_seconds=30)
        return claimed

    async def work(self) -> None:
        """Run the next job to its end."""
        claimed = await self.claim()
        await settle(claimed, run_job(self.runtime, claimed), backoff=BACKOFF, random=Random(1))

    async def die_in(self, moment: asyncio.Event) -> None:
        """A worker that is killed when this moment has come; then its lease ends."""
        working = apart(self.work())
        async with asyncio.timeout(5):
            await moment.wait()
        working.cancel()
        await asyncio.wait([working])
        await self.take_over()

    async def take_over(self) -> None:
        """The lease of whoever has the job ends."""
        await execute("UPDATE job SET lease_until = now() - interval '1 second'")
        await recover_leases(attempts=99)


def run_post(url: str, folder: Path, body: Callable[[Post], Awaitable[None]], **settings: Any) -> None:
    """A test's body with a channel to send by."""

    async def opened() -> None:
        adapter = ScriptedAdapter()
        async with open_test_runtime(url, folder, adapter=adapter, **settings) as runtime:
            await body(Post(runtime, await connect(runtime), adapter))

    asyncio.run(opened())


async def state_of(entry_id: UUID) -> str:
    """How far a message is."""
    return str((await one_row("entry", entry_id))["delivery_state"])


async def attempts() -> list[str]:
    """How each try ended."""
    return [row["outcome"] for row in await rows_of("delivery_attempt") if row["kind"] == "send"]


def test_a_message_is_handed_over_and_recorded(database_url: str, tmp_path: Path) -> None:
    """The provider gets words, address and our reference; we keep its id, the try, and no job."""

    async def body(post: Post) -> None:
        entry_id = await post.write("hello")
        await post.work()
        [message], [delivery] = post.adapter.sent, await rows_of("delivery")
        assert (message.to.kind, message.to.value, post.adapter.texts) == ("phone", "+12125550100", ["hello"])
        assert read_id("msg", message.reference) == delivery["id"]
        assert (delivery["provider_message_id"], delivery["state"], delivery["attempts"]) == ("SM1", "sent", 1)
        assert (await state_of(entry_id), await attempts()) == ("sent", ["sent"])
        assert await count_jobs() == NO_JOBS

    run_post(database_url, tmp_path, body)


def test_dying_before_the_try_is_noted_costs_nothing(database_url: str, tmp_path: Path) -> None:
    """A worker that dies with the job in hand has sent nothing: the next one sends it, once."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        await post.claim()
        await post.take_over()
        await post.work()
        assert (post.adapter.calls, await state_of(entry_id)) == (1, "sent")

    run_post(database_url, tmp_path, body)


@pytest.mark.parametrize("taken", [False, True])
def test_dying_in_the_providers_hands_is_unknown_and_not_repeated(
    database_url: str, tmp_path: Path, *, taken: bool
) -> None:
    """Whether the provider took it before the worker died, nobody knows: it is not sent again by itself."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        await post.die_in(post.adapter.hang(taken=taken).reached)
        assert await state_of(entry_id) == "sending"
        await post.work()
        assert await state_of(entry_id) == "unknown"
        assert (post.adapter.calls, len(post.adapter.sent)) == (1, int(taken))
        assert (await attempts(), await count_jobs()) == (["unknown"], NO_JOBS)
        error = msgspec.json.decode((await one_row("entry", entry_id))["delivery_error"])
        assert error["fix"]

    run_post(database_url, tmp_path, body)


def test_dying_after_the_record_repeats_nothing(database_url: str, tmp_path: Path) -> None:
    """Once it is written down that the message was sent, another worker that gets the job only ends it."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        claimed = await post.claim()
        await run_job(post.runtime, claimed)
        await post.take_over()
        await post.work()
        assert (post.adapter.calls, await state_of(entry_id), await count_jobs()) == (1, "sent", NO_JOBS)

    run_post(database_url, tmp_path, body)


def test_a_slow_worker_that_lost_its_job_does_not_double(database_url: str, tmp_path: Path) -> None:
    """While a call hangs beyond its lease another worker says unknown; when the answer comes after all, it is sent."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        hanging = post.adapter.hang(taken=True)
        slow = apart(post.work())
        await hanging.reached.wait()
        await post.take_over()
        await post.work()
        assert await state_of(entry_id) == "unknown"
        hanging.go_on.set()
        await asyncio.wait([slow])
        assert (post.adapter.calls, await state_of(entry_id)) == (1, "sent")
        [delivery] = await rows_of("delivery")
        assert delivery["provider_message_id"] == "SM1"

    run_post(database_url, tmp_path, body)


def test_a_record_that_is_just_being_written_is_seen(database_url: str, tmp_path: Path) -> None:
    """A second worker that waits for the conversation while the first records its success does not send again."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        await post.die_in(post.adapter.hang(taken=True).reached)
        [delivery] = await rows_of("delivery")
        async with tx():
            held = await lock_thread((await one_row("entry", entry_id))["conversation_id"])
            second = apart(post.work())
            await until(someone_waits)
            attempt = await open_attempt(delivery["id"])
            assert attempt is not None
            await end_attempt(attempt, outcome="sent", error=None, detail=None, now=NOW)
            report = PieceReport(delivery_id=delivery["id"], state="sent", provider_message_id="SM1")
            await apply_reports({held.thread.id: held}, [report], now=NOW)
            await store_threads([held], now=NOW)
        await second
        assert (post.adapter.calls, await state_of(entry_id), await count_jobs()) == (1, "sent", NO_JOBS)

    async def someone_waits() -> list[Row]:
        return await fetch("SELECT FROM pg_locks WHERE NOT granted")

    run_post(database_url, tmp_path, body)


@pytest.mark.parametrize("error", [Unreachable("nobody there"), Throttled("slow down")])
def test_what_was_not_taken_is_tried_again(database_url: str, tmp_path: Path, error: SendFailed) -> None:
    """Nothing was sent, so the job waits for its next try, the message stays `sending`, and the try is kept."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        post.adapter.fail(error)
        await post.work()
        [job] = await rows_of("job")
        assert (job["state"], job["attempts"]) == (0, 1)
        assert 1 <= (job["available_at"] - datetime.now(UTC)).total_seconds() <= 3
        assert await state_of(entry_id) == "sending"
        await post.work()
        assert (await state_of(entry_id), await attempts()) == ("sent", ["retry", "sent"])

    run_post(database_url, tmp_path, body)


def test_retry_after_is_obeyed(database_url: str, tmp_path: Path) -> None:
    """The provider's Retry-After decides when the next try is."""

    async def body(post: Post) -> None:
        await post.write()
        post.adapter.fail(Throttled("slow down", after=60))
        await post.work()
        [job] = await rows_of("job")
        assert 55 <= (job["available_at"] - datetime.now(UTC)).total_seconds() <= 73

    run_post(database_url, tmp_path, body)


def test_after_the_last_try_the_message_has_failed(database_url: str, tmp_path: Path) -> None:
    """Tries end: then the message says why it did not go, and its conversation goes on."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        for _ in range(BACKOFF.attempts):
            post.adapter.fail(Unreachable("nobody there"))
            await post.work()
        row = await one_row("entry", entry_id)
        assert row["delivery_state"] == "failed"
        error = msgspec.json.decode(row["delivery_error"])
        assert (error["code"], error["message"]) == ("provider_down", "nobody there")
        assert (await attempts(), await count_jobs()) == (["retry"] * 3, NO_JOBS)

    run_post(database_url, tmp_path, body)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Rejected("no such number", code="invalid_address", provider_code="21211"), "invalid_address"),
        (WindowClosed("too late"), "window_closed"),
        (Misconfigured("wrong token", provider_code="20003", fix="Enter it again"), "provider_auth"),
        (OptedOut("said stop", provider_code="21610"), "opted_out"),
    ],
)
def test_what_will_never_be_taken_fails_at_once(
    database_url: str, tmp_path: Path, error: SendFailed, code: str
) -> None:
    """A refusal is final after one call; people read our code, the provider's and what helps."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        post.adapter.fail(error)
        await post.work()
        row = await one_row("entry", entry_id)
        told = msgspec.json.decode(row["delivery_error"])
        assert (row["delivery_state"], told["code"], told["provider_code"]) == ("failed", code, error.provider_code)
        assert (post.adapter.calls, await attempts(), await count_jobs()) == (1, ["failed"], NO_JOBS)

    run_post(database_url, tmp_path, body)


@pytest.mark.parametrize("error", [OutcomeUnknown("no answer"), ValueError("a bug of the adapter"), TimeoutError()])
def test_an_unknown_outcome_waits_for_a_person(database_url: str, tmp_path: Path, error: Exception) -> None:
    """No answer, or an adapter that broke: it may have been sent, so only a person sends it again."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        post.adapter.fail(error)
        await post.work()
        assert (await state_of(entry_id), await attempts(), await count_jobs()) == ("unknown", ["unknown"], NO_JOBS)
        await committed(retry_message(entry_id, actor=AGENT, now=NOW))
        await post.work()
        assert (await state_of(entry_id), post.adapter.calls) == ("sent", 2)

    run_post(database_url, tmp_path, body)


def test_a_report_may_come_before_our_record(database_url: str, tmp_path: Path) -> None:
    """The provider's report overtakes its answer: the message is delivered, and our record does not take it back."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        hanging = post.adapter.hang(taken=True)
        working = apart(post.work())
        await hanging.reached.wait()
        [delivery] = await rows_of("delivery")
        await project(post.lane, arrived(50, delivery_report("SM1", "delivered", reference=delivery["id"])))
        assert await state_of(entry_id) == "delivered"
        hanging.go_on.set()
        await working
        assert (await state_of(entry_id), await attempts(), await count_jobs()) == ("delivered", ["sent"], NO_JOBS)

    run_post(database_url, tmp_path, body)


def test_pieces_go_in_order_and_only_once(database_url: str, tmp_path: Path) -> None:
    """A long message goes piece by piece; after a crash the next worker goes on with the piece that is next."""

    async def body(post: Post) -> None:
        entry_id = await post.write("one " * 20 + "two " * 25 + "three " * 16)

        async def take(message: OutboundMessage) -> Sent:
            return post.adapter.take(message)

        post.adapter.steps.append(take)
        post.adapter.fail(Throttled("slow down"))
        await post.work()
        assert (len(post.adapter.sent), await state_of(entry_id)) == (1, "sending")
        await post.work()
        assert " ".join(post.adapter.texts).split() == ["one"] * 20 + ["two"] * 25 + ["three"] * 16
        assert len({message.reference for message in post.adapter.sent}) == len(post.adapter.sent) == 3
        assert await state_of(entry_id) == "sent"

    run_post(database_url, tmp_path, body)


def test_after_a_lost_piece_nothing_follows(database_url: str, tmp_path: Path) -> None:
    """When a piece's outcome is unknown the rest is not sent, also not by a worker that gets the job once more."""

    async def body(post: Post) -> None:
        entry_id = await post.write("word " * 45)
        await post.die_in(post.adapter.hang(taken=True).reached)
        claimed = await post.claim()
        await run_job(post.runtime, claimed)
        await post.take_over()
        await post.work()
        assert (post.adapter.calls, await state_of(entry_id)) == (1, "unknown")
        await committed(retry_message(entry_id, actor=AGENT, now=NOW))
        await post.work()
        assert (post.adapter.calls, await state_of(entry_id)) == (4, "sent")

    run_post(database_url, tmp_path, body)


def test_a_paused_channel_sends_nothing_and_loses_nothing(database_url: str, tmp_path: Path) -> None:
    """While the channel is paused its messages wait, uncounted; when it runs again they go."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        await change(post, "paused")
        for _ in range(5):
            await post.work()
        [job] = await rows_of("job")
        assert (job["state"], job["attempts"], post.adapter.calls) == (0, 0, 0)
        assert (job["available_at"] - datetime.now(UTC)).total_seconds() > 10
        assert await state_of(entry_id) == "queued"
        await change(post, "active")
        await post.work()
        assert await state_of(entry_id) == "sent"

    async def change(post: Post, status: Any) -> None:
        wanted = ChannelChange(status=status)
        channel_id = post.lane.route.channel_id
        await committed(update_channel(channel_id, wanted, catalogue=post.runtime.catalogue, actor=AGENT))
        await post.runtime.directory.refresh()

    run_post(database_url, tmp_path, body)


def test_a_removed_channel_fails_its_messages(database_url: str, tmp_path: Path) -> None:
    """What was queued for a channel that was removed has failed and says so, without a call."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        await committed(disconnect_channel(post.lane.route.channel_id, actor=AGENT))
        await post.runtime.directory.refresh()
        await post.work()
        assert (await state_of(entry_id), post.adapter.calls, await count_jobs()) == ("failed", 0, NO_JOBS)

    run_post(database_url, tmp_path, body)


def test_a_channel_this_process_has_not_heard_of_is_looked_up(database_url: str, tmp_path: Path) -> None:
    """A message for a channel that was just connected elsewhere is sent, not failed."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        post.runtime.directory._live = {}
        await post.work()
        assert await state_of(entry_id) == "sent"

    run_post(database_url, tmp_path, body)


def test_consent_taken_back_before_the_send_ends_it(database_url: str, tmp_path: Path) -> None:
    """Between reply and delivery the contact says STOP: no call is made, and the message says why."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        await receive(post.lane, consent_change("revoked"))
        await post.work()
        row = await one_row("entry", entry_id)
        assert (row["delivery_state"], post.adapter.calls, await count_jobs()) == ("failed", 0, NO_JOBS)
        assert msgspec.json.decode(row["delivery_error"])["code"] == "opted_out"

    run_post(database_url, tmp_path, body)


def test_an_opt_out_the_provider_knows_of_becomes_consent(database_url: str, tmp_path: Path) -> None:
    """Twilio's 21610 is remembered: the next reply is refused before any call."""

    async def body(post: Post) -> None:
        conversation = await receive(post.lane, text_message())
        await reply(conversation)
        post.adapter.fail(OptedOut("said stop", provider_code="21610"))
        await post.work()
        [line] = await rows_of("consent")
        assert (line["state"], line["source"], line["channel_id"]) == (
            "revoked",
            "provider",
            post.lane.route.channel_id,
        )
        assert msgspec.json.decode(line["proof"])["provider_code"] == "21610"
        assert (await refused(reply(conversation))).code == "contact_opted_out"
        assert (post.adapter.calls, await count_rows("job")) == (1, 0)

    run_post(database_url, tmp_path, body)


@pytest.mark.parametrize("answer", ["sent", "retry", "failed", "unknown"])
def test_the_answer_outlives_a_database_that_is_away(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """What the provider answered is written down once the database is back: a short outage makes nothing unknown."""
    errors = {"retry": Unreachable("x"), "failed": Rejected("x"), "unknown": OutcomeUnknown("x")}
    calls: list[int] = []
    real = end_attempt

    async def away_twice(*args: Any, **fields: Any) -> None:
        calls.append(1)
        if len(calls) <= 2:
            raise ConnectionResetError
        await real(*args, **fields)

    async def body(post: Post) -> None:
        entry_id = await post.write()
        if answer in errors:
            post.adapter.fail(errors[answer])
        await post.work()
        assert (await attempts(), post.adapter.calls, len(calls)) == ([answer], 1, 3)
        assert await state_of(entry_id) == ("sending" if answer == "retry" else answer)

    monkeypatch.setattr("gateway.deliver.end_attempt", away_twice)
    monkeypatch.setattr("gateway.deliver.RECORD_PAUSES", (0.01, 0.01))
    run_post(database_url, tmp_path, body)
