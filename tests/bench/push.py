"""Push: from sending a message until it is stored and on 1, 20, 100 and 1,000 sockets, beside what a push costs at all.

`python -m tests.bench.push [--sockets 1,20,100,1000] [--messages 60]` prints one JSON line. For each number of sockets,
in milliseconds, medians and 99th percentiles over all messages and sockets, from the request being sent until its bytes
are with a client: `sent` is POST .../messages through the API, `came` an inbound SMS, from the provider's webhook;
`floor_send` and `floor_store` the floors of tests/bench/push_floors.py on the same server, which hand as many bytes to
as many sockets, from memory or after one durable INSERT. Ratios are ours over `floor_store`. `idle_mib` is what the
sockets cost the gateway while nothing happens. One gateway process with its worker; messages go one after the other.
The provider holds its reports of delivery back until after the end, or they would fall into whatever is measured then.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psutil
import uvloop

from channels.simulators.twilio import TwilioAccount, TwilioNumber, TwilioSimulator, serve_simulator
from gateway.embedded import open_embedded
from tests.bench.deliver import NO_REPORTS_SECONDS
from tests.bench.inbound import running, switchboard, switchboard_environment, wait_for
from tests.bench.load import ACCOUNT, NUMBER, TOKEN, inbound_requests
from tests.bench.sockets import Crowd, allow_files
from tests.ports import free_ports

COUNTS = (1, 20, 100, 1000)
PAUSE_SECONDS = 0.05
"""Between messages: what one of them sets off is over when the next comes."""
WARM_UP = 15
HANDSET = "+15552000001"
GREETING = ((b'"ready"', b'{"type":"subscribe","id":"s1"}'), (b'"subscribed"', b""))
REST_SECONDS = 2.0
LIMITS = {
    "SWITCHBOARD_STREAM_LIMIT": "5000", "SWITCHBOARD_API_KEY_SHARE": "1", "SWITCHBOARD_EGRESS_ALLOW": "127.0.0.0/8",
    "SWITCHBOARD_CONNECTION_LIMIT": "10000", "SWITCHBOARD_STREAM_HEARTBEAT_SECONDS": "60",
}  # fmt: skip

Send = Callable[[str], Awaitable[None]]


class Bench:
    """The two servers, and what is needed to speak to ours."""

    def __init__(self, *, ports: Sequence[int], secret: str, gateway: int) -> None:
        self.floor, self.ours = ports
        self.gateway = psutil.Process(gateway)
        self.headers = [f"Authorization: Bearer {secret}"]
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.ours}", headers={"Authorization": f"Bearer {secret}"}, timeout=30
        )
        self.plain = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.floor}", timeout=30)
        self.hook = self.conversation = ""
        self.size = 0

    async def connect(self, provider: str) -> None:
        """A channel, and a conversation on it."""
        settings = {"account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": [NUMBER], "api_url": provider}
        body = {"adapter": "sms-twilio", "name": "Bench", "settings": settings}
        answer = (await self.client.post("/v1/channels", json=body)).raise_for_status()
        self.hook = f"/hooks/sms-twilio/{answer.json()['id']}/message"
        await self.come("SMp000000")
        async with asyncio.timeout(30):
            while not self.conversation:
                found = (await self.client.get("/v1/conversations")).json()["data"]
                self.conversation = found[0]["id"] if found else ""
                await asyncio.sleep(0.1)

    async def send(self, mark: str) -> None:
        """A message of ours."""
        path = f"/v1/conversations/{self.conversation}/messages"
        (await self.client.post(path, json={"text": f"It left this morning, {mark}"})).raise_for_status()

    async def come(self, mark: str) -> None:
        """A message of theirs: the mark is the beginning of its id."""
        url = f"http://127.0.0.1:{self.ours}{self.hook}"
        request = next(inbound_requests(url=url, path=self.hook, amount=1, tag=mark[2:], sender=HANDSET))
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
        headers = {name: value for name, value in lines if name not in {"Host", "Content-Length"}}
        (await self.client.post(self.hook, content=body, headers=headers)).raise_for_status()

    def push(self, path: str) -> Send:
        """The floor's message: as many bytes as an event of ours has."""

        async def push(mark: str) -> None:
            body = f'{{"type":"event","text":"{mark}"{" " * self.size}}}'
            (await self.plain.post(path, content=body)).raise_for_status()

        return push

    async def learn_size(self, crowd: Crowd) -> None:
        """How large an event is."""
        crowd.look_for(b"SMp000001")
        await self.come("SMp000001")
        await crowd.complete.wait()
        self.size = crowd.sockets[0].largest


async def measure(*, counts: Sequence[int], messages: int, work: Path) -> dict[str, Any]:
    """Start everything, measure with more and more sockets, and reckon up."""
    allow_files()
    embedded = await open_embedded(work / "servers")
    twilio = TwilioSimulator(
        [TwilioAccount(sid=ACCOUNT, token=TOKEN)],
        [TwilioNumber(number=NUMBER, account_sid=ACCOUNT)],
        pace=NO_REPORTS_SECONDS,
    )
    with ExitStack() as stack:
        try:
            database, redis = str(embedded.database_url), str(embedded.redis_url)
            ports = free_ports(2)
            stack.enter_context(running("tests.bench.push_floors", f"--port={ports[0]}", f"--database={database}"))
            environment = switchboard_environment(database, redis, port=ports[1], data=work / "data") | LIMITS
            gateway = stack.enter_context(running("gateway", "serve", "--with-worker", environment=environment))
            wait_for(f"http://127.0.0.1:{ports[1]}/health/ready")
            key = switchboard("keys", "create", "bench", "--scope", "admin", "--json", environment=environment)
            bench = Bench(ports=ports, secret=json.loads(key)["secret"], gateway=gateway.pid)
            async with serve_simulator(twilio) as provider:
                await bench.connect(provider)
                found = await measure_counts(bench, counts, messages)
        finally:
            stack.close()
            await embedded.close()
    return found


async def measure_counts(bench: Bench, counts: Sequence[int], messages: int) -> dict[str, Any]:
    """With each number of sockets, the four ways of a message in turn."""
    ours, floor = Crowd(), Crowd()
    found: dict[str, Any] = {}
    gc.collect()
    gc.freeze()
    await asyncio.sleep(REST_SECONDS)
    before = bench.gateway.memory_info().rss
    for amount in counts:
        await ours.grow(amount, port=bench.ours, path="/v1/realtime", headers=bench.headers, greeting=GREETING)
        await asyncio.sleep(REST_SECONDS)
        idle = (bench.gateway.memory_info().rss - before) / 2**20
        await floor.grow(amount, port=bench.floor, path="/", headers=[], greeting=())
        if not bench.size:
            await bench.learn_size(ours)
        result = await measure_ways(bench, ours, floor, messages=messages if amount < 500 else messages // 2)
        found[str(amount)] = result | {"idle_mib": round(idle, 1)}
        print(f"{amount} sockets: {found[str(amount)]}", file=sys.stderr)  # noqa: T201 (progress, beside the one line)
    ours.close()
    floor.close()
    return {"sockets": found, "event_bytes": bench.size}


async def measure_ways(bench: Bench, ours: Crowd, floor: Crowd, *, messages: int) -> dict[str, float]:
    """Each message is sent in all four ways, one after the other, so that they share the machine's moods."""
    ways: dict[str, tuple[Crowd, str, Send]] = {
        "sent": (ours, "sent-", bench.send),
        "came": (ours, "SMp", bench.come),
        "floor_send": (floor, "send-", bench.push("/send")),
        "floor_store": (floor, "store-", bench.push("/store")),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(WARM_UP + messages):
        for name, (crowd, prefix, send) in ways.items():
            taken[name] += await time_message(crowd, f"{prefix}{next(NUMBERS):06d}", send)
            await asyncio.sleep(PAUSE_SECONDS)
    kept = {name: times[len(times) * WARM_UP // (WARM_UP + messages) :] for name, times in taken.items()}
    return sum_up(kept)


async def time_message(crowd: Crowd, mark: str, send: Send) -> list[float]:
    """Milliseconds from the request to each socket."""
    crowd.look_for(mark.encode())
    began = time.perf_counter()
    await send(mark)
    async with asyncio.timeout(30):
        await crowd.complete.wait()
    return [(seen - began) * 1000 for seen in crowd.seen.values()]


def sum_up(taken: dict[str, list[float]]) -> dict[str, float]:
    """Medians, 99th percentiles, and the ratios of the medians."""
    found: dict[str, float] = {}
    for name, times in taken.items():
        found[f"{name}_p50_ms"] = round(statistics.median(times), 2)
        found[f"{name}_p99_ms"] = round(sorted(times)[int(len(times) * 0.99) - 1], 2)
    for name in ("sent", "came"):
        found[f"{name}_ratio"] = round(found[f"{name}_p50_ms"] / found["floor_store_p50_ms"], 2)
    return found


NUMBERS = count(2)


def main() -> None:
    """Measure, and print the one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", default=",".join(map(str, COUNTS)))
    parser.add_argument("--messages", type=int, default=60)
    args = parser.parse_args()
    counts = sorted(int(one) for one in args.sockets.split(","))
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as work:
        Path(work).chmod(0o755)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(measure(counts=counts, messages=args.messages, work=Path(work)))
    print(json.dumps(result))  # noqa: T201 (the result)


if __name__ == "__main__":
    main()
