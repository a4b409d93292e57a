"""A load generator for loopback: pre-built requests over keep-alive connections, bounded in count and time.

Run as a process of its own, so that it costs the server no Python time:
`python -m tests.bench.load closed|open --port P --seconds S ...` reads bodies from a file made by `write_bodies`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast
from urllib.parse import quote_plus

import uvloop

from channels.signatures import sign_content

ACCOUNT = "AC" + "0" * 31 + "1"
TOKEN = "0123456789abcdef" * 2
NUMBER = "+15550001111"
SENDERS = 500
PATIENCE_SECONDS = 30.0
"""How long answers may take to come in after the last request: then the run fails."""


def inbound_requests(*, url: str, path: str, amount: int, tag: str, sender: str | None = None) -> Iterator[bytes]:
    """Whole HTTP requests as Twilio sends an inbound SMS: 20 fields, signed, each with a MessageSid of its own."""
    for number in range(amount):
        fields = inbound_fields(
            sid=f"SM{tag}{number:0{30 - len(tag)}d}", sender=sender or f"+1555200{number % SENDERS:04d}"
        )
        signed = url + "".join(name + fields[name] for name in sorted(fields))
        signature = sign_content(signed.encode(), key=TOKEN.encode(), digest="sha1", encoding="base64")
        body = "&".join(f"{name}={quote_plus(value)}" for name, value in fields.items()).encode()
        yield (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"X-Twilio-Signature: {signature}\r\nUser-Agent: TwilioProxy/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def inbound_fields(*, sid: str, sender: str) -> dict[str, str]:
    """The form of one inbound SMS."""
    return {
        "ToCountry": "US", "ToState": "CA", "SmsMessageSid": sid, "NumMedia": "0", "ToCity": "SAN FRANCISCO",
        "FromZip": "94103", "SmsSid": sid, "FromState": "CA", "SmsStatus": "received", "FromCity": "SAN FRANCISCO",
        "Body": f"Where is my order? It says delivered, but nothing came. {sid[-6:]}", "FromCountry": "US",
        "To": NUMBER, "ToZip": "94105", "NumSegments": "1", "MessageSid": sid, "AccountSid": ACCOUNT, "From": sender,
        "ApiVersion": "2010-04-01", "MessagingServiceSid": "MG" + "0" * 32,
    }  # fmt: skip


def write_requests(path: Path, requests: Sequence[bytes]) -> None:
    """Requests as a file, each behind its length."""
    with path.open("wb") as file:
        for request in requests:
            file.write(len(request).to_bytes(4, "big") + request)


def read_requests(path: Path) -> list[bytes]:
    """What `write_requests` wrote."""
    data, requests, at = path.read_bytes(), [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        requests.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return requests


class Client(asyncio.Protocol):
    """One keep-alive connection. `answered` is told of each whole answer and may send the next request."""

    def __init__(self, results: Results, answered: Callable[[Client], None]) -> None:
        self.results = results
        self.answered = answered
        self.transport: asyncio.Transport | None = None
        self.buffer = b""
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self.transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes, *, due: float) -> None:
        """Send a request whose latency counts from when it was due."""
        if self.transport is None:
            raise RuntimeError("not connected")
        self.due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Count the answer once it is whole."""
        self.buffer += data
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        length = _content_length(head)
        if end and len(rest) >= length:
            self.buffer = rest[length:]
            self.results.add(int(head[9:12]), time.perf_counter() - self.due)
            self.answered(self)


class Results:
    """Answers by status, and how long each took in seconds."""

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.seconds: list[float] = []

    def add(self, status: int, seconds: float) -> None:
        """Note one answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.seconds.append(seconds)

    def summary(self, elapsed: float) -> dict[str, object]:
        """What the parent process reads."""
        ordered = sorted(self.seconds) or [0.0]
        return {
            "answered": len(self.seconds),
            "good": self.statuses.get(200, 0),
            "statuses": self.statuses,
            "rate": len(self.seconds) / elapsed,
            "p50_ms": ordered[len(ordered) // 2] * 1000,
            "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000,
        }


async def run_closed(requests: list[bytes], *, port: int, connections: int, seconds: float) -> dict[str, object]:
    """Each connection sends as fast as it is answered, until time or requests run out."""
    results, source, began = Results(), iter(requests), time.perf_counter()
    busy, idle = connections, asyncio.Event()

    def go_on(client: Client) -> None:
        nonlocal busy
        request = next(source, None) if time.perf_counter() < began + seconds else None
        if request is not None:
            client.send(request, due=time.perf_counter())
        else:
            busy -= 1
            if not busy:
                idle.set()

    for client in [await _connect(port, results, go_on) for _ in range(connections)]:
        go_on(client)
    async with asyncio.timeout(seconds + PATIENCE_SECONDS):
        await idle.wait()
    return results.summary(time.perf_counter() - began)


async def run_open(requests: list[bytes], *, port: int, rate: float) -> dict[str, object]:
    """A fixed rate whatever the server does; latency counts from when a request was due, so that a stall shows."""
    results, began = Results(), time.perf_counter()
    idle: list[Client] = []
    for number, request in enumerate(requests):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        client = idle.pop() if idle else await _connect(port, results, idle.append)
        client.send(request, due=due)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(results.seconds) < len(requests):  # noqa: ASYNC110 (a benchmark's end needs no event)
            await asyncio.sleep(0.05)
    return results.summary(time.perf_counter() - began)


async def _connect(port: int, results: Results, answered: Callable[[Client], None]) -> Client:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: Client(results, answered), "127.0.0.1", port)
    return client


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r")[0]) if found else 0


def main() -> None:
    """Run one load and print its summary as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=["closed", "open"])
    parser.add_argument("--requests", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rate", type=float, default=100.0)
    args = parser.parse_args()
    requests = read_requests(args.requests)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if args.mode == "closed":
            work = run_closed(requests, port=args.port, connections=args.connections, seconds=args.seconds)
        else:
            work = run_open(requests, port=args.port, rate=args.rate)
        print(json.dumps(runner.run(work)))  # noqa: T201 (the parent process reads it)


if __name__ == "__main__":
    main()
