"""What a delivery makes of each answer, and of what it must not even ask: paused, removed, opted out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

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
from inbox.accounts.actions import ChannelChange, disconnect_channel, update_channel
from inbox.conversations.actions.reply import retry_message
from inbox.outbox.queries import count_jobs
from tests.gateway.posts import BACKOFF, NO_JOBS, Post, attempts, run_post, state_of
from tests.inbox.builders import (
    AGENT,
    NOW,
    committed,
    consent_change,
    count_rows,
    one_row,
    receive,
    refused,
    reply,
    rows_of,
    text_message,
)


@pytest.mark.parametrize("error", [Unreachable("nobody there"), Throttled("slow down")])
def test_what_was_not_taken_is_tried_again(database_url: str, tmp_path: Path, error: SendFailed) -> None:
    """Nothing was sent, so the job waits for its next try, the message stays `sending`, and the try is kept."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        post.adapter.fail(error)
        before = datetime.now(UTC)
        await post.work()
        [job] = await rows_of("job")
        assert (job["state"], job["attempts"]) == (0, 1)
        assert before + timedelta(seconds=1) <= job["available_at"] <= datetime.now(UTC) + timedelta(seconds=3)
        assert await state_of(entry_id) == "sending"
        await post.work()
        assert (await state_of(entry_id), await attempts()) == ("sent", ["retry", "sent"])

    run_post(database_url, tmp_path, body)


def test_retry_after_is_obeyed(database_url: str, tmp_path: Path) -> None:
    """The provider's Retry-After decides when the next try is."""

    async def body(post: Post) -> None:
        await post.write()
        post.adapter.fail(Throttled("slow down", after=60))
        before = datetime.now(UTC)
        await post.work()
        [job] = await rows_of("job")
        assert before + timedelta(seconds=60) <= job["available_at"] <= datetime.now(UTC) + timedelta(seconds=73)

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
        assert (line["state"], line["source"]) == ("revoked", "provider")
        assert line["channel_id"] == post.lane.route.channel_id
        assert msgspec.json.decode(line["proof"])["provider_code"] == "21610"
        assert (await refused(reply(conversation))).code == "contact_opted_out"
        assert (post.adapter.calls, await count_rows("job")) == (1, 0)

    run_post(database_url, tmp_path, body)
