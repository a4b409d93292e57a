"""Thousands of pages with the chat open and nothing said: what they cost a process, and that they are still heard."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import psutil
import pytest

from inbox.kit.clock import utc_now
from inbox.kit.db import tx
from inbox.kit.ids import read_id
from inbox.visitors.actions import meet_stranger, open_session
from inbox.visitors.visitor import Browser, Profile
from tests.bench.sockets import allow_files
from tests.journeys.test_live_sockets import bearer, make_key, run_gateways

VISITORS, TABS = 400, 5
IDLE = VISITORS * TABS
IDLE_BYTES = 100_000_000
AT_A_TIME = 50
PATIENCE_SECONDS = 120
FOLLOW = "GET /widget/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"


class IdleTab:
    """A tab with the chat open: it reads what comes."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token

    async def open(self) -> None:
        """Follow, until the stream is ready."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(FOLLOW.format(token=self.token).encode())
        await self.reader.readuntil(b"event: ready")


async def make_sessions(channel_id: str) -> list[str]:
    """The tokens of so many visitors."""
    tokens = []
    async with tx():
        for _ in range(VISITORS):
            visitor = await meet_stranger(read_id("cha", channel_id), Profile(), Browser(), now=utc_now())
            opened = await open_session(visitor, lasts=timedelta(hours=1), now=utc_now())
            tokens.append(opened.token)
    return tokens


def test_two_thousand_idle_visitors_cost_little(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most 100 MB in one process; and what one of them writes comes to each of their tabs (security.md T72)."""
    allow_files()
    monkeypatch.setenv("SWITCHBOARD_VISITOR_STREAM_LIMIT", str(2 * IDLE))

    async def body(gateways: list[tuple[str, psutil.Popen]]) -> None:
        [(origin, process)] = gateways
        key, _ = await make_key()
        port = int(origin.rpartition(":")[2])
        async with httpx.AsyncClient(base_url=origin, headers=bearer(key), timeout=20) as client:
            chat = {"adapter": "webchat-widget", "name": "Shop", "settings": {"name": "Shop", "origins": [origin]}}
            made = (await client.post("/v1/channels", json=chat)).raise_for_status().json()
            tokens = await make_sessions(made["id"])
            tabs = [IdleTab(port, token) for token in tokens for _ in range(TABS)]
            await tabs[0].open()
            before = process.memory_info().rss
            async with asyncio.timeout(PATIENCE_SECONDS):
                for at in range(1, IDLE, AT_A_TIME):
                    await asyncio.gather(*(tab.open() for tab in tabs[at : at + AT_A_TIME]))
            assert process.memory_info().rss - before < IDLE_BYTES
            assert f"switchboard_visitor_streams {float(IDLE)}" in (await client.get("/metrics")).text
            said = {"client_message_id": "m1", "text": "is anybody there?"}
            written = await client.post("/widget/v1/messages", json=said, headers=bearer(tokens[-1]))
            written.raise_for_status()
            async with asyncio.timeout(PATIENCE_SECONDS):
                for tab in tabs[-TABS:]:
                    await tab.reader.readuntil(b"is anybody there?")
        for tab in tabs:
            tab.writer.transport.abort()

    run_gateways(database_url, redis_url, tmp_path, body, amount=1)
