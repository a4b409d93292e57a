"""What Twilio is asked of an account: against the simulator's wire, and against answers of its documentation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from channels.contract import AccountReport
from channels.simulators.twilio import TwilioAccount, TwilioNumber, TwilioSimulator, serve_simulator
from channels.vendors.twilio import TwilioSettings
from channels.vendors.twilio_account import (
    AccountAnswer,
    NumberAnswer,
    NumbersAnswer,
    examine_twilio_account,
    judge_twilio_account,
    judge_twilio_number,
)
from tests.channels.local_server import client, serve

SID = "AC" + "3" * 32
TOKEN = "9" * 32
NUMBER = "+15550001111"
HOOK = "https://inbox.example.org/hooks/sms-twilio/cha_1/message"


async def ask(url: str, *, numbers: Sequence[str] = (NUMBER,), token: str = TOKEN) -> AccountReport:
    """The check of an account at this address."""
    settings = TwilioSettings(account_sid=SID, auth_token=token, api_url=url)
    async with client() as http:
        return await examine_twilio_account(http, settings, numbers=numbers, hook=HOOK)


def test_a_sound_account_is_told_so() -> None:
    """Credentials accepted, the number ours and posting to us, and the provider's clock read from its answer."""

    async def body() -> None:
        numbers = [TwilioNumber(number=NUMBER, account_sid=SID, hook=HOOK)]
        async with serve_simulator(TwilioSimulator([TwilioAccount(sid=SID, token=TOKEN)], numbers)) as url:
            report = await ask(url)
            assert [check.ok for check in report.checks] == [True, True]
            assert report.clock is not None
            assert abs(datetime.now(UTC) - report.clock) < timedelta(seconds=30)
            [refused] = (await ask(url, token="8" * 32)).checks
            assert (refused.ok, bool(refused.fix)) == (False, True)

    asyncio.run(body())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<html",
        b"HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n",
        b"",
    ],
)
def test_what_is_not_answered_is_not_well(answer: bytes) -> None:
    """Another server, an outage or a cut connection is a check that failed, and never an exception."""

    async def body() -> None:
        async def cut(writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with serve(answer or cut) as peer:
            report = await ask(peer.url)
        assert [check.ok for check in report.checks] == [False]
        assert report.checks[0].detail

    asyncio.run(body())


@pytest.mark.parametrize(
    ("held", "well"),
    [
        (NumberAnswer(phone_number=NUMBER, sms_url=HOOK, sms_method="POST"), True),
        (NumberAnswer(phone_number=NUMBER, sms_url=HOOK, sms_method="GET"), False),
        (NumberAnswer(phone_number=NUMBER, sms_url="https://old.example.org/x?secret=1", sms_method="POST"), False),
        (NumberAnswer(phone_number=NUMBER), False),
        (NumberAnswer(phone_number=NUMBER, sms_application_sid="AP" + "1" * 32), True),
        (NumberAnswer(phone_number="+15550001112", sms_url=HOOK), False),
    ],
)
def test_a_number_must_post_to_us(held: NumberAnswer, *, well: bool) -> None:
    """By POST to our very URL; a foreign URL's query is not repeated; a TwiML app is the operator's to see."""
    check = judge_twilio_number(NUMBER, NumbersAnswer(incoming_phone_numbers=[held]), hook=HOOK)
    assert (check.ok, well or HOOK in str(check.fix) or "account" in str(check.fix)) == (well, True)
    assert "secret" not in check.detail


def test_short_codes_and_suspended_accounts() -> None:
    """A short code cannot be looked up, which is no fault; a suspended account is one."""
    assert judge_twilio_number("12345", NumbersAnswer(), hook=HOOK).ok
    assert not judge_twilio_account(AccountAnswer(status="suspended")).ok
