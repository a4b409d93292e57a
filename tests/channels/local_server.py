"""A TCP server on loopback that speaks just enough HTTP to misbehave in every way a peer can, and a client for it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeAlias

from channels.connections import Resolver
from channels.http import Http

Answer: TypeAlias = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]

LOOPBACK = ["127.0.0.0/8"]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Peer:
    """What the server saw: its connections, those that ended, and each request whole."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0
        self.arrived = asyncio.Semaphore(0)
        self.ended = asyncio.Semaphore(0)
        self.port = 0
        self._open: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        """The server's own address as a URL without a path."""
        return f"http://127.0.0.1:{self.port}"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection in turn, the last answer again and again."""
        self.connections += 1
        self._open[asyncio.current_task()] = writer
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while True:
                self.requests.append(await read_request(reader))
                self.arrived.release()
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if isinstance(answer, bytes):
                    writer.write(answer)
                else:
                    await answer(writer)
        writer.close()
        self.ended.release()

    async def stop(self) -> None:
        """Break off what is still open, and wait until all of it has ended."""
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*(task for task in self._open if task), return_exceptions=True)


@contextlib.asynccontextmanager
async def serve(*answers: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """A server on a free port of 127.0.0.1 that gives these answers, one a request."""
    peer = Peer(answers or [OK])
    async with await asyncio.start_server(peer.talk, "127.0.0.1", 0, ssl=tls) as server:
        peer.port = server.sockets[0].getsockname()[1]
        try:
            yield peer
        finally:
            await peer.stop()


def answering(*answers: Sequence[str]) -> Resolver:
    """A resolver with these answers, one a look-up, the last again and again."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


@contextlib.asynccontextmanager
async def client(
    *, allow: Sequence[str] = LOOPBACK, resolve: Resolver | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Http]:
    """A client that is closed in the end."""
    http = Http(allow=allow, resolve=resolve, tls=tls)
    try:
        yield http
    finally:
        await http.aclose()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One request: its head, and as much body as the head says."""
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + (await reader.readexactly(int(lengths[0])) if lengths else b"")


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close without a word."""
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection off, so that the peer hears of a reset and not of an orderly end."""
    no_linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
    writer.transport.abort()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A body that never ends, one byte at a time: no single read waits long."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)
    raise ConnectionResetError
