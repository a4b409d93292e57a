"""Twilio's own handling of STOP and START, which works without us."""

from __future__ import annotations

import asyncio

import pytest

from channels.simulators.twilio import TwilioNumber
from channels.simulators.twilio.opt_outs import OPT_OUT_WORDS, OptOuts
from tests.channels.simulators.twilio_receiver import ACCOUNT, HANDSET, NUMBER, provider

OTHER_NUMBER = "+15550100001"
OTHER_HANDSET = "+4915199999999"


def test_stop_refuses_messages_until_start() -> None:
    """After STOP a message to that handset is refused with 21610 until START; the webhooks come all the same."""

    async def run() -> tuple[list[int], list[str]]:
        async with provider() as twilio:
            codes = []
            for words in (" stop ", "what?", "Start"):
                await twilio.twilio.text_in(HANDSET, words)
                answer = await twilio.send()
                codes.append(answer.json().get("code", answer.status_code))
            await twilio.twilio.settle()
            return codes, [body for body in twilio.receiver.told("MessageSid") if body]

    codes, told = asyncio.run(run())
    assert codes == [21610, 21610, 201]
    assert len(told) == 3 + 3


def test_stop_stops_one_number_for_one_handset() -> None:
    """STOP to one number leaves its other handsets, and the handset's other numbers, as they were."""

    async def run() -> list[int]:
        async with provider() as twilio:
            twilio.twilio.numbers[OTHER_NUMBER] = TwilioNumber(number=OTHER_NUMBER, account_sid=ACCOUNT)
            await twilio.twilio.text_in(HANDSET, "STOP", to=NUMBER)
            answers = [
                await twilio.send(),
                await twilio.send(From=OTHER_NUMBER),
                await twilio.send(to=OTHER_HANDSET),
            ]
            return [answer.status_code for answer in answers]

    assert asyncio.run(run()) == [400, 201, 201]


def test_stop_stops_a_whole_messaging_service() -> None:
    """STOP to one number of a service refuses messages from its other numbers too."""
    service = "MG" + "5" * 32

    async def run() -> int:
        async with provider(number=TwilioNumber(number=NUMBER, account_sid=ACCOUNT, service=service)) as twilio:
            twilio.twilio.numbers[OTHER_NUMBER] = TwilioNumber(
                number=OTHER_NUMBER, account_sid=ACCOUNT, service=service
            )
            await twilio.twilio.text_in(HANDSET, "STOP", to=NUMBER)
            code: int = (await twilio.send(From=OTHER_NUMBER)).json()["code"]
            return code

    assert asyncio.run(run()) == 21610


def test_the_carrier_confirms_on_the_handset_alone() -> None:
    """STOP is confirmed once on the handset by the carrier, and no such text enters the ledger of messages."""

    async def run() -> tuple[list[str], int]:
        async with provider() as twilio:
            for words in ("STOP", "STOP"):
                await twilio.twilio.text_in(HANDSET, words)
            authors: list[str] = [text.author for text in twilio.twilio.handsets.texts_on(HANDSET)]
            return authors, len(twilio.twilio.ledger.accepted)

    assert asyncio.run(run()) == (["handset", "carrier", "handset"], 0)


@pytest.mark.parametrize("word", [word for word, meaning in OPT_OUT_WORDS.items() if meaning == "STOP"])
def test_every_stop_word_stops(word: str) -> None:
    """Each of Twilio's words stops, in any case, alone only."""
    opt_outs = OptOuts()
    opt_outs.take_keyword(f"please {word}", handset="+1", scope="+2")
    assert not opt_outs.has_stopped("+1", "+2")
    opt_outs.take_keyword(word.lower(), handset="+1", scope="+2")
    assert opt_outs.has_stopped("+1", "+2")


def test_yes_is_an_answer_unless_something_was_stopped() -> None:
    """YES is no keyword for who never stopped, and START for who did."""
    opt_outs = OptOuts()
    assert opt_outs.take_keyword("Yes", handset="+1", scope="+2") == (None, None)
    opt_outs.take_keyword("stop", handset="+1", scope="+2")
    assert opt_outs.take_keyword("Yes", handset="+1", scope="+2")[0] == "START"
    assert not opt_outs.has_stopped("+1", "+2")
