"""Reading: lists, timelines, searches and counts as the data grows, beside what one SELECT costs in any case.

`python -m tests.bench.read [--entries 10000,100000,1000000] [--turns 3] [--seconds 3]` prints one JSON line. For each
size: `list` is GET /v1/conversations with 50 items, `timeline` GET .../entries with 50, of random long conversations;
`floor_list` and `floor_timeline` are the floors of tests/bench/read_floors.py over the same rows: a handler of the same
framework, server and driver that runs one indexed SELECT and encodes what it finds. Rates are answers per second at 8
connections, medians over interleaved turns in one run; ratios are ours over the floor. `search_*` and `counts` are
milliseconds of one client, one request after the other: words of one or two entries in a hundred thousand (rare), of
one in a hundred (known), of every second (common), two at once, and the badges of all views. `growth` is how much
longer the largest size takes than the smallest. One gateway process; a gateway serves the API with all its limits,
headers and checks. Loads take turns; nothing else runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from gateway.embedded import open_embedded
from inbox.kit.ids import read_id
from tests.bench.crowd import conversation_ids, grow_crowd, word
from tests.bench.inbound import running, switchboard, switchboard_environment, wait_for
from tests.bench.load import ACCOUNT, NUMBER, TOKEN, write_requests
from tests.ports import free_ports

SIZES = (10_000, 100_000, 1_000_000)
CONNECTIONS = 8
ASKED = 1_000
"""Conversations that are asked for, again and again."""
MOST_A_SECOND = 4_000
SAMPLES = 30
QUOTA = {"SWITCHBOARD_KEY_REQUESTS_PER_MINUTE": "10000000"}
SEARCHES = {
    "search_rare": word(15_000),
    "search_known": word(60),
    "search_common": word(1),
    "search_two": f"{word(1)} {word(400)}",
    "search_open": f"is:open {word(12)}",
}


async def measure(*, sizes: Sequence[int], turns: int, seconds: float, work: Path) -> dict[str, Any]:
    """Start everything, measure at each size, and reckon up."""
    embedded = await open_embedded(work / "servers")
    with ExitStack() as stack:
        try:
            database, redis = str(embedded.database_url), str(embedded.redis_url)
            ports = free_ports(2)
            environment = switchboard_environment(database, redis, port=ports[1], data=work / "data") | QUOTA
            stack.enter_context(running("gateway", "serve", environment=environment))
            stack.enter_context(running("tests.bench.read_floors", f"--port={ports[0]}", f"--database={database}"))
            wait_for(f"http://127.0.0.1:{ports[1]}/health/ready")
            bench = await connect(ports, database, environment=environment, work=work)
            found = {size: await measure_size(bench, size, turns=turns, seconds=seconds) for size in sizes}
        finally:
            stack.close()
            await embedded.close()
    return sum_up(found)


class Bench:
    """The two servers under load, a client with a key, and a connection that makes the data."""

    def __init__(self, *, ports: list[int], secret: str, channel_id: UUID, writer: Any, work: Path) -> None:
        self.ports = ports
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.channel_id = channel_id
        self.writer = writer
        self.work = work


async def connect(ports: list[int], database: str, *, environment: dict[str, str], work: Path) -> Bench:
    """A key, a channel, and the way to the database."""
    key = json.loads(switchboard("keys", "create", "bench", "--scope", "admin", "--json", environment=environment))
    settings = {"account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": [NUMBER]}
    body = {"adapter": "sms-twilio", "name": "Bench", "settings": settings}
    headers = {"Authorization": f"Bearer {key['secret']}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports[1]}", headers=headers) as client:
        answer = await client.post("/v1/channels", json=body)
        answer.raise_for_status()
    channel_id = read_id("cha", answer.json()["id"])
    writer = await asyncpg.connect(database)
    return Bench(ports=ports, secret=key["secret"], channel_id=channel_id, writer=writer, work=work)


async def measure_size(bench: Bench, size: int, *, turns: int, seconds: float) -> dict[str, float]:
    """Everything once the database holds so many entries."""
    began = time.perf_counter()
    await grow_crowd(bench.writer, entries=size, channel_id=bench.channel_id)
    _say(f"{size} entries after {time.perf_counter() - began:.0f} s")
    results = [await take_turn(bench, size, number, seconds=seconds) for number in range(turns)]
    found = {name: statistics.median(turn[name] for turn in results) for name in results[0]}
    for name, query in SEARCHES.items():
        found[f"{name}_ms"] = await time_requests(bench, "/v1/conversations", {"q": query})
    found["search_entries_ms"] = await time_requests(bench, "/v1/search", {"q": word(60)})
    found["counts_ms"] = await time_requests(bench, "/v1/conversations/counts", {})
    _say(json.dumps(found))
    return found


async def take_turn(bench: Bench, size: int, number: int, *, seconds: float) -> dict[str, float]:
    """The two lists and their floors, one after the other, in an order that changes from turn to turn."""
    asked = conversation_ids(size, long=True)[-ASKED:]
    floor, ours = bench.ports
    runs = {
        "floor_list": (floor, ["/list"]),
        "list": (ours, ["/v1/conversations"]),
        "floor_timeline": (floor, [f"/entries/{one}" for one in asked]),
        "timeline": (ours, [f"/v1/conversations/{one}/entries" for one in asked]),
    }
    names = list(runs)
    turn = {}
    for name in names[number % 4 :] + names[: number % 4]:
        port, paths = runs[name]
        turn[name] = await load_paths(bench, port, paths, seconds=seconds)
    return turn


async def load_paths(bench: Bench, port: int, paths: Sequence[str], *, seconds: float) -> float:
    """Answers a second to GETs of these paths, from a generator in a process of its own."""
    file = bench.work / "read.requests"
    lines = "".join(f"{name}: {value}\r\n" for name, value in bench.headers.items())
    heads = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode() for path in paths]
    write_requests(file, [heads[number % len(heads)] for number in range(int(MOST_A_SECOND * seconds))])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.load", "closed", f"--requests={file}", f"--port={port}",
        f"--seconds={seconds}", f"--connections={CONNECTIONS}", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    result = json.loads(output)
    if result["good"] != result["answered"]:
        raise RuntimeError(f"not every request was answered: {result['statuses']}")
    return float(result["rate"])


async def time_requests(bench: Bench, path: str, params: dict[str, str]) -> float:
    """Milliseconds an answer takes, the median of some in a row."""
    taken = []
    base = f"http://127.0.0.1:{bench.ports[1]}"
    async with httpx.AsyncClient(base_url=base, headers=bench.headers, timeout=60) as client:
        for _ in range(SAMPLES):
            began = time.perf_counter()
            (await client.get(path, params=params)).raise_for_status()
            taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000


def sum_up(found: dict[int, dict[str, float]]) -> dict[str, Any]:
    """The ratios and the growth, beside what was measured."""
    for one in found.values():
        for name in ("list", "timeline"):
            one[f"{name}_ratio"] = one[name] / one[f"floor_{name}"]
    small, large = found[min(found)], found[max(found)]
    growth = {name: round(small[name] / large[name], 2) for name in ("list", "timeline")}
    sizes = {str(size): {name: round(value, 3) for name, value in one.items()} for size, one in found.items()}
    worst = {f"{name}_ratio": round(min(one[f"{name}_ratio"] for one in found.values()), 3) for name in growth}
    return {"entries": sizes, "growth": growth, **worst}


def _say(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 (progress, beside the one line)


def main() -> None:
    """Measure, and print the one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", default=",".join(map(str, SIZES)))
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    args = parser.parse_args()
    sizes = sorted(int(size) for size in args.entries.split(","))
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as work:
        Path(work).chmod(0o755)
        result = asyncio.run(measure(sizes=sizes, turns=args.turns, seconds=args.seconds, work=Path(work)))
    print(json.dumps(result))  # noqa: T201 (the result)


if __name__ == "__main__":
    main()
