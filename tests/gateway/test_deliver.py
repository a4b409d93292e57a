"""Delivering: whatever dies in whichever moment, nobody gets a message twice and no message disappears."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from channels.contract import OutboundMessage, Sent
from channels.errors import (
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unreachable,
)
from gateway.jobs import run_job
from inbox.contacts.actions import block_contact
from inbox.conversations.actions.deliveries import EndedAttempt, PieceReport, apply_reports, end_attempts, open_attempts
from inbox.conversations.actions.reply import retry_message
from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.kit.db import Row, fetch, tx
from inbox.kit.ids import read_id
from inbox.outbox.queries import count_jobs
from tests.gateway.posts import NO_JOBS, Post, attempts, run_post, state_of
from tests.inbox.builders import (
    AGENT,
    NOW,
    apart,
    arrived,
    committed,
    delivery_report,
    one_row,
    project,
    rows_of,
    until,
)


def test_a_message_is_handed_over_and_recorded(database_url: str, tmp_path: Path) -> None:
    """The provider gets words, address and our reference; we keep its id, the try, and no job."""

    async def body(post: Post) -> None:
        entry_id = await post.write("hello")
        await post.work()
        [message], [delivery] = post.adapter.sent, await rows_of("delivery")
        assert (message.to.kind, message.to.value, post.adapter.texts) == ("phone", "+12125550100", ["hello"])
        assert read_id("msg", message.reference) == delivery["id"]
        assert (delivery["provider_message_id"], delivery["state"]) == ("SM1", "sent")
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
    """With the record that the message was sent its job is gone: nobody can take it over, whatever the worker does."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        claimed = await post.claim()
        await run_job(post.runtime, claimed)
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
            [attempt] = (await open_attempts([delivery["id"]])).values()
            await end_attempts([EndedAttempt(id=attempt, outcome="sent")], now=NOW)
            report = PieceReport(delivery_id=delivery["id"], state="sent", provider_message_id="SM1")
            await apply_reports({held.thread.id: held}, [report], now=NOW)
            await store_threads([held], now=NOW)
        await second
        assert (post.adapter.calls, await state_of(entry_id), await count_jobs()) == (1, "sent", NO_JOBS)

    async def someone_waits() -> list[Row]:
        return await fetch("SELECT FROM pg_locks WHERE NOT granted")

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
        assert (len(post.adapter.sent), await attempts()) == (1, ["sent", "retry"])
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


@pytest.mark.parametrize("answer", ["sent", "retry", "failed", "unknown"])
def test_the_answer_outlives_a_database_that_is_away(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """What the provider answered is written down once the database is back: a short outage makes nothing unknown."""
    errors = {"retry": Unreachable("x"), "failed": Rejected("x"), "unknown": OutcomeUnknown("x")}
    calls: list[EndedAttempt] = []
    real = end_attempts

    async def away_twice(ended: list[EndedAttempt], *, now: datetime) -> None:
        calls.extend(ended)
        if ended and len(calls) <= 2:
            raise ConnectionResetError
        await real(ended, now=now)

    async def body(post: Post) -> None:
        entry_id = await post.write()
        if answer in errors:
            post.adapter.fail(errors[answer])
        await post.work()
        assert (await attempts(), post.adapter.calls, len(calls)) == ([answer], 1, 3)
        assert await state_of(entry_id) == ("sending" if answer == "retry" else answer)

    monkeypatch.setattr("gateway.deliver.end_attempts", away_twice)
    monkeypatch.setattr("gateway.handover.end_attempts", away_twice)
    monkeypatch.setattr("gateway.deliver.RECORD_PAUSES", (0.01, 0.01))
    run_post(database_url, tmp_path, body)


def test_what_waits_for_a_contact_who_is_blocked_meanwhile_does_not_leave(database_url: str, tmp_path: Path) -> None:
    """It has failed and says why; after the block is lifted a person may send it again."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        [contact] = await rows_of("contact")
        await committed(block_contact(contact["id"], blocked=True, actor=AGENT))
        await post.work()
        assert (post.adapter.calls, await state_of(entry_id), await count_jobs()) == (0, "failed", NO_JOBS)
        assert '"contact_blocked"' in (await one_row("entry", entry_id))["delivery_error"]
        await committed(block_contact(contact["id"], blocked=False, actor=AGENT))
        await committed(retry_message(entry_id, actor=AGENT, now=NOW))
        await post.work()
        assert (post.adapter.calls, await state_of(entry_id)) == (1, "sent")

    run_post(database_url, tmp_path, body)
