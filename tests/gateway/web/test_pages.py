"""The pages over HTTP: their policies, how long they may be kept, and who may frame them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.web.policy import page_policy
from tests.journeys.gateway import Journey, open_journey

SOURCES = re.compile(r"https?://|'unsafe-|\*")


def policy_of(answer: Any) -> dict[str, str]:
    """The directives of a page."""
    told = answer.headers["content-security-policy"]
    return {name: rest for name, _, rest in (one.strip().partition(" ") for one in told.split(";"))}


def visit(database_url: str, redis_url: str, folder: Path, look: Callable[[Journey], Awaitable[None]]) -> None:
    """Run the gateway and look at it without a key."""

    async def run() -> None:
        async with open_journey(database_url, redis_url, folder) as journey:
            del journey.client.headers["Authorization"]
            await look(journey)

    asyncio.run(run())


def test_pages_and_their_files(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Pages need no key, are asked for anew each time, and name files that may be kept for ever; old ones are gone."""

    async def look(journey: Journey) -> None:
        page = await journey.client.get("/console/c/cnv_1")
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-cache"
        names = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
        assert names
        for name in names:
            file = await journey.client.get(name)
            assert file.status_code == 200, name
            assert "immutable" in file.headers["cache-control"]
            assert file.headers["x-content-type-options"] == "nosniff"
        other = re.sub("/assets/[0-9a-f]+/", "/assets/0000000000000000/", names[0])
        assert (await journey.client.get(other)).status_code == 404
        prefix = "/".join(names[0].split("/")[:3])
        for outside in ("/console/../pages.py", "/console/%2e%2e/pages.py", "/pages.py"):
            assert (await journey.client.get(prefix + outside)).status_code == 404

    visit(database_url, redis_url, tmp_path, look)


def test_every_page_allows_nothing_but_our_own_files(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """No inline script or style, no other origin, Trusted Types; the console is framed by nobody."""

    async def look(journey: Journey) -> None:
        made = await journey.client.post("/v1/channels", json=CHAT, headers=key)
        assert made.status_code == 201, made.text
        frame = f"/widget/v1/frame?channel={made.json()['id']}"
        for path in ("/console", frame, "/widget/v1/notify"):
            policy = policy_of(await journey.client.get(path))
            assert policy["default-src"] == "'none'", path
            assert policy["script-src"] == policy["style-src"] == "'self'", path
            assert policy["require-trusted-types-for"] == "'script'", path
            own = journey.url.replace("http", "ws", 1)
            rest = {name: rest.replace(own, "") for name, rest in policy.items() if name != "frame-ancestors"}
            assert not SOURCES.search(" ".join(rest.values())), path
        for path in ("/console", frame):
            assert policy_of(await journey.client.get(path))["trusted-types"] == "'none'"
        console = await journey.client.get("/console")
        assert policy_of(console)["frame-ancestors"] == "'none'"
        for name in ("cross-origin-opener-policy", "cross-origin-resource-policy"):
            assert console.headers[name] == "same-origin"
        assert policy_of(await journey.client.get(frame))["frame-ancestors"] == "'self' https://shop.example"

    async def run() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            key["Authorization"] = journey.client.headers.pop("Authorization")
            await look(journey)

    key: dict[str, str] = {}
    asyncio.run(run())


def test_the_frame_is_of_a_web_chat_alone(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Another channel, a removed one or nonsense has no frame."""

    async def look(journey: Journey) -> None:
        for channel in (journey.channel_id, "cha_" + "0" * 32, "", "../x"):
            answer = await journey.client.get("/widget/v1/frame", params={"channel": channel})
            assert answer.status_code == 404, channel
        assert (await journey.client.get("/sim")).status_code == 404

    visit(database_url, redis_url, tmp_path, look)


@pytest.mark.parametrize(
    ("url", "socket"), [("https://chat.example", "wss://chat.example"), ("http://[::1]:8", "ws://[::1]:8")]
)
def test_sockets_are_named_beside_self(url: str, socket: str) -> None:
    """Some browsers take 'self' for HTTP alone."""
    assert f"connect-src 'self' {socket};" in page_policy(url)


CHAT = {
    "adapter": "webchat-widget",
    "name": "Chat",
    "settings": {"name": "Shop", "origins": ["https://shop.example"]},
}
