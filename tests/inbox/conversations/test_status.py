"""Open, pending, snoozed, closed: told once by its own name, and what sleeps wakes."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from inbox.conversations.actions.change import (
    patch_conversation,
    set_status,
    wake_snoozed,
)
from inbox.conversations.thread import Status
from inbox.kit.db import Row
from tests.inbox.builders import (
    AGENT,
    BEN,
    NOW,
    apart,
    committed,
    make_channel,
    one_row,
    receive,
    refused,
    rows_of,
    run_opened,
    text_message,
    told_changes,
)

LATER = NOW + timedelta(hours=1)


async def patch(conversation: UUID, now: datetime = NOW, **changes: Any) -> Row:
    """The conversation after a patch."""
    await committed(patch_conversation(conversation, changes, actor=AGENT, now=now))
    return await one_row("conversation", conversation)


async def read_counts(conversation: UUID) -> tuple[int, int]:
    """Up to where it was read, and how much was not."""
    row = await one_row("conversation", conversation)
    return row["read_seq"], row["unread"]


def test_a_status_is_told_by_its_own_name(database_url: str) -> None:
    """Closing, reopening, waiting and snoozing each stand in the timeline once."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        steps: list[Status] = ["pending", "closed", "closed", "open", "snoozed"]
        for status in steps:
            until = LATER if status == "snoozed" else None
            await committed(set_status(conversation, status, actor=AGENT, now=NOW, until=until))
        assert [name for name, _, _ in await told_changes()] == [
            "status_changed",
            "status_changed",
            "reopened",
            "snoozed",
        ]
        row = await one_row("conversation", conversation)
        assert (row["status"], row["snoozed_until"], row["closed_at"]) == ("snoozed", LATER, None)

    run_opened(database_url, body)


def test_closing_ends_the_waiting(database_url: str) -> None:
    """Nobody waits in a closed conversation, until the contact writes again."""

    async def body() -> None:
        lane = await make_channel()
        conversation = await receive(lane, text_message())
        await committed(set_status(conversation, "closed", actor=AGENT, now=NOW, reason="solved"))
        row = await one_row("conversation", conversation)
        assert (row["waiting_since"], row["closed_at"]) == (None, NOW)
        assert '"reason": "solved"' in (await rows_of("entry", "seq"))[-1]["event"]
        await receive(lane, text_message(), now=LATER)
        assert (await one_row("conversation", conversation))["waiting_since"] == LATER

    run_opened(database_url, body)


ENDLESS: list[dict[str, Any]] = [
    {"status": "snoozed"},
    {"status": "snoozed", "snoozed_until": None},
    {"status": "snoozed", "snoozed_until": NOW},
    {"status": "snoozed", "snoozed_until": NOW - timedelta(days=1)},
    {"status": "snoozed", "snoozed_until": LATER.replace(tzinfo=None)},
    {"status": "open", "snoozed_until": LATER},
    {"snoozed_until": LATER},
]


def test_a_snooze_has_an_end(database_url: str) -> None:
    """What slept without an end would never wake, and what does not sleep has no end: both are refused."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        for changes in ENDLESS:
            problem = await refused(patch(conversation, **changes))
            assert (problem.code, problem.errors[0].pointer) == ("validation_failed", "/snoozed_until")
        row = await one_row("conversation", conversation)
        assert (row["status"], row["snoozed_until"], row["version"]) == ("open", None, 1)

    run_opened(database_url, body)


def test_the_end_of_a_snooze_is_moved_by_itself(database_url: str) -> None:
    """A patch that names only the moment moves it; one that says what is already so changes nothing."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        await patch(conversation, status="open", snoozed_until=None)
        await patch(conversation, status="snoozed", snoozed_until=LATER)
        await patch(conversation, status="snoozed")
        row = await patch(conversation, snoozed_until=LATER + timedelta(hours=1))
        assert row["snoozed_until"] == LATER + timedelta(hours=1)
        row = await patch(conversation, status="open")
        assert (row["status"], row["snoozed_until"]) == ("open", None)
        assert [name for name, _, _ in await told_changes()] == ["snoozed", "snoozed", "status_changed"]

    run_opened(database_url, body)


def test_what_slept_long_enough_wakes_once(database_url: str) -> None:
    """Whoever looks first wakes it; what sleeps on is left alone, and two who look at once wake each one once."""

    async def body() -> None:
        lane = await make_channel()
        people = [f"+1212556{number:04}" for number in range(6)]
        sleeping = [await receive(lane, text_message(sender=who)) for who in people]
        awake = await receive(lane, text_message(sender=BEN))
        for number, conversation in enumerate(sleeping):
            until = LATER if number else LATER + timedelta(hours=9)
            await committed(set_status(conversation, "snoozed", actor=AGENT, now=NOW, until=until))
        assert await committed(wake_snoozed(now=LATER - timedelta(seconds=1))) == 0
        woken = await asyncio.gather(*(apart(committed(wake_snoozed(now=LATER))) for _ in range(3)))
        assert sum(woken) == 5
        assert [(await one_row("conversation", one))["status"] for one in sleeping] == ["snoozed"] + ["open"] * 5
        assert [name for name, _, _ in await told_changes()].count("woke") == 5
        assert (await one_row("conversation", awake))["version"] == 1

    run_opened(database_url, body)
