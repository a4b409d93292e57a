"""Scheduled and held messages at work: whichever moment a worker dies in, they leave once, in order, or not at all."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from channels.errors import Unreachable
from channels.parts import Text
from gateway.jobs import run_job
from inbox.conversations.scheduled.actions import leave
from inbox.conversations.scheduled.actions.schedule import schedule_message
from inbox.conversations.scheduled.plan import Plan
from inbox.conversations.sending.actions.cancel import cancel_message
from inbox.kit.db import execute, tx
from inbox.kit.errors import Problem
from inbox.outbox.actions import LeaseLost, claim_jobs
from inbox.outbox.queries import count_jobs
from tests.gateway.posts import NO_JOBS, Post, run_post, state_of
from tests.inbox.builders import (
    AGENT,
    BO,
    NOW,
    apart,
    committed,
    count_rows,
    one_row,
    receive,
    reply,
    rows_of,
    text_message,
)


async def plan(post: Post, text: str = "later", *, seconds: float = 3600) -> UUID:
    """A scheduled message of the only conversation."""
    conversation = await receive(post.lane, text_message())
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    work = schedule_message(
        conversation, Plan(send_at=at, parts=[Text(text=text)], author=BO),
        actor=AGENT, adapters=post.runtime.adapters, now=NOW,
    )  # fmt: skip
    return await committed(work)


async def come_due() -> None:
    """The time of all that waits has come."""
    await execute("UPDATE scheduled_message SET send_at = now() - interval '1 s' WHERE state = 'scheduled'")


async def written() -> list[str]:
    """The words of ours in the timeline."""
    return [row["text"] for row in await rows_of("entry", "seq") if row["direction"] == "outbound"]


def test_a_due_message_leaves_and_is_delivered(database_url: str, tmp_path: Path) -> None:
    """One job makes it an entry, the next hands it over; nothing is left."""

    async def body(post: Post) -> None:
        scheduled = await plan(post)
        await come_due()
        await post.work()
        row = await one_row("scheduled_message", scheduled)
        assert (row["state"], await written()) == ("sent", ["later"])
        await post.work()
        assert (post.adapter.texts, await state_of(row["entry_id"]), await count_jobs()) == (["later"], "sent", NO_JOBS)

    run_post(database_url, tmp_path, body)


def test_nothing_leaves_before_its_time(database_url: str, tmp_path: Path) -> None:
    """Its job is not claimed before, and a worker that has it all the same puts it off until then."""

    async def body(post: Post) -> None:
        scheduled = await plan(post)
        assert await claim_jobs(limit=9, lease_seconds=30) == []
        await post.work()
        [job] = await rows_of("job")
        row = await one_row("scheduled_message", scheduled)
        assert abs(job["available_at"] - row["send_at"]) < timedelta(seconds=5)
        assert (row["state"], job["attempts"]) == ("scheduled", 0)
        assert await written() == []

    run_post(database_url, tmp_path, body)


def test_a_worker_that_dies_with_it_has_done_nothing(database_url: str, tmp_path: Path) -> None:
    """Another takes the job over and lets it leave, once."""

    async def body(post: Post) -> None:
        await plan(post)
        await come_due()
        await post.claim()
        await post.take_over()
        await post.work()
        assert await written() == ["later"]

    run_post(database_url, tmp_path, body)


def test_a_worker_that_lost_its_job_rolls_back(database_url: str, tmp_path: Path) -> None:
    """Two hold the same job: who comes with the old lease finds it gone, and leaves no second entry."""

    async def body(post: Post) -> None:
        await plan(post)
        await come_due()
        slow = await post.claim()
        await post.take_over()
        fast = await post.claim()
        ended = await asyncio.gather(
            *(apart(run_job(post.runtime, job)) for job in (slow, fast)),
            return_exceptions=True,
        )
        assert sum(isinstance(one, LeaseLost) for one in ended) == 1
        assert await written() == ["later"]
        assert (await rows_of("scheduled_message"))[0]["state"] == "sent"

    run_post(database_url, tmp_path, body)


def test_a_broken_try_leaves_nothing_and_the_last_one_tells(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in mid-leave is rolled back and tried again; when no try is left the message has failed, for all to see."""

    async def body(post: Post) -> None:
        scheduled = await plan(post)
        await come_due()

        async def broken(*args: object, **more: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(leave, "end_plan", broken)
        for _ in range(2):
            await post.work()
            assert (await one_row("scheduled_message", scheduled))["state"] == "scheduled"
            assert await written() == []
        monkeypatch.undo()
        monkeypatch.setattr(leave, "_leave", broken)
        await post.work()
        row = await one_row("scheduled_message", scheduled)
        assert (row["state"], "internal" in row["reason"]) == ("failed", True)
        assert (await written(), await count_jobs()) == ([], NO_JOBS)

    run_post(database_url, tmp_path, body)


def test_it_holds_back_nothing_while_it_waits(database_url: str, tmp_path: Path) -> None:
    """Messages of the same conversation leave meanwhile."""

    async def body(post: Post) -> None:
        scheduled = await plan(post)
        conversation = (await one_row("scheduled_message", scheduled))["conversation_id"]
        await reply(conversation, "now")
        [job] = await claim_jobs(limit=9, lease_seconds=30)
        await run_job(post.runtime, job)
        assert post.adapter.texts == ["now"]

    run_post(database_url, tmp_path, body)


async def hold(post: Post, *texts: str) -> list[UUID]:
    """The first of these is held back, the others are not."""
    conversation = await receive(post.lane, text_message())
    return [await reply(conversation, text, hold_seconds=0 if at else 30) for at, text in enumerate(texts)]


def test_what_is_written_after_a_held_message_waits_for_it(database_url: str, tmp_path: Path) -> None:
    """The order of the timeline is the order they leave in: none is due while the first is held."""

    async def body(post: Post) -> None:
        await hold(post, "first", "second")
        assert await claim_jobs(limit=9, lease_seconds=30) == []
        for _ in range(2):
            await post.work()
        assert post.adapter.texts == ["first", "second"]

    run_post(database_url, tmp_path, body)


def test_when_it_is_taken_back_the_next_leaves_at_once(database_url: str, tmp_path: Path) -> None:
    """Its job goes with it, and nobody waits for a message that will not come."""

    async def body(post: Post) -> None:
        first, second = await hold(post, "first", "second")
        await committed(cancel_message(first, actor=AGENT, now=NOW))
        [job] = await claim_jobs(limit=9, lease_seconds=30)
        await run_job(post.runtime, job)
        assert post.adapter.texts == ["second"]
        assert [await state_of(one) for one in (first, second)] == ["canceled", "sent"]

    run_post(database_url, tmp_path, body)


@pytest.mark.parametrize("first", ["cancel", "send"])
def test_of_taking_back_and_handing_over_one_wins(database_url: str, tmp_path: Path, first: str) -> None:
    """Whoever has the conversation's lock first: the provider got it or it is canceled, never both, never neither."""

    async def body(post: Post) -> None:
        for number in range(4):
            [entry] = await hold(post, f"{number}")
            sent = len(post.adapter.sent)
            steps: list[Any] = [committed(cancel_message(entry, actor=AGENT, now=NOW)), post.work()]
            ended = await asyncio.gather(
                *(apart(step) for step in (steps if first == "cancel" else steps[::-1])), return_exceptions=True
            )
            refused = any(isinstance(one, Problem) for one in ended)
            outcome = (await state_of(entry), len(post.adapter.sent) - sent, refused)
            assert outcome in (("canceled", 0, False), ("sent", 1, True))

    run_post(database_url, tmp_path, body)


def test_a_worker_that_has_the_job_already_sees_that_it_is_canceled(database_url: str, tmp_path: Path) -> None:
    """It was claimed before the cancel and looks again under the lock: the provider is never called."""

    async def body(post: Post) -> None:
        [entry] = await hold(post, "first")
        claimed = await post.claim()
        await committed(cancel_message(entry, actor=AGENT, now=NOW))
        await run_job(post.runtime, claimed)
        assert (post.adapter.calls, await state_of(entry)) == (0, "canceled")

    run_post(database_url, tmp_path, body)


def test_a_message_that_waits_for_another_try_can_be_taken_back(database_url: str, tmp_path: Path) -> None:
    """The provider was away: nothing was handed over, and after the cancel nothing will be."""

    async def body(post: Post) -> None:
        entry = await post.write()
        post.adapter.fail(Unreachable("away"))
        await post.work()
        assert await state_of(entry) == "sending"
        await committed(cancel_message(entry, actor=AGENT, now=NOW))
        assert (await state_of(entry), await count_rows("job"), len(post.adapter.sent)) == ("canceled", 0, 0)

    run_post(database_url, tmp_path, body)


def test_while_the_provider_has_it_in_hand_it_is_not_taken_back(database_url: str, tmp_path: Path) -> None:
    """Nobody knows yet whether it was taken: the cancel is refused, and the send is recorded."""

    async def body(post: Post) -> None:
        entry = await post.write()
        hanging = post.adapter.hang(taken=True)
        working = apart(post.work())
        await hanging.reached.wait()
        with pytest.raises(Problem, match="being handed over"):
            await _cancel(entry)
        hanging.go_on.set()
        await working
        assert await state_of(entry) == "sent"

    run_post(database_url, tmp_path, body)


async def _cancel(entry: UUID) -> None:
    async with tx():
        await cancel_message(entry, actor=AGENT, now=NOW)
