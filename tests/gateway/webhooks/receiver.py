"""An integrator's endpoint on loopback: it keeps what it got, checks every signature, and answers as it is told."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import msgspec
from standardwebhooks import Webhook, WebhookVerificationError

from tests.channels.local_server import read_request

Answer: TypeAlias = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]

TAKEN = b"HTTP/1.1 204 x\r\ncontent-length: 0\r\n\r\n"


class Got(msgspec.Struct, kw_only=True):
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = msgspec.field(default_factory=time.time)
    taken: bool = False

    @property
    def id(self) -> str:
        """What makes tries the same delivery."""
        return self.headers["webhook-id"]

    @property
    def event(self) -> Any:
        """The envelope."""
        return json.loads(self.body)

    def verifies(self, secret: str) -> bool:
        """Whether an integrator who knows this secret would trust it."""
        try:
            Webhook(secret).verify(self.body, self.headers)
        except WebhookVerificationError:
            return False
        return True


class Receiver:
    """What came, in order. `answer` decides by the request and how often its id came before (0 at first)."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.port = 0
        self.answer: Callable[[Got, int], Answer] = lambda _, __: TAKEN
        self._seen: Counter[tuple[str, str]] = Counter()
        self._open: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    def events(self, *types: str) -> list[Any]:
        """The envelopes that came, of these types if any are named."""
        return [one.event for one in self.got if not types or one.event["type"] in types]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._open[asyncio.current_task()] = writer
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                got = _parse(await read_request(reader))
                tries = self._seen[got.path, got.id]
                self._seen[got.path, got.id] += 1
                self.got.append(got)
                answer = self.answer(got, tries)
                got.taken = answer is TAKEN
                if isinstance(answer, bytes):
                    writer.write(answer)
                else:
                    await answer(writer)
        writer.close()
        del self._open[asyncio.current_task()]

    async def hang_up(self) -> None:
        """Break off all connections, and wait until that is done."""
        talks = [task for task in self._open if task]
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*talks)


@asynccontextmanager
async def open_receiver() -> AsyncIterator[Receiver]:
    """A receiver at work."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.talk, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await receiver.hang_up()


def answering(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A whole answer; in the names of headers underscores stand for hyphens."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} x", f"content-length: {len(body)}", *lines])
    return head.encode() + b"\r\n\r\n" + body


async def hang(writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await writer.wait_closed()


def _parse(raw: bytes) -> Got:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    return Got(path=first.split(" ")[1], headers={name.lower(): value for name, value in pairs}, body=body)
