"""Live streams of a real `serve` process: cut, stalled, and never wrong (reliability.md P20)."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import msgspec
import psutil

from inbox.feed.actions import append_event
from inbox.kit.callers import SYSTEM
from inbox.kit.db import close_database, open_database, tx
from inbox.staff.actions import create_api_key
from tests.gateway.feeds import read_frames
from tests.inbox.builders import apart
from tests.journeys.gateway import SECRET
from tests.ports import free_ports

EVENTS = 5000
A_TRANSACTION = 25
CLIENTS = 6
CUTS = 50
READY_SECONDS = 120.0
STALL_SECONDS = 60.0
"""The ten of grace, the sweep, and a very busy machine."""
BEGINNING = "000000000000"
RSS_GROWTH_BYTES = 80_000_000


@contextmanager
def serving(database_url: str, redis_url: str, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A gateway process; yields its origin and the process."""
    [port] = free_ports(1)
    environment = os.environ | {
        "SWITCHBOARD_DATABASE_URL": database_url, "SWITCHBOARD_REDIS_URL": redis_url,
        "SWITCHBOARD_DATA_DIR": str(folder), "SWITCHBOARD_SECRET_KEY": SECRET, "SWITCHBOARD_PORT": str(port),
        "SWITCHBOARD_LOG_LEVEL": "warning", "SWITCHBOARD_POLL_SECONDS": "0.1",
        "SWITCHBOARD_STREAM_BUFFER_EVENTS": "500",
    }  # fmt: skip
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "gateway", "serve"], env=environment, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        assert process.wait(timeout=60) == 0, (folder / "serve.log").read_text()


async def until_ready(origin: str) -> None:
    """Wait until it serves."""
    async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"{origin}/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


async def tell(events: int, *, since: int = 0) -> None:
    """Events with these numbers, in transactions of some."""
    for first in range(since, events, A_TRANSACTION):
        async with tx():
            for number in range(first, first + A_TRANSACTION):
                await append_event("contact.updated", actor=SYSTEM, changed=[f"{number}"])
        await asyncio.sleep(0.005)


@asynccontextmanager
async def listening(client: httpx.AsyncClient, last: str) -> AsyncIterator[AsyncIterator[Any]]:
    """The frames of one connection, from a cursor on."""

    async def frames(answer: httpx.Response) -> AsyncIterator[Any]:
        rest = b""
        async for chunk in answer.aiter_bytes():
            whole, end, rest = (rest + chunk).rpartition(b"\n\n")
            for frame in read_frames(whole + end):
                yield frame

    async with client.stream("GET", "/v1/events/stream", headers={"Last-Event-ID": last}) as answer:
        assert answer.status_code == 200
        yield frames(answer)


async def follow(origin: str, key: str, *, seed: int, cuts: int) -> tuple[list[int], int]:
    """A client that hangs up after numbers of events drawn by lot, and comes back with its last id.

    What it saw, and how often it hung up.
    """
    seen, last = list[int](), BEGINNING
    places = sorted(Random(seed).sample(range(1, EVENTS), cuts), reverse=True)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=origin, headers=headers, timeout=60) as client:
        while len(seen) < EVENTS:
            async with listening(client, last) as frames:
                async for frame in frames:
                    last = frame.id or last
                    if frame.event == "contact.updated":
                        seen.append(int(msgspec.json.decode(frame.data)["changed"][0]))
                    if len(seen) >= EVENTS or (places and len(seen) >= places[-1]):
                        break
            if places and len(seen) >= places[-1]:
                places.pop()
    return seen, cuts - len(places)


async def stall(origin: str, key: str) -> socket.socket:
    """A client that asks for everything and reads nothing, with a small window."""
    host, _, port = origin.removeprefix("http://").partition(":")
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, (host, int(port)))
    lines = ["GET /v1/events/stream HTTP/1.1", "host: x", f"authorization: Bearer {key}", f"last-event-id: {BEGINNING}"]
    await loop.sock_sendall(sock, "\r\n".join([*lines, "", ""]).encode())
    return sock


def peers(process: psutil.Process, sock: socket.socket) -> int:
    """How many connections the process holds to this socket."""
    port = sock.getsockname()[1]
    return sum(1 for one in process.net_connections("tcp") if one.raddr and one.raddr.port == port)


def test_cut_and_stalled_streams_miss_and_cost_nothing(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """50 disconnects during 5,000 events: every client has each event once, in order. Who stops reading is dropped."""

    async def body(origin: str, process: psutil.Process) -> None:
        await until_ready(origin)
        async with tx():
            _, key = await create_api_key(name="streams", scopes=["events:read"])
        memory = process.memory_info().rss
        stalled = await stall(origin, key)
        share = [CUTS // CLIENTS + (number < CUTS % CLIENTS) for number in range(CLIENTS)]
        clients = [apart(follow(origin, key, seed=number, cuts=cuts)) for number, cuts in enumerate(share)]
        await tell(EVENTS)
        for seen, _ in await asyncio.gather(*clients):
            assert seen == list(range(EVENTS))
        assert sum(client.result()[1] for client in clients) == CUTS
        assert process.memory_info().rss - memory < RSS_GROWTH_BYTES
        async with asyncio.timeout(STALL_SECONDS):
            while peers(process, stalled):  # noqa: ASYNC110 (another process's socket is watched)
                await asyncio.sleep(0.2)
        stalled.close()
        assert "reader_stalled" in (tmp_path / "serve.log").read_text()

    async def opened(origin: str, process: psutil.Process) -> None:
        await open_database(database_url, size=4)
        try:
            await body(origin, process)
        finally:
            await close_database()

    with serving(database_url, redis_url, tmp_path) as (origin, process):
        asyncio.run(opened(origin, process))
