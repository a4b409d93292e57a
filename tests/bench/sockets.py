"""Very many WebSockets in one process, as cheap as can be: they note when a mark first reached them, nothing else."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Sequence
from typing import Any, TypeAlias

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)
SWITCHED = b"HTTP/1.1 101"
PING = b"\x89\x04"
"""How the server's pings begin; no JSON has such bytes. Four bytes follow, to be sent back."""
PONG = b"\x8a\x84\0\0\0\0"
OPEN_AT_A_TIME = 50
GREET_SECONDS = 30.0
FILES = 20_000

Step: TypeAlias = tuple[bytes, bytes]
"""What to wait for, and what to say then."""


class Crowd:
    """Sockets, what they look for at the moment, and when each saw it."""

    def __init__(self) -> None:
        self.sockets: list[Listener] = []
        self.mark = b""
        self.seen: dict[Listener, float] = {}
        self.complete = asyncio.Event()

    def look_for(self, mark: bytes) -> None:
        """Note from now on who sees this."""
        self.mark, self.seen = mark, {}
        self.complete.clear()

    def note(self, socket: Listener) -> None:
        """This one has seen it."""
        self.seen.setdefault(socket, time.perf_counter())
        if len(self.seen) == len(self.sockets):
            self.complete.set()

    async def grow(
        self, amount: int, *, port: int, path: str, headers: Sequence[str], greeting: Sequence[Step]
    ) -> None:
        """Open more sockets until there are so many, each of which goes through the steps of its greeting."""
        handshake = HANDSHAKE.format(path=path, more="".join(f"{line}\r\n" for line in headers)).encode()
        while len(self.sockets) < amount:
            more = min(OPEN_AT_A_TIME, amount - len(self.sockets))
            opened = await asyncio.gather(*(_open(self, port) for _ in range(more)))
            await asyncio.gather(*(socket.greet(handshake, greeting) for socket in opened))
            self.sockets += opened

    def close(self) -> None:
        """Hang up."""
        for socket in self.sockets:
            socket.transport.abort()
        self.sockets.clear()


class Listener(asyncio.Protocol):
    """One socket: bytes in, a look for the mark, and an answer to pings, which are told by their first byte."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.transport: asyncio.Transport
        self.rest = b""
        self.largest = 0
        self.greeted = bytearray()
        self.more: asyncio.Event | None = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        """Open."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Look, whole frames or not: a mark is seen when its last byte is here."""
        if self.more is not None:
            self.greeted += data
            self.more.set()
            return
        known = self.rest + data
        if self.crowd.mark and self.crowd.mark in known:
            self.crowd.note(self)
        if (at := known.rfind(PING)) >= 0:
            self.transport.write(PONG + known[at + 2 : at + 6])
        self.rest = known[-len(self.crowd.mark) :]
        self.largest = max(self.largest, len(data))

    async def greet(self, handshake: bytes, steps: Sequence[Step]) -> None:
        """Ask for the socket, then wait and answer as the steps say."""
        self.transport.write(handshake)
        assert self.more is not None
        for expected, answer in ((SWITCHED, b""), *steps):
            async with asyncio.timeout(GREET_SECONDS):
                while expected not in self.greeted:
                    await self.more.wait()
                    self.more.clear()
            if answer:
                self.transport.write(mask(answer))
        self.more = None


def mask(payload: bytes) -> bytes:
    """A client's text frame (RFC 6455 5.3), masked with zeros: what is sent is what was said."""
    size = len(payload)
    head = b"\x81%c" % (0x80 | size) if size < 126 else b"\x81\xfe" + size.to_bytes(2)
    return head + b"\0\0\0\0" + payload


def allow_files() -> None:
    """Let this process, and those it starts, hold very many sockets."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def _open(crowd: Crowd, port: int) -> Listener:
    _, socket = await asyncio.get_running_loop().create_connection(lambda: Listener(crowd), "127.0.0.1", port)
    return socket
