"""Writing to an address or a contact in one call: one person, one conversation, one message."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inbox.conversations.moves.actions import merge_conversations
from inbox.kit.db import execute, fetch_value
from inbox.kit.ids import read_id, show_id
from tests.inbox.builders import (
    AGENT,
    ANA,
    BEN,
    NOW,
    apart,
    committed,
    consent_change,
    count_rows,
    make_channel,
    receive,
    rows_of,
    text_message,
)
from tests.inbox.conversations.writing import Desk, at_desk


async def write(desk: Desk, to: str = BEN, **fields: Any) -> Any:
    """A message to somebody."""
    return await desk.ask("POST", "/messages", {"to": to, "text": "hello", **fields}, status=201)


def test_a_stranger_becomes_a_contact_with_a_conversation(database_url: str) -> None:
    """In any spelling of the number; the timeline says that we began it, and the subject is its own."""

    async def steps(desk: Desk) -> None:
        entry = await write(desk, "+1 (212) 555-0101", subject="Order 8841")
        assert (entry["recipients"], entry["seq"]) == ([{"role": "to", "address": BEN}], 2)
        conversation = await desk.ask("GET", f"/conversations/{entry['conversation_id']}")
        assert (conversation["subject"], conversation["status"]) == ("Order 8841", "open")
        again = await write(desk)
        assert (again["conversation_id"], again["seq"]) == (entry["conversation_id"], 3)
        [identity] = [row for row in await rows_of("identity") if row["address"] == BEN]
        assert identity["proof"] == "none"

    at_desk(database_url, steps)


def test_it_joins_the_conversation_that_their_own_message_would(database_url: str) -> None:
    """The open one, or the one closed lately; an old one is left alone."""

    async def steps(desk: Desk) -> None:
        ours = show_id("cnv", desk.conversation_id)
        assert (await write(desk, ANA))["conversation_id"] == ours
        await desk.ask("POST", f"{desk.conversation}/close", {})
        assert (await write(desk, ANA))["conversation_id"] == ours
        assert (await desk.ask("GET", desk.conversation))["status"] == "closed"
        await execute("UPDATE conversation SET closed_at = now() - interval '5 h'")
        assert (await write(desk, ANA))["conversation_id"] != ours

    at_desk(database_url, steps, reopen_window_hours=4)


def test_many_at_once_and_the_contact_themselves_meet_in_one_conversation(database_url: str) -> None:
    """Ten writers to a stranger, who writes at the same moment: one contact, one conversation, no number twice."""

    async def steps(desk: Desk) -> None:
        written = [write(desk, text=str(number)) for number in range(10)]
        inbound = apart(receive(desk.lane, text_message("hi", sender=BEN)))
        entries = await asyncio.gather(*written)
        await inbound
        assert len({entry["conversation_id"] for entry in entries}) == 1
        assert await count_rows("contact") == await count_rows("conversation") == 2
        assert len({entry["seq"] for entry in entries}) == 10

    at_desk(database_url, steps)


def test_the_same_client_message_to_somebody_is_one_message(database_url: str) -> None:
    """Also at once, to a stranger, and after their conversation was closed long ago."""

    async def steps(desk: Desk) -> None:
        entries = await asyncio.gather(*(write(desk, client_message_id="c1") for _ in range(6)))
        assert len({entry["id"] for entry in entries}) == 1
        await execute("UPDATE conversation SET status = 'closed', closed_at = now() - interval '1 year'")
        assert (await write(desk, client_message_id="c1"))["id"] == entries[0]["id"]
        assert (await write(desk, ANA, client_message_id="c1"))["id"] != entries[0]["id"]
        assert await fetch_value("SELECT count(*) FROM entry WHERE client_message_id = 'c1'") == 2

    at_desk(database_url, steps)


def test_it_goes_to_the_address_that_is_named(database_url: str) -> None:
    """Not to the one the contact used last; by the channel that is named, if one is."""

    async def steps(desk: Desk) -> None:
        other = await make_channel("+12125550198")
        [contact] = await rows_of("contact")
        await execute(
            "INSERT INTO identity (id, contact_id, kind, address, match_key) "
            "VALUES (gen_random_uuid(), $1, 'phone', $2, $2)",
            contact["id"], BEN,
        )  # fmt: skip
        entry = await write(desk, BEN, channel_id=show_id("cha", other.route.channel_id))
        assert (entry["recipients"][0]["address"], entry["channel"]["channel_id"]) == (
            BEN, show_id("cha", other.route.channel_id),
        )  # fmt: skip
        body = {"contact_id": show_id("ctc", contact["id"]), "text": "by id"}
        entry = await desk.ask("POST", "/messages", body, status=201)
        assert entry["conversation_id"] == show_id("cnv", desk.conversation_id)

    at_desk(database_url, steps)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "validation_failed"),
        ({"to": BEN, "contact_id": "ctc_" + "0" * 32}, "validation_failed"),
        ({"to": "nobody"}, "channel_cannot"),
        ({"to": "12"}, "invalid_address"),
        ({"to": "a@"}, "invalid_address"),
        ({"to": "ben@example.org"}, "channel_cannot"),
        ({"to": BEN, "channel": "email"}, "channel_cannot"),
        ({"contact_id": "ctc_" + "0" * 32}, "not_found"),
        ({"contact_id": "x"}, "not_found"),
        ({"to": BEN, "text": None}, "validation_failed"),
    ],
)
def test_a_refused_message_leaves_nobody_behind(database_url: str, body: dict[str, Any], code: str) -> None:
    """Neither contact nor conversation nor job stays of a message that could not be written."""

    async def steps(desk: Desk) -> None:
        if body.get("to") == "nobody":
            await execute("UPDATE channel SET deleted_at = now()")
        assert await desk.refuse("POST", "/messages", {"text": "x", **body}) == code
        assert await count_rows("contact") == await count_rows("conversation") == await count_rows("identity") == 1
        assert await count_rows("job") == 0

    at_desk(database_url, steps)


def test_who_said_stop_is_not_written_to(database_url: str) -> None:
    """Consent is asked for as for an answer."""

    async def steps(desk: Desk) -> None:
        await receive(desk.lane, consent_change("revoked"))
        assert await desk.refuse("POST", "/messages", {"to": ANA, "text": "x"}) == "contact_opted_out"

    at_desk(database_url, steps)


def test_it_can_leave_later(database_url: str) -> None:
    """With `send_at` the conversation is there at once, and the message waits in it."""

    async def steps(desk: Desk) -> None:
        later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        made = await desk.ask("POST", "/messages", {"to": BEN, "text": "later", "send_at": later}, status=202)
        assert made["object"] == "scheduled_message"
        listed = await desk.ask("GET", f"/conversations/{made['conversation_id']}/scheduled-messages")
        assert [one["id"] for one in listed["data"]] == [made["id"]]

    at_desk(database_url, steps)


def test_a_message_that_a_merge_has_moved_is_still_the_same(database_url: str) -> None:
    """Asked again with its `client_message_id` it is not written a second time, wherever it is now."""

    async def steps(desk: Desk) -> None:
        first = await write(desk, ANA, client_message_id="m1")
        await execute("UPDATE conversation SET status = 'closed', closed_at = now() - interval '9 days'")
        other = (await write(desk, ANA, client_message_id="m2"))["conversation_id"]
        source, target = read_id("cnv", first["conversation_id"]), read_id("cnv", other)
        await committed(merge_conversations(source, target, across_contacts=False, actor=AGENT, now=NOW))
        again = await write(desk, ANA, client_message_id="m1")
        assert (again["id"], again["conversation_id"]) == (first["id"], other)
        assert await fetch_value("SELECT count(*) FROM entry WHERE text = 'hello'") == 2

    at_desk(database_url, steps)


def test_a_message_for_later_is_planned_once_for_a_person(database_url: str) -> None:
    """Asked again with its `client_message_id` it is the same plan, also where the conversation is another by then."""

    async def steps(desk: Desk) -> None:
        body = {"to": ANA, "text": "x", "client_message_id": "m1", "send_at": "2026-12-24T08:00:00Z"}
        planned = await desk.ask("POST", "/messages", body, status=202)
        await execute("UPDATE conversation SET status = 'closed', closed_at = now() - interval '9 days'")
        assert (await desk.ask("POST", "/messages", body, status=202))["id"] == planned["id"]
        assert await count_rows("scheduled_message") == await count_rows("conversation") == 1

    at_desk(database_url, steps)
