"""Webhooks carry Twilio's fields and a signature Twilio's own validator accepts."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
from pathlib import Path

import pytest

from channels.simulators.twilio import HandsetFile, TwilioAccount, TwilioNumber, TwilioSimulator
from channels.simulators.twilio.webhooks import sign_twilio_webhook
from tests.channels.simulators.twilio_receiver import (
    ACCOUNT,
    HANDSET,
    NUMBER,
    TOKEN,
    Webhook,
    provider,
    receiving,
)

SERVICE = "MG" + "5" * 32
LONG_UNICODE = "Ünïcödé 😀 " * 10

INBOUND_FIELDS = {
    "ToCountry", "ToState", "SmsMessageSid", "NumMedia", "ToCity", "FromZip", "SmsSid", "FromState", "SmsStatus",
    "FromCity", "Body", "FromCountry", "To", "ToZip", "NumSegments", "MessageSid", "AccountSid", "From", "ApiVersion",
}  # fmt: skip
REPORT_FIELDS = {
    "SmsSid", "SmsStatus", "MessageStatus", "To", "MessageSid", "AccountSid", "ApiVersion", "From",
}  # fmt: skip


def test_texts_from_a_handset_arrive_signed_and_whole() -> None:
    """Twilio's validator accepts each webhook, its fields are Twilio's, and the body survives the form."""
    bodies = ["Hello", "", "a+b & c=d %41", LONG_UNICODE, "two\r\nlines"]

    async def run() -> list[Webhook]:
        async with provider() as twilio:
            messages = [await twilio.twilio.text_in(HANDSET, body) for body in bodies]
            assert [(message.acknowledged, message.attempts) for message in messages] == [(True, 1)] * len(bodies)
            return twilio.receiver.webhooks

    webhooks = asyncio.run(run())
    assert [webhook.form["Body"] for webhook in webhooks] == bodies
    assert [webhook.form["NumSegments"] for webhook in webhooks] == ["1", "1", "1", "2", "1"]
    for webhook in webhooks:
        form = webhook.form
        assert (webhook.valid_for(TOKEN), webhook.valid_for("another token")) == (True, False)
        assert set(form) == INBOUND_FIELDS
        assert (form["From"], form["To"], form["FromCountry"], form["SmsStatus"]) == (HANDSET, NUMBER, "DE", "received")
        assert form["MessageSid"] == form["SmsSid"] == form["SmsMessageSid"]


def test_files_are_named_by_type_and_address() -> None:
    """A text with files is an MMS: NumMedia counts them and each has its type and URL below the API's origin."""
    files = [HandsetFile(content_type=kind, content=b"x") for kind in ("image/png", "audio/amr")]

    async def run() -> tuple[dict[str, str], str]:
        async with provider() as twilio:
            await twilio.twilio.text_in(HANDSET, "look", media=files)
            return twilio.receiver.webhooks[0].form, twilio.twilio.url

    form, url = asyncio.run(run())
    assert form["MessageSid"].startswith("MM")
    assert (form["NumMedia"], form["MediaContentType0"], form["MediaContentType1"]) == ("2", "image/png", "audio/amr")
    path = rf"/2010-04-01/Accounts/{ACCOUNT}/Messages/{form['MessageSid']}/Media/ME[0-9a-f]{{32}}"
    assert all(re.fullmatch(re.escape(url) + path, form[f"MediaUrl{index}"]) for index in range(2))
    assert form["MediaUrl0"] != form["MediaUrl1"]


def test_a_message_climbs_the_ladder_in_order() -> None:
    """queued, sent, delivered are reported in order, signed, and only the last brings the carrier's time."""

    async def run() -> list[Webhook]:
        async with provider() as twilio:
            await twilio.send("Hi")
            await twilio.twilio.settle()
            return twilio.receiver.webhooks

    reports = asyncio.run(run())
    assert [report.form["MessageStatus"] for report in reports] == ["queued", "sent", "delivered"]
    assert all(report.valid_for(TOKEN) for report in reports)
    assert all(report.form["SmsStatus"] == report.form["MessageStatus"] for report in reports)
    assert [set(report.form) - REPORT_FIELDS for report in reports] == [set(), set(), {"RawDlrDoneDate"}]
    assert re.fullmatch(r"\d{10}", reports[-1].form["RawDlrDoneDate"])
    assert len({report.form["MessageSid"] for report in reports}) == 1


def test_each_account_signs_with_its_own_first_token() -> None:
    """A sub-account's webhooks are signed with its token, not the parent's, and after a rotation with the new one."""
    sub = "AC" + "2" * 32

    async def run() -> list[Webhook]:
        async with provider(number=TwilioNumber(number=NUMBER, account_sid=sub)) as twilio:
            account = TwilioAccount(sid=sub, token="first", secondary_token="second", owner=ACCOUNT)
            twilio.twilio.accounts[sub] = account
            await twilio.twilio.text_in(HANDSET, "1")
            account.token, account.secondary_token = "second", None
            await twilio.twilio.text_in(HANDSET, "2")
            return twilio.receiver.webhooks

    before, after = asyncio.run(run())
    assert (before.valid_for("first"), before.valid_for("second"), before.valid_for(TOKEN)) == (True, False, False)
    assert (after.valid_for("first"), after.valid_for("second")) == (False, True)


def test_advanced_opt_out_says_what_a_keyword_was_taken_for() -> None:
    """With Advanced Opt-Out the webhook names OptOutType and the service; other texts have no such field."""
    number = TwilioNumber(number=NUMBER, account_sid=ACCOUNT, service=SERVICE, advanced_opt_out=True)

    async def run() -> list[dict[str, str]]:
        async with provider(number=number) as twilio:
            for words in ("yes", "Stop", "help", "yes"):
                await twilio.twilio.text_in(HANDSET, words)
            return [webhook.form for webhook in twilio.receiver.webhooks]

    forms = asyncio.run(run())
    assert [form.get("OptOutType") for form in forms] == [None, "STOP", "HELP", "START"]
    assert {form["MessagingServiceSid"] for form in forms} == {SERVICE}


def test_an_error_answered_is_not_tried_again() -> None:
    """A webhook answered with an error stays unacknowledged after one try, as at Twilio."""

    async def run() -> tuple[bool, list[int | None], int]:
        async with provider(answers=[503]) as twilio:
            message = await twilio.twilio.text_in(HANDSET, "Hello")
            statuses = [attempt.status for attempt in message.posts[0].attempts]
            return message.acknowledged, statuses, len(twilio.receiver.webhooks)

    assert asyncio.run(run()) == (False, [503], 1)


def test_a_receiver_that_is_not_there_is_tried_twice() -> None:
    """When nobody listens there is one more try, and then the text stays unacknowledged in the ledger."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    hook = f"http://127.0.0.1:{port}/incoming"

    async def run() -> tuple[bool, list[str | None]]:
        twilio = TwilioSimulator(
            [TwilioAccount(sid=ACCOUNT, token=TOKEN)],
            [TwilioNumber(number=NUMBER, account_sid=ACCOUNT, hook=hook)],
        )
        message = await twilio.text_in(HANDSET, "Hello")
        await twilio.aclose()
        return twilio.ledger.inbound[0].acknowledged, [attempt.error for attempt in message.posts[0].attempts]

    assert asyncio.run(run()) == (False, ["unreachable", "unreachable"])


def test_a_hook_that_is_no_url_harms_nobody() -> None:
    """A number with a broken hook gives an unacknowledged text, not an exception."""

    async def run() -> bool:
        async with provider(number=TwilioNumber(number=NUMBER, account_sid=ACCOUNT, hook="http://[")) as twilio:
            return (await twilio.twilio.text_in(HANDSET, "Hello")).acknowledged

    assert asyncio.run(run()) is False


def test_routes_spread_a_public_origin_over_its_servers() -> None:
    """Webhooks for a public origin reach its servers in turn, signed and addressed for the public one."""

    async def run() -> tuple[list[Webhook], list[Webhook]]:
        async with receiving() as one, receiving() as two:
            twilio = TwilioSimulator(
                [TwilioAccount(sid=ACCOUNT, token=TOKEN)],
                [TwilioNumber(number=NUMBER, account_sid=ACCOUNT, hook="http://public.example/incoming")],
                routes={"http://public.example": [one.url, two.url]},
            )
            for words in ("1", "2", "3"):
                await twilio.text_in(HANDSET, words)
            await twilio.aclose()
            return one.webhooks, two.webhooks

    one, two = asyncio.run(run())
    assert [webhook.form["Body"] for webhook in one + two] == ["1", "3", "2"]
    assert {webhook.host for webhook in one + two} == {"public.example"}
    assert all(webhook.valid_for(TOKEN) for webhook in one + two)


def test_signatures_match_twilios_own_vectors() -> None:
    """Each signature that Twilio's test suite calls valid is the one we make for a form without repeated fields."""
    if "SWITCHBOARD_TESTDATA" not in os.environ:
        pytest.skip("SWITCHBOARD_TESTDATA is not set: Twilio's vectors are not at hand")
    lines = (Path(os.environ["SWITCHBOARD_TESTDATA"]) / "sms" / "twilio_vectors.jsonl").read_text().splitlines()
    cases = [case for case in map(json.loads, lines) if case["kind"] == "signature" and case["expect"]["valid"]]
    seen = 0
    for case in cases:
        form = dict(case.get("params", ()))
        if len(form) != len(case.get("params", ())) or case["id"].endswith(("port_on_https", "port_on_http")):
            continue  # repeated fields, and a port that the validator adds or drops by itself
        assert sign_twilio_webhook(case["token"], case["url"], form) == case["signature"], case["id"]
        seen += 1
    assert seen >= 3
