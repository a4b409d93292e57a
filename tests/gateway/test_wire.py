"""Connections that are slow, too many or ambiguous: cut off or refused, while all others are served (T73, P20)."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import httpx
import pytest

from channels.simulators.serving import open_listener, origin_of
from gateway import wire
from gateway.addresses import Proxies, counted_as
from gateway.wire import Connections, Patience, PatientProtocol, PatientServer

QUICK = Patience(head_seconds=1, body_seconds=3, connections=500, connections_per_address=3)
CALM = Patience(head_seconds=60, body_seconds=60, connections=500, connections_per_address=3)
SLOW_CLIENTS = 200
FLOOD_CHUNKS = 500
GET = b"GET / HTTP/1.1\r\nhost: a\r\n"
POST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5000\r\n\r\n"

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Knock:
    """A connection as far as the book of connections looks at it."""

    def __init__(self, peer: str) -> None:
        self.peer, self.address = peer, counted_as(peer)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Read the body, and say how long it was; `/flood` answers with more than sockets hold."""
    if scope["type"] != "http":
        return
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(FLOOD_CHUNKS if scope["path"] == "/flood" else 0):
        await send({"type": "http.response.body", "body": b"x" * 60_000, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"%d" % length, "more_body": False})


class TestServer(PatientServer):
    """The server in a test's own loop, without the process's signals."""

    __test__ = False

    async def serve(self, sockets: Any = None) -> None:
        """Until told to stop."""
        await self._serve(sockets)


@asynccontextmanager
async def serving(
    patience: Patience = CALM, *, proxies: tuple[str, ...] = ()
) -> AsyncIterator[tuple[str, Connections]]:
    """The echo behind our protocol; yields its origin and the book of its connections."""
    listener = open_listener(0)
    connections = Connections(patience, Proxies(proxies))
    server = TestServer(echo, connections, lifespan="off", ws="none", log_config=None, access_log=False)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield origin_of(listener), connections
    finally:
        server.should_exit = server.force_exit = True
        await task
        listener.close()


async def dial(origin: str) -> Stream:
    """A bare connection."""
    return await asyncio.open_connection("127.0.0.1", int(origin.rpartition(":")[2]))


async def say(stream: Stream, words: bytes) -> None:
    """Send some bytes, to a server that may have closed."""
    with suppress(ConnectionError):
        stream[1].write(words)
        await stream[1].drain()


async def hear(stream: Stream) -> bytes:
    """All that comes until the server closes, or resets what we still send."""
    heard = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(30):
            while some := await stream[0].read(65_536):
                heard += some
    stream[1].close()
    return heard


async def drip(
    origin: str, head: bytes, *, pace: float = 0.05, begun: Callable[[], object] = bool
) -> tuple[bytes, float]:
    """Send a byte now and then until the server closes; what it said, and after how long."""
    began = time.monotonic()
    stream = await dial(origin)
    await say(stream, head)
    begun()
    heard = asyncio.create_task(hear(stream))
    while not heard.done():
        await say(stream, b"x")
        await asyncio.wait([heard], timeout=pace)
    return heard.result(), time.monotonic() - began


def run(body: Callable[[], Awaitable[None]]) -> None:
    """Run a test's coroutine."""

    async def awaited() -> None:
        await body()

    asyncio.run(awaited())


def test_a_head_that_does_not_end_is_refused() -> None:
    """A head that drips is answered 408 after its time, also as the second request of a connection."""

    async def body() -> None:
        async with serving(QUICK) as (origin, _):
            said, seconds = await drip(origin, b"GET / HTTP/1.1\r\nx-slow: ")
            assert said.startswith(b"HTTP/1.1 408 ")
            assert seconds > 0.9
            again, _ = await drip(origin, GET + b"\r\n" + b"GET / HTTP/1.1\r\nx-slow: ")
            assert again.count(b"HTTP/1.1 200 ") == 1
            assert b"HTTP/1.1 408 " in again

    run(body)


def test_an_idle_connection_is_closed_without_a_word() -> None:
    """What was only opened is closed after the same time; a stray line end does not keep it open for ever."""

    async def body() -> None:
        async with serving(QUICK) as (origin, connections):
            assert await hear(await dial(origin)) == b""
            stream = await dial(origin)
            await say(stream, GET + b"\r\n")
            await asyncio.sleep(0.1)
            await say(stream, b"\r\n")
            assert (await hear(stream)).startswith(b"HTTP/1.1 200 ")
            assert len(connections) == 0

    run(body)


def test_a_body_that_is_too_slow_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under 1,000 bytes a second after the grace, or longer than its time in all, a body's connection is cut."""
    monkeypatch.setattr(wire, "GRACE_SECONDS", 0.8)

    async def body() -> None:
        async with serving() as (origin, _):
            said, seconds = await drip(origin, POST)
            assert said == b""
            assert seconds > 0.7
        async with serving(QUICK) as (origin, _):
            said, seconds = await drip(origin, POST.replace(b"5000", b"5000000") + b"x" * 90_000, pace=0.2)
            assert said == b""
            assert seconds > 2.5

    run(body)


def test_a_body_that_keeps_coming_is_taken() -> None:
    """A large body in pieces, faster than the least, is read to its end."""

    async def body() -> None:
        async with serving() as (origin, _):
            stream = await dial(origin)
            await say(stream, b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 400000\r\nconnection: close\r\n\r\n")
            for _ in range(10):
                await say(stream, b"x" * 40_000)
                await asyncio.sleep(0.05)
            assert (await hear(stream)).endswith(b"400000\r\n0\r\n\r\n")

    run(body)


def test_two_lengths_are_refused() -> None:
    """Content-Length beside Transfer-Encoding, or twice, could be read two ways by two servers: 400."""

    async def body() -> None:
        ambiguous = [
            b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcd",
            b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -4\r\n\r\nabcd",
            b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
        ]
        async with serving() as (origin, _):
            for words in ambiguous:
                stream = await dial(origin)
                await say(stream, words)
                assert (await hear(stream)).startswith(b"HTTP/1.1 400 "), words

    run(body)


def test_a_head_without_end_is_too_large() -> None:
    """More than 64 KB of head is 431, however fast it comes."""

    async def body() -> None:
        async with serving() as (origin, _):
            stream = await dial(origin)
            await say(stream, GET + b"x-a: " + b"a" * 70_000)
            assert (await hear(stream)).startswith(b"HTTP/1.1 431 ")

    run(body)


def open_http(connections: Connections) -> list[PatientProtocol]:
    """The open connections on which HTTP is spoken."""
    return [one for one in connections._open if isinstance(one, PatientProtocol)]


def test_a_reader_that_stops_is_dropped_with_flat_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer nobody reads waits in a bounded buffer, and its connection is cut after the grace (P20)."""
    monkeypatch.setattr(wire, "GRACE_SECONDS", 1.0)

    async def body() -> None:
        async with serving() as (origin, connections):
            stream = await dial(origin)
            stream[1].transport.pause_reading()  # type: ignore[attr-defined]  # it is a reading transport
            await say(stream, GET.replace(b"/ ", b"/flood ") + b"\r\n")
            await until(lambda: any(one.unread_since is not None for one in open_http(connections)))
            [one] = open_http(connections)
            assert one.transport.get_write_buffer_size() < 1_000_000
            await until(lambda: len(connections) == 0)
            stream[1].transport.abort()

    run(body)


async def until(true: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 (a socket is watched)
            await asyncio.sleep(0.05)


def test_connections_are_counted_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """One address may hold so many and gets 503 beyond; loopback and trusted proxies are only bound by the whole."""

    async def answers(origin: str, count: int) -> list[bytes]:
        held = [await dial(origin) for _ in range(count)]
        for stream in held:
            await say(stream, GET + b"connection: close\r\n\r\n")
        return [(await hear(stream))[:12] for stream in held]

    async def body() -> None:
        async with serving() as (origin, _):
            assert await answers(origin, 6) == [b"HTTP/1.1 200"] * 6
        monkeypatch.setattr(wire, "is_loopback", lambda _: False)
        async with serving() as (origin, connections):
            held = [await dial(origin) for _ in range(3)]
            await until(lambda: len(connections) == 3)
            refused = await hear(await dial(origin))
            assert refused.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 1\r\n" in refused
            for stream in held:
                stream[1].close()
            await until(lambda: len(connections) == 0)
            assert await answers(origin, 1) == [b"HTTP/1.1 200"]
        async with serving(proxies=("127.0.0.0/8",)) as (origin, _):
            assert await answers(origin, 6) == [b"HTTP/1.1 200"] * 6

    run(body)


@pytest.mark.parametrize(("peer", "let_in"), [("::1", 9), ("fd00::7", 9), ("2001:db8::7", 3), ("198.51.100.7", 3)])
def test_proxies_of_ours_may_open_many_connections_by_ipv6_as_well(peer: str, let_in: int) -> None:
    """An IPv6 client is counted by its network, and a proxy, or this machine, is known by its own address."""
    book = Connections(QUICK, Proxies(["fd00::/8"]))
    knocking = [cast("Any", Knock(peer)) for _ in range(9)]
    assert sum(book.enter(one) for one in knocking) == let_in


def test_slow_connections_do_not_slow_the_others() -> None:
    """200 connections that drip are all closed in time, and meanwhile others are answered as ever (T73)."""

    async def body() -> None:
        patience = Patience(head_seconds=1.5, body_seconds=3, connections=500, connections_per_address=3)
        async with serving(patience) as (origin, _):
            dripping = asyncio.Semaphore(0)
            head = b"GET / HTTP/1.1\r\nx-s: "
            slow = [
                asyncio.create_task(drip(origin, head, pace=0.3, begun=dripping.release)) for _ in range(SLOW_CLIENTS)
            ]
            for _ in slow:
                await dripping.acquire()
            times = []
            async with httpx.AsyncClient() as client:
                for _ in range(50):
                    began = time.monotonic()
                    assert (await client.get(origin)).status_code == 200
                    times.append(time.monotonic() - began)
            closed = await asyncio.gather(*slow)
        assert statistics.median(times) < 0.5
        assert all(said.startswith(b"HTTP/1.1 408 ") or not said for said, _ in closed)

    run(body)
