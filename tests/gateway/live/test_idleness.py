"""A session is idle while nobody does anything, however long its page is open."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.auth import KeyRing
from inbox.kit.callers import Caller
from tests.gateway.live.site import open_live


def test_what_a_person_does_on_a_socket_keeps_their_session(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To look at something or to come back counts as use; pings, subscriptions and being away come by themselves."""
    used: list[str] = []
    real = KeyRing.note_use

    def noted(ring: KeyRing, caller: Caller) -> None:
        used.append(caller.kind)
        real(ring, caller)

    monkeypatch.setattr(KeyRing, "note_use", noted)

    async def body() -> None:
        async with open_live(database_url, redis_url, tmp_path) as site:
            _, _, agent_id = await site.agent()
            _, cookie = await site.session(agent_id)
            headers = {"Cookie": cookie, "Origin": site.url}
            async with site.socket(key=None, headers=headers) as page:
                await page.follow()
                used.clear()
                await page.say("presence", state="away")
                assert (await page.ask("ping"))["type"] == "pong"
                assert used == []
                await page.say("viewing", conversation_id=None)
                await page.say("presence", state="online")
                assert (await page.ask("ping"))["type"] == "pong"
                assert used == ["session", "session"]

    asyncio.run(body())
