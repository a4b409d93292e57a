"""A text and its answer, whole: handset, webhook, timeline, API, provider, handset, reports."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from channels.simulators.faults import Faults
from channels.simulators.twilio import HandsetFile
from tests.journeys.gateway import NUMBER, Journey, eventually, open_journey

ANA = "+34600111222"
PHOTO = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)


def test_a_text_becomes_a_conversation_and_its_answer_reaches_the_handset(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """One text makes a contact, a conversation and an entry; the answer climbs from queued to delivered."""

    async def walk() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            await journey.twilio.text_in(ANA, "¿Dónde está mi pedido?")
            conversation = await journey.conversation_with(ANA)
            [entry] = await journey.entries(conversation["id"])
            assert (entry["seq"], entry["type"], entry["direction"]) == (1, "message", "inbound")
            assert entry["text"] == "¿Dónde está mi pedido?"
            assert entry["author"]["address"] == ANA
            assert conversation["reply_route"]["address"] == ANA
            assert conversation["counts"] == {"entries": 1, "unread": 1}
            assert conversation["waiting_since"] is not None

            sent = await journey.post(f"/v1/conversations/{conversation['id']}/messages", {"text": "Ya va de camino."})
            assert sent["delivery"]["state"] == "queued"
            await journey.delivery(sent["id"], "delivered")
            [accepted] = [one for one in journey.twilio.ledger.accepted if one.to == ANA]
            assert (accepted.body, accepted.sender) == ("Ya va de camino.", NUMBER)
            attempts = (await journey.get(f"/v1/messages/{sent['id']}/deliveries"))["data"]
            assert attempts[0]["kind"] == "send"
            assert {one["outcome"] for one in attempts} >= {"sent", "delivered"}
            assert (await journey.conversation_with(ANA))["waiting_since"] is None

    asyncio.run(walk())


def test_a_photo_is_fetched_stored_and_served_as_what_it_is(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """MMS media is fetched with the account's credentials, typed by its bytes, and served by a signed link."""

    async def walk() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            await journey.twilio.text_in(
                ANA, "Llegó roto", media=[HandsetFile(content_type="image/png", content=PHOTO)]
            )
            conversation = await journey.conversation_with(ANA)

            async def stored() -> object:
                [entry] = await journey.entries(conversation["id"])
                part = entry["parts"][1]
                return part if part["attachment"]["state"] == "stored" else None

            part = await eventually(stored)
            file = part["attachment"]
            assert (part["type"], file["media_type"], file["size"], file["width"]) == (
                "image",
                "image/png",
                len(PHOTO),
                1,
            )
            answer = await journey.client.get(file["url"], follow_redirects=True)
            assert answer.content == PHOTO
            assert answer.headers["content-disposition"].startswith("attachment")

    asyncio.run(walk())


def test_stop_ends_sending_until_start(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """After STOP the next send is refused before any call to the provider; START lifts it (security.md T64)."""

    async def walk() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            await journey.twilio.text_in(ANA, " Stop. ")
            conversation = await journey.conversation_with(ANA)
            await journey.entries(conversation["id"], at_least=2)
            path = f"/v1/conversations/{conversation['id']}/messages"
            problem = await journey.post(path, {"text": "Are you sure?"}, status=409)
            assert problem["code"] == "contact_opted_out"
            assert (await journey.conversation_with(ANA))["reply_route"]["can_reply"] is False
            assert journey.twilio.ledger.accepted == []

            await journey.twilio.text_in(ANA, "START")
            await journey.entries(conversation["id"], at_least=4)
            sent = await journey.post(path, {"text": "Welcome back"})
            await journey.delivery(sent["id"], "delivered")

    asyncio.run(walk())


def test_an_opt_out_the_provider_knows_of_is_learnt(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Error 21610 fails the message and becomes consent: the next send is refused without a call."""

    async def walk() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            await journey.twilio.text_in(ANA, "Hello")
            conversation = await journey.conversation_with(ANA)
            journey.twilio.faults = Faults(refused={ANA: 21610})
            path = f"/v1/conversations/{conversation['id']}/messages"
            sent = await journey.post(path, {"text": "Hi Ana"})
            delivery = await journey.delivery(sent["id"], "failed")
            assert (delivery["error"]["code"], delivery["error"]["provider_code"]) == ("opted_out", "21610")
            told = [entry["event"] for entry in await journey.entries(conversation["id"], at_least=3) if entry["event"]]
            assert [(event["name"], event["to"]) for event in told] == [("consent_changed", "revoked")]
            problem = await journey.post(path, {"text": "Still there?"}, status=409)
            assert problem["code"] == "contact_opted_out"

    asyncio.run(walk())


def test_an_answer_the_provider_never_gave_is_unknown_until_its_report(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """A send whose answer was dropped is not sent again; the signed report, which carries our id, resolves it."""

    async def walk() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            await journey.twilio.text_in(ANA, "Hello")
            conversation = await journey.conversation_with(ANA)
            journey.twilio.faults = Faults(next_calls=["drop"])
            sent = await journey.post(f"/v1/conversations/{conversation['id']}/messages", {"text": "Once only"})
            await journey.delivery(sent["id"], "delivered")
            outcomes = [one["outcome"] for one in (await journey.get(f"/v1/messages/{sent['id']}/deliveries"))["data"]]
            assert "unknown" in outcomes
            assert [one.body for one in journey.twilio.ledger.accepted] == ["Once only"]

    asyncio.run(walk())


def test_throttled_calls_are_tried_again_in_order(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """429 with Retry-After is obeyed and tried again; answers leave in the order they were written, each once."""

    async def walk() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            await journey.twilio.text_in(ANA, "Hello")
            conversation = await journey.conversation_with(ANA)
            journey.twilio.faults = Faults(next_calls=["throttle", "none", "throttle"])
            path = f"/v1/conversations/{conversation['id']}/messages"
            sent = [await journey.post(path, {"text": f"answer {number}"}) for number in range(4)]
            await journey.delivery(sent[-1]["id"], "delivered")
            assert [one.body for one in journey.twilio.ledger.accepted] == [f"answer {number}" for number in range(4)]

    asyncio.run(walk())


def test_every_step_is_told_once_and_in_order(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """The stream tells a conversation's events in the order of seq, and the pull tells the same."""

    async def walk() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            listens = asyncio.Event()
            told = asyncio.create_task(_follow(journey, listens, until=5))
            await asyncio.wait_for(listens.wait(), 30)
            for number in range(5):
                await journey.twilio.text_in(ANA, f"text {number}")
            events = await asyncio.wait_for(told, 30)
            assert [event["seq"] for event in events] == [1, 2, 3, 4, 5]
            assert [event["data"]["entry"]["text"] for event in events] == [f"text {number}" for number in range(5)]
            pulled = (await journey.get("/v1/events", types="message.created"))["data"]
            assert [event["id"] for event in pulled] == [event["id"] for event in events]

    asyncio.run(walk())


def test_one_key_is_one_message_however_often_it_is_sent(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """50 POSTs at once under one Idempotency-Key make one message: the same answer, or 409 while the first runs."""

    async def walk() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            await journey.twilio.text_in(ANA, "Hello")
            conversation = await journey.conversation_with(ANA)
            path = f"/v1/conversations/{conversation['id']}/messages"
            headers = {"Idempotency-Key": "answer-1"}
            answers = await asyncio.gather(
                *(journey.client.post(path, json={"text": "Once"}, headers=headers) for _ in range(50))
            )
            assert {answer.status_code for answer in answers} <= {201, 409}
            assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
            again = await journey.client.post(path, json={"text": "Once"}, headers=headers)
            assert again.headers["idempotency-replayed"] == "true"
            other = await journey.client.post(path, json={"text": "Twice"}, headers=headers)
            assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
            entries = await journey.entries(conversation["id"], at_least=2)
            assert [entry["text"] for entry in entries] == ["Hello", "Once"]

    asyncio.run(walk())


async def _follow(journey: Journey, listens: asyncio.Event, *, until: int) -> list[Any]:
    """The `message.created` events of the stream, until there are so many."""
    events = []
    params = {"types": "message.created"}
    async with journey.client.stream("GET", "/v1/events/stream", params=params) as stream:
        async for line in stream.aiter_lines():
            if line == "event: ready":
                listens.set()
            if line.startswith("data: ") and '"object":"event"' in line:
                events.append(msgspec.json.decode(line[6:]))
            if len(events) == until:
                return events
    return events
