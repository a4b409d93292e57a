"""Outgoing webhooks: deliveries a second to healthy endpoints, and what a dead endpoint beside them costs.

`python -m tests.bench.webhooks [--turns 5] [--events 1000] [--endpoints 4] [--workers 1]` prints one JSON line.
`healthy` is the rate while all endpoints answer at once, `beside_dead` that of the same endpoints while one more takes
every request and never answers; both are medians over interleaved turns of one run, from the moment the events are
told until the last delivery of the healthy endpoints has arrived. `ratio` is the median, over the turns, of the second
to the first, which follow one another and so share what else the machine does (promise P17: at least 0.8). The
receiver is a process of its own and shares the machine with the gateway and Postgres.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from operator import truediv
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from gateway.embedded import open_embedded
from inbox.kit.db import execute
from tests.bench.inbound import running, switchboard, switchboard_environment, wait_for
from tests.inbox.builders import make_channel, receive, run_opened, text_message
from tests.ports import free_ports

CONVERSATIONS = 200
PATIENCE_SECONDS = 120.0
COPY = """
INSERT INTO feed_event (id, type, conversation_id, entry_id, contact_id, channel_id, seq, actor, facts, changed)
SELECT uuidv7(), f.type, f.conversation_id, f.entry_id, f.contact_id, f.channel_id, f.seq, f.actor, f.facts, f.changed
FROM (SELECT * FROM feed_event WHERE type = 'message.created' ORDER BY position LIMIT 200) AS f,
     generate_series(1, ($1 + 199) / 200) AS again
LIMIT $1
"""
HEALTHY, DEAD = "/healthy/", "/dead"


async def measure(*, turns: int, events: int, endpoints: int, workers: int, work: Path) -> dict[str, Any]:
    """Start everything, take the turns, and reckon up."""
    embedded = await open_embedded(work / "servers")
    with ExitStack() as stack:
        try:
            bench = Bench(str(embedded.database_url), str(embedded.redis_url), work=work, endpoints=endpoints)
            await bench.open(stack, workers=workers)
            rates: dict[str, list[float]] = {"healthy": [], "beside_dead": []}
            await bench.take_turn(events, dead=False)  # connections, plans and caches are warm from then on
            for number in range(turns):
                for name in sorted(rates, reverse=bool(number % 2)):
                    rates[name].append(await bench.take_turn(events, dead=name == "beside_dead"))
                    print(f"turn {number}: {name} {rates[name][-1]:.0f}/s", file=sys.stderr)  # noqa: T201 (progress)
        finally:
            stack.close()
            await embedded.close()
    medians = {name: statistics.median(found) for name, found in rates.items()}
    return {
        **{name: round(rate, 1) for name, rate in medians.items()},
        "ratio": round(statistics.median(map(truediv, rates["beside_dead"], rates["healthy"])), 3),
        "endpoints": endpoints,
        "workers": workers,
        "events": events,
        "turns": turns,
    }


class Bench:
    """A gateway with its workers, and a receiver."""

    def __init__(self, database: str, redis: str, *, work: Path, endpoints: int) -> None:
        self.database = database
        self.redis = redis
        self.work = work
        self.endpoints = endpoints
        self.ports = free_ports(2)
        self.dead = ""
        self.client = httpx.AsyncClient()

    async def open(self, stack: ExitStack, *, workers: int) -> None:
        """Everything running, conversations to tell of, and the endpoints made."""
        environment = switchboard_environment(self.database, self.redis, port=self.ports[0], data=self.work / "data")
        environment |= {"SWITCHBOARD_EGRESS_ALLOW": "127.0.0.0/8", "SWITCHBOARD_POLL_SECONDS": "0.1"}
        stack.enter_context(running("gateway", "serve", environment=environment))
        wait_for(f"http://127.0.0.1:{self.ports[0]}/health/ready")
        for _ in range(workers):
            stack.enter_context(running("gateway", "work", environment=environment))
        stack.enter_context(running("tests.bench.webhooks", "--receive", str(self.ports[1])))
        wait_for(f"http://127.0.0.1:{self.ports[1]}/count")
        await asyncio.to_thread(run_opened, self.database, seed_conversations)
        await self.make_endpoints(json.loads(switchboard("keys", "create", "bench", "--scope", "admin", "--json",
                                                         environment=environment))["secret"])  # fmt: skip

    async def make_endpoints(self, key: str) -> None:
        """The healthy ones, and the dead one, which is disabled until its turn."""
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.ports[0]}", headers={"Authorization": f"Bearer {key}"}, timeout=30
        )
        for number in range(self.endpoints):
            await self.make_endpoint(f"{HEALTHY}{number}", enabled=True)
        self.dead = await self.make_endpoint(DEAD, enabled=False)

    async def make_endpoint(self, path: str, *, enabled: bool) -> str:
        """An endpoint at the receiver; its id."""
        body = {"url": f"http://127.0.0.1:{self.ports[1]}{path}", "types": ["message.*"], "enabled": enabled}
        answer = await self.client.post("/v1/webhooks", json=body)
        answer.raise_for_status()
        return str(answer.json()["id"])

    async def take_turn(self, events: int, *, dead: bool) -> float:
        """Tell so many events at once; deliveries a second to the healthy endpoints."""
        (await self.client.patch(f"/v1/webhooks/{self.dead}", json={"enabled": dead})).raise_for_status()
        wanted = await self.received() + events * self.endpoints
        connection = await asyncpg.connect(self.database)
        try:
            await connection.execute(COPY, events)
            began = time.perf_counter()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await self.received() < wanted:  # noqa: ASYNC110 (another process counts)
                    await asyncio.sleep(0.05)
            return events * self.endpoints / (time.perf_counter() - began)
        finally:
            await connection.execute("DELETE FROM webhook_delivery WHERE state = 0 AND type = 'message.created'")
            await connection.close()

    async def received(self) -> int:
        """How many requests the healthy endpoints have taken."""
        return int((await self.client.get(f"http://127.0.0.1:{self.ports[1]}/count")).text)


async def seed_conversations() -> None:
    """Texts of so many people, as they come in."""
    lane = await make_channel()
    await receive(lane, *(text_message(f"text {n}", sender=f"+1555300{n:04d}") for n in range(CONVERSATIONS)))
    await execute("UPDATE channel SET deleted_at = now()")  # no adapter of the gateway's own serves it


async def serve_receiver(port: int) -> None:
    """Endpoints that answer at once, one that never does, and the count."""
    counts: Counter[str] = Counter()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split(" ", 2)[1]
                length = next((int(line[15:]) for line in head.lower().split("\r\n") if "content-length:" in line), 0)
                await reader.readexactly(length)
                if path == DEAD:
                    await reader.read()  # until the other side gives up
                counts["healthy"] += path.startswith(HEALTHY)
                body = str(counts["healthy"]).encode()
                writer.write(b"HTTP/1.1 200 x\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


def main() -> None:
    """Measure, and print the one line; with --receive, be the receiver."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--endpoints", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--receive", type=int, metavar="PORT")
    args = parser.parse_args()
    if args.receive is not None:
        asyncio.run(serve_receiver(args.receive))
        return
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as work:
        Path(work).chmod(0o755)
        result = asyncio.run(
            measure(
                turns=args.turns, events=args.events, endpoints=args.endpoints, workers=args.workers, work=Path(work)
            )
        )
    print(json.dumps(result))  # noqa: T201 (the result)


if __name__ == "__main__":
    main()
