"""The outbox held: nothing is claimed that sends, and what is dropped is said to have been."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from inbox.conversations.actions.store import lock_thread
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch, fetch_value, tx
from inbox.kit.ids import new_id
from inbox.outbox.actions import claim_jobs, drop_job, enqueue_jobs
from inbox.outbox.jobs import DeliverMessage, FetchMedia, NewJob
from inbox.repair.actions.hold import count_droppable, drop_sends, hold_outbox, release_outbox
from inbox.repair.actions.jobs import JobSelection, count_dead_jobs, discard_dead_jobs, retry_dead_jobs
from inbox.repair.queries import outbox_status
from tests.inbox.builders import (
    AGENT,
    NOW,
    apart,
    committed,
    count_rows,
    make_channel,
    one_row,
    receive,
    refused,
    reply,
    rows_of,
    run_opened,
    text_message,
)
from tests.inbox.webhooks.endpoints import claim, fan_out, make_webhook, tell


async def claimed() -> list[str]:
    """The types of what a worker gets."""
    jobs = await claim_jobs(limit=9, lease_seconds=30)
    return sorted(type(job.job).__name__ for job in jobs)


def test_while_held_only_what_sends_nothing_is_claimed(database_url: str) -> None:
    """Messages wait, files are still fetched; after the release the messages come, and both are told and audited."""

    async def body() -> None:
        await reply(await receive(await make_channel(), text_message()))
        assert await committed(hold_outbox("a test", actor=AGENT))
        assert not await committed(hold_outbox("another", actor=AGENT))
        await committed(enqueue_jobs([NewJob(job=FetchMedia(attachment_id=new_id()), key="media")]))
        assert await claimed() == ["FetchMedia"]
        status = await outbox_status()
        assert (status.held, status.reason, status.waiting, status.running) == (True, "a test", 1, 1)
        assert status.held_by == AGENT
        assert await committed(release_outbox(actor=AGENT))
        assert not await committed(release_outbox(actor=AGENT))
        assert await claimed() == ["DeliverMessage"]
        told = [row["type"] for row in await rows_of("feed_event", "position")]
        assert [name for name in told if name.startswith("outbox")] == ["outbox.held", "outbox.released"]
        audited = [row["action"] for row in await fetch("SELECT action FROM audit_event ORDER BY id")]
        assert audited == ["outbox.held", "outbox.released"]

    run_opened(database_url, body)


def test_while_held_no_webhook_leaves(database_url: str) -> None:
    """What is told is queued for its endpoint, and claimed by nobody before the release."""

    async def body() -> None:
        await make_webhook(types=["contact.created"])
        await committed(hold_outbox("a test", actor=AGENT))
        await tell("contact.created")
        await fan_out()
        assert await claim() == []
        await committed(release_outbox(actor=AGENT))
        assert len(await claim()) == 1

    run_opened(database_url, body)


def test_what_is_too_old_is_dropped_and_its_message_expired(database_url: str) -> None:
    """Only what was asked for before the moment goes; its job is dead with the reason, and a person may send again."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        old, young = await reply(conversation, "old"), await reply(conversation, "young")
        await execute("UPDATE job SET created_at = $1 WHERE payload->>'entry_id' = $2", NOW, str(old))
        moment = NOW + timedelta(hours=1)
        assert (await refused(committed(drop_sends(moment, actor=AGENT, now=NOW)))).code == "state_conflict"
        await committed(hold_outbox("a test", actor=AGENT))
        assert await count_droppable(moment) == 1
        assert await committed(drop_sends(moment, actor=AGENT, now=NOW)) == 1
        assert await committed(drop_sends(moment, actor=AGENT, now=NOW)) == 0
        states = [(await one_row("entry", one))["delivery_state"] for one in (old, young)]
        assert states == ["expired", "queued"]
        [dead] = await fetch("SELECT error FROM job WHERE state = 3")
        assert "dropped" in dead["error"]

    run_opened(database_url, body)


def test_a_piece_that_may_have_left_is_unknown_and_not_expired(database_url: str) -> None:
    """An attempt that was begun and never ended may have reached the provider: nobody says that it did not."""

    async def body() -> None:
        entry = await reply(await receive(await make_channel(), text_message()))
        delivery = await fetch_value("SELECT id FROM delivery")
        await execute("UPDATE delivery SET state = 'sending'")
        await execute("UPDATE entry SET delivery_state = 'sending' WHERE id = $1", entry)
        begun = "INSERT INTO delivery_attempt (delivery_id, kind, outcome) VALUES ($1, 'send', 'started')"
        await execute(begun, delivery)
        await execute("UPDATE job SET created_at = $1", NOW)
        await committed(hold_outbox("a test", actor=AGENT))
        await committed(drop_sends(NOW + timedelta(hours=1), actor=AGENT, now=NOW))
        assert (await one_row("entry", entry))["delivery_state"] == "unknown"

    run_opened(database_url, body)


@pytest.mark.parametrize("by", ["ids", "type", "channel", "since"])
def test_dead_jobs_are_chosen_by_what_they_have_in_common(database_url: str, by: str) -> None:
    """By number, type, channel and time; only dead ones, and they get all their tries again."""

    async def body() -> None:
        lane = await make_channel()
        await reply(await receive(lane, text_message()))
        await committed(enqueue_jobs([NewJob(job=FetchMedia(attachment_id=new_id()), key="media")]))
        [message, _] = await rows_of("job")
        await execute("UPDATE job SET state = 3, attempts = 12")
        await execute("UPDATE job SET created_at = $1 WHERE id <> $2", NOW - timedelta(days=9), message["id"])
        await execute("UPDATE job SET created_at = $1 WHERE id = $2", NOW, message["id"])
        chosen = {
            "ids": JobSelection(ids=[message["id"]]),
            "type": JobSelection(type="deliver_message"),
            "channel": JobSelection(channel_id=lane.route.channel_id),
            "since": JobSelection(since=NOW - timedelta(hours=1), until=NOW + timedelta(hours=1)),
        }[by]
        assert await count_dead_jobs(chosen) == 1
        assert await committed(retry_dead_jobs(chosen, actor=AGENT)) == 1
        assert await committed(retry_dead_jobs(chosen, actor=AGENT)) == 0
        assert [(row["id"], row["attempts"]) for row in await fetch("SELECT * FROM job WHERE state = 0")] == [
            (message["id"], 0)
        ]

    run_opened(database_url, body)


def test_a_discarded_delivery_leaves_no_message_waiting_for_ever(database_url: str) -> None:
    """The job is gone, the message has failed with the reason, and both are in the audit log."""

    async def body() -> None:
        entry = await reply(await receive(await make_channel(), text_message()))
        await execute("UPDATE job SET state = 3")
        everything = JobSelection(type="deliver_message")
        assert await committed(discard_dead_jobs(everything, actor=AGENT, now=NOW)) == 1
        assert await rows_of("job") == []
        row = await one_row("entry", entry)
        assert (row["delivery_state"], "operator" in row["delivery_error"]) == ("failed", True)
        [audited] = await fetch("SELECT action, facts FROM audit_event")
        assert (audited["action"], '"count":1' in audited["facts"].replace(" ", "")) == ("job.discarded", True)

    run_opened(database_url, body)


def test_dropping_and_canceling_at_once_never_wait_in_a_circle(database_url: str) -> None:
    """Who drops holds conversations before their jobs, as who cancels does: one goes after the other."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        entry = await reply(conversation)
        await committed(hold_outbox("a test", actor=AGENT))
        async with tx():
            await lock_thread(conversation)
            dropping = apart(committed(drop_sends(utc_now() + timedelta(hours=1), actor=AGENT, now=NOW)))
            await asyncio.sleep(0.2)
            await drop_job(DeliverMessage(entry_id=entry), key=str(conversation))
        assert await dropping == 0
        assert await count_rows("job") == 0

    run_opened(database_url, body)
