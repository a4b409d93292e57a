"""What the widget's door keeps out: foreign pages, floods, tokens in URLs, markup, ended sessions."""

from __future__ import annotations

import asyncio
import io
import logging
from ipaddress import IPv4Address
from pathlib import Path
from random import randrange
from typing import Any

import pytest
import structlog

from tests.journeys.chatting import SITE, Browser, open_chat
from tests.journeys.gateway import open_journey
from tests.journeys.test_webchat import said

EVIL = "https://evil.example"
SCRIPT = "<img src=x onerror=alert(1)><script>alert(1)</script>[x](javascript:alert(1))"


def test_only_named_sites_may_speak(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A page of another site, of `null` or of a look-alike gets neither session nor answer; nor does one that names no
    origin, unless the chat takes apps. Pages of the sites named can read what they are answered (security.md T52)."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            chat = await open_chat(journey, origins=[SITE, "https://*.branch.example"])
            begin = {"channel_id": chat}
            async with Browser(journey, chat) as browser:
                for origin in (EVIL, "null", f"{SITE}.evil.example", "http://shop.example", "https://branch.example"):
                    refused = await browser.call("POST", "/sessions", begin, headers={"Origin": origin})
                    assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed"), origin
                    assert "access-control-allow-origin" not in refused.headers
                for origin in (SITE, "https://a.branch.example", journey.url):
                    taken = await browser.call("POST", "/sessions", begin, headers={"Origin": origin})
                    assert taken.status_code == 201, taken.text
                    assert taken.headers["access-control-allow-origin"] == origin
                    assert taken.headers["cache-control"] == "no-store"
                await browser.begin()
                assert (await browser.call("GET", "/messages", headers={"Origin": EVIL})).status_code == 403
                browser.origin = None
                for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
                    asked = await browser.call("GET", "/messages", headers={"Sec-Fetch-Site": site})
                    assert asked.status_code == status, site
                preflight = await browser.call("OPTIONS", "/messages", headers={"Origin": SITE})
                assert preflight.headers["access-control-allow-headers"].startswith("Authorization")
            app = await open_chat(journey, native_apps=True)
            async with Browser(journey, chat, origin=None) as nobody, Browser(journey, app, origin=None) as native:
                assert (await nobody.call("POST", "/sessions", begin)).status_code == 403
                await native.begin()

    asyncio.run(scenario())


def test_floods_are_refused(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Messages, conversations and sessions have their limits, told by 429 and Retry-After; of a visitor's streams the
    oldest ends where there are too many (security.md T72)."""

    async def scenario() -> None:
        limits: dict[str, Any] = {
            "SWITCHBOARD_VISITOR_MESSAGES_PER_MINUTE": "5",
            "SWITCHBOARD_VISITOR_CONVERSATIONS_PER_HALF_DAY": "2",
            "SWITCHBOARD_VISITOR_SESSIONS_PER_MINUTE": "4",
            "SWITCHBOARD_VISITOR_STREAMS": "2",
            "SWITCHBOARD_TRUSTED_PROXIES": "127.0.0.1",
        }
        async with open_journey(database_url, redis_url, tmp_path, **limits) as journey:
            chat = await open_chat(journey)
            address = str(IPv4Address(0xC6120000 + randrange(2**16)))  # of the benchmark networks (RFC 2544)
            browsers = [Browser(journey, chat, address=address) for _ in range(4)]
            for browser in browsers:
                await browser.begin()
            async with Browser(journey, chat, address=f"203.0.113.9, {address}") as late:
                await refused(late, "/sessions", {"channel_id": chat})
            first, second, third, _ = browsers
            for number in range(5):
                await first.write(f"message {number}")
            await refused(first, "/messages", {"client_message_id": "6", "text": "too many"})
            await second.write("a second conversation")
            await refused(third, "/messages", {"client_message_id": "1", "text": "a third conversation"})
            async with second.listening() as oldest, second.listening() as newer, second.listening():
                await oldest.end()
                await second.write("still here")
                await newer.until("entry", text="still here")
            large = {"client_message_id": "7", "text": "x" * 70_000}
            assert (await third.call("POST", "/messages", large)).status_code == 413
            for browser in browsers:
                await browser.client.aclose()

    asyncio.run(scenario())


def test_an_ended_session_closes_its_stream(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A stream ends with its session, and says so; so does that of a visitor who is erased (security.md T51)."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            await browser.begin()
            async with browser.listening() as stream:
                assert (await browser.call("POST", "/logout")).status_code == 204
                assert (await stream.end())[-1].data == {"state": "revoked"}
            browser.token = None
            await browser.begin()
            await browser.write("forget me")
            place = (await said(browser, 1))[0]["conversation_id"]
            contact = (await journey.get(f"/v1/conversations/{place}"))["contact"]["id"]
            async with browser.listening() as stream:
                await journey.post(
                    f"/v1/contacts/{contact}/erase", {"reason": "asked for", "confirm": contact}, status=202
                )
                assert (await stream.end())[-1].data == {"state": "revoked"}
            assert (await browser.call("GET", "/messages")).status_code == 401

    asyncio.run(scenario())


def test_no_token_is_ever_logged(
    database_url: str, redis_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A whole session leaves its token in no log line and in no URL, and in the database only its hash
    (security.md T54)."""

    async def scenario() -> str:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            await browser.begin(page={"url": "https://shop.example/"})
            token = browser.token or ""
            async with browser.listening() as stream:
                await browser.write("hello")
                await stream.until("entry", text="hello")
            await browser.call("POST", "/read", {"up_to_seq": 1, "state": "read"})
            await browser.call("GET", "/nothing")
            await browser.call("POST", "/messages", {"bad": token})
            await browser.call("POST", "/logout")
            await browser.call("GET", "/messages")
            return token

    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    try:
        with structlog.testing.capture_logs() as lines:
            token = asyncio.run(scenario())
    finally:
        logging.getLogger().removeHandler(handler)
    out, err = capfd.readouterr()
    said_aloud = written.getvalue() + out + err + "".join(map(str, lines))
    assert lines, "nothing was logged, so nothing was tested"
    assert token.startswith("vst_")
    assert token not in said_aloud
    assert token[4:20] not in said_aloud


def test_markup_is_text_both_ways(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Script in a message, of whoever, reaches the other side as the text it is; HTML never reaches a visitor
    (security.md T31)."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            await browser.begin(identity={"name": "<b>Eve</b>"})
            await browser.write(SCRIPT)
            [entry] = await said(browser, 1)
            assert entry["parts"] == [{"type": "text", "text": SCRIPT, "format": "plain"}]
            place = entry["conversation_id"]
            parts: list[Any] = [
                {"type": "html", "html": "<p>Hello <b>you</b></p><script>alert(1)</script>"},
                {"type": "text", "text": SCRIPT, "format": "markdown"},
                {"type": "link_preview", "url": "javascript:alert(1)", "title": "click"},
            ]
            await journey.post(f"/v1/conversations/{place}/messages", {"parts": parts})
            [_, answer] = await said(browser, 2)
            assert [part["type"] for part in answer["parts"]] == ["text", "text", "text"]
            assert answer["parts"][0]["text"] == "Hello you"
            assert answer["parts"][1] == {"type": "text", "text": SCRIPT, "format": "markdown"}

    asyncio.run(scenario())


async def refused(browser: Browser, path: str, body: dict[str, Any]) -> None:
    """A request that is one too many."""
    answer = await browser.call("POST", path, body)
    assert (answer.status_code, answer.json()["code"]) == (429, "quota_exceeded"), answer.text
    assert int(answer.headers["retry-after"]) > 0
