"""The agents: a message of unknown fate is looked for in the provider's log, and sent again only if it is not there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from channels.simulators.mail import MailSimulator
from channels.simulators.twilio import TwilioAccount, TwilioNumber, TwilioSimulator
from channels.simulators.twilio.resources import CreateMessage
from gateway.commands.client import GatewayClient
from gateway.commands.spoken import SpokenEntry
from gateway.demo import desk as desk_module
from gateway.demo.desk import Desk
from tests.gateway.commands.test_client import answer, server

SID, OURS, THEIRS = "AC" + "5" * 32, "+16505550100", "+447700900123"
UNKNOWN: dict[str, Any] = {
    "id": "ent_1", "type": "message", "conversation_id": "cnv_1", "seq": 1, "direction": "outbound", "text": "Sorry!",
    "author": {"type": "agent"}, "recipients": [{"address": THEIRS}], "created_at": "2026-01-01T00:00:00.000Z",
    "delivery": {"state": "unknown"},
}  # fmt: skip
DELIVERED = UNKNOWN | {"delivery": {"state": "delivered"}}


def look_into(now: dict[str, Any], *, logged: Sequence[str]) -> list[str]:
    """What an agent asks of the gateway about the message, which stands like this now, given the provider's log."""

    async def look() -> list[str]:
        twilio = TwilioSimulator(
            [TwilioAccount(sid=SID, token="t")], [TwilioNumber(number=OURS, account_sid=SID)], pace=0.001
        )
        for text in logged:
            twilio.accept_message(SID, CreateMessage(to=THEIRS, sender=OURS, body=text))
        async with server([answer(msgspec.json.encode(now))]) as (url, asked), GatewayClient(url, "sk") as client:
            desk = Desk(client, [], twilio, mail=MailSimulator())
            desk.look_into(msgspec.convert(UNKNOWN, SpokenEntry))
            while desk.looking:  # noqa: ASYNC110 - the desk tells by this count alone
                await asyncio.sleep(0.001)
            await desk.leave()
        await twilio.aclose()
        return [request.splitlines()[0].rpartition(" ")[0] for request in asked]

    return asyncio.run(look())


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "LOOK_SECONDS", 0.0)


def test_what_is_not_in_the_log_is_sent_again_and_noted() -> None:
    """The provider never had it: a person decides to send it once more, and says so in the timeline."""
    assert look_into(UNKNOWN, logged=["something else"]) == [
        "GET /v1/messages/ent_1",
        "POST /v1/messages/ent_1/retry",
        "POST /v1/conversations/cnv_1/notes",
    ]


def test_what_is_in_the_log_is_left_alone() -> None:
    """The provider has it, so a report will come: sending it again would double it."""
    assert look_into(UNKNOWN, logged=["Sorry!"]) == ["GET /v1/messages/ent_1"]


def test_what_has_been_reported_meanwhile_is_left_alone() -> None:
    """A late report settles it."""
    assert look_into(DELIVERED, logged=[]) == ["GET /v1/messages/ent_1"]
