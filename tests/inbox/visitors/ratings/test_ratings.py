"""Ratings: asked for once, answered by whom was asked, changed for some hours, and summed up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from channels.webchat.services import RatingRules
from inbox.conversations.actions.change import set_status
from inbox.conversations.entry import Author
from inbox.conversations.queries import find_conversation
from inbox.conversations.redaction.actions import redact_entry
from inbox.kit.callers import SYSTEM
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.ids import new_id
from inbox.privacy.retention.actions import take_away_old
from inbox.visitors.ratings.actions import keep_rating, request_on_close, request_rating
from inbox.visitors.ratings.queries import RatingFilter, list_ratings, sum_ratings
from inbox.visitors.ratings.rating import Reached, asks_on_close
from tests.inbox.builders import AGENT, NOW, committed, make_channel, receive, refused, run_opened, text_message
from tests.inbox.visitors.chats import agent_answers, identity_of, make_chat, visitor_writes

ANA = Author(type="contact", id="ctc_1", name="Ana")
RULES = RatingRules(change_hours=2)
ON = RatingRules(enabled=True)
EARLIER = NOW - timedelta(seconds=1)


async def rate(entry_id: UUID, score: int, *, comment: str | None = None, minutes: int = 1, whose: Any = None) -> None:
    """The visitor answers so long after they were asked."""
    own = frozenset({whose or await identity_of()})
    now = NOW + timedelta(minutes=minutes)
    await committed(
        keep_rating(entry_id, identity_ids=own, author=ANA, score=score, comment=comment, rules=RULES, now=now)
    )


async def asked_conversation() -> tuple[UUID, UUID]:
    """A conversation whose visitor is asked: its id, and that of the question."""
    conversation_id = await visitor_writes(await make_chat())
    return conversation_id, await committed(request_rating(conversation_id, actor=AGENT, now=NOW))


async def events_of(conversation_id: UUID) -> list[tuple[str, Any, str]]:
    """Its event entries: name, what it came to, words."""
    rows = await fetch(
        "SELECT event, text FROM entry WHERE conversation_id = $1 AND type = 'event' ORDER BY seq", conversation_id
    )
    told = [(msgspec.json.decode(row["event"]), row["text"]) for row in rows]
    return [(event["name"], event["to"], text) for event, text in told]


def test_a_question_that_waits_is_not_asked_again(database_url: str) -> None:
    """Who presses twice asks once; the visitor's answer is in the timeline, and beside the conversation."""

    async def body() -> None:
        conversation_id, entry_id = await asked_conversation()
        assert await committed(request_rating(conversation_id, actor=AGENT, now=NOW)) == entry_id
        await rate(entry_id, 4, comment="quick")
        assert await events_of(conversation_id) == [("csat_requested", None, ""), ("csat_received", 4, "quick")]
        row = await find_conversation(conversation_id)
        assert row
        latest = msgspec.json.decode(row["csat"])
        assert (latest["entry_id"], latest["rating"]) == (str(entry_id), 4)
        assert await committed(request_rating(conversation_id, actor=AGENT, now=NOW)) != entry_id

    run_opened(database_url, body)


def test_an_answer_can_be_changed_for_some_hours(database_url: str) -> None:
    """It stays one answer in the timeline; later it stands as it is."""

    async def body() -> None:
        conversation_id, entry_id = await asked_conversation()
        await rate(entry_id, 1, comment="no")
        await rate(entry_id, 5, minutes=60)
        assert (await events_of(conversation_id))[1:] == [("csat_received", 5, "")]
        late = await refused(rate(entry_id, 2, minutes=122))
        assert late.code == "state_conflict"
        told = await fetch("SELECT facts FROM feed_event WHERE type = 'csat.received' ORDER BY position")
        assert [msgspec.json.decode(row["facts"])["rating"] for row in told] == [1, 5]

    run_opened(database_url, body)


def test_only_who_was_asked_answers(database_url: str) -> None:
    """Another visitor who knows the id of the question rates nothing, and learns nothing."""

    async def body() -> None:
        conversation_id, entry_id = await asked_conversation()
        await visitor_writes(await make_chat(), visitor="vis_2")
        stranger = await refused(rate(entry_id, 1, whose=await identity_of("vis_2")))
        assert stranger.code == "not_found"
        assert [name for name, _, _ in await events_of(conversation_id)] == ["csat_requested"]

    run_opened(database_url, body)


def test_only_a_chat_can_be_asked(database_url: str) -> None:
    """A conversation by text messages has nowhere to show the question."""

    async def body() -> None:
        conversation_id = await receive(await make_channel(), text_message())
        problem = await refused(committed(request_rating(conversation_id, actor=AGENT, now=NOW)))
        assert problem.code == "channel_cannot"

    run_opened(database_url, body)


def test_a_closed_talk_is_asked_about_once(database_url: str) -> None:
    """By itself only where both spoke, and not again before the visitor comes back."""

    async def body() -> None:
        conversation_id = await visitor_writes(await make_chat())

        async def close() -> UUID | None:
            await committed(set_status(conversation_id, "closed", actor=AGENT, now=NOW))
            return await committed(request_on_close(conversation_id, ON, now=NOW + timedelta(hours=1)))

        assert await close() is None
        await agent_answers(conversation_id)
        assert await close() is not None
        assert await close() is None
        await committed(set_status(conversation_id, "open", actor=SYSTEM, now=NOW))
        assert await committed(request_on_close(conversation_id, ON, now=NOW)) is None

    run_opened(database_url, body)


@pytest.mark.parametrize(
    ("rules", "reached", "asks"),
    [
        (ON, Reached(last_inbound_at=NOW, answered=True, last_requested_at=None), True),
        (None, Reached(last_inbound_at=NOW, answered=True, last_requested_at=None), False),
        (RatingRules(), Reached(last_inbound_at=NOW, answered=True, last_requested_at=None), False),
        (ON, Reached(last_inbound_at=None, answered=True, last_requested_at=None), False),
        (ON, Reached(last_inbound_at=NOW, answered=True, last_requested_at=NOW), False),
        (ON, Reached(last_inbound_at=NOW, answered=True, last_requested_at=EARLIER), True),
    ],
)  # fmt: skip
def test_who_is_asked_by_itself(rules: RatingRules | None, reached: Reached, asks: bool) -> None:
    """The channel wants it, somebody answered, and the visitor has written since they were asked last."""
    assert asks_on_close(rules, reached) is asks


def test_the_summary_is_of_the_whole_filter(database_url: str) -> None:
    """The average counts what is on other pages as well, and only what was answered."""

    async def body() -> None:
        lane = await make_chat()
        asked = []
        for number, score in enumerate([5, 4, None]):
            conversation_id = await visitor_writes(lane, visitor=f"vis_{number}")
            entry_id = await committed(request_rating(conversation_id, actor=AGENT, now=NOW + timedelta(hours=number)))
            asked.append(entry_id)
            if score:
                await rate(entry_id, score, whose=await identity_of(f"vis_{number}"))
        everything = RatingFilter()
        row = await sum_ratings(everything)
        assert (row["asked"], row["answered"], row["average"], row["spread"]) == (3, 2, 4.5, [0, 0, 0, 1, 1])
        page = await list_ratings(everything, after=None, limit=2)
        assert [one["entry_id"] for one in page] == [asked[2], asked[1]]
        rest = await list_ratings(everything, after=(page[-1]["requested_at"], page[-1]["entry_id"]), limit=2)
        assert [one["entry_id"] for one in rest] == [asked[0]]
        assert [
            one["rating"] for one in await list_ratings(RatingFilter(answered=True, rating=4), after=None, limit=9)
        ] == [4]

    run_opened(database_url, body)


def test_a_comment_can_be_taken_out(database_url: str) -> None:
    """By hand or by age: out of the timeline and the list; the number stays."""

    async def body() -> None:
        conversation_id, entry_id = await asked_conversation()
        await rate(entry_id, 2, comment="my card is 4111")
        received = await fetch_value("SELECT received_entry_id FROM csat_rating")
        await committed(redact_entry(conversation_id, received, reason="a card", actor=AGENT, now=NOW))
        [row] = await list_ratings(RatingFilter(), after=None, limit=9)
        assert (row["rating"], row["comment"]) == (2, None)
        assert (await events_of(conversation_id))[1] == ("csat_received", 2, "[redacted]")
        refusal = await refused(committed(redact_entry(conversation_id, entry_id, reason="x", actor=AGENT, now=NOW)))
        assert refusal.code == "not_found"
        await execute("UPDATE csat_rating SET comment = 'again'")
        await execute("UPDATE entry SET redacted_at = NULL")
        channel_id = row["channel_id"]
        await committed(take_away_old(channel_id, "messages", before=new_id(), now=NOW))
        assert (await list_ratings(RatingFilter(), after=None, limit=9))[0]["comment"] is None

    run_opened(database_url, body)
