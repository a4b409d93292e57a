"""Taking a message back: as long as nothing was handed over, and then as if it had never been said."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from inbox.conversations.actions.change import set_status
from inbox.conversations.actions.deliveries import EndedAttempt, begin_attempts, end_attempts
from inbox.conversations.actions.reply import retry_message
from inbox.conversations.moves.actions import merge_conversations
from inbox.conversations.sending.actions.cancel import cancel_message
from inbox.kit.db import execute, fetch_one, fetch_value, tx
from inbox.kit.ids import new_id
from tests.inbox.builders import (
    AGENT,
    NOW,
    WINDOW,
    apart,
    committed,
    consent_change,
    count_rows,
    delivery_report,
    make_channel,
    one_row,
    receive,
    refused,
    reply,
    rows_of,
    run_opened,
    text_message,
)
from tests.inbox.conversations.writing import Desk, at_desk

LONG = "word " * 45
"""Three pieces of a channel that carries 100 characters."""


async def cancel(entry_id: UUID) -> str:
    """Take it back; its state then."""
    await committed(cancel_message(entry_id, actor=AGENT, now=NOW))
    return str((await one_row("entry", entry_id))["delivery_state"])


async def deliveries(entry_id: UUID) -> list[UUID]:
    """Its pieces."""
    return [row["id"] for row in await rows_of("delivery", "piece") if row["entry_id"] == entry_id]


def test_a_queued_message_is_taken_back(database_url: str) -> None:
    """Entry and pieces are canceled, its job is gone, the feed names who did it; a second time changes nothing."""

    async def body() -> None:
        entry_id = await reply(await receive(await make_channel(), text_message()), LONG)
        assert await cancel(entry_id) == "canceled"
        assert {row["state"] for row in await rows_of("delivery")} == {"canceled"}
        assert await count_rows("job") == 0
        told = (await rows_of("feed_event", "position"))[-1]
        assert (told["type"], '"Bo"' in told["actor"]) == ("message.delivery_updated", True)
        before = await count_rows("feed_event")
        assert await cancel(entry_id) == "canceled"
        assert await count_rows("feed_event") == before

    run_opened(database_url, body)


def test_whoever_waited_waits_again(database_url: str) -> None:
    """The conversation stands as before: waiting since then, with the preview and the last answer there was."""

    async def body() -> None:
        lane = await make_channel()
        conversation = await receive(lane, text_message("first"))
        names = ("preview", "waiting_since", "last_outbound_at")
        before = {name: (await one_row("conversation", conversation))[name] for name in names}
        assert before["waiting_since"] is not None
        answered = await reply(conversation, "no, wait")
        assert (await one_row("conversation", conversation))["waiting_since"] is None
        await cancel(answered)
        row = await one_row("conversation", conversation)
        assert {name: row[name] for name in names} == before
        kept = await reply(conversation, "kept")
        await cancel(await reply(conversation, "gone"))
        row = await one_row("conversation", conversation)
        assert (row["preview"], row["waiting_since"]) == ("kept", None)
        assert row["last_outbound_at"] == (await one_row("entry", kept))["created_at"]
        assert row["last_seq"] == 4

    run_opened(database_url, body)


async def begun(entry_id: UUID) -> None:
    """A worker is about to hand the first piece over."""
    await begin_attempts((await deliveries(entry_id))[:1], now=NOW)


async def first_piece_sent(entry_id: UUID) -> None:
    """The first of several pieces is with the provider."""
    await execute(
        "UPDATE delivery SET state = 'sent', provider_message_id = 'SM1' WHERE id = $1", (await deliveries(entry_id))[0]
    )


async def unknown(entry_id: UUID) -> None:
    """Nobody knows whether a piece was taken."""
    await execute("UPDATE delivery SET state = 'unknown' WHERE id = $1", (await deliveries(entry_id))[0])


@pytest.mark.parametrize("happens", [begun, first_piece_sent, unknown])
def test_what_may_have_been_handed_over_is_not_taken_back(database_url: str, happens: Any) -> None:
    """A try that has begun, a piece the provider has, an outcome nobody knows: refused, and nothing changes."""

    async def body() -> None:
        entry_id = await reply(await receive(await make_channel(), text_message()), LONG)
        await happens(entry_id)
        before = await rows_of("delivery", "piece")
        assert (await refused(cancel(entry_id))).code == "state_conflict"
        assert await rows_of("delivery", "piece") == before
        assert await count_rows("job") == 1

    run_opened(database_url, body)


def test_between_two_tries_that_did_not_come_through_it_can_be_taken_back(database_url: str) -> None:
    """While the provider is away and the message waits for another try, nothing was handed over."""

    async def body() -> None:
        entry_id = await reply(await receive(await make_channel(), text_message()))
        [attempt] = (await begin_attempts((await deliveries(entry_id))[:1], now=NOW)).values()
        await execute("UPDATE delivery SET state = 'sending'")
        await execute("UPDATE entry SET delivery_state = 'sending' WHERE id = $1", entry_id)
        await end_attempts([EndedAttempt(id=attempt, outcome="retry")], now=NOW)
        assert await cancel(entry_id) == "canceled"

    run_opened(database_url, body)


def test_another_round_that_has_not_left_can_be_taken_back(database_url: str) -> None:
    """After a failure a person asked for another try, and thinks better of it."""

    async def body() -> None:
        lane = await make_channel()
        entry_id = await reply(await receive(lane, text_message()))
        await execute("DELETE FROM job")
        await execute("UPDATE delivery SET state = 'failed'")
        await execute("UPDATE entry SET delivery_state = 'failed' WHERE id = $1", entry_id)
        await committed(retry_message(entry_id, actor=AGENT, now=NOW))
        assert await cancel(entry_id) == "canceled"
        assert (await refused(committed(retry_message(entry_id, actor=AGENT, now=NOW)))).code == "state_conflict"

    run_opened(database_url, body)


def test_what_arrived_failed_or_came_in_is_not_taken_back(database_url: str) -> None:
    """Nor is a note, an event, or an id of nobody."""

    async def body() -> None:
        lane = await make_channel()
        conversation = await receive(lane, text_message(), consent_change("revoked"), consent_change("granted"))
        inbound, event = (await rows_of("entry", "seq"))[:2]
        assert (await refused(cancel(inbound["id"]))).code == "state_conflict"
        for entry_id in (event["id"], new_id()):
            assert (await refused(cancel(entry_id))).code == "not_found"
        for state in ("sent", "delivered", "failed"):
            entry_id = await reply(conversation)
            [delivery] = await deliveries(entry_id)
            await receive(lane, delivery_report(f"SM{state}", state, reference=delivery))
            assert (await refused(cancel(entry_id))).code == "state_conflict"

    run_opened(database_url, body)


async def held_job(desk: Desk) -> Any:
    """How long, in seconds, the newest job is held back."""
    return await fetch_value(
        "SELECT extract(epoch FROM available_at - created_at)::int FROM job ORDER BY id DESC LIMIT 1"
    )


def test_the_deployment_says_how_long_and_a_request_may_say_otherwise(database_url: str) -> None:
    """A held message is `scheduled`, says until when, and leaves no sooner; 0 is at once; 61 is refused."""

    async def steps(desk: Desk) -> None:
        path = f"{desk.conversation}/messages"
        entry = await desk.ask("POST", path, {"text": "default"}, status=201)
        assert (entry["delivery"]["state"], await held_job(desk)) == ("scheduled", 7)
        assert entry["delivery"]["held_until"] > entry["created_at"]
        entry = await desk.ask("POST", path, {"text": "longer", "undo_seconds": 60}, status=201)
        assert (entry["delivery"]["state"], await held_job(desk)) == ("scheduled", 60)
        entry = await desk.ask("POST", path, {"text": "at once", "undo_seconds": 0}, status=201)
        assert (entry["delivery"]["state"], entry["delivery"]["held_until"]) == ("queued", None)
        assert await held_job(desk) == 0
        assert await desk.refuse("POST", path, {"text": "x", "undo_seconds": 61}) == "validation_failed"
        draft = await desk.draft()
        entry = await desk.ask("POST", f"/drafts/{draft['id']}/send", {"undo_seconds": 5}, status=201)
        assert (entry["delivery"]["state"], await held_job(desk)) == ("scheduled", 5)

    at_desk(database_url, steps, undo_seconds=7)


def test_over_the_api_a_held_message_is_taken_back_once(database_url: str) -> None:
    """The entry keeps its number and its words and says `canceled`; with a foreign version nothing happens."""

    async def steps(desk: Desk) -> None:
        entry = await desk.ask(
            "POST", f"{desk.conversation}/messages", {"text": "oops", "undo_seconds": 30}, status=201
        )
        path = f"/messages/{entry['id']}/cancel"
        shown = await desk.ask("POST", path)
        assert (shown["seq"], shown["text"], shown["delivery"]["state"]) == (2, "oops", "canceled")
        assert (await desk.ask("GET", desk.conversation))["waiting_since"] is not None
        assert await fetch_one("SELECT FROM job") is None
        assert await desk.refuse("POST", f"/messages/ent_{'0' * 32}/cancel") == "not_found"

    at_desk(database_url, steps)


def test_a_message_that_moves_meanwhile_is_taken_back_where_it_is(database_url: str) -> None:
    """A cancel that waits for a merge holds the conversation the message has gone to, and changes that one."""

    async def body() -> None:
        lane = await make_channel()
        source = await receive(lane, text_message("first"))
        entry_id = await reply(source, "no, wait")
        await committed(set_status(source, "closed", actor=AGENT, now=NOW))
        target = await receive(lane, text_message("second"), now=NOW + WINDOW * 2)
        async with tx():
            await merge_conversations(source, target, across_contacts=False, actor=AGENT, now=NOW)
            canceling = apart(cancel(entry_id))
            await asyncio.sleep(0.1)
            assert not canceling.done()
        assert await canceling == "canceled"
        assert (await one_row("entry", entry_id))["conversation_id"] == target
        assert (await one_row("conversation", target))["waiting_since"] is not None
        assert await count_rows("job") == 0

    run_opened(database_url, body)


def test_a_message_is_taken_back_in_the_version_that_was_seen(database_url: str) -> None:
    """If-Match is about the message the path names: its own ETag is met, another is refused and changes nothing."""

    async def steps(desk: Desk) -> None:
        entry = await desk.ask("POST", f"{desk.conversation}/messages", {"text": "oops"}, status=201)
        path = f"/messages/{entry['id']}"
        tag = (await desk.api.call("GET", f"/v1{path}")).headers["etag"]
        assert await desk.refuse("POST", f"{path}/cancel", headers={"If-Match": '"v9"'}) == "version_mismatch"
        shown = await desk.ask("POST", f"{path}/cancel", headers={"If-Match": tag})
        assert shown["delivery"]["state"] == "canceled"

    at_desk(database_url, steps)
