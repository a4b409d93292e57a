"""A visitor of a website writes, an agent answers, and each reads the other as it is said."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.journeys.chatting import Browser, open_chat
from tests.journeys.gateway import PATIENCE_SECONDS, Journey, eventually, open_journey


def test_a_visitor_and_an_agent_talk(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """What a visitor writes is in the inbox, and the answer is on their screen, told by the stream, once handed over;
    what they read, and that they write, is known to us."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            session = await browser.begin(locale="es", page={"url": "https://shop.example/orders/8841"})
            assert session["conversation"] is None
            assert (await journey.get("/v1/contacts"))["data"] == []  # who only looks is no contact
            async with browser.listening(session["cursor"]) as stream:
                message_id = await browser.write("Where is my **parcel**?")
                assert await browser.write("Where is my **parcel**?", client_message_id=message_id) == message_id
                entry = await stream.until("entry", client_message_id=message_id)
                assert (entry["direction"], entry["author"]) == ("inbound", {"type": "visitor", "name": None})
                place = (await stream.until("conversation", status="open"))["id"]
                await journey.post(f"/v1/conversations/{place}/notes", {"text": "a note among ourselves"})
                answered = await journey.post(f"/v1/conversations/{place}/messages", {"text": "It left Madrid."})
                answer = await stream.until("entry", id=answered["id"])
                assert (answer["text"], answer["state"], answer["direction"]) == ("It left Madrid.", "sent", "outbound")
                assert (await stream.until("conversation"))["unread"] == 1
                await journey.client.post(f"/v1/conversations/{place}/typing", json={"typing": True})
                assert await stream.until("typing") == {"name": None, "typing": True}  # a program's name is our own
                async with journey.runtime.live.listen() as moments:
                    assert (await browser.call("POST", "/typing", {"typing": True})).status_code == 204
                    told = await asyncio.wait_for(moments.get(), PATIENCE_SECONDS)
                    assert (told.type, told.actor.type, told.visible_to_contact) == ("typing.started", "contact", False)
                await browser.call("POST", "/read", {"up_to_seq": answer["seq"], "state": "read"})
                assert await stream.until("entry", id=answered["id"], state="read")
                assert (await journey.delivery(answered["id"], "read"))["state"] == "read"
                await journey.post(f"/v1/conversations/{place}/close", {}, status=200)
                assert (await stream.until("entry", kind="event"))["event"]["name"] == "ended"
                assert (await stream.until("conversation"))["status"] == "closed"
                await browser.write("One more thing")
                assert (await stream.until("entry", kind="event"))["event"]["name"] == "reopened"
                await stream.until("conversation", status="open")
            assert "note among" not in str(stream.heard)
            history = await browser.history()
            words = ["Where is my **parcel**?", "It left Madrid.", "", "", "One more thing"]
            assert [one["text"] for one in history["data"]] == words
            assert (await journey.get(f"/v1/conversations/{place}"))["reply_route"]["last_seen_at"]

    asyncio.run(scenario())


def test_a_stream_goes_on_where_it_was_cut(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """However often a browser loses its stream, with its last cursor it hears each message once, in order; without
    any, or with one that is none, it is told to read the conversation anew."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            await browser.begin()
            await browser.write("hello")
            place = (await said(browser, 1))[0]["conversation_id"]
            history = await browser.history()
            writing = asyncio.create_task(answer_often(journey, place, 30))
            heard: dict[str, str] = {}
            cursor, cuts = history["cursor"], 0
            while len(heard) < 30:
                async with browser.listening(cursor) as stream:
                    entry = await stream.until("entry", state="sent")
                    cuts += 1
                    for one in stream.heard:
                        if one.event == "entry" and one.data["state"] == "sent":
                            heard.setdefault(one.data["id"], one.data["text"])
                    cursor = stream.last_id
                assert entry["direction"] == "outbound"
            await writing
            assert list(heard.values()) == [f"answer {number}" for number in range(30)]
            assert cuts > 3
            async with browser.listening("nonsense") as stream:
                assert (await stream.until("reset"))["code"] == "invalid_cursor"

    asyncio.run(scenario())


def test_a_visitor_sees_their_own_and_nobody_elses(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Two visitors of one site, and one of another, hear nothing of each other; neither do they of other channels."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            chat, other = await open_chat(journey), await open_chat(journey)
            async with Browser(journey, chat) as ana, Browser(journey, chat) as bob, Browser(journey, other) as eve:
                for browser in (ana, bob, eve):
                    await browser.begin()
                async with bob.listening() as of_bob, eve.listening() as of_eve:
                    await ana.write("for us alone")
                    place = (await said(ana, 1))[0]["conversation_id"]
                    answered = await journey.post(f"/v1/conversations/{place}/messages", {"text": "and for you"})
                    await said(ana, 2)
                    await bob.write("me too")
                    await of_bob.until("entry", text="me too")
                    await eve.write("and me")
                    await of_eve.until("entry", text="and me")
                assert "for us alone" not in str(of_bob.heard) + str(of_eve.heard)
                assert answered["id"] not in str(await bob.history()) + str(await eve.history())
                route = (await journey.get(f"/v1/conversations/{place}"))["reply_route"]
                assert (route["channel_id"], route["alternatives"]) == (chat, [])
                elsewhere = {"text": "where nobody looks", "channel_id": other}
                await journey.post(f"/v1/conversations/{place}/messages", elsewhere, status=422)

    asyncio.run(scenario())


def test_a_merged_conversation_is_followed(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Where an agent merges the visitor's conversation into an older one, the visitor goes on there, and sees of it
    what was said with them."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            chat = await open_chat(journey)
            async with Browser(journey, chat) as ana, Browser(journey, chat) as bob:
                for browser, words in ((ana, "ana writes"), (bob, "bob writes")):
                    await browser.begin()
                    await browser.write(words)
                target = (await said(ana, 1))[0]["conversation_id"]
                source = (await said(bob, 1))[0]["conversation_id"]
                async with bob.listening() as stream:
                    await journey.post(
                        f"/v1/conversations/{source}/merge", {"into": target, "across_contacts": True}, status=200
                    )
                    await stream.until("reset")
                    assert (await stream.until("conversation"))["id"] == target
                assert [one["text"] for one in (await bob.history())["data"]] == ["bob writes"]
                assert [one["text"] for one in (await ana.history())["data"]] == ["ana writes"]

    asyncio.run(scenario())


async def said(browser: Browser, count: int) -> list[Any]:
    """The conversation, once it has so many entries."""

    async def found() -> Any:
        data = (await browser.history())["data"]
        return data if len(data) >= count else None

    return list(await eventually(found))


async def answer_often(journey: Journey, conversation_id: str, times: int) -> None:
    """Answer again and again."""
    for number in range(times):
        await journey.post(f"/v1/conversations/{conversation_id}/messages", {"text": f"answer {number}"})
