"""Claiming deliveries and settling them: leases, lanes, retries, throttling, and how endpoints fare."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch, fetch_one, fetch_value
from inbox.kit.ids import WEBHOOK, show_id
from inbox.webhooks.actions.dispatch import claim_deliveries, give_back_deliveries, recover_deliveries
from inbox.webhooks.actions.record import KEPT_ATTEMPTS
from inbox.webhooks.queries import decode_attempts
from inbox.webhooks.schedule import Tempo
from tests.inbox.builders import make_channel, run_opened, text_message
from tests.inbox.webhooks.endpoints import (
    NOW,
    claim,
    fan_out,
    make_webhook,
    open_conversation,
    queued,
    refused,
    settle,
    tell,
    times,
    tried,
    types_of,
)

DAY = timedelta(days=1)


async def one_claimed(**fields: Any) -> Any:
    """A webhook's id, and the one delivery that is due for it."""
    webhook = await make_webhook(types=["contact.created"], **fields)
    await tell("contact.created")
    await fan_out()
    [claimed] = await claim()
    return webhook, claimed


async def due_now() -> None:
    """Time passes until everything is due."""
    await execute("UPDATE webhook_delivery SET available_at = now() WHERE state = 0")


async def told(name: str) -> list[dict[str, Any]]:
    """The facts of the events of a type."""
    rows = await fetch("SELECT facts FROM feed_event WHERE type = $1 ORDER BY position", name)
    return [msgspec.json.decode(row["facts"]) for row in rows]


def test_what_is_due_is_claimed_once_and_in_order(database_url: str) -> None:
    """Two processes share the work; nobody gets what another holds."""

    async def body() -> None:
        await make_webhook(types=["contact.*"])
        await tell("contact.created", "contact.updated", "contact.consent_changed")
        await fan_out()
        first, second = await claim(2), await claim(2)
        assert types_of(first) == ["contact.created", "contact.updated"]
        assert types_of(second) == ["contact.consent_changed"]
        assert await claim() == []

    run_opened(database_url, body)


def test_an_endpoint_gets_no_more_than_it_has_room_for(database_url: str) -> None:
    """A full lane is passed over, and takes nothing from the others."""

    async def body() -> None:
        full, half, new = [await make_webhook(types=["contact.created"]) for _ in range(3)]
        await tell(*times(5, "contact.created"))
        await fan_out()
        claimed = await claim_deliveries({full: 0, half: 2}, room_elsewhere=4, limit=100, lease_seconds=30)
        found = [one.webhook_id for one in claimed]
        assert [found.count(webhook) for webhook in (full, half, new)] == [0, 2, 4]

    run_opened(database_url, body)


def test_a_vanished_process_loses_nothing(database_url: str) -> None:
    """Its claims come back when their lease ends, and what it still says of them is not believed."""

    async def body() -> None:
        await make_webhook(types=["contact.created"])
        await tell("contact.created")
        await fan_out()
        [lost] = await claim(lease_seconds=0)
        assert await recover_deliveries() == 1
        [again] = await claim()
        await settle(refused(lost))
        assert (await queued(again.webhook_id))[0]["state"] == 1
        await settle(tried(again))
        assert (await queued(again.webhook_id))[0]["state"] == 3
        assert await recover_deliveries() == 0

    run_opened(database_url, body)


def test_claims_given_back_were_not_tried(database_url: str) -> None:
    """A process that stops leaves what it did not begin to others, at once."""

    async def body() -> None:
        _, claimed = await one_claimed()
        await give_back_deliveries([claimed.id], lease_id=claimed.lease_id)
        [again] = await claim()
        assert (again.id, again.tried) == (claimed.id, 0)

    run_opened(database_url, body)


def test_a_held_outbox_sends_no_webhook(database_url: str) -> None:
    """A restored copy tells nobody anything until it is told to."""

    async def body() -> None:
        _, claimed = await one_claimed()
        await give_back_deliveries([claimed.id], lease_id=claimed.lease_id)
        await execute("INSERT INTO outbox_hold (reason, actor) VALUES ('restored', '{}')")
        assert await claim() == []
        await execute("DELETE FROM outbox_hold")
        assert len(await claim()) == 1

    run_opened(database_url, body)


def test_a_failure_is_tried_again_by_the_schedule_and_then_given_up(database_url: str) -> None:
    """Ten tries under one id, each in the log; then it has failed, and nobody tries it any more."""

    async def body() -> None:
        webhook, claimed = await one_claimed()
        row = None
        for number in range(1, 11):
            await settle(refused(claimed), now=utc_now())
            [row] = await queued(webhook)
            assert (row["state"], row["tries"]) == (4 if number == 10 else 0, number)
            assert await claim() == [], "it is not due yet"
            await due_now()
            claimed = ([*await claim(), claimed])[0]
        assert row is not None
        log = decode_attempts(row["attempts"])
        assert [one.number for one in log] == list(range(1, 11))
        assert {(one.status, one.error) for one in log} == {(500, "http_status")}
        assert row["finished_at"] is not None

    run_opened(database_url, body)


def test_the_log_of_one_delivery_does_not_grow_for_ever(database_url: str) -> None:
    """However often it is sent again, the last tries are kept."""

    async def body() -> None:
        webhook, claimed = await one_claimed()
        long = msgspec.json.encode([tried(claimed).attempt] * KEPT_ATTEMPTS).decode()
        await execute("UPDATE webhook_delivery SET attempts = $1", long)
        await settle(refused(claimed))
        [row] = await queued(webhook)
        log = decode_attempts(row["attempts"])
        assert len(log) == KEPT_ATTEMPTS
        assert log[-1].error == "http_status"

    run_opened(database_url, body)


def test_an_overloaded_endpoint_is_left_alone_whole(database_url: str) -> None:
    """After a 429 nothing is claimed for it until it has rested, not even what it never saw; others go on."""

    async def body() -> None:
        webhook, claimed = await one_claimed()
        other = await make_webhook(types=["contact.updated"])
        await settle(tried(claimed, status=429, error="throttled", after=600.0))
        await tell("contact.created", "contact.updated")
        await fan_out()
        await due_now()
        assert [one.webhook_id for one in await claim()] == [other]
        rest = await fetch_value("SELECT throttled_until - now() FROM webhook WHERE id = $1", webhook)
        assert timedelta(seconds=590) < rest <= timedelta(seconds=600)
        await execute("UPDATE webhook SET throttled_until = now()")
        assert {one.webhook_id for one in await claim()} == {webhook}

    run_opened(database_url, body)


def test_410_disables_and_says_so(database_url: str) -> None:
    """The endpoint is disabled at once; feed and audit log tell it, and what is queued waits."""

    async def body() -> None:
        webhook, claimed = await one_claimed()
        await tell("contact.created")
        await fan_out()
        settled = await settle(tried(claimed, status=410, error="gone"))
        assert settled.steps == [(webhook, "disable_gone")]
        row = await fetch_one("SELECT enabled, disabled_reason FROM webhook")
        assert row is not None
        assert (row["enabled"], row["disabled_reason"]) == (False, "gone")
        assert [row["state"] for row in await queued(webhook)] == [4, 0]
        assert await claim() == []
        [facts] = await told("webhook.disabled")
        assert (facts["webhook_id"], facts["reason"]) == (show_id(WEBHOOK, webhook), "gone")
        target = await fetch_value("SELECT target FROM audit_event WHERE action = 'webhook.disabled'")
        assert target == show_id(WEBHOOK, webhook)

    run_opened(database_url, body)


def test_an_endpoint_that_only_fails_is_warned_of_and_then_disabled(database_url: str) -> None:
    """The warning says when it will be disabled; one success in between begins it all anew."""

    async def body() -> None:
        webhook, claimed = await one_claimed()
        tempo = Tempo(warn_after=2 * DAY, disable_after=5 * DAY, retry_seconds=(0.0,) * 20)
        for day in (0, 1, 2, 3, 5):
            await settle(refused(claimed, at=NOW + day * DAY), now=NOW + day * DAY, tempo=tempo)
            [claimed] = await claim() or [claimed]
        [warning] = await told("webhook.failing")
        assert (warning["failing_since"], warning["disabled_after"]) == (
            "2026-11-21T09:00:00.000Z", "2026-11-26T09:00:00.000Z",
        )  # fmt: skip
        assert [facts["reason"] for facts in await told("webhook.disabled")] == ["failing"]
        assert not await fetch_value("SELECT enabled FROM webhook WHERE id = $1", webhook)

    run_opened(database_url, body)


def test_a_success_is_noted_and_forgives(database_url: str) -> None:
    """`failing_since` goes with the first delivery that is taken."""

    async def body() -> None:
        webhook, claimed = await one_claimed()
        await settle(refused(claimed))
        failing = "SELECT failing_since FROM webhook WHERE id = $1"
        assert await fetch_value(failing, webhook) == NOW
        await due_now()
        [again] = await claim()
        await settle(tried(again))
        row = await fetch_one("SELECT failing_since, succeeded_at, failed_at FROM webhook WHERE id = $1", webhook)
        assert row is not None
        assert (row["failing_since"], row["failed_at"]) == (None, NOW)
        assert row["succeeded_at"] is not None

    run_opened(database_url, body)


def test_one_given_up_does_not_stop_its_conversation(database_url: str) -> None:
    """Ordered, the next has its turn when the one before it was taken, or has failed for good."""

    async def body() -> None:
        conversation = await open_conversation(await make_channel(), text_message())
        webhook = await make_webhook(ordering="conversation", types=["conversation.updated"])
        for _ in range(2):
            await tell("conversation.updated", conversation_id=conversation)
        await fan_out()
        [first] = await claim()
        await settle(refused(first), tempo=Tempo(retry_seconds=(0.0,)))
        [again] = await claim()
        assert again.id == first.id, "the second waits for the first, however late it gets"
        await settle(refused(again), tempo=Tempo(retry_seconds=(0.0,)))
        [second] = await claim()
        assert second.id != first.id
        assert [row["state"] for row in await queued(webhook)] == [4, 1]

    run_opened(database_url, body)
