"""Notices to browsers: encrypted for them alone, told while the chat is closed, and never again where nobody is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from inbox.kit.db import execute, fetch_value
from tests.channels.local_server import Answer
from tests.gateway.widget.pushing import CREATED, GONE, SLOW, PushBrowser, open_push_service
from tests.journeys.chatting import SITE, Browser, open_chat
from tests.journeys.gateway import Journey, eventually, open_journey

Scenario = Callable[[Journey, Browser, PushBrowser], Awaitable[None]]


class Scene:
    """A visitor who wrote, wants to be told, and has left."""

    def __init__(self, database_url: str, redis_url: str, folder: Path) -> None:
        self.urls = (database_url, redis_url)
        self.folder = folder

    def run(self, scenario: Scenario, *answers: Answer, **settings: Any) -> None:
        """With a push service that answers so."""

        async def body() -> None:
            async with (
                open_journey(*self.urls, self.folder / "data") as journey,
                open_push_service(journey, self.folder / "tls", *answers) as push,
                Browser(journey, await open_chat(journey, **settings)) as browser,
            ):
                await browser.begin(page={"url": f"{SITE}/orders/8841"})
                await browser.write("Where is my parcel?")
                await scenario(journey, browser, push)

        asyncio.run(body())


@pytest.fixture
def scene(database_url: str, redis_url: str, tmp_path: Path) -> Scene:
    """The gateway, the visitor and the push service."""
    return Scene(database_url, redis_url, tmp_path)


async def subscribe(browser: Browser, push: PushBrowser) -> str:
    """The browser asks to be told; our key."""
    answer = await browser.call("POST", "/push-subscription", push.subscription())
    assert answer.status_code == 204, answer.text
    config = (await browser.call("GET", f"/config?channel={browser.channel_id}")).json()
    return str(config["push"]["public_key"])


async def go_away() -> None:
    """As if the visitor had left long ago."""
    await execute("UPDATE visitor SET last_seen_at = last_seen_at - interval '1 hour'")


async def say(journey: Journey, browser: Browser, text: str) -> str:
    """An agent writes; the conversation."""

    async def found() -> Any:
        return (await journey.get("/v1/conversations"))["data"]

    [conversation] = await eventually(found)
    await go_away()
    await journey.post(f"/v1/conversations/{conversation['id']}/messages", {"text": text})
    return str(conversation["id"])


async def count_subscriptions() -> int:
    """How many browsers want to be told."""
    counted: int = await fetch_value("SELECT count(*) FROM visitor_push")
    return counted


def test_a_notice_tells_who_wrote_and_what(scene: Scene) -> None:
    """Decrypted by the browser alone, signed by our key, and a click leads to the page the visitor was on."""

    async def scenario(journey: Journey, browser: Browser, push: PushBrowser) -> None:
        key = await subscribe(browser, push)
        await say(journey, browser, "It left Madrid. " * 20)

        async def told() -> Any:
            return push.notices(key)

        [notice] = await eventually(told)
        assert notice["title"].endswith("Shop")
        assert notice["body"].startswith("It left Madrid. It left")
        assert len(notice["body"]) <= 120
        assert notice["url"] == f"{SITE}/orders/8841"
        assert b"Madrid" not in push.peer.requests[0]
        await asyncio.sleep(0.5)
        assert len(push.peer.requests) == 1

    scene.run(scenario)


def test_who_has_the_chat_open_is_not_told(scene: Scene) -> None:
    """What is on the screen needs no notice."""

    async def scenario(journey: Journey, browser: Browser, push: PushBrowser) -> None:
        await subscribe(browser, push)
        conversation_id = await say(journey, browser, "hello")
        await execute("UPDATE visitor SET last_seen_at = now() + interval '1 minute'")
        await journey.post(f"/v1/conversations/{conversation_id}/messages", {"text": "still there?"})
        waiting = "SELECT count(*) FROM job WHERE type = 'push_message' AND state < 2"

        async def done() -> bool:
            sent = await fetch_value("SELECT count(*) FROM entry WHERE delivery_state = 'sent'")
            behind = await fetch_value("SELECT h.cursor - v.cursor FROM feed_head h, visitor_follow v")
            return sent == 2 and not behind and not await fetch_value(waiting)

        await eventually(done)
        assert len(push.peer.requests) <= 1

    scene.run(scenario)


def test_a_browser_that_is_gone_is_forgotten(scene: Scene) -> None:
    """410 says that nobody is there any more: it is told nothing again."""

    async def scenario(journey: Journey, browser: Browser, push: PushBrowser) -> None:
        await subscribe(browser, push)
        await say(journey, browser, "hello")

        async def forgotten() -> bool:
            return not await count_subscriptions()

        await eventually(forgotten)
        assert len(push.peer.requests) == 1

    scene.run(scenario, GONE)


def test_a_push_service_that_is_busy_is_left_alone(scene: Scene) -> None:
    """Retry-After is obeyed, then the notice comes after all, once."""

    async def scenario(journey: Journey, browser: Browser, push: PushBrowser) -> None:
        key = await subscribe(browser, push)
        await say(journey, browser, "hello")

        async def told_again() -> bool:
            return len(push.peer.requests) == 2

        began = asyncio.get_running_loop().time()
        await eventually(told_again)
        assert asyncio.get_running_loop().time() - began >= 0.5
        assert [one["body"] for one in push.notices(key)] == ["hello", "hello"]

    scene.run(scenario, SLOW, CREATED)


def test_what_is_no_push_service_is_refused(scene: Scene) -> None:
    """Only https, only the public network, only keys a browser could have; and unsubscribing forgets it."""

    async def scenario(journey: Journey, browser: Browser, push: PushBrowser) -> None:
        good = push.subscription()
        for wrong in (
            {**good, "endpoint": good["endpoint"].replace("https", "http")},
            {**good, "endpoint": "https://10.0.0.1/push"},
            {**good, "keys": {**good["keys"], "p256dh": "BTBZ"}},
            {**good, "keys": {**good["keys"], "auth": ""}},
        ):
            answer = await browser.call("POST", "/push-subscription", wrong)
            assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), wrong
        await subscribe(browser, push)
        assert await count_subscriptions() == 1
        async with Browser(journey, browser.channel_id) as other:
            await other.begin()
            assert (await other.call("DELETE", "/push-subscription", good)).status_code == 204
            assert await count_subscriptions() == 1
        assert (await browser.call("DELETE", "/push-subscription", good)).status_code == 204
        assert await count_subscriptions() == 0

    scene.run(scenario)


def test_a_chat_may_have_no_notices(scene: Scene) -> None:
    """Then it gives no key, so that nobody asks."""

    async def scenario(journey: Journey, browser: Browser, push: PushBrowser) -> None:
        config = (await browser.call("GET", f"/config?channel={browser.channel_id}")).json()
        assert config["push"] == {"public_key": None}

    scene.run(scenario, push=False)
