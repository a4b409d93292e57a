"""Handing over, many at once: each in its own name, none twice, and one that is stopped stops no other."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from channels.contract import Sent
from gateway.handover import Asked, Landed, Origin, Ready, begin_sends, record_outcomes
from gateway.outcomes import Done, NotNow
from inbox.contacts.actions import record_consents
from inbox.contacts.contact import ConsentChange
from inbox.conversations.actions.deliveries import open_attempts
from inbox.kit.db import fetch
from inbox.outbox.actions import claim_jobs
from inbox.outbox.queries import count_jobs
from tests.gateway.posts import NO_JOBS, Post, run_post
from tests.inbox.builders import committed, one_row, receive, reply, text_message

NOBODY = Origin(None, None)


async def write_to_each(post: Post, count: int) -> list[UUID]:
    """A queued message to each of so many people."""
    threads = [await receive(post.lane, text_message(sender=f"+1212556{number:04}")) for number in range(count)]
    return [await reply(thread, "hello") for thread in threads]


async def asked(post: Post, entry_id: UUID, request: str | None = None) -> Asked:
    """A message whose turn has come."""
    entry = await one_row("entry", entry_id)
    return Asked(
        entry_id=entry_id,
        conversation_id=entry["conversation_id"],
        channel_id=entry["channel_id"],
        directory=post.runtime.directory,
        origin=Origin(request, None),
    )


async def state_of(entry_id: UUID) -> str:
    """How far the message is."""
    return str((await one_row("entry", entry_id))["delivery_state"])


def test_many_begin_in_one_transaction_each_in_its_own_name(database_url: str, tmp_path: Path) -> None:
    """All attempts are noted by one commit, and what the feed tells of each carries its own request."""

    async def body(post: Post) -> None:
        entries = await write_to_each(post, 3)
        begun = await begin_sends([await asked(post, entry_id, f"req {n}") for n, entry_id in enumerate(entries)])
        assert all(isinstance(one, Ready) for one in begun)
        assert {await state_of(entry_id) for entry_id in entries} == {"sending"}
        transactions = await fetch("SELECT DISTINCT xmin::text FROM delivery_attempt")
        assert len(transactions) == 1
        told = await fetch(
            "SELECT entry_id, request_id FROM feed_event WHERE type = 'message.delivery_updated' ORDER BY position"
        )
        assert {row["entry_id"]: row["request_id"] for row in told} == {
            entry_id: f"req {n}" for n, entry_id in enumerate(entries)
        }

    run_post(database_url, tmp_path, body)


def test_a_message_asked_for_twice_at_once_is_begun_once(database_url: str, tmp_path: Path) -> None:
    """Where a lease was lost two runs of one job may meet: one sends, the other is told to come back."""

    async def body(post: Post) -> None:
        [entry_id] = await write_to_each(post, 1)
        first, second = await begin_sends([await asked(post, entry_id), await asked(post, entry_id)])
        assert isinstance(first, Ready)
        assert isinstance(second, NotNow)
        assert len(await open_attempts([first.piece["id"]])) == 1

    run_post(database_url, tmp_path, body)


def test_one_that_is_stopped_stops_no_other(database_url: str, tmp_path: Path) -> None:
    """An opt-out and an attempt that was left open end their own messages alone."""

    async def body(post: Post) -> None:
        gone, lost, well = await write_to_each(post, 3)
        stopped = ConsentChange(
            identity_id=(await one_row("entry", gone))["identity_id"], state="revoked", source="provider"
        )
        await committed(record_consents([stopped]))
        [left_open] = await begin_sends([await asked(post, lost)])
        assert isinstance(left_open, Ready)
        outcomes = await begin_sends([await asked(post, entry_id) for entry_id in (gone, lost, well)])
        assert [type(one) for one in outcomes] == [Done, Done, Ready]
        assert [await state_of(entry_id) for entry_id in (gone, lost, well)] == ["failed", "unknown", "sending"]

    run_post(database_url, tmp_path, body)


def test_outcomes_that_come_together_are_recorded_together(database_url: str, tmp_path: Path) -> None:
    """Sent and unknown in one commit; the job of what is whole with the provider ends in it, and may do so twice."""

    async def body(post: Post) -> None:
        entries = await write_to_each(post, 2)
        claimed = {str(one.job.entry_id): one for one in await claim_jobs(limit=9, lease_seconds=30)}  # type: ignore[union-attr]  # they all deliver
        begun = await begin_sends([await asked(post, entry_id) for entry_id in entries])
        ready = [one for one in begun if isinstance(one, Ready)]
        sent = Sent(provider_message_id="SM1")
        landed = [
            Landed(
                claimed=claimed[str(entries[0])],
                ready=ready[0],
                origin=NOBODY,
                state="sent",
                provider_message_id=sent.provider_message_id,
            ),
            Landed(claimed=claimed[str(entries[1])], ready=ready[1], origin=NOBODY, state="unknown"),
        ]
        for _ in range(2):
            await record_outcomes(landed)
            assert [await state_of(entry_id) for entry_id in entries] == ["sent", "unknown"]
            assert await count_jobs() == NO_JOBS | {"running": 1}

    run_post(database_url, tmp_path, body)
