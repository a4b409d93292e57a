"""Sending on purpose: one again, everything since a time, and forgetting what is old."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch, fetch_value
from inbox.outbox.jobs import RecoverWebhook, decode_job
from inbox.webhooks.actions import repair
from inbox.webhooks.actions.endpoints import EndpointChange, change_webhook, remove_webhook
from inbox.webhooks.actions.prune import clear_removed_webhooks, prune_deliveries
from inbox.webhooks.actions.repair import begin_recovery, queue_test, recover_chunk, replay_delivery
from tests.inbox.builders import AGENT, committed, count_rows, make_channel, refused, run_opened, text_message
from tests.inbox.webhooks.endpoints import (
    WORKSHOP,
    claim,
    fan_out,
    make_webhook,
    open_conversation,
    queued,
    settle,
    tell,
    times,
    tried,
    types_of,
    types_queued,
)
from tests.inbox.webhooks.endpoints import refused as failed


async def recover(webhook: UUID, *, include: repair.Include = "undelivered") -> None:
    """Ask for all of today, and run the jobs as a worker does, one after the other."""
    since = utc_now() - timedelta(hours=1)
    await committed(begin_recovery(webhook, since=since, include=include, actor=AGENT))
    while rows := await fetch("SELECT id, payload FROM job WHERE type = 'recover_webhook' ORDER BY id LIMIT 1"):
        job = decode_job(rows[0]["payload"])
        assert isinstance(job, RecoverWebhook)
        await committed(recover_chunk(job))
        await execute("DELETE FROM job WHERE id = $1", rows[0]["id"])


async def deliver_all() -> list[str]:
    """Take whatever is due; the types."""
    claimed = await claim()
    await settle(*(tried(one) for one in claimed))
    return types_of(claimed)


async def enable(webhook: UUID, *, enabled: bool) -> None:
    """Enable or disable it."""
    await committed(change_webhook(webhook, EndpointChange(enabled=enabled), workshop=WORKSHOP, actor=AGENT))


def test_recovery_brings_what_was_missed_and_what_failed(database_url: str, monkeypatch: Any) -> None:
    """What happened while it was disabled and what was given up comes, each once; what was taken does not."""
    monkeypatch.setattr(repair, "CHUNK", 2)

    async def body() -> None:
        webhook = await make_webhook(types=["contact.*", "channel.*"])
        await tell("contact.created", "contact.updated")
        await fan_out()
        first, second = await claim()
        await settle(tried(first), tried(second, status=410, error="gone"))
        await tell(*times(5, "channel.updated"))
        await fan_out()
        assert await types_queued(webhook) == ["contact.created", "contact.updated"]
        await enable(webhook, enabled=True)
        await recover(webhook)
        ids = [row["id"] for row in await queued(webhook)]
        await recover(webhook)
        assert [row["id"] for row in await queued(webhook)] == ids, "asking twice queues nothing twice"
        assert sorted(await deliver_all()) == [*["channel.updated"] * 5, "contact.updated"]
        await recover(webhook)
        assert await deliver_all() == []

    run_opened(database_url, body)


def test_recovery_of_all_sends_what_was_taken_as_well(database_url: str) -> None:
    """An integrator who lost their own data gets everything again, under the ids it had."""

    async def body() -> None:
        webhook = await make_webhook(types=["contact.*"])
        await tell("contact.created", "contact.updated")
        await fan_out()
        await deliver_all()
        before = [(row["id"], row["event_id"]) for row in await queued(webhook)]
        await recover(webhook, include="all")
        assert await deliver_all() == ["contact.created", "contact.updated"]
        assert [(row["id"], row["event_id"]) for row in await queued(webhook)] == before

    run_opened(database_url, body)


def test_a_new_endpoint_can_ask_for_what_was_told_before_it(database_url: str) -> None:
    """Recovery reaches back as far as the feed does, also beyond the making of the webhook."""

    async def body() -> None:
        await tell("contact.created")
        webhook = await make_webhook(types=["contact.created"])
        await tell("contact.updated")
        await fan_out()
        await recover(webhook)
        assert await types_queued(webhook) == ["contact.created"]

    run_opened(database_url, body)


def test_recovery_keeps_the_order_of_conversations(database_url: str) -> None:
    """An ordered endpoint gets what it missed in order, one at a time."""

    async def body() -> None:
        conversation = await open_conversation(await make_channel(), text_message())
        webhook = await make_webhook(ordering="conversation", types=["conversation.updated"])
        await enable(webhook, enabled=False)
        for _ in range(3):
            await tell("conversation.updated", conversation_id=conversation)
        await fan_out()
        await enable(webhook, enabled=True)
        await recover(webhook)
        assert [row["state"] for row in await queued(webhook)] == [0, 2, 2]

    run_opened(database_url, body)


def test_an_endpoint_that_was_removed_meanwhile_gets_nothing(database_url: str) -> None:
    """The job of a recovery ends quietly."""

    async def body() -> None:
        webhook = await make_webhook(types=["contact.created"])
        await tell("contact.created")
        await committed(begin_recovery(webhook, since=utc_now() - timedelta(hours=1), include="all", actor=AGENT))
        await committed(remove_webhook(webhook, actor=AGENT))
        job = decode_job(await fetch_value("SELECT payload FROM job"))
        assert isinstance(job, RecoverWebhook)
        await committed(recover_chunk(job))
        assert (await count_rows("webhook_delivery"), await count_rows("job")) == (0, 1)

    run_opened(database_url, body)


def test_a_replay_has_the_whole_schedule_before_it(database_url: str) -> None:
    """One that failed, or was taken, is sent again under its id; its log goes on."""

    async def body() -> None:
        webhook = await make_webhook(types=["contact.created"])
        await tell("contact.created")
        await fan_out()
        [claimed] = await claim()
        await settle(tried(claimed))
        row = await committed(replay_delivery(claimed.id, actor=AGENT))
        assert (row["state"], row["tries"], row["finished_at"]) == (0, 0, None)
        [again] = await claim()
        assert (again.event["id"], again.tried) == (claimed.event["id"], 1)
        await settle(failed(again))
        assert await fetch_value("SELECT count(*) FROM audit_event WHERE action = 'webhook_delivery.replayed'") == 1
        assert len(await queued(webhook)) == 1

    run_opened(database_url, body)


def test_a_replay_of_one_that_waits_for_its_next_try_hurries_it(database_url: str) -> None:
    """It is tried now; its schedule is not begun anew."""

    async def body() -> None:
        await make_webhook(types=["contact.created"])
        await tell("contact.created")
        await fan_out()
        [claimed] = await claim()
        await settle(failed(claimed), now=utc_now())
        assert await claim() == []
        await committed(replay_delivery(claimed.id, actor=AGENT))
        [again] = await claim()
        assert again.tries == 1

    run_opened(database_url, body)


def test_nothing_is_sent_on_purpose_to_a_disabled_endpoint(database_url: str) -> None:
    """It has to be enabled first, and the refusal says so."""

    async def body() -> None:
        webhook = await make_webhook(enabled=False)
        for asked in (
            queue_test(webhook, actor=AGENT),
            begin_recovery(webhook, since=utc_now(), include="all", actor=AGENT),
        ):
            problem = await refused(committed(asked))
            assert problem.code == "state_conflict"
            assert "Enable" in str(problem.hint)

    run_opened(database_url, body)


def test_a_test_goes_before_a_backlog_and_is_tried_once(database_url: str) -> None:
    """Whoever waits for its result does not wait for thousands of others, and a failure is its result."""

    async def body() -> None:
        webhook = await make_webhook(types=["contact.created"])
        await tell("contact.created")
        await fan_out()
        await committed(queue_test(webhook, actor=AGENT))
        [claimed] = await claim(1)
        assert claimed.event["type"] == "webhook.test"
        await settle(failed(claimed))
        assert sorted(row["state"] for row in await queued(webhook)) == [0, 4]

    run_opened(database_url, body)


def test_old_deliveries_are_forgotten_but_none_that_is_still_to_come(database_url: str) -> None:
    """The log ends after its days; what is pending stays, however old."""

    async def body() -> None:
        webhook = await make_webhook(types=["contact.*"])
        await tell("contact.created", "contact.updated")
        await fan_out()
        [first] = await claim(1)
        await settle(tried(first))
        assert await prune_deliveries(older_than=utc_now() - timedelta(days=1)) == 0
        assert await prune_deliveries(older_than=utc_now() + timedelta(days=1)) == 1
        assert await types_queued(webhook) == ["contact.updated"]

    run_opened(database_url, body)


def test_what_was_removed_goes_by_and_by(database_url: str) -> None:
    """First its deliveries, then itself; the secrets went at once."""

    async def body() -> None:
        webhook, kept = await make_webhook(types=["contact.*"]), await make_webhook(types=["contact.*"])
        await tell("contact.created", "contact.updated")
        await fan_out()
        await committed(remove_webhook(webhook, actor=AGENT))
        assert await fetch_value("SELECT sealed FROM webhook WHERE id = $1", webhook) == b""
        assert [await clear_removed_webhooks() for _ in range(3)] == [2, 1, 0]
        assert await fetch_value("SELECT id FROM webhook") == kept
        assert len(await queued(kept)) == 2

    run_opened(database_url, body)
