"""The ledger forgets nothing a checker needs, and handsets show and tell what reaches them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from msgspec.structs import replace

from channels.simulators.handsets import Handsets, HandsetText
from channels.simulators.ledger import Ledger, MediaFile, Message
from tests.channels.simulators.twilio_receiver import HANDSET, NUMBER, provider

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _message(sid: str, *, media: list[MediaFile] | None = None) -> Message:
    return Message(
        sid=sid,
        account_sid="AC1",
        direction="inbound",
        sender="+1",
        to="+2",
        body="",
        status="received",
        created=NOW,
        updated=NOW,
        media=media or [],
    )


def test_the_ledger_keeps_the_order_either_way() -> None:
    """Accepted and inbound messages carry one common order, which is the order they were taken in."""

    async def run() -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
        async with provider() as twilio:
            await twilio.twilio.text_in(HANDSET, "a")
            await twilio.send("b")
            await twilio.twilio.text_in(HANDSET, "c")
            ledger = twilio.twilio.ledger
            return (
                [(message.order, message.body) for message in ledger.accepted],
                [(message.order, message.body) for message in ledger.inbound],
            )

    assert asyncio.run(run()) == ([(2, "b")], [(1, "a"), (3, "c")])


def test_a_full_ledger_forgets_the_oldest_and_says_so() -> None:
    """Beyond its limit the ledger drops the oldest message with its files, and counts it as forgotten."""
    ledger = Ledger(keep=2)
    ledger.files["t"] = ("image/png", b"x")
    file = MediaFile(sid="ME1", content_type="image/png", size=1, ticket="t")
    for message in (_message("SM1", media=[file]), _message("SM2"), _message("SM3")):
        ledger.record_message(message)
    report = ledger.report_since(0, under_way=0)
    assert ([message.sid for message in report.inbound], report.forgotten) == (["SM2", "SM3"], 1)
    assert ledger.files == {}
    assert [message.sid for message in ledger.report_since(2, under_way=0).inbound] == ["SM3"]


def test_a_watched_handset_tells_what_reaches_it() -> None:
    """A watcher gets each arriving message once, in order, of its handset alone, and not what the handset wrote."""

    async def run() -> list[tuple[str, str]]:
        async with provider() as twilio:
            with twilio.twilio.handsets.watch_handset(HANDSET) as texts:
                await twilio.twilio.text_in(HANDSET, "mine")
                for body, to in (("1", HANDSET), ("other", "+4915100000001"), ("2", HANDSET)):
                    await twilio.send(body, to=to)
                    await twilio.twilio.settle()
                return [(text.peer, text.body) for text in [await anext(texts), await anext(texts)]]

    assert asyncio.run(run()) == [(NUMBER, "1"), (NUMBER, "2")]


def test_callbacks_hear_of_arrivals_on_all_handsets() -> None:
    """A callback hears of every arrival, and no longer once it is taken out; the screens keep both ways."""
    handsets = Handsets()
    heard: list[str] = []

    def hear(text: HandsetText) -> None:
        heard.append(text.body)

    handsets.on_arrival.append(hear)
    told = HandsetText(sid="SM", handset="+1", peer="+2", author="business", body="1", at=0)
    for text in (told, replace(told, author="handset", body="2"), replace(told, author="carrier", body="3")):
        handsets.show_text(text)
    handsets.on_arrival.remove(hear)
    handsets.show_text(replace(told, handset="+3", body="4"))
    assert heard == ["1", "3"]
    assert [text.body for text in handsets.texts_on("+1")] == ["1", "2", "3"]
    assert handsets.known == ["+1", "+3"]
