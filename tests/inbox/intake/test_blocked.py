"""A blocked contact: kept and told, but nobody is disturbed, and nothing is written to them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from inbox.contacts.actions import block_contact
from inbox.conversations.actions.change import set_status
from inbox.conversations.actions.reply import retry_message
from inbox.conversations.queries import find_contact_targets
from inbox.kit.db import execute, fetch, fetch_value
from tests.inbox.builders import (
    AGENT,
    ANA,
    NOW,
    committed,
    make_channel,
    one_row,
    receive,
    refused,
    reply,
    run_opened,
    text_message,
)

LATER = NOW + timedelta(days=3)


async def block(conversation_id: UUID, *, blocked: bool = True) -> UUID:
    """Block, or unblock, whoever a conversation is with."""
    contact_id: UUID = await fetch_value("SELECT contact_id FROM conversation WHERE id = $1", conversation_id)
    await committed(block_contact(contact_id, blocked=blocked, actor=AGENT))
    return contact_id


def test_what_a_blocked_contact_writes_is_kept_and_disturbs_nobody(database_url: str) -> None:
    """It joins the timeline without reopening it, is not unread, waits for nobody, and the feed says it is blocked."""

    async def body() -> None:
        lane = await make_channel()
        conversation_id = await receive(lane, text_message(sender=ANA))
        await committed(set_status(conversation_id, "closed", actor=AGENT, now=NOW))
        await block(conversation_id)
        assert await receive(lane, text_message("again", sender=ANA)) == conversation_id
        row = await one_row("conversation", conversation_id)
        assert (row["status"], row["unread"], row["waiting_since"], row["preview"]) == ("closed", 1, None, "again")
        told = await fetch("SELECT facts FROM feed_event WHERE type = 'message.created' ORDER BY position")
        assert [row["facts"] for row in told] == [None, '{"contact_blocked": true}']

    run_opened(database_url, body)


def test_a_new_conversation_of_a_blocked_contact_is_closed_from_the_start(database_url: str) -> None:
    """Nobody finds it among the open ones; once unblocked, the next message opens it again."""

    async def body() -> None:
        lane = await make_channel()
        first = await receive(lane, text_message(sender=ANA))
        await committed(set_status(first, "closed", actor=AGENT, now=NOW))
        await block(first)
        second = await receive(lane, text_message("later", sender=ANA), now=LATER)
        assert second != first
        assert (await one_row("conversation", second))["status"] == "closed"
        await block(first, blocked=False)
        assert await receive(lane, text_message("heard", sender=ANA), now=LATER) == second
        row = await one_row("conversation", second)
        assert (row["status"], row["unread"]) == ("open", 1)

    run_opened(database_url, body)


def test_nothing_is_written_to_a_blocked_contact(database_url: str) -> None:
    """Neither an answer nor another round of an old one; the reply route says why."""

    async def body() -> None:
        lane = await make_channel()
        conversation_id = await receive(lane, text_message(sender=ANA))
        message = await reply(conversation_id)
        await execute("UPDATE entry SET delivery_state = 'failed' WHERE id = $1", message)
        contact_id = await block(conversation_id)
        assert (await refused(reply(conversation_id))).code == "contact_blocked"
        again = retry_message(message, actor=AGENT, now=NOW)
        assert (await refused(committed(again))).code == "contact_blocked"
        [target] = (await find_contact_targets([contact_id]))[contact_id]
        assert target.blocked
        await block(conversation_id, blocked=False)
        await reply(conversation_id)
        audited = await fetch("SELECT action FROM audit_event WHERE action LIKE 'contact.%' ORDER BY at")
        assert [row["action"] for row in audited] == ["contact.blocked", "contact.unblocked"]

    run_opened(database_url, body)
