"""What a visitor's session stops being good for, and what it becomes good for: chats that change, links, limits."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.journeys.chatting import IDENTITY_SECRET, Browser, open_chat
from tests.journeys.gateway import open_journey
from tests.journeys.test_webchat import said

PIXEL = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def test_a_stream_ends_when_its_chat_asks_for_more(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """One that asks for a proof by now, or is gone, tells those nothing more who follow it; they may not come back
    (security.md T51)."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            for change, status in (({"verification": "required"}, 401), (None, 404)):
                chat = await open_chat(journey, identity_secret=IDENTITY_SECRET)
                async with Browser(journey, chat) as browser:
                    await browser.begin()
                    async with browser.listening() as stream:
                        if change:
                            changed = await journey.client.patch(f"/v1/channels/{chat}", json={"settings": change})
                        else:
                            changed = await journey.client.delete(f"/v1/channels/{chat}")
                        assert changed.is_success, changed.text
                        await journey.runtime.directory.refresh()
                        assert all(heard.event != "entry" for heard in await stream.end())
                    assert (await browser.call("GET", "/stream")).status_code == status

    asyncio.run(scenario())


def test_a_link_is_opened_by_a_browser_that_has_a_session(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Its session becomes that of the link's visitor; a link that does not hold changes nothing."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            chat = await open_chat(journey)
            async with Browser(journey, chat) as laptop, Browser(journey, chat) as phone:
                await laptop.begin()
                await laptop.write("from the laptop")
                await said(laptop, 1)
                before = await phone.begin()
                link = (await laptop.call("POST", "/resume-link", {})).json()["url"].partition("#resume=")[2]
                after = await phone.begin(resume_link=link)
                assert after["token"] is None
                assert after["visitor"] == laptop.session["visitor"] != before["visitor"]
                assert [one["text"] for one in (await phone.history())["data"]] == ["from the laptop"]
                again = {"channel_id": chat, "resume_link": link}
                assert (await phone.call("POST", "/sessions", again)).json()["code"] == "token_expired"
                assert (await phone.begin())["visitor"] == after["visitor"]

    asyncio.run(scenario())


def test_files_are_counted_by_address_as_well(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """New sessions give an address no files without end (security.md T72)."""

    async def scenario() -> None:
        limits: dict[str, Any] = {
            "SWITCHBOARD_VISITOR_UPLOADS_PER_HOUR": "1",
            "SWITCHBOARD_TRUSTED_PROXIES": "127.0.0.1",
        }
        async with open_journey(database_url, redis_url, tmp_path, **limits) as journey:
            chat = await open_chat(journey)
            answers = []
            for _ in range(6):
                async with Browser(journey, chat, address="198.51.100.78") as browser:
                    await browser.begin()
                    answers.append((await upload(browser)).status_code)
            assert answers == [201] * 5 + [429]

    asyncio.run(scenario())


def test_no_mail_is_promised_that_cannot_be_sent(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Without a mail channel the page is told so, and a link by mail is refused; without mail it is given."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            config = await browser.call("GET", "/config", params={"channel": browser.channel_id})
            assert config.json()["mail"] == {"enabled": False, "transcripts": False}
            await browser.begin()
            refused = await browser.call("POST", "/resume-link", {"email": "ana@example.org"})
            assert (refused.status_code, refused.json()["code"]) == (422, "channel_cannot")
            assert (await browser.call("POST", "/resume-link", {})).json()["url"]

    asyncio.run(scenario())


def test_when_a_rating_was_given_is_told(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """So that a page knows how long it may be changed; a change leaves that moment as it was."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey, csat={"enabled": True, "change_hours": 2})) as browser,
        ):
            config = await browser.call("GET", "/config", params={"channel": browser.channel_id})
            assert config.json()["csat"] == {"enabled": True, "change_hours": 2}
            await browser.begin()
            await browser.write("hi")
            place = (await said(browser, 1))[0]["conversation_id"]
            asked = await journey.post(f"/v1/conversations/{place}/csat-requests", {})
            told: list[Any] = [(await browser.begin())["conversation"]["csat"]]
            for rating in (2, 5):
                await browser.call("POST", "/csat", {"entry_id": asked["id"], "rating": rating})
                told.append((await browser.begin())["conversation"]["csat"])
            assert [one["rating"] for one in told] == [None, 2, 5]
            assert told[0]["rated_at"] is None
            assert told[1]["rated_at"] == told[2]["rated_at"] is not None

    asyncio.run(scenario())


async def upload(browser: Browser) -> Any:
    """A small picture."""
    headers = {"Authorization": f"Bearer {browser.token}", "Origin": browser.origin or ""}
    return await browser.client.post("/attachments", files={"file": ("a.png", PIXEL, "image/png")}, headers=headers)
