"""Retention takes old words away, batch by batch; a legal hold keeps what lies under it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from inbox.conversations.contact_merging.actions import merge_contacts
from inbox.conversations.contact_merging.merge import MergeOrder
from inbox.conversations.redaction.actions import redact_entry
from inbox.kit.db import fetch, fetch_value, tx
from inbox.privacy.erasure.actions.runs import begin_erasure
from inbox.privacy.holds.actions import lay_hold, lift_hold
from inbox.privacy.queries import count_pending_erasures
from inbox.privacy.retention import actions
from inbox.privacy.retention.actions import set_keeping, take_away_old
from inbox.privacy.retention.queries import Keeping, count_old, find_keeping, list_keepings, oldest_kept
from tests.inbox.builders import (
    AGENT,
    ANA,
    BEN,
    committed,
    make_channel,
    receive,
    refused,
    reply,
    run_opened,
    text_message,
    timeline,
)

LATER = datetime.now(UTC) + timedelta(days=40)
"""By then all that a test writes is old."""


async def take_all(channel_id: UUID, *, days: int = 30) -> int:
    """Every batch of a channel."""
    taken, before = 0, oldest_kept(days, now=LATER)
    while True:
        batch: int | None = None
        async with tx():
            batch = await take_away_old(channel_id, "messages", before=before, now=LATER)
        if batch is None:
            return taken
        taken += batch


async def contact_of(conversation_id: UUID) -> UUID:
    """Whose conversation it is."""
    found: UUID = await fetch_value("SELECT contact_id FROM conversation WHERE id = $1", conversation_id)
    return found


def test_old_entries_keep_their_places_and_lose_their_words(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers stay without a hole; text, parts, copies, addresses and the preview go; other channels keep theirs."""
    monkeypatch.setattr(actions, "BATCH", 2)

    async def body() -> None:
        lane, other = await make_channel(), await make_channel("+12125550198")
        conversation = await receive(lane, *(text_message(f"words {number}") for number in range(4)))
        await reply(conversation, "our words")
        kept = await receive(other, text_message("kept", sender=BEN))
        now = datetime.now(UTC)
        assert await committed(take_away_old(lane.route.channel_id, "messages",
                                             before=oldest_kept(30, now=now), now=now)) is None  # fmt: skip
        assert await take_all(lane.route.channel_id) == 5
        assert await timeline(conversation) == [(seq, "[redacted]") for seq in range(1, 6)]
        assert await timeline(kept) == [(1, "kept")]
        assert await fetch_value("SELECT preview FROM conversation WHERE id = $1", conversation) == "[redacted]"
        stored = str(
            [*map(tuple, await fetch("SELECT entry::text, delivery::text FROM entry LEFT JOIN delivery ON true"))]
        )
        assert "words" not in stored
        assert ANA not in str([*map(tuple, await fetch("SELECT author, recipients FROM entry"))]).replace(BEN, "")
        assert await take_all(lane.route.channel_id) == 0

    run_opened(database_url, body)


def test_a_hold_keeps_what_lies_under_it_until_it_is_lifted(database_url: str) -> None:
    """No retention, redaction, merge or erasure; then all of them may be."""

    async def body() -> None:
        lane = await make_channel()
        held = await receive(lane, text_message("evidence"))
        free = await receive(lane, text_message("chat", sender=BEN))
        contact, other = await contact_of(held), await contact_of(free)
        await committed(lay_hold("conversation", held, reason="case", actor=AGENT))
        old = await count_old(lane.route.channel_id, Keeping(message_days=30, raw_event_days=30), now=LATER)
        assert (old.messages, old.held) == (1, 1)
        assert await take_all(lane.route.channel_id) == 1
        assert await timeline(held) == [(1, "evidence")]
        entry = await fetch_value("SELECT id FROM entry WHERE conversation_id = $1", held)
        now = datetime.now(UTC)
        for work in (
            redact_entry(held, entry, reason="x", actor=AGENT, now=now),
            merge_contacts(MergeOrder(from_id=contact, into_id=other), actor=AGENT, now=now),
            begin_erasure(contact, reason="x", actor=AGENT),
        ):
            problem = await refused(committed(work))
            assert (problem.code, "legal-hold" in str(problem.hint)) == ("state_conflict", True)
        await committed(lift_hold("conversation", held, actor=AGENT))
        assert await take_all(lane.route.channel_id) == 1
        assert await timeline(held) == [(1, "[redacted]")]
        assert (await refused(committed(lift_hold("conversation", held, actor=AGENT)))).code == "not_found"

    run_opened(database_url, body)


def test_nothing_is_held_that_is_being_erased(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes second is told: a hold on somebody who is going comes too late, and nobody is erased twice at once."""

    async def body() -> None:
        contact = await contact_of(await receive(await make_channel(), text_message("hi")))

        async def made(**_: Any) -> bytes:
            return b""

        monkeypatch.setattr("inbox.privacy.erasure.actions.runs.find_ledger_key", made)
        await committed(begin_erasure(contact, reason="asked", actor=AGENT))
        assert await count_pending_erasures() == 1
        for work in (
            lay_hold("contact", contact, reason="case", actor=AGENT),
            begin_erasure(contact, reason="again", actor=AGENT),
        ):
            assert "being erased" in (await refused(committed(work))).detail

    run_opened(database_url, body)


def test_a_channel_says_for_itself_or_leaves_it_to_the_deployment(database_url: str) -> None:
    """Null is the deployment's days, 0 is for ever; notes, which have no channel, go by the deployment's."""

    async def body() -> None:
        channel = (await make_channel()).route.channel_id
        defaults = Keeping(message_days=365, attachment_days=90, raw_event_days=30)
        assert (await find_keeping(channel)).settled(defaults) == defaults
        await committed(set_keeping(channel, Keeping(message_days=0, attachment_days=7), actor=AGENT))
        settled = (await list_keepings())[channel].settled(defaults)
        assert msgspec.structs.astuple(settled) == (0, 7, 30)
        assert oldest_kept(0, now=LATER).int == 0
        assert UUID(int=0) in await list_keepings()
        assert await fetch_value("SELECT action FROM audit_event") == "channel.retention_changed"

    run_opened(database_url, body)
