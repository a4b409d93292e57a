"""A visitor's earlier conversations: listed, read, and a new one begun where the last was closed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from channels.webchat.identity import hash_user_id
from tests.journeys.chatting import IDENTITY_SECRET, Browser, open_chat
from tests.journeys.gateway import Journey, eventually, open_journey
from tests.journeys.test_webchat import said

PROOF = {"user_id": "8841", "hash": hash_user_id(IDENTITY_SECRET, "8841")}


def test_earlier_conversations_are_listed_and_read(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """The newest first, each with its last words as the visitor may see them; one that is named is read from its end,
    and what is read there is known to us. Nobody else finds any of it (security.md T53)."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            chat = await open_chat(journey)
            async with Browser(journey, chat) as ana, Browser(journey, chat) as eve:
                await ana.begin()
                await eve.begin()
                assert (await talks(ana))["data"] == []
                first, second = await two_talks(journey, ana)
                listed = await talks(ana)
                assert [one["id"] for one in listed["data"]] == [second, first]
                assert [one["status"] for one in listed["data"]] == ["open", "closed"]
                assert [one["last_message"]["text"] for one in listed["data"]] == ["And now?", "On Thursday"]
                page = await talks(ana, limit=1)
                rest = await talks(ana, limit=1, cursor=page["page"]["next_cursor"])
                assert [one["id"] for one in page["data"] + rest["data"]] == [second, first]
                assert not rest["page"]["has_more"]
                earlier = await ana.history(conversation_id=first)
                words = [one["text"] for one in earlier["data"] if one["kind"] == "message"]
                assert words == ["Where is it?", "On Thursday"]
                assert "among us" not in str([listed, earlier])
                answer = earlier["data"][1]
                before = await ana.history(conversation_id=first, before_seq=answer["seq"])
                assert [one["text"] for one in before["data"]] == ["Where is it?"]
                read = {"conversation_id": first, "up_to_seq": answer["seq"], "state": "read"}
                assert (await ana.call("POST", "/read", read)).status_code == 204
                assert (await journey.delivery(answer["id"], "read"))["state"] == "read"
                await eve.write("Let me in")
                own = (await said(eve, 1))[0]["conversation_id"]
                assert [one["id"] for one in (await talks(eve))["data"]] == [own]
                spied = [
                    await eve.call("GET", "/messages", params={"conversation_id": first}),
                    await eve.call("POST", "/read", read),
                ]
                assert [(one.status_code, one.json()["code"]) for one in spied] == [(404, "not_found")] * 2
                foreign = await eve.call("GET", "/conversations", params={"cursor": page["page"]["next_cursor"]})
                assert (foreign.status_code, foreign.json()["code"]) == (400, "cursor_mismatch")

    asyncio.run(scenario())


def test_a_new_conversation_is_begun_only_where_the_last_is_closed(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Asked for while one is open, the message joins it; without being asked for, what was closed of late goes on."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            await browser.begin()
            await browser.write("One")
            await said(browser, 1)
            await browser.write("Two", new_conversation=True)
            entries = await said(browser, 2)
            assert len({one["conversation_id"] for one in entries}) == 1
            await browser.call("POST", "/end")
            async with browser.listening() as stream:
                await browser.write("Three", new_conversation=True)
                entry = await stream.until("entry", text="Three")
                assert entry["seq"] == 1
                assert (await stream.until("conversation"))["id"] == entry["conversation_id"]
            assert entry["conversation_id"] != entries[0]["conversation_id"]
            await browser.call("POST", "/end")
            await browser.write("Four")
            last = (await said(browser, 4))[-1]
            assert (last["text"], last["conversation_id"]) == ("Four", entry["conversation_id"])

    asyncio.run(scenario())


def test_conversations_begun_anew_are_counted(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Ending and beginning again within a minute gives nobody more conversations than their address has."""

    async def scenario() -> None:
        limits: dict[str, Any] = {
            "SWITCHBOARD_VISITOR_CONVERSATIONS_PER_HALF_DAY": "2",
            "SWITCHBOARD_TRUSTED_PROXIES": "127.0.0.1",
        }
        async with (
            open_journey(database_url, redis_url, tmp_path, **limits) as journey,
            Browser(journey, await open_chat(journey), address="198.51.100.77") as browser,
        ):
            await browser.begin()
            for number in range(2):
                text = f"talk {number}"
                await browser.write(text, new_conversation=True)

                async def begun(text: str = text) -> Any:
                    found = (await browser.history())["data"]
                    return found and found[0]["text"] == text

                await eventually(begun)
                await browser.call("POST", "/end")
            third = {"client_message_id": "third", "text": "talk 2", "new_conversation": True}
            refused = await browser.call("POST", "/messages", third)
            assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")

    asyncio.run(scenario())


def test_a_proven_user_has_all_of_theirs(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """From whichever browser; somebody who only says to be that user has none of them."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            chat = await open_chat(journey, verification="optional", identity_secret=IDENTITY_SECRET)
            async with Browser(journey, chat) as home, Browser(journey, chat) as work, Browser(journey, chat) as liar:
                await home.begin(identity=PROOF)
                first, second = await two_talks(journey, home)
                await work.begin(identity=PROOF)
                assert [one["id"] for one in (await talks(work))["data"]] == [second, first]
                assert len((await work.history(conversation_id=first))["data"]) == len(
                    (await home.history(conversation_id=first))["data"]
                )
                await liar.begin(identity={"user_id": "8841", "hash": "0" * 64})
                assert (await talks(liar))["data"] == []
                assert (await liar.call("GET", f"/messages?conversation_id={first}")).status_code == 404

    asyncio.run(scenario())


async def two_talks(journey: Journey, browser: Browser) -> tuple[str, str]:
    """A conversation that was answered and closed, and one that was begun after it."""
    await browser.write("Where is it?")
    first = (await said(browser, 1))[0]["conversation_id"]
    await journey.post(f"/v1/conversations/{first}/notes", {"text": "among us"})
    await journey.post(f"/v1/conversations/{first}/messages", {"text": "On Thursday"})
    await said(browser, 2)
    await journey.post(f"/v1/conversations/{first}/notes", {"text": "also among us"})
    await journey.post(f"/v1/conversations/{first}/close", {}, status=200)
    await browser.write("And now?", new_conversation=True)

    async def begun() -> Any:
        found = (await browser.history())["data"]
        return found[0] if found and found[0]["conversation_id"] != first else None

    return first, (await eventually(begun))["conversation_id"]


async def talks(browser: Browser, **params: Any) -> Any:
    """The visitor's conversations as they are listed."""
    answer = await browser.call("GET", "/conversations", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()
