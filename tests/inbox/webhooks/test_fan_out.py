"""From the feed to deliveries: each event once to whoever wants it, in one transaction with the cursor."""

from __future__ import annotations

import pytest

from inbox.kit.db import execute, fetch_value, tx
from inbox.webhooks.actions.endpoints import EndpointChange, change_webhook, remove_webhook
from inbox.webhooks.actions.fan_out import IDLE_LAG, fan_out_events
from tests.inbox.builders import AGENT, BEN, apart, committed, make_channel, refused, run_opened, text_message
from tests.inbox.webhooks.endpoints import (
    WORKSHOP,
    claim,
    fan_out,
    make_webhook,
    open_conversation,
    queued,
    settle,
    tell,
    tried,
    types_queued,
)


def test_each_endpoint_gets_what_it_wants(database_url: str) -> None:
    """By type, in the order of the feed, from its making on; one that is disabled or removed gets nothing."""

    async def body() -> None:
        await tell("contact.created")
        everything = await make_webhook()
        contacts = await make_webhook(types=["contact.*"])
        off = await make_webhook(enabled=False)
        gone = await make_webhook()
        await committed(remove_webhook(gone, actor=AGENT))
        await tell("channel.updated", "contact.updated", "contact.created")
        assert await fan_out() == 4
        assert await types_queued(everything) == ["channel.updated", "contact.updated", "contact.created"]
        assert await types_queued(contacts) == ["contact.updated", "contact.created"]
        assert await types_queued(off) == await types_queued(gone) == []
        assert await fan_out() == 0

    run_opened(database_url, body)


def test_whoever_dies_in_the_middle_has_done_nothing(database_url: str) -> None:
    """The cursor moves with the deliveries or not at all, so nothing is lost and nothing comes twice."""

    async def body() -> None:
        webhook = await make_webhook()
        await tell("contact.created", "contact.updated")
        with pytest.raises(InterruptedError):
            await committed(die_after_fan_out())
        assert await types_queued(webhook) == []
        await fan_out()
        await execute("UPDATE webhook_head SET cursor = 0")  # as after restoring an older copy
        await fan_out()
        assert await types_queued(webhook) == ["contact.created", "contact.updated"]

    run_opened(database_url, body)


async def die_after_fan_out() -> None:
    """All is written, and then the process dies before it commits."""
    assert await fan_out_events() == 2
    raise InterruptedError


def test_two_processes_do_not_queue_the_same(database_url: str) -> None:
    """While one fans out, the other goes on with something else."""

    async def body() -> None:
        await make_webhook()
        await tell("contact.created")
        async with tx():
            assert await fan_out_events() == 1
            assert await apart(fan_out()) is None
        assert await fan_out() == 0

    run_opened(database_url, body)


def test_without_endpoints_the_cursor_lags_only_so_far(database_url: str) -> None:
    """Nobody writes a row for each event that nobody wants, and nobody walks a long way when somebody comes."""

    async def body() -> None:
        await tell("contact.created")
        await fan_out()
        assert await fetch_value("SELECT cursor FROM webhook_head") == 0
        await execute("UPDATE feed_head SET cursor = $1", IDLE_LAG + 10)
        await fan_out()
        assert await fetch_value("SELECT cursor FROM webhook_head") == IDLE_LAG + 10

    run_opened(database_url, body)


def test_a_query_narrows_to_conversations_that_match_now(database_url: str) -> None:
    """Events of other conversations, and of none, are not for an endpoint with `q`."""

    async def body() -> None:
        lane = await make_channel()
        vip = await open_conversation(lane, text_message())
        other = await open_conversation(lane, text_message(sender=BEN))
        await execute("UPDATE conversation SET tags = '{vip}' WHERE id = $1", vip)
        webhook = await make_webhook(q="tag:vip", types=["conversation.updated", "contact.updated"])
        await tell("conversation.updated", conversation_id=vip)
        await tell("conversation.updated", conversation_id=other)
        await tell("contact.updated")
        await fan_out()
        assert [row["conversation_id"] for row in await queued(webhook)] == [vip]

    run_opened(database_url, body)


def test_a_query_that_cannot_be_asked_any_more_holds_nobody_up(database_url: str) -> None:
    """A filter that was fine when it was saved matches nothing; the other endpoints get theirs."""

    async def body() -> None:
        conversation = await open_conversation(await make_channel(), text_message())
        broken, fine = await make_webhook(q="tag:vip"), await make_webhook()
        await execute("UPDATE webhook SET query = 'nosuchfield:1' WHERE id = $1", broken)
        await tell("conversation.updated", conversation_id=conversation)
        await fan_out()
        assert await types_queued(broken) == []
        assert "conversation.updated" in await types_queued(fine)

    run_opened(database_url, body)


def test_an_ordered_endpoint_gets_one_of_a_conversation_at_a_time(database_url: str) -> None:
    """The next waits for the one before it, in its own conversation; another conversation does not."""

    async def body() -> None:
        lane = await make_channel()
        one = await open_conversation(lane, text_message())
        two = await open_conversation(lane, text_message(sender=BEN))
        webhook = await make_webhook(ordering="conversation", types=["conversation.updated", "message.updated"])
        for conversation in (one, one, two):
            await tell("conversation.updated", "message.updated", conversation_id=conversation)
        await fan_out()
        assert [row["state"] for row in await queued(webhook)] == [0, 2, 2, 2, 0, 2]
        seen = []
        while claimed := await claim():
            assert len({delivery.event["conversation_id"] for delivery in claimed}) == len(claimed)
            seen += [(delivery.event["conversation_id"], delivery.event["cursor"]) for delivery in claimed]
            await settle(*(tried(delivery) for delivery in claimed))
        for conversation, amount in ((one, 4), (two, 2)):
            cursors = [cursor for found, cursor in seen if found == conversation]
            assert len(cursors) == amount
            assert cursors == sorted(cursors)

    run_opened(database_url, body)


def test_what_comes_while_an_earlier_one_is_under_way_waits(database_url: str) -> None:
    """Told, finished and told again: whoever is first, none is left waiting for nobody."""

    async def body() -> None:
        conversation = await open_conversation(await make_channel(), text_message())
        webhook = await make_webhook(ordering="conversation", types=["conversation.updated"])
        await tell("conversation.updated", conversation_id=conversation)
        await fan_out()
        [first] = await claim()
        await tell("conversation.updated", conversation_id=conversation)
        await fan_out()
        assert [row["state"] for row in await queued(webhook)] == [1, 2]
        assert await claim() == []
        await settle(tried(first))
        [second] = await claim()
        await settle(tried(second))
        assert [row["state"] for row in await queued(webhook)] == [3, 3]

    run_opened(database_url, body)


def test_a_filter_that_is_changed_holds_from_the_next_event_on(database_url: str) -> None:
    """What is queued already is sent, what comes is chosen anew."""

    async def body() -> None:
        webhook = await make_webhook(types=["contact.created"])
        await tell("contact.created")
        await fan_out()
        change = EndpointChange(types=["contact.updated"])
        await committed(change_webhook(webhook, change, workshop=WORKSHOP, actor=AGENT))
        await tell("contact.created", "contact.updated")
        await fan_out()
        assert await types_queued(webhook) == ["contact.created", "contact.updated"]
        problem = await refused(
            committed(change_webhook(webhook, EndpointChange(types=["no"]), workshop=WORKSHOP, actor=AGENT))
        )
        assert problem.code == "validation_failed"

    run_opened(database_url, body)
