"""Inbound messages: how fast they are acknowledged and projected, beside what the machine can do at all.

`python -m tests.bench.inbound [--turns 3] [--seconds 4]` prints one JSON line. All rates are requests per second,
medians over interleaved turns in one run: `floor_verify` and `floor_insert` are the floors of tests/bench/floors.py,
`acknowledged` is ours under the same load, `projected` how many a second are acknowledged and in their conversations
when the backlog is counted in, `visible_p99_ms` from the webhook's due time until the API shows the message, at half
of the projected rate; `rss_mib` the memory of `serve` at rest, its own processes only. One gateway process; floors and
ours are loaded one at a time by the same generator.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from gateway.embedded import open_embedded
from tests.bench.floors import PATH
from tests.bench.load import ACCOUNT, NUMBER, TOKEN, inbound_requests, write_requests
from tests.ports import free_ports

SECRET = secrets.token_hex(32)
MOST_A_SECOND = 5000
"""How many requests are built for each second of a closed turn: more than any floor here can take."""
SETTLE_SECONDS = 60.0
SAMPLES = 200
WAITING = """
SELECT EXISTS (SELECT FROM lane l JOIN raw_event r ON r.channel_id = l.channel_id AND r.id > l.projected_id)
"""


async def measure(*, turns: int, seconds: float, work: Path) -> dict[str, Any]:
    """Start everything, take the turns, and reckon up."""
    embedded = await open_embedded(work / "servers")
    with ExitStack() as stack:
        try:
            database, redis = str(embedded.database_url), str(embedded.redis_url)
            ports = free_ports(3)
            stack.enter_context(running("tests.bench.floors", "verify", f"--port={ports[0]}", f"--database={database}"))
            stack.enter_context(running("tests.bench.floors", "insert", f"--port={ports[1]}", f"--database={database}"))
            gateway = stack.enter_context(serving(database, redis, port=ports[2], data=work / "data"))
            ours = await connect(ports[2], database)
            rss = await memory_at_rest(gateway)
            results = [await take_turn(number, ours, ports, seconds=seconds, work=work) for number in range(turns)]
            medians = {name: statistics.median(turn[name] for turn in results) for name in results[0]}
            visible = await visible_p99(ours, rate=medians["projected"] / 2, work=work)
        finally:
            stack.close()
            await embedded.close()
    rounded = {name: round(value, 1) for name, value in medians.items()}
    insert = medians["floor_insert"]
    return rounded | {
        "acknowledged_ratio": round(medians["acknowledged"] / insert, 3),
        "projected_ratio": round(medians["projected"] / insert, 3),
        "visible_p99_ms": round(visible, 1),
        "rss_mib": round(rss, 1),
        "turns": turns,
    }


class Gateway:
    """Our gateway under test: its channel's hook, an API client, and a connection to count with."""

    def __init__(self, *, port: int, path: str, client: httpx.AsyncClient, counter: Any) -> None:
        self.port = port
        self.path = path
        self.client = client
        self.counter = counter

    async def stored(self) -> int:
        """How many inbound messages are in conversations."""
        return int(await self.counter.fetchval("SELECT count(*) FROM entry WHERE type = 'message'"))


async def take_turn(number: int, ours: Gateway, ports: list[int], *, seconds: float, work: Path) -> dict[str, float]:
    """Each of the three under the same load, one after the other, in an order that changes from turn to turn."""
    runs: dict[str, Callable[[], Awaitable[dict[str, float]]]] = {
        "floor_verify": lambda: load_floor("floor_verify", ports[0], number, seconds=seconds, work=work),
        "floor_insert": lambda: load_floor("floor_insert", ports[1], number, seconds=seconds, work=work),
        "ours": lambda: load_ours(ours, number, seconds=seconds, work=work),
    }
    names = list(runs)
    turn: dict[str, float] = {}
    for name in names[number % 3 :] + names[: number % 3]:
        turn |= await runs[name]()
        print(f"turn {number}: {name} {turn}", file=sys.stderr)  # noqa: T201 (progress, beside the one line)
    return turn


async def load_floor(name: str, port: int, number: int, *, seconds: float, work: Path) -> dict[str, float]:
    """The rate of one floor."""
    result = await load("closed", port, PATH, tag=f"{name[6]}{number}", seconds=seconds, work=work)
    return {name: float(result["rate"])}


async def load_ours(ours: Gateway, number: int, *, seconds: float, work: Path) -> dict[str, float]:
    """Our rate of acknowledging, and of having projected all of it."""
    before = await ours.stored()
    result = await load("closed", ours.port, ours.path, tag=f"o{number}", seconds=seconds, work=work)
    elapsed = await until_stored(ours, before + int(result["good"])) - float(result["first_sent_at"])
    return {"acknowledged": float(result["rate"]), "projected": result["good"] / elapsed}


async def load(mode: str, port: int, path: str, *, tag: str, seconds: float, work: Path, rate: float = 0) -> Any:
    """Run the generator against one server; its summary, and when it began to send."""
    file = work / f"{tag}.requests"
    amount = int(rate * seconds) if mode == "open" else int(MOST_A_SECOND * seconds)
    url = f"http://127.0.0.1:{port}{path}"
    write_requests(file, list(inbound_requests(url=url, path=path, amount=amount, tag=tag)))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.load", mode, f"--requests={file}", f"--port={port}", f"--seconds={seconds}",
        f"--rate={rate}", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    ended = time.perf_counter()
    file.unlink()
    result = json.loads(output)
    if result["good"] != result["answered"]:
        raise RuntimeError(f"not every request was taken: {result['statuses']}")
    return result | {"first_sent_at": ended - result["answered"] / result["rate"]}


async def until_stored(ours: Gateway, amount: int) -> float:
    """Wait until so many messages are in conversations, and not one more; when that was.

    It is the lane's cursor that is watched: counting all entries again and again would slow what is measured.
    """
    async with asyncio.timeout(SETTLE_SECONDS):
        while await ours.counter.fetchval(WAITING):  # noqa: ASYNC110 (the database of another process is watched)
            await asyncio.sleep(0.02)
    ended = time.perf_counter()
    stored = await ours.stored()
    if stored != amount:
        raise RuntimeError(f"{stored} messages are stored, {amount} were acknowledged")
    return ended


async def visible_p99(ours: Gateway, *, rate: float, work: Path) -> float:
    """Watch single messages appear on the API while others come at a fixed rate; milliseconds."""
    seconds = SAMPLES * 0.05
    background = asyncio.create_task(
        load("open", ours.port, ours.path, tag="bg", seconds=seconds + 2, work=work, rate=rate)
    )
    await asyncio.sleep(1.5)
    waits = []
    for number in range(SAMPLES):
        waits.append(await watch_one(ours, number))
        await asyncio.sleep(0.01)
    await background
    return sorted(waits)[int(len(waits) * 0.99) - 1] * 1000


async def watch_one(ours: Gateway, number: int) -> float:
    """From sending one webhook until its message is the contact's conversation's preview."""
    sender = f"+1555300{number % 50:04d}"
    url = f"http://127.0.0.1:{ours.port}{ours.path}"
    request = next(inbound_requests(url=url, path=ours.path, amount=1, tag=f"w{number:05d}", sender=sender))
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    headers = {name: value for name, value in lines if name not in {"Host", "Content-Length"}}
    began = time.perf_counter()
    answer = await ours.client.post(ours.path, content=body, headers=headers)
    answer.raise_for_status()
    async with asyncio.timeout(SETTLE_SECONDS):
        while True:
            found = (await ours.client.get("/v1/contacts", params={"identity": sender})).json()["data"]
            if found and await _shows(ours, found[0]["id"], f"w{number:05d}"):
                return time.perf_counter() - began


async def _shows(ours: Gateway, contact: str, tag: str) -> bool:
    answer = await ours.client.get("/v1/conversations", params={"contact": contact})
    conversations = answer.json()["data"]
    if not conversations:
        return False
    entries = await ours.client.get(f"/v1/conversations/{conversations[0]['id']}/entries", params={"limit": 1})
    last = entries.json()["data"]
    return bool(last) and tag in last[-1]["provider"]["message_id"]


async def connect(port: int, database: str) -> Gateway:
    """Wait for the gateway, give it a channel, and hold a client with a key."""
    environment = switchboard_environment(database, "", port=port, data=Path())
    key = json.loads(switchboard("keys", "create", "bench", "--scope", "admin", "--json", environment=environment))
    client = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key['secret']}"}, timeout=30
    )
    settings = {"account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": [NUMBER]}
    answer = await client.post("/v1/channels", json={"adapter": "sms-twilio", "name": "Bench", "settings": settings})
    answer.raise_for_status()
    path = f"/hooks/sms-twilio/{answer.json()['id']}/message"
    return Gateway(port=port, path=path, client=client, counter=await asyncpg.connect(database))


async def memory_at_rest(gateway: subprocess.Popen[bytes]) -> float:
    """The resident memory of serve and its children, in MiB, after a moment of rest."""
    await asyncio.sleep(2)
    parent = psutil.Process(gateway.pid)
    family = [parent, *parent.children(recursive=True)]
    return float(sum(process.memory_info().rss for process in family)) / 2**20


@contextmanager
def serving(database: str, redis: str, *, port: int, data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One `switchboard serve --with-worker` on these servers, until left."""
    environment = switchboard_environment(database, redis, port=port, data=data)
    with running("gateway", "serve", "--with-worker", environment=environment) as process:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield process


def switchboard_environment(database: str, redis: str, *, port: int, data: Path) -> dict[str, str]:
    """The settings of the gateway under test."""
    return os.environ | {
        "SWITCHBOARD_SECRET_KEY": SECRET,
        "SWITCHBOARD_DATABASE_URL": database,
        "SWITCHBOARD_REDIS_URL": redis,
        "SWITCHBOARD_PORT": str(port),
        "SWITCHBOARD_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SWITCHBOARD_DATA_DIR": str(data),
        "SWITCHBOARD_LOG_LEVEL": "warning",
        "SWITCHBOARD_KEY_REQUESTS_PER_MINUTE": "9999999",
    }


def switchboard(*arguments: str, environment: dict[str, str]) -> str:
    """The output of one command."""
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


@contextmanager
def running(
    module: str, *arguments: str, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module as a process, stopped when left."""
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def wait_for(url: str) -> None:
    """Until the URL answers 200."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"{url} did not come up")


def main() -> None:
    """Measure, and print the one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as work:
        Path(work).chmod(0o755)
        result = asyncio.run(measure(turns=args.turns, seconds=args.seconds, work=Path(work)))
    print(json.dumps(result))  # noqa: T201 (the result)


if __name__ == "__main__":
    main()
