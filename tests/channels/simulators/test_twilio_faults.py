"""Faults happen as asked for, and the ledger tells what really happened."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from channels.simulators.faults import CallFault
from channels.simulators.twilio import Faults, Outcome
from tests.channels.simulators.twilio_receiver import HANDSET, MESSAGES, NUMBER, Provider, provider
from tests.inbox.builders import until

LANDLINE = "+4930123456"


CALLS: tuple[tuple[CallFault, int | None, str], ...] = (  # a fault, the status answered, and what the ledger says
    ("throttle", 429, "not taken"),
    ("unavailable", 503, "not taken"),
    ("error", 503, "not taken"),
    ("error_after", 503, "unanswered"),
    ("cut", None, "not taken"),
    ("drop", None, "unanswered"),
    ("none", 201, "answered"),
)


def test_forced_faults_strike_one_call_each() -> None:
    """Each call meets the fault next in line, and the ledger says whether it was taken and answered."""

    async def run() -> tuple[list[int | None], dict[str, bool]]:
        async with provider() as twilio:
            twilio.twilio.faults = Faults(next_calls=[fault for fault, _, _ in CALLS], broken_status=503)
            statuses = [await _status_of(twilio, fault) for fault, _, _ in CALLS]
            return statuses, {message.body: message.answered for message in twilio.twilio.ledger.accepted}

    statuses, answered = asyncio.run(run())
    assert statuses == [status for _, status, _ in CALLS]
    assert answered == {fault: fate == "answered" for fault, _, fate in CALLS if fate != "not taken"}


def test_throttling_says_for_how_long() -> None:
    """429 carries Retry-After in seconds and Twilio's code."""

    async def run() -> httpx.Response:
        async with provider() as twilio:
            twilio.twilio.faults = Faults(throttled=1, retry_after=3)
            return await twilio.send()

    answer = asyncio.run(run())
    assert (answer.headers["retry-after"], answer.json()["code"]) == ("3", 20429)


def test_a_call_that_is_never_answered_was_taken_and_ends_with_the_caller() -> None:
    """A hanging call is in the ledger, unanswered, and goes when the caller gives up or the simulator closes."""

    async def run() -> list[bool]:
        async with provider() as twilio:
            twilio.twilio.faults = Faults(hanging=1)
            with pytest.raises(httpx.ReadTimeout):
                await twilio.rest.post(
                    MESSAGES, data={"To": HANDSET, "From": NUMBER, "Body": "hm?"}, timeout=httpx.Timeout(30, read=0.3)
                )
            left_open = asyncio.create_task(twilio.send("still there?"))

            async def both_taken() -> bool:
                return len(twilio.twilio.ledger.accepted) == 2

            await until(both_taken)
            await twilio.twilio.aclose()
            with pytest.raises(httpx.RemoteProtocolError):
                await left_open
            return [message.answered for message in twilio.twilio.ledger.accepted]

    assert asyncio.run(run()) == [False, False]


def test_one_recipient_is_refused_and_others_are_not() -> None:
    """A recipient in `refused` gets its code, in Twilio's words; every other message is taken."""

    async def run() -> tuple[httpx.Response, httpx.Response]:
        async with provider() as twilio:
            twilio.twilio.faults = Faults(refused={LANDLINE: 21614})
            return await twilio.send(to=LANDLINE), await twilio.send()

    refused, taken = asyncio.run(run())
    assert (refused.status_code, refused.json()["code"]) == (400, 21614)
    assert taken.status_code == 201


OUTCOMES: dict[str, tuple[Outcome, list[str], str | None]] = {  # to whom: the end, what is reported, the error code
    "+491510000001": (Outcome(status="undelivered", code=30005), ["queued", "sent", "undelivered"], "30005"),
    "+491510000002": (Outcome(status="undelivered"), ["queued", "sent", "undelivered"], "30003"),
    "+491510000003": (Outcome(status="failed", code=30007), ["queued", "failed"], "30007"),
    "+491510000004": (Outcome(status="sent"), ["queued", "sent"], None),
}


def test_messages_end_as_told() -> None:
    """The ladder ends at the outcome, with the code in report and resource; what failed reaches no handset."""

    async def run() -> None:
        async with provider() as twilio:
            twilio.twilio.faults = Faults(outcomes={to: outcome for to, (outcome, _, _) in OUTCOMES.items()})
            uris = {to: (await twilio.send(to=to)).json()["uri"] for to in OUTCOMES}
            await twilio.twilio.settle()
            for to, (_, told, code) in OUTCOMES.items():
                reports = [webhook.form for webhook in twilio.receiver.webhooks if webhook.form["To"] == to]
                assert [report["MessageStatus"] for report in reports] == told
                assert reports[-1].get("ErrorCode") == code
                resource = (await twilio.rest.get(uris[to])).json()
                assert (resource["status"], resource["error_code"]) == (told[-1], int(code) if code else None)
                assert len(twilio.twilio.handsets.texts_on(to)) == (0 if code else 1)

    asyncio.run(run())


def test_a_duplicated_webhook_comes_several_times_the_same() -> None:
    """Copies carry the same sid, signature and idempotency token, and the ledger counts each."""

    async def run() -> tuple[int, set[tuple[str, str, str]]]:
        async with provider() as twilio:
            twilio.twilio.faults = Faults(duplicated=1, copies=3, held_back=0.01)
            message = await twilio.twilio.text_in(HANDSET, "Hello")
            seen = {
                (
                    webhook.form["MessageSid"],
                    webhook.headers["x-twilio-signature"],
                    webhook.headers["i-twilio-idempotency-token"],
                )
                for webhook in twilio.receiver.webhooks
            }
            assert len(twilio.receiver.webhooks) == 3
            return message.attempts, seen

    attempts, seen = asyncio.run(run())
    assert (attempts, len(seen)) == (3, 1)


def test_a_reordered_report_is_overtaken() -> None:
    """A status held back arrives after the later ones, and the ledger still knows the true order."""

    async def run() -> tuple[list[str], list[str]]:
        async with provider() as twilio:
            twilio.twilio.faults = Faults(next_webhooks=["reorder"], held_back=1)
            await twilio.send()
            await twilio.twilio.settle()
            kinds = [post.kind for post in twilio.twilio.ledger.accepted[0].posts]
            return twilio.receiver.told("MessageStatus"), kinds

    told, kinds = asyncio.run(run())
    assert told == ["sent", "delivered", "queued"]
    assert sorted(kinds) == ["delivered", "queued", "sent"]


def test_the_same_seed_makes_the_same_faults() -> None:
    """Two runs with one seed fail at the same calls; chances are met roughly."""

    async def run() -> list[int]:
        async with provider() as twilio:
            twilio.twilio.faults = Faults(throttled=0.5)
            return [(await twilio.send()).status_code for _ in range(12)]

    first, second = asyncio.run(run()), asyncio.run(run())
    assert first == second
    assert set(first) == {201, 429}


async def _status_of(twilio: Provider, body: str) -> int | None:
    try:
        return (await twilio.send(body)).status_code
    except httpx.RemoteProtocolError as error:
        if "without sending a response" not in str(error):
            raise
        return None
