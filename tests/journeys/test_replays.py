"""P18 over real HTTP: two server processes, a hundred clients that ask the same at once, and one message."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from inbox.kit.db import close_database, open_database, tx
from inbox.staff.actions import create_api_key
from tests.journeys.gateway import ACCOUNT, NUMBER, SECRET, TOKEN, eventually
from tests.ports import free_ports

ANA = "+34600111222"
MESSAGE = {"to": ANA, "text": "your order has left", "undo_seconds": 60}
"""Held back, since no provider stands behind these servers."""
SERVERS = 2
AT_ONCE = 100


class Cluster:
    """Server processes over one database, and their addresses."""

    def __init__(self, processes: list[subprocess.Popen[bytes]], urls: list[str]) -> None:
        self.processes = processes
        self.urls = urls

    async def post(
        self, client: httpx.AsyncClient, at: int, body: Any, *, key: str, secret: str, path: str = "/v1/messages"
    ) -> httpx.Response:
        """One request, to the servers in turn."""
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": key}
        return await client.post(self.urls[at % len(self.urls)] + path, json=body, headers=headers)


@contextmanager
def cluster(database_url: str, redis_url: str, folder: Path) -> Iterator[Cluster]:
    """Real processes on loopback ports, ended with the test."""
    urls, processes = [], []
    for number, port in enumerate(free_ports(SERVERS)):
        urls.append(f"http://127.0.0.1:{port}")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHBOARD_")} | {
            "SWITCHBOARD_SECRET_KEY": SECRET,
            "SWITCHBOARD_DATABASE_URL": database_url,
            "SWITCHBOARD_REDIS_URL": redis_url,
            "SWITCHBOARD_DATA_DIR": str(folder / str(number)),
            "SWITCHBOARD_PUBLIC_URL": urls[-1],
            "SWITCHBOARD_PORT": f"{port}",
            "SWITCHBOARD_EGRESS_ALLOW": "127.0.0.0/8",
        }
        with (folder / f"serve{number}.log").open("wb") as log:
            command = [sys.executable, "-m", "gateway", "serve"]
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
    try:
        yield Cluster(processes, urls)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=60)


async def api_keys(database_url: str) -> list[str]:
    """The secrets of two keys."""
    await open_database(database_url, size=1)
    try:
        async with tx():
            return [(await create_api_key(name=name, scopes=("admin",)))[1] for name in ("one", "two")]
    finally:
        await close_database()


async def prepare(servers: Cluster, client: httpx.AsyncClient, secret: str) -> None:
    """Wait until all serve, and connect a number."""

    async def ready() -> bool:
        try:
            answers = [await client.get(f"{url}/health/ready") for url in servers.urls]
        except httpx.TransportError:
            return False
        return all(answer.status_code == 200 for answer in answers)

    await eventually(ready)
    settings = {"account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": [NUMBER], "api_url": "http://127.0.0.1:9"}
    body = {"adapter": "sms-twilio", "name": "Shop", "settings": settings}
    answer = await servers.post(client, 0, body, key="channel", secret=secret, path="/v1/channels")
    assert answer.status_code == 201, answer.text


async def count_messages(database_url: str) -> tuple[int, int]:
    """Messages, and the jobs that would deliver them."""
    connection = await asyncpg.connect(database_url)
    try:
        messages = await connection.fetchval("SELECT count(*) FROM entry WHERE type = 'message'")
        return messages, await connection.fetchval("SELECT count(*) FROM job WHERE type = 'deliver_message'")
    finally:
        await connection.close()


def test_a_hundred_replays_of_one_request_are_one_message(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """One acts; the others get its very answer or are told to wait, and then get it. Another body is refused, another
    API key is free, and a server that is killed takes no memory with it.
    """

    async def walk(servers: Cluster) -> None:
        secret, other = await api_keys(database_url)
        limits = httpx.Limits(max_connections=AT_ONCE)
        async with httpx.AsyncClient(timeout=30, limits=limits, trust_env=False) as client:
            await prepare(servers, client, secret)
            asked = [servers.post(client, at, MESSAGE, key="order 8841", secret=secret) for at in range(AT_ONCE)]
            answers = await asyncio.gather(*asked)
            made = [answer for answer in answers if answer.status_code == 201]
            waiting = [answer for answer in answers if answer.status_code != 201]
            assert {answer.json()["code"] for answer in waiting} <= {"request_in_progress"}
            assert len({answer.content for answer in made}) == 1
            assert sum("idempotency-replayed" not in answer.headers for answer in made) == 1
            assert len({answer.headers.get("etag") for answer in made}) == 1
            assert await count_messages(database_url) == (1, 1)
            again = [servers.post(client, at, MESSAGE, key="order 8841", secret=secret) for at in range(SERVERS)]
            assert {answer.content for answer in await asyncio.gather(*again)} == {made[0].content}

            changed = {**MESSAGE, "text": "another text"}
            refused = [servers.post(client, at, changed, key="order 8841", secret=secret) for at in range(50)]
            codes = Counter((answer.status_code, answer.json()["code"]) for answer in await asyncio.gather(*refused))
            assert codes == {(422, "idempotency_key_reused"): 50}
            assert await count_messages(database_url) == (1, 1)

            free = await servers.post(client, 0, MESSAGE, key="order 8841", secret=other)
            assert (free.status_code, "idempotency-replayed" in free.headers) == (201, False)
            assert await count_messages(database_url) == (2, 2)

            servers.processes[0].send_signal(signal.SIGKILL)
            servers.processes[0].wait()
            after = await servers.post(client, 1, MESSAGE, key="order 8841", secret=secret)
            assert (after.content, after.headers["idempotency-replayed"]) == (made[0].content, "true")

    with cluster(database_url, redis_url, tmp_path) as servers:
        asyncio.run(walk(servers))
