"""Delivery reports through the projection: matched to our messages, set aside where there is none, replayed later."""

from __future__ import annotations

from uuid import UUID

from channels.events import DeliveryError, DeliveryReported
from inbox.conversations.actions.deliveries import PieceReport, apply_reports
from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.intake.batch import Lane
from inbox.kit.db import Row, fetch_one, tx
from tests.inbox.builders import (
    ANA,
    NOW,
    arrived,
    count_rows,
    delivery_report,
    make_channel,
    one_row,
    project,
    receive,
    replay,
    reply,
    rows_of,
    run_opened,
    text_message,
)


async def asked_and_answered(lane: Lane) -> tuple[UUID, Row]:
    """A conversation with one reply of ours: its entry, and the delivery of its only piece."""
    entry_id = await reply(await receive(lane, text_message("?", key="SMin")))
    delivery = await fetch_one("SELECT * FROM delivery WHERE entry_id = $1", entry_id)
    assert delivery is not None
    return entry_id, delivery


async def hand_over(entry_id: UUID, delivery: Row, provider_message_id: str) -> None:
    """What the worker records once the provider has taken the message."""
    async with tx():
        held = await lock_thread((await one_row("entry", entry_id))["conversation_id"])
        sent = PieceReport(delivery_id=delivery["id"], state="sent", provider_message_id=provider_message_id)
        await apply_reports({held.thread.id: held}, [sent], now=NOW)
        await store_threads([held], now=NOW)


async def state_of(entry_id: UUID) -> str:
    """How far the message got."""
    return str((await one_row("entry", entry_id))["delivery_state"])


def test_a_report_finds_its_message_by_the_providers_id(database_url: str) -> None:
    """A report moves the message forward, is kept as it came, and the feed tells it."""

    async def body() -> None:
        lane = await make_channel()
        entry_id, delivery = await asked_and_answered(lane)
        await hand_over(entry_id, delivery, "SMout")
        await project(lane, arrived(10, delivery_report("SMout", "delivered")))
        assert await state_of(entry_id) == "delivered"
        [logged] = await rows_of("delivery_attempt")
        assert (logged["kind"], logged["outcome"]) == ("report", "delivered")
        told = (await rows_of("feed_event", "position"))[-1]
        assert (told["type"], told["entry_id"], told["seq"]) == ("message.delivery_updated", entry_id, 2)

    run_opened(database_url, body)


def test_a_report_that_overtakes_our_record_finds_its_message_by_our_reference(database_url: str) -> None:
    """The provider may report before we have noted its id: our reference leads there, and the id is kept."""

    async def body() -> None:
        lane = await make_channel()
        entry_id, delivery = await asked_and_answered(lane)
        await project(lane, arrived(10, delivery_report("SMout", "delivered", reference=delivery["id"])))
        assert await state_of(entry_id) == "delivered"
        assert (await one_row("delivery", delivery["id"]))["provider_message_id"] == "SMout"
        await hand_over(entry_id, delivery, "SMout")
        assert await state_of(entry_id) == "delivered"

    run_opened(database_url, body)


def test_a_report_for_a_message_nobody_knows_waits_for_a_replay(database_url: str) -> None:
    """It is set aside, and told as new once the message exists: it has not happened before."""

    async def body() -> None:
        lane = await make_channel()
        entry_id, delivery = await asked_and_answered(lane)
        early = arrived(10, delivery_report("SMout", "delivered"))
        await project(lane, early, arrived(11, text_message("next")))
        assert [row["code"] for row in await rows_of("quarantine", "raw_event_id")] == ["nobodys_message"]
        assert await state_of(entry_id) == "queued"
        assert [one.code for one in await replay(lane, early)] == ["nobodys_message"]
        await hand_over(entry_id, delivery, "SMout")
        assert await replay(lane, early) == []
        assert await state_of(entry_id) == "delivered"
        [row] = await rows_of("quarantine", "raw_event_id")
        assert row["resolved_at"] is not None
        assert await replay(lane, early) == []
        assert await count_rows("delivery_attempt") == 1

    run_opened(database_url, body)


def test_a_report_belongs_to_the_channel_it_came_by(database_url: str) -> None:
    """The provider's ids are its channel's: the same id told on another channel moves nothing of ours."""

    async def body() -> None:
        lane, other = await make_channel(), await make_channel("+12125550198")
        entry_id, delivery = await asked_and_answered(lane)
        await hand_over(entry_id, delivery, "SMout")
        await project(other, arrived(10, delivery_report("SMout", "failed")))
        assert await state_of(entry_id) == "sent"
        assert [row["channel_id"] for row in await rows_of("quarantine", "raw_event_id")] == [other.route.channel_id]

    run_opened(database_url, body)


def test_a_reference_that_is_not_ours_is_no_reference(database_url: str) -> None:
    """Whatever a provider carries back in place of our reference, the report is found by the provider's id."""

    async def body() -> None:
        lane = await make_channel()
        entry_id, delivery = await asked_and_answered(lane)
        await hand_over(entry_id, delivery, "SMout")
        for number, reference in enumerate(["msg_0", "ent_" + "0" * 32, "", "msg_" + "0" * 32]):
            told = DeliveryReported(key=f"k{number}", provider_message_id="SMout", state="read", reference=reference)
            await project(lane, arrived(10 + number, told))
        assert await state_of(entry_id) == "read"
        assert (await count_rows("delivery_attempt"), await count_rows("quarantine")) == (4, 0)

    run_opened(database_url, body)


def test_several_strays_of_one_request_are_set_aside_once(database_url: str) -> None:
    """A request with two reports that match nothing is one line of the quarantine; its good events happen."""

    async def body() -> None:
        lane = await make_channel()
        strays = [delivery_report(f"SM{n}", "delivered") for n in range(2)]
        lost = text_message("lost", to="+12125559999")
        await project(lane, arrived(1, strays[0], text_message("hi"), strays[1], lost))
        assert [row["raw_event_id"] for row in await rows_of("quarantine", "raw_event_id")] == [1]
        assert [row["text"] for row in await rows_of("entry")] == ["hi"]

    run_opened(database_url, body)


def test_reports_of_one_batch_are_applied_in_their_order(database_url: str) -> None:
    """Several reports of one message in one batch end where they would have ended one by one, each of them kept."""

    async def body() -> None:
        lane = await make_channel()
        entry_id, delivery = await asked_and_answered(lane)
        await hand_over(entry_id, delivery, "SMout")
        error = DeliveryError(code="unreachable", provider_code="30003", message="Unreachable handset")
        reports = [
            delivery_report("SMout", "sent"),
            delivery_report("SMout", "undelivered", error=error),
            delivery_report("SMout", "delivered"),
        ]
        await project(lane, *(arrived(10 + n, one) for n, one in enumerate(reports)))
        entry = await one_row("entry", entry_id)
        assert entry["delivery_state"] == "undelivered"
        assert "30003" in entry["delivery_error"]
        assert [row["outcome"] for row in await rows_of("delivery_attempt")] == ["sent", "undelivered", "delivered"]
        told = [row["facts"] for row in await rows_of("feed_event", "position") if "delivery" in row["changed"]]
        assert len(told) == 2  # handed over, and the end

    run_opened(database_url, body)


def test_a_report_and_a_message_of_one_batch_meet_in_one_conversation(database_url: str) -> None:
    """What the contact writes and what the provider reports in the same batch are stored together, `seq` unbroken."""

    async def body() -> None:
        lane = await make_channel()
        entry_id, delivery = await asked_and_answered(lane)
        await hand_over(entry_id, delivery, "SMout")
        rows = [
            arrived(10, text_message("a")),
            arrived(11, delivery_report("SMout", "read")),
            arrived(12, text_message("b")),
        ]
        await project(lane, *rows)
        assert [row["seq"] for row in await rows_of("entry", "seq")] == [1, 2, 3, 4]
        assert await state_of(entry_id) == "read"
        assert await count_rows("conversation") == 1

    run_opened(database_url, body)


def test_a_report_makes_nobody(database_url: str) -> None:
    """A report knows no person: it makes no contact and no conversation, and no entry."""

    async def body() -> None:
        lane = await make_channel()
        await project(lane, arrived(1, delivery_report("SMx", "delivered")))
        assert [await count_rows(table) for table in ("contact", "conversation", "entry", "feed_event")] == [0] * 4
        assert ANA not in str(await rows_of("quarantine", "raw_event_id"))

    run_opened(database_url, body)
