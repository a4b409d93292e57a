"""The demo's visitors: they send until they are heard, follow their stream through cuts, and count each answer once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from gateway.demo.chats import ChatLine, Chats, is_final
from gateway.demo.people import Person, invent_people
from tests.journeys.gateway import Journey, eventually, open_journey

SECRET = "a secret of the shop that proves its users"
PEOPLE = [one for one in islice(invent_people(7), 200) if one.chats]
KNOWN = next(one for one in PEOPLE if one.known)
STRANGER = next(one for one in PEOPLE if not one.known)

Play = Callable[[Journey, Chats, list[tuple[str, str]]], Awaitable[None]]


def play(database_url: str, redis_url: str, folder: Path, act: Play) -> None:
    """A gateway with a web chat, the demo's browsers, and what they were told."""

    async def run() -> None:
        async with open_journey(database_url, redis_url, folder) as journey:
            settings = {"name": "Shop", "verification": "optional", "identity_secret": SECRET}
            body = {"adapter": "webchat-widget", "name": "Chat", "settings": settings}
            channel = (await journey.post("/v1/channels", body))["id"]
            told: list[tuple[str, str]] = []
            line = ChatLine(url=journey.url, origin=journey.url, channel_id=channel, identity_secret=SECRET)
            chats = Chats(line, dice=Random(1), on_words=lambda address, words: told.append((address, words)))
            try:
                await act(journey, chats, told)
            finally:
                await chats.leave()

    asyncio.run(run())


async def answer(journey: Journey, address: str, words: str) -> str:
    """An agent answers somebody, as soon as they have written; the message's id."""
    conversation = await journey.conversation_with(address)
    made = await journey.post(f"/v1/conversations/{conversation['id']}/messages", {"text": words})
    return str(made["id"])


@pytest.mark.parametrize("person", [KNOWN, STRANGER], ids=["known", "stranger"])
def test_a_message_is_stored_and_its_answer_is_heard(
    database_url: str, redis_url: str, tmp_path: Path, person: Person
) -> None:
    """With a photo: the entry has the id the browser gave it, and the agent sees that the answer was read."""

    async def talk(journey: Journey, chats: Chats, told: list[tuple[str, str]]) -> None:
        message = await chats.write(person, "Is it open?", photo=True)
        address = chats.address_of(person)
        sent = await answer(journey, address, "Until eight.")
        assert address.startswith("user:" if person.known else "vis_")
        assert (message.acknowledged, message.refused) == (True, None)
        conversation = await journey.conversation_with(address)
        (entry, *_) = await journey.entries(conversation["id"])
        assert entry["provider"]["message_id"] == message.sid
        assert {part["type"] for part in entry["parts"]} == {"text", "image"}
        await journey.delivery(sent, "read")
        assert told == [(address, "Until eight.")]

    play(database_url, redis_url, tmp_path, talk)


def test_an_answer_is_counted_once_however_often_it_comes(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Each change of an entry comes again, and after a cut it comes from the last one on: told is told."""

    async def talk(journey: Journey, chats: Chats, told: list[tuple[str, str]]) -> None:
        await chats.write(KNOWN, "One", photo=False)
        await answer(journey, chats.address_of(KNOWN), "First")
        await eventually(lambda: _has(told, 1))
        journey.runtime.hub.stop()  # every stream ends; browsers come back
        await chats.write(KNOWN, "Two", photo=False)
        await eventually(lambda: _settled(chats))
        assert [words for _, words in told] == ["First"]

    play(database_url, redis_url, tmp_path, talk)


def test_a_message_is_sent_until_it_is_heard(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line fails before and after the gateway has it: the same message is in the timeline once."""
    post, cuts = httpx.AsyncClient.post, iter([True, False])

    async def cutting(self: httpx.AsyncClient, url: str, **given: Any) -> httpx.Response:
        cut = next(cuts, None) if url == "/messages" else None
        if cut:
            raise httpx.ConnectError("nobody there")
        answered = await post(self, url, **given)
        if cut is False:
            raise httpx.ReadError("cut off")
        return answered

    async def talk(journey: Journey, chats: Chats, told: list[tuple[str, str]]) -> None:
        monkeypatch.setattr(httpx.AsyncClient, "post", cutting)
        message = await chats.write(STRANGER, "Hello?", photo=False)
        await eventually(lambda: _settled(chats))
        assert (message.acknowledged, message.attempts) == (True, 3)
        conversation = await journey.conversation_with(chats.address_of(STRANGER))
        said = [entry["text"] for entry in await journey.entries(conversation["id"]) if entry["type"] == "message"]
        assert said == ["Hello?"]

    play(database_url, redis_url, tmp_path, talk)


def test_what_is_refused_for_good_is_not_sent_again() -> None:
    """To wait and to come back is no refusal; anything else of the client's own making is."""
    assert [is_final(status) for status in (202, 400, 401, 409, 422, 429, 500, 503)] == [
        False, True, True, True, True, False, False, False,
    ]  # fmt: skip


async def _has(told: list[tuple[str, str]], count: int) -> bool:
    return len(told) >= count


async def _settled(chats: Chats) -> bool:
    return not chats.under_way
