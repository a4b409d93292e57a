"""Changing conversations: what differs is told, what does not is left alone, and what sleeps wakes."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from inbox.conversations.actions.change import (
    TAGS_MAX,
    add_note,
    mark_read,
    mark_unread,
    open_conversation,
    patch_conversation,
    set_status,
    tag_conversation,
)
from inbox.kit.db import Row
from inbox.kit.ids import new_id
from tests.inbox.builders import (
    AGENT,
    BO,
    NOW,
    apart,
    committed,
    count_rows,
    make_channel,
    one_row,
    receive,
    refused,
    reply,
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


def test_what_was_not_read_is_counted(database_url: str) -> None:
    """Only the contact's messages count; reading up to an entry leaves those behind it, reading less does nothing."""

    async def body() -> None:
        lane = await make_channel()
        conversation = await receive(lane, text_message("1"), text_message("2"))
        await reply(conversation, "3")
        await committed(add_note(conversation, parts=text_message("4").parts, author=BO, now=NOW))
        await receive(lane, text_message("5"))
        assert await read_counts(conversation) == (0, 3)
        for seen, left in ((1, (1, 2)), (4, (4, 1)), (2, (4, 1)), (99, (5, 0)), (None, (5, 0))):
            await committed(mark_read(conversation, up_to_seq=seen, actor=AGENT, now=NOW))
            assert await read_counts(conversation) == left
        await receive(lane, text_message("6"))
        assert await read_counts(conversation) == (5, 1)

    run_opened(database_url, body)


def test_unread_brings_back_the_last_message_of_the_contact(database_url: str) -> None:
    """Marked unread, exactly the contact's last message counts as not seen; what is unread already stays so."""

    async def body() -> None:
        lane = await make_channel()
        conversation = await receive(lane, text_message("1"), text_message("2"))
        await reply(conversation, "3")
        await committed(mark_read(conversation, up_to_seq=None, actor=AGENT, now=NOW))
        await committed(mark_unread(conversation, actor=AGENT, now=NOW))
        assert await read_counts(conversation) == (1, 1)
        before = await rows_of("feed_event", "position")
        await committed(mark_unread(conversation, actor=AGENT, now=NOW))
        assert await rows_of("feed_event", "position") == before
        [contact] = await rows_of("contact")
        ours = await committed(open_conversation(contact["id"], subject=None, actor=AGENT, now=NOW))
        await committed(mark_unread(ours, actor=AGENT, now=NOW))
        assert await read_counts(ours) == (0, 0)

    run_opened(database_url, body)


def test_reading_is_told_and_makes_no_entry(database_url: str) -> None:
    """Other agents' lists hear that a conversation was read; its timeline does not grow."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        await committed(mark_read(conversation, up_to_seq=None, actor=AGENT, now=NOW))
        await committed(mark_read(conversation, up_to_seq=None, actor=AGENT, now=NOW))
        told = [row for row in await rows_of("feed_event", "position") if row["type"] == "conversation.read"]
        assert [msgspec.json.decode(row["facts"]) for row in told] == [{"up_to_seq": 1}]
        assert await count_rows("entry") == 1

    run_opened(database_url, body)


def test_tags_are_a_sorted_set(database_url: str) -> None:
    """A tag is there or not: adding twice and taking off what is not there change and tell nothing."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        for tag, present in (("vip", True), ("vip", True), ("late", True), ("spam", False), ("vip", False)):
            await committed(tag_conversation(conversation, tag, present=present, actor=AGENT, now=NOW))
        assert (await one_row("conversation", conversation))["tags"] == ["late"]
        assert await told_changes() == [("tagged", None, "vip"), ("tagged", None, "late"), ("untagged", "vip", None)]

    run_opened(database_url, body)


def test_tags_have_an_end(database_url: str) -> None:
    """The tag beyond the limit is refused; one that is there already is not."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        for number in range(TAGS_MAX):
            await committed(tag_conversation(conversation, f"t{number}", present=True, actor=AGENT, now=NOW))
        await committed(tag_conversation(conversation, "t0", present=True, actor=AGENT, now=NOW))
        problem = await refused(committed(tag_conversation(conversation, "no", present=True, actor=AGENT, now=NOW)))
        assert problem.code == "state_conflict"

    run_opened(database_url, body)


def test_tags_set_at_once_are_all_there(database_url: str) -> None:
    """Changes of one conversation take turns: nobody overwrites what another has set."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        tags = [f"t{number}" for number in range(8)]
        work = [tag_conversation(conversation, tag, present=True, actor=AGENT, now=NOW) for tag in tags]
        await asyncio.gather(*(apart(committed(one)) for one in work))
        row = await one_row("conversation", conversation)
        assert (row["tags"], row["last_seq"], row["version"]) == (tags, 9, 9)

    run_opened(database_url, body)


def test_a_patch_tells_only_what_differs(database_url: str) -> None:
    """What is as it was makes no entry; the rest makes one each, with what it was before."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        row = await patch(conversation, subject="Late", language="pt", handler="human")
        assert (row["subject"], row["language"], row["handler"]) == ("Late", "pt", "human")
        await patch(conversation, subject="Late")
        await patch(conversation, subject=None, handler="bot")
        assert await told_changes() == [
            ("subject_changed", None, "Late"),
            ("attribute_changed", None, "pt"),
            ("subject_changed", "Late", None),
            ("handed_off", "human", "bot"),
        ]

    run_opened(database_url, body)


MERGES: list[tuple[Any, Any, Any]] = [
    ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
    ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
    ({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}}, {"a": {"c": 2, "d": 3}}),
    ({"a": [1, 2]}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ({"a": 1}, None, {}),
    ({"a": 1}, {}, {"a": 1}),
]


def test_attributes_are_merged(database_url: str) -> None:
    """Attributes follow JSON merge patch (RFC 7396, its own examples among them): a null removes a member."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        for before, change, after in MERGES:
            await patch(conversation, attributes=None)
            await patch(conversation, attributes=before)
            row = await patch(conversation, attributes=change)
            assert msgspec.json.decode(row["attributes"]) == after

    run_opened(database_url, body)


def test_attributes_keep_within_bounds(database_url: str) -> None:
    """Free-form JSON that grows too large or too deep is refused, also bit by bit."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        deep: dict[str, Any] = {}
        for _ in range(30):
            deep = {"a": deep}
        assert (await refused(patch(conversation, external=deep))).errors[0].pointer == "/external"
        await patch(conversation, attributes={"a": "x" * 20_000})
        assert (await refused(patch(conversation, attributes={"b": "x" * 20_000}))).code == "validation_failed"

    run_opened(database_url, body)


def test_a_person_pins_the_priority(database_url: str) -> None:
    """A level set by a person is pinned and says why; null gives it back."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        row = await patch(conversation, priority="urgent")
        assert msgspec.json.decode(row["priority"]) == {
            "score": 90, "level": "urgent", "pinned": True, "because": ["set by a person"],
        }  # fmt: skip
        await patch(conversation, priority="urgent")
        row = await patch(conversation, priority=None)
        assert msgspec.json.decode(row["priority"])["pinned"] is False
        assert await told_changes() == [
            ("priority_changed", "normal", "urgent"),
            ("priority_changed", "urgent", "normal"),
        ]

    run_opened(database_url, body)


def test_a_note_changes_nothing_else(database_url: str) -> None:
    """A note is internal, has its number, and leaves preview, waiting and counts as they were."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message("hi"))
        before = await one_row("conversation", conversation)
        note = await committed(add_note(conversation, parts=text_message("psst").parts, author=BO, now=LATER))
        row, entry = await one_row("conversation", conversation), await one_row("entry", note)
        assert (entry["visibility"], entry["direction"], entry["seq"], entry["text"]) == (
            "internal",
            "internal",
            2,
            "psst",
        )
        for name in ("preview", "waiting_since", "unread", "status", "last_outbound_at", "media"):
            assert row[name] == before[name]

    run_opened(database_url, body)


def test_what_does_not_exist_is_not_changed(database_url: str) -> None:
    """Every change of an unknown conversation is `not_found`, as is a conversation with an unknown contact."""

    async def body() -> None:
        nobody = new_id()
        changes = [
            set_status(nobody, "closed", actor=AGENT, now=NOW),
            patch_conversation(nobody, {"subject": "x"}, actor=AGENT, now=NOW),
            tag_conversation(nobody, "x", present=True, actor=AGENT, now=NOW),
            mark_read(nobody, up_to_seq=None, actor=AGENT, now=NOW),
            mark_unread(nobody, actor=AGENT, now=NOW),
            add_note(nobody, parts=[], author=BO, now=NOW),
            open_conversation(nobody, subject=None, actor=AGENT, now=NOW),
        ]
        for change in changes:
            assert (await refused(committed(change))).code == "not_found"

    run_opened(database_url, body)
