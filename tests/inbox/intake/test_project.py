"""Projecting the journal: what arrived happens, in its order, once, and a crash or a stranger's number stops nobody."""

from __future__ import annotations

import asyncio
from uuid import UUID

import msgspec
import pytest

from channels.events import Address, TypingStarted
from channels.parts import Attachment, Image, Text
from inbox.conversations.thread import Route
from inbox.intake.actions.project import project_events
from inbox.intake.batch import Failure, ParsedEvent
from inbox.kit.db import execute, fetch, tx
from tests.inbox.builders import (
    ANA,
    NOW,
    OURS,
    WINDOW,
    apart,
    arrived,
    count_rows,
    make_channel,
    no_sibling,
    project,
    projected,
    rows_of,
    run_opened,
    text_message,
    timeline,
)


def test_a_message_becomes_a_contact_a_conversation_and_an_entry(database_url: str) -> None:
    """What somebody wrote stands in the timeline with everything the provider said of it, and the feed tells it."""

    async def body() -> None:
        lane = await make_channel()
        message = text_message("Is it open?", key="SM7", to=OURS, name="Ana")
        assert await project(lane, arrived(41, message))
        [contact], [identity] = await rows_of("contact"), await rows_of("identity")
        [conversation], [entry] = await rows_of("conversation"), await rows_of("entry")
        assert (contact["name"], identity["address"], identity["proof"]) == ("Ana", ANA, "provider")
        assert (conversation["contact_id"], conversation["status"], conversation["handler"]) == (
            contact["id"], "open", "human",
        )  # fmt: skip
        assert (conversation["preview"], conversation["unread"], conversation["last_seq"]) == ("Is it open?", 1, 1)
        assert (conversation["media"], conversation["waiting_since"]) == (["sms"], NOW)
        assert (conversation["reply_channel_id"], conversation["reply_identity_id"]) == (
            lane.route.channel_id, identity["id"],
        )  # fmt: skip
        assert (entry["seq"], entry["type"], entry["direction"], entry["delivery_state"]) == (
            1, "message", "inbound", "received",
        )  # fmt: skip
        assert (entry["provider_message_id"], entry["raw_event_id"], entry["occurred_at"]) == ("SM7", 41, NOW)
        assert msgspec.json.decode(entry["recipients"]) == [{"role": "to", "address": OURS}]
        assert [row["type"] for row in await rows_of("feed_event", "position")] == [
            "conversation.created", "message.created",
        ]  # fmt: skip
        assert await projected(lane) == 41

    run_opened(database_url, body)


def test_messages_follow_the_journal(database_url: str) -> None:
    """`seq` is the order of the journal, without a hole, over batches and for several people at once."""

    async def body() -> None:
        lane = await make_channel()
        people = [f"+1212555{number:04}" for number in range(5)]
        rows = [arrived(n, text_message(f"m{n}", sender=people[n % 5])) for n in range(1, 61)]
        for start in range(0, 60, 7):
            await project(lane, *rows[start : start + 7])
        assert await count_rows("conversation") == 5
        for conversation in await rows_of("conversation"):
            entries = await timeline(conversation["id"])
            assert [seq for seq, _ in entries] == list(range(1, 13))
            numbers = [int(text[1:]) for _, text in entries]
            assert numbers == sorted(numbers)
            assert conversation["last_seq"] == conversation["unread"] == 12

    run_opened(database_url, body)


def test_an_event_happens_once_in_a_batch_and_after_it(database_url: str) -> None:
    """The same key told twice, in one request, in one batch or a day later, is one message."""

    async def body() -> None:
        lane = await make_channel()
        message = text_message("once", key="SM1")
        assert await project(lane, arrived(1, message, message), arrived(2, message))
        assert await project(lane, arrived(3, message), arrived(4, text_message("twice", key="SM2")))
        assert [entry["text"] for entry in await rows_of("entry", "seq")] == ["once", "twice"]
        assert await count_rows("quarantine") == 0
        assert await projected(lane) == 4

    run_opened(database_url, body)


def test_the_same_key_on_another_channel_is_another_message(database_url: str) -> None:
    """Keys are unique on their channel; two channels never mute one another."""

    async def body() -> None:
        one, other = await make_channel(), await make_channel("+12125550198")
        await project(one, arrived(1, text_message("a", key="SM1")))
        await project(other, arrived(2, text_message("b", key="SM1")))
        [conversation] = await rows_of("conversation")
        assert await timeline(conversation["id"]) == [(1, "a"), (2, "b")]

    run_opened(database_url, body)


def test_two_processes_at_once_project_one_channel_once(database_url: str) -> None:
    """While one process projects a channel, another is sent away; nothing is stored twice or passed over."""

    async def body() -> None:
        lane = await make_channel()
        rows = [arrived(n, text_message(f"m{n}", key=f"SM{n}")) for n in range(1, 31)]
        async with tx():
            held = await project_events(lane, rows[:10], find_sibling=no_sibling, now=NOW, window=WINDOW)
            assert held
            assert not await apart(project(lane, *rows))
        workers = [apart(project(lane, *rows)) for _ in range(4)]
        assert True in await asyncio.gather(*workers)
        [conversation] = await rows_of("conversation")
        assert await timeline(conversation["id"]) == [(n, f"m{n}") for n in range(1, 31)]
        assert await projected(lane) == 30

    run_opened(database_url, body)


def test_an_event_told_to_two_channels_at_once_happens_once(database_url: str) -> None:
    """The same fact by two lanes in the same moment: the unique key decides, whoever commits first."""

    async def body() -> None:
        one, other = await make_channel(), await make_channel("+12125550198")

        def route_of(channel_id: UUID, address: str) -> Route | None:
            return one.route if address == OURS else None

        rows = [arrived(n, text_message(f"m{n}", key=f"SM{n}", to=OURS, sender=ANA)) for n in range(1, 21)]
        await asyncio.gather(
            apart(project(one, *rows)), apart(project(other, *reversed_ids(rows), find_sibling=route_of))
        )
        assert await count_rows("entry") == 20
        assert await count_rows("conversation") == 1
        [conversation] = await rows_of("conversation")
        assert [seq for seq, _ in await timeline(conversation["id"])] == list(range(1, 21))

    def reversed_ids(rows: list[ParsedEvent]) -> list[ParsedEvent]:
        return [arrived(100 + n, *row.events) for n, row in enumerate(reversed(rows))]

    run_opened(database_url, body)


def test_a_crash_in_the_middle_leaves_nothing_and_loses_nothing(database_url: str) -> None:
    """Before the commit nothing has happened, the lane's cursor included; the next process does it all."""

    class Crash(Exception):
        pass

    async def body() -> None:
        lane = await make_channel()
        rows = [arrived(n, text_message(f"m{n}", key=f"SM{n}")) for n in range(1, 6)]

        async def die() -> None:
            async with tx():
                await project_events(lane, rows, find_sibling=no_sibling, now=NOW, window=WINDOW)
                raise Crash

        with pytest.raises(Crash):
            await die()
        for table in ("contact", "conversation", "entry", "event_key", "feed_event", "job"):
            assert await count_rows(table) == 0
        assert await projected(lane) == 0
        assert await project(lane, *rows)
        assert await count_rows("entry") == 5

    run_opened(database_url, body)


def test_what_was_projected_meanwhile_is_passed_over(database_url: str) -> None:
    """A process that read the journal before another projected it changes nothing, and the lane does not go back."""

    async def body() -> None:
        lane = await make_channel()
        old = [arrived(1, text_message("a", key="SM1")), arrived(2, text_message("b", key="SM2"))]
        await project(lane, *old, arrived(3, text_message("c", key="SM3")))
        assert await project(lane, *old)
        assert await projected(lane) == 3
        assert await count_rows("entry") == 3

    run_opened(database_url, body)


def test_a_failed_request_is_set_aside_and_its_neighbours_go_on(database_url: str) -> None:
    """What could not be parsed waits in the quarantine with its reason; what stands before and after it is stored."""

    async def body() -> None:
        lane = await make_channel()
        failure = Failure(raw_event_id=2, code="malformed", error="x" * 5000)
        bad = ParsedEvent(raw_event_id=2, received_at=NOW, events=[], failure=failure)
        await project(lane, arrived(1, text_message("a")), bad, arrived(3, text_message("b")))
        [row] = await rows_of("quarantine", "raw_event_id")
        assert (row["raw_event_id"], row["code"], row["attempts"], row["resolved_at"]) == (2, "malformed", 1, None)
        assert row["error"] == "x" * 2000
        assert [entry["text"] for entry in await rows_of("entry", "seq")] == ["a", "b"]
        assert await projected(lane) == 3

    run_opened(database_url, body)


def test_an_event_without_a_place_waits_until_we_have_one(database_url: str) -> None:
    """An event of a kind the inbox does not know yet is kept with its request, not dropped and not in the way."""

    async def body() -> None:
        lane = await make_channel()
        typing = TypingStarted(key="t1", sender=Address(kind="phone", value=ANA))
        await project(lane, arrived(1, typing, text_message("a")))
        assert [row["code"] for row in await rows_of("quarantine", "raw_event_id")] == ["unsupported_event"]
        assert await count_rows("entry") == 1

    run_opened(database_url, body)


def test_files_get_a_name_of_ours_and_a_job_that_fetches_them(database_url: str) -> None:
    """A file at the provider is expected under our id, its address there is not in the entry, and a job fetches it."""

    async def body() -> None:
        lane = await make_channel()
        picture = Image(attachment=Attachment(media_type="image/png", url="https://api.provider.test/m/1"))
        message = msgspec.structs.replace(text_message("look"), parts=[Text(text="look"), picture])
        await project(lane, arrived(1, message), arrived(2, message))
        [attachment], [entry], [job] = await rows_of("attachment"), await rows_of("entry"), await rows_of("job")
        assert (attachment["entry_id"], attachment["state"]) == (entry["id"], "pending")
        assert attachment["source_url"] == "https://api.provider.test/m/1"
        assert "provider.test" not in entry["parts"]
        assert attachment["id"].hex in entry["parts"]
        assert msgspec.json.decode(job["payload"]) == {
            "type": "fetch_media", "attachment_id": str(attachment["id"]),
        }  # fmt: skip
        assert job["lane"] == str(lane.route.channel_id)

    run_opened(database_url, body)


def test_the_name_somebody_came_with_first_is_theirs(database_url: str) -> None:
    """A stranger who writes twice in one batch is named as if the messages had come alone."""

    async def body() -> None:
        lane = await make_channel()
        await project(lane, arrived(1, text_message(name="Ana")), arrived(2, text_message(name="Anita")))
        assert [row["name"] for row in await rows_of("contact")] == ["Ana"]

    run_opened(database_url, body)


def test_a_lane_that_does_not_exist_is_not_projected(database_url: str) -> None:
    """Without the lane's row there is no lock, so nothing is done."""

    async def body() -> None:
        lane = await make_channel()
        await execute("DELETE FROM lane")
        assert not await project(lane, arrived(1, text_message()))
        assert await fetch("SELECT FROM entry") == []

    run_opened(database_url, body)
