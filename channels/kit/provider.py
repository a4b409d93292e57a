"""A provider on loopback: an HTTP server that keeps what it is asked and answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import msgspec

from channels.http import Http

LOOPBACK = "127.0.0.0/8"
SEND_SECONDS = 5.0
"""How long the adapter under test waits for the provider; nothing here makes it wait."""


class Answer(msgspec.Struct, kw_only=True, frozen=True):
    """What the provider answers."""

    status: int = 200
    headers: dict[str, str] = {}
    body: bytes = b""


class SeenRequest(msgspec.Struct, kw_only=True, frozen=True):
    """What the provider was asked: header names in lower case, `target` as in the request line."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Script: TypeAlias = Callable[[SeenRequest], Answer | None]
"""How to answer a request; None: the line is cut without an answer."""


class Provider:
    """The server and what it has seen."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._lines: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}
        self.seen: list[SeenRequest] = []
        self.url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests."""
        self._lines[asyncio.current_task()] = writer
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await _read_request(reader)
                self.seen.append(request)
                answer = self._script(request)
                if answer is None:
                    break
                writer.write(_wire(answer))
        writer.close()

    async def hang_up(self) -> None:
        """Break off every line, and wait until each has ended."""
        for writer in self._lines.values():
            writer.transport.abort()
        await asyncio.gather(*(line for line in self._lines if line), return_exceptions=True)


@asynccontextmanager
async def run_provider(script: Script) -> AsyncIterator[tuple[Provider, Http]]:
    """A provider on a free port of loopback, and the client that may reach it."""
    provider = Provider(script)
    server = await asyncio.start_server(provider.talk, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    http = Http(allow=[LOOPBACK], timeout=SEND_SECONDS)
    try:
        yield provider, http
    finally:
        await http.aclose()
        await provider.hang_up()
        server.close()
        await server.wait_closed()


def run_with_provider(script: Script, body: Callable[[Provider, Http], Awaitable[None]]) -> None:
    """Run a check's body with a provider, in a loop of its own."""

    async def whole() -> None:
        async with run_provider(script) as (provider, http):
            await body(provider, http)

    asyncio.run(whole())


async def _read_request(reader: asyncio.StreamReader) -> SeenRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return SeenRequest(method=method, target=target, headers=headers, body=body)


def _wire(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} Answer", f"content-length: {len(answer.body)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body
