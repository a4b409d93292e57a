"""Previews: what would be sent, by which way, what it costs and loses, and all that stands in the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels.limits import Limits
from channels.parts import AnyPart, Attachment, Choice, Choices, Image, Text
from channels.sms.segments import count_segments
from inbox.conversations.sending.verdict import Way, find_losses, judge_way
from inbox.kit.db import execute
from inbox.kit.ids import new_id, show_id
from tests.inbox.builders import ANA, BEN, NOW, consent_change, count_rows, make_channel, receive
from tests.inbox.conversations.writing import Desk, at_desk

SMS = Limits(parts=frozenset({"text"}), text_chars=100, counts_segments=True)
WINDOWED = Limits(parts=frozenset({"text", "choices"}), text_chars=1000, reply_window_hours=24)
CHOICES = Choices(text="Which?", options=[Choice(id="1", title="One")])


def judge(limits: Limits | None, *parts: AnyPart, **way: Any) -> Any:
    """The verdict for Ana."""
    known: dict[str, Any] = {
        "channel_id": new_id(),
        "adapter": "a",
        "medium": "sms",
        "status": "active",
        "address": ANA,
    }
    return judge_way(Way(**known | way), list(parts), limits, count=count_segments, now=NOW)


@pytest.mark.parametrize(
    ("limits", "way", "codes"),
    [
        (SMS, {}, []),
        (SMS, {"status": "paused"}, ["channel_paused"]),
        (SMS, {"revoked": True}, ["opted_out"]),
        (SMS, {"blocked": True, "revoked": True}, ["contact_blocked", "opted_out"]),
        (SMS, {"status": "paused", "revoked": True}, ["channel_paused", "opted_out"]),
        (None, {}, ["adapter_missing"]),
        (WINDOWED, {}, ["window_closed"]),
        (WINDOWED, {"last_inbound_at": NOW - timedelta(hours=23)}, []),
        (WINDOWED, {"last_inbound_at": NOW - timedelta(hours=24)}, ["window_closed"]),
    ],
)
def test_all_that_stands_in_the_way_is_told(limits: Limits | None, way: dict[str, Any], codes: list[str]) -> None:
    """Not the first reason only; and nothing where nothing does. By a paused channel it can be sent, and waits."""
    verdict = judge(limits, Text(text="hi"), **way)
    assert [reason.code for reason in verdict.reasons] == codes
    assert verdict.can_send is (codes in ([], ["channel_paused"]))


def test_a_window_says_until_when() -> None:
    """It ends so many hours after the contact's last message; where there is none, never."""
    last = NOW - timedelta(hours=1)
    assert judge(WINDOWED, Text(text="x"), last_inbound_at=last).until == last + timedelta(hours=24)
    assert judge(SMS, Text(text="x"), last_inbound_at=last).until is None


def test_a_long_text_leaves_in_pieces_that_are_counted() -> None:
    """Pieces are what the channel would carry; each has its segments, where the medium counts them."""
    pieces = judge(SMS, Text(text="word " * 45)).pieces
    assert [len(piece.text) <= 100 for piece in pieces] == [True] * 3
    assert [piece.segments.segments for piece in pieces] == [1, 1, 1]
    assert judge(SMS, Text(text="ж" * 71)).pieces[0].segments.encoding == "UCS-2"
    assert judge(WINDOWED, Text(text="x"), last_inbound_at=NOW).pieces[0].segments is None


def test_what_cannot_be_carried_at_all_is_named() -> None:
    """The part for which no words can stand."""
    verdict = judge(SMS, Text(text="x"), Image(attachment=Attachment(media_type="image/png")))
    assert [(one.code, one.pointer) for one in verdict.reasons] == [("channel_cannot", "/parts/1/attachment")]
    assert verdict.pieces == []


def test_what_would_be_lost_is_named() -> None:
    """Markup that would be read as signs, buttons that become a list in words."""
    parts: list[AnyPart] = [Text(text="a"), Text(text="**b**", format="markdown"), CHOICES]
    assert [(one.pointer, one.feature) for one in find_losses(parts, SMS)] == [
        ("/parts/1", "markdown"), ("/parts/2", "choices"),
    ]  # fmt: skip
    assert [one.feature for one in find_losses(parts, WINDOWED)] == ["markdown"]


async def preview(desk: Desk, text: str | None = "hi", **fields: Any) -> Any:
    """What would be sent."""
    return await desk.ask("POST", "/messages/preview", {"text": text, **fields})


def test_a_preview_shows_every_way_and_stores_nothing(database_url: str) -> None:
    """First the way an answer takes; a paused channel and an opt-out say so; narrowed to what is asked for."""

    async def steps(desk: Desk) -> None:
        other = await make_channel("+12125550198")
        conversation = {"conversation_id": show_id("cnv", desk.conversation_id)}
        shown = await preview(desk, **conversation)
        assert (shown["can_send"], [way["can_send"] for way in shown["ways"]]) == (True, [True, True])
        assert shown["ways"][0]["channel_id"] == show_id("cha", desk.lane.route.channel_id)
        await receive(desk.lane, consent_change("revoked"))
        await execute("UPDATE channel SET status = 'paused' WHERE id = $1", other.route.channel_id)
        shown = await preview(desk, **conversation)
        codes = [[reason["code"] for reason in way["reasons"]] for way in shown["ways"]]
        assert (codes, [way["can_send"] for way in shown["ways"]]) == (
            [["opted_out"], ["channel_paused"]], [False, True],
        )  # fmt: skip
        one = await preview(desk, **conversation, channel_id=show_id("cha", other.route.channel_id))
        assert [way["reasons"][0]["code"] for way in one["ways"]] == ["channel_paused"]
        none = await preview(desk, **conversation, channels=["email"])
        assert (none["can_send"], none["ways"], none["reasons"][0]["code"]) == (False, [], "no_channel")
        assert await count_rows("entry") == 2

    at_desk(database_url, steps)


def test_strangers_and_contacts_are_previewed_as_well(database_url: str) -> None:
    """An address that nobody has is reached by our channels; one that somebody has, under what they allowed."""

    async def steps(desk: Desk) -> None:
        shown = await preview(desk, "hello there", to="+1 212 555 0101")
        [way] = shown["ways"]
        assert (way["address"], way["can_send"], way["pieces"][0]["text"]) == (BEN, True, "hello there")
        assert await count_rows("contact") == 1
        await receive(desk.lane, consent_change("revoked"))
        assert (await preview(desk, to=ANA))["can_send"] is False
        contact = (await desk.ask("GET", desk.conversation))["contact"]["id"]
        assert (await preview(desk, contact_id=contact))["can_send"] is False
        assert (await preview(desk, to="ben@example.org"))["reasons"][0]["code"] == "no_channel"

    at_desk(database_url, steps)


def test_a_canned_reply_is_previewed_in_the_variant_of_each_way(database_url: str) -> None:
    """Filled in, with what is missing; words beside it are refused."""

    async def steps(desk: Desk) -> None:
        variants = [
            {"text": "Long {{ contact.first_name }} {{ contact.language }}"},
            {"text": "Short {{ contact.first_name }} {{ contact.language }}", "channel": "sms"},
        ]
        body = {"shortcut": "/s", "name": "S", "variants": variants}
        canned = (await desk.ask("POST", "/canned-replies", body, status=201))["id"]
        conversation = {"conversation_id": show_id("cnv", desk.conversation_id)}
        [way] = (await preview(desk, None, canned_reply_id=canned, **conversation))["ways"]
        assert (way["pieces"][0]["text"].strip(), way["missing"]) == ("Short Ana", ["contact.language"])
        both = {"text": "x", "canned_reply_id": canned, **conversation}
        assert await desk.refuse("POST", "/messages/preview", both) == "validation_failed"

    at_desk(database_url, steps)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": "x"}, "validation_failed"),
        ({"text": "x", "to": ANA, "contact_id": "ctc_" + "0" * 32}, "validation_failed"),
        ({"text": "x", "to": "12"}, "invalid_address"),
        ({"to": ANA}, "validation_failed"),
        ({"text": "x", "conversation_id": "cnv_" + "0" * 32}, "not_found"),
        ({"text": "x", "contact_id": "ctc_" + "0" * 32}, "not_found"),
        ({"to": ANA, "canned_reply_id": "crp_" + "0" * 32}, "not_found"),
        ({"text": "x", "to": ANA, "agent_id": "agt_" + "0" * 32}, "validation_failed"),
    ],
)
def test_a_preview_of_nothing_or_nobody_is_refused(database_url: str, body: dict[str, Any], code: str) -> None:
    """Exactly one recipient, and something to send."""

    async def steps(desk: Desk) -> None:
        assert await desk.refuse("POST", "/messages/preview", body) == code

    at_desk(database_url, steps)
