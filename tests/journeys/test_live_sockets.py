"""Live sockets of real `serve` processes: one is killed, all follow on; thousands wait and cost little (P20, T72)."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import httpx
import msgspec
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from inbox.kit.callers import Scope
from inbox.kit.db import close_database, open_database, tx
from inbox.kit.ids import AGENT, show_id
from inbox.staff.actions import add_agent, create_api_key
from tests.bench.sockets import Crowd, allow_files
from tests.inbox.builders import apart
from tests.journeys.gateway import SECRET
from tests.journeys.test_live_streams import BEGINNING, tell, until_ready
from tests.ports import free_ports

EVENTS = 5000
CLIENTS = 4
CUTS = 50
IDLE = 2000
IDLE_BYTES = 100_000_000
GREETING = ((b'"ready"', b'{"type":"subscribe","id":"s1"}'), (b'"subscribed"', b""))


@contextmanager
def serving(database_url: str, redis_url: str, folder: Path, amount: int) -> Iterator[list[tuple[str, psutil.Popen]]]:
    """So many gateway processes on the same servers; yields their origins and processes, which a test may kill."""
    gateways = []
    for port in free_ports(amount):
        data = folder / f"{port}"
        data.mkdir()
        environment = os.environ | {
            "SWITCHBOARD_DATABASE_URL": database_url, "SWITCHBOARD_REDIS_URL": redis_url,
            "SWITCHBOARD_DATA_DIR": str(data), "SWITCHBOARD_SECRET_KEY": SECRET, "SWITCHBOARD_PORT": str(port),
            "SWITCHBOARD_LOG_LEVEL": "warning", "SWITCHBOARD_STREAM_BUFFER_EVENTS": "500",
            "SWITCHBOARD_DRAIN_SECONDS": "0", "SWITCHBOARD_STREAM_LIMIT": "5000", "SWITCHBOARD_API_KEY_SHARE": "1",
            "SWITCHBOARD_KEY_REQUESTS_PER_MINUTE": "100000",
        }  # fmt: skip
        command = [sys.executable, "-m", "gateway", "serve"]
        with (data / "serve.log").open("wb") as log:
            gateways.append(
                (f"http://127.0.0.1:{port}", psutil.Popen(command, env=environment, stdout=log, stderr=log))
            )
    try:
        yield gateways
    finally:
        for _, process in gateways:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        for _, process in gateways:
            process.wait(timeout=60)


def run_gateways(database_url: str, redis_url: str, folder: Path, body: Any, *, amount: int) -> None:
    """A test's body once all of them serve."""

    async def opened(gateways: list[tuple[str, psutil.Popen]]) -> None:
        await open_database(database_url, size=4)
        try:
            for origin, _ in gateways:
                await until_ready(origin)
            await body(gateways)
        finally:
            await close_database()

    with serving(database_url, redis_url, folder, amount) as gateways:
        asyncio.run(opened(gateways))


async def make_key(*scopes: Scope, agent: str | None = None) -> tuple[str, str]:
    """A key, and the id of the agent it is bound to, if one is named."""
    async with tx():
        bound = await add_agent(name=agent, email=f"{agent}@example.org") if agent else None
        _, key = await create_api_key(name="sockets", scopes=scopes or ("admin",), agent_id=bound.id if bound else None)
    return key, show_id(AGENT, bound.id) if bound else ""


@asynccontextmanager
async def socket(origin: str, key: str) -> AsyncIterator[ClientConnection]:
    """A socket that was let in."""
    url = f"{origin.replace('http', 'ws')}/v1/realtime"
    headers = {"Authorization": f"Bearer {key}"}
    async with connect(url, additional_headers=headers, proxy=None, close_timeout=1) as wire:
        yield wire


async def follow(origins: Sequence[str], key: str, *, seed: int, cuts: int) -> tuple[list[int], int]:
    """A client that hangs up after numbers of events drawn by lot, or is hung up on, and comes back with its cursor."""
    random, seen, last = Random(seed), list[int](), BEGINNING
    places = sorted(random.sample(range(1, EVENTS), cuts), reverse=True)
    while len(seen) < EVENTS:
        with suppress(WebSocketException, OSError, TimeoutError):
            async with socket(random.choice(origins), key) as wire:
                await wire.send('{"type":"resume","cursor":"%s"}' % last)  # noqa: UP031 (braces)
                await wire.send('{"type":"subscribe","id":"s1","types":["contact.updated"]}')
                while len(seen) < EVENTS and not (places and len(seen) >= places[-1]):
                    frame = msgspec.json.decode(await wire.recv())
                    if frame["type"] == "event":
                        last = frame["event"]["cursor"]
                        seen.append(int(frame["event"]["changed"][0]))
                wire.transport.abort()
                if len(seen) < EVENTS:
                    places.pop()
        await asyncio.sleep(0.02)
    return seen, cuts - len(places)


def test_a_killed_gateway_costs_its_clients_nothing(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """50 disconnects and a kill -9 of one of two gateways during 5,000 events: each client has each once, in order."""

    async def body(gateways: list[tuple[str, psutil.Popen]]) -> None:
        origins = [origin for origin, _ in gateways]
        key, _ = await make_key()
        share = [CUTS // CLIENTS + (number < CUTS % CLIENTS) for number in range(CLIENTS)]
        clients = [apart(follow(origins, key, seed=number, cuts=cuts)) for number, cuts in enumerate(share)]
        await tell(EVENTS // 5)
        gateways[0][1].kill()
        await tell(EVENTS, since=EVENTS // 5)
        for seen, _ in await asyncio.gather(*clients):
            assert seen == list(range(EVENTS))
        assert sum(client.result()[1] for client in clients) == CUTS

    run_gateways(database_url, redis_url, tmp_path, body, amount=2)


def test_two_gateways_are_one_room(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """What is told, said and known at one is so at the other, and goes on there when the first is killed."""

    async def body(gateways: list[tuple[str, psutil.Popen]]) -> None:
        (one, first), (other, _) = gateways
        key, _ = await make_key()
        bos_key, bo = await make_key(agent="bo")
        async with (
            httpx.AsyncClient(base_url=other, headers=bearer(key), timeout=60) as client,
            socket(one, bos_key) as agent,
            socket(other, key) as looker,
        ):
            await looker.send('{"type":"subscribe","id":"s1"}')
            await hear(looker, "subscribed")
            await agent.send('{"type":"presence","state":"online"}')
            told = await hear(looker, "live")
            assert (told["event"]["type"], told["event"]["actor"]["id"]) == ("presence.changed", bo)
            listed = (await client.get("/v1/agents/presence")).json()["data"]
            assert [(agent["id"], agent["presence"]) for agent in listed] == [(bo, "online")]
            for state in ("busy", "away"):
                server = one if state == "busy" else other
                path, mine = f"{server}/v1/agents/me/availability", bearer(bos_key)
                (await client.put(path, json={"state": state}, headers=mine)).raise_for_status()
                told = await hear(looker, "event")
                assert told["event"]["data"]["facts"]["to"] == state
                if server == one:
                    first.kill()

    run_gateways(database_url, redis_url, tmp_path, body, amount=2)


def bearer(key: str) -> dict[str, str]:
    """The header that shows a key."""
    return {"Authorization": f"Bearer {key}"}


async def hear(wire: ClientConnection, kind: str) -> Any:
    """The next frame of a type."""
    async with asyncio.timeout(60):
        while (frame := msgspec.json.decode(await wire.recv()))["type"] != kind:
            pass
    return frame


def test_two_thousand_idle_sockets_cost_little(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """At most 100 MB, whether they have subscribed or wait for their tickets; and each hears what happens."""
    allow_files()

    async def body(gateways: list[tuple[str, psutil.Popen]]) -> None:
        [(origin, process)] = gateways
        key, _ = await make_key()
        port = int(origin.rpartition(":")[2])
        crowd, waiting = Crowd(), Crowd()
        before = process.memory_info().rss
        await waiting.grow(IDLE // 2, port=port, path="/v1/realtime", headers=[], greeting=())
        headers = [f"Authorization: Bearer {key}"]
        await crowd.grow(IDLE // 2, port=port, path="/v1/realtime", headers=headers, greeting=GREETING)
        assert process.memory_info().rss - before < IDLE_BYTES
        async with httpx.AsyncClient(base_url=origin, headers=bearer(key), timeout=60) as client:
            crowd.look_for(b'"contact.created"')
            (await client.post("/v1/contacts", json={"name": "somebody new"})).raise_for_status()
            async with asyncio.timeout(60):
                await crowd.complete.wait()
            shown = (await client.get("/metrics")).text
        assert f"switchboard_live_sockets {float(IDLE)}" in shown
        crowd.close()
        waiting.close()

    run_gateways(database_url, redis_url, tmp_path, body, amount=1)
