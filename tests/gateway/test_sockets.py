"""WebSockets on the wire: counted, bounded, and cut off where a peer does not do its part (T72, P20)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from channels.simulators.serving import open_listener
from gateway import sockets
from gateway.addresses import Proxies
from gateway.sockets import LIVE, PatientSocket, socket_options
from gateway.wire import Connections, Patience
from tests.gateway.test_wire import CALM, TestServer
from tests.inbox.builders import until

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PING = b"\x89\x80\0\0\0\0"
EMPTY_TEXT, EMPTY_PIECE = b"\x01\x80\0\0\0\0", b"\x00\x80\0\0\0\0"


async def mirror(scope: Any, receive: Any, send: Any) -> None:
    """Say back what is said; `/refused` refuses, `/flood` says 200 KB at a time over the extension."""
    if scope["type"] != "websocket":
        return
    await receive()
    if scope["path"] == "/refused":
        await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"no"})
        return
    await send({"type": "websocket.accept"})
    wire: PatientSocket = scope["extensions"][LIVE]
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "flood":
            for _ in range(100):
                wire.push(b"\x81\x7f" + (200_000).to_bytes(8) + b"x" * 200_000)
        else:
            await send({"type": "websocket.send", "text": message.get("text")})


class Site:
    """Where it is served, and the book of its connections."""

    def __init__(self, server: TestServer, port: int, book: Connections) -> None:
        self.server: Any = server
        self.port = port
        self.book = book
        self.url = f"ws://127.0.0.1:{port}"

    async def empty(self) -> bool:
        """Whether nobody is connected."""
        return not len(self.book)

    async def dial(self, *, window: int = 0) -> socket.socket:
        """A bare socket that was let in, with a small window if one is given."""
        sock = socket.socket()
        if window:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", self.port))
        await loop.sock_sendall(sock, HANDSHAKE)
        assert (await loop.sock_recv(sock, 1000)).startswith(b"HTTP/1.1 101")
        return sock


@asynccontextmanager
async def serving(patience: Patience = CALM, **options: Any) -> AsyncIterator[Site]:
    """The mirror behind our protocols."""
    listener = open_listener(0)
    book = Connections(patience, Proxies(()))
    options = socket_options(heartbeat_seconds=20) | options
    server = TestServer(mirror, book, lifespan="off", log_config=None, access_log=False, **options)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Site(server, listener.getsockname()[1], book)
    finally:
        server.should_exit = server.force_exit = True
        await task
        listener.close()


async def read_to_end(sock: socket.socket) -> bytes:
    """All that comes until the connection ends."""
    heard, loop = b"", asyncio.get_running_loop()
    with closing(sock), suppress(ConnectionError):
        async with asyncio.timeout(30):
            while some := await loop.sock_recv(sock, 65_536):
                heard += some
    return heard


def test_sockets_are_counted_where_their_connections_were() -> None:
    """Of the connections one process may have, a socket is one from its handshake to its end, and refused ones none."""

    async def body() -> None:
        patience = Patience(head_seconds=5, body_seconds=5, connections=2, connections_per_address=2)
        async with serving(patience) as site:
            async with connect(site.url, proxy=None) as one, connect(site.url, proxy=None):
                assert len(site.book) == 2
                with pytest.raises(InvalidStatus) as told:
                    await connect(site.url, proxy=None)
                assert told.value.response.status_code == 503
                await one.send("still here")
                assert await one.recv() == "still here"
            await until(site.empty)
            with pytest.raises(InvalidStatus) as told:
                await connect(f"{site.url}/refused", proxy=None)
            assert (told.value.response.status_code, told.value.response.body) == (403, b"no")
            await until(site.empty)
            sock = await site.dial()
            sock.close()
            await until(site.empty)

    asyncio.run(body())


def test_nothing_is_compressed_and_large_messages_end_it() -> None:
    """No extension is agreed on; 64 KB are taken, a byte more, or as much in pieces, is 1009."""

    async def body() -> None:
        async with serving() as site:
            async with connect(site.url, proxy=None) as client:
                assert "Sec-WebSocket-Extensions" not in client.response.headers  # type: ignore[union-attr]
                await client.send("x" * 65_536)
                assert await client.recv() == "x" * 65_536
                await client.send("x" * 65_537)
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                assert client.close_code == 1009
            async with connect(site.url, proxy=None) as client:
                with suppress(ConnectionClosed):
                    await client.send(["x" * 40_000] * 2)
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                assert client.close_code == 1009

    asyncio.run(body())


@pytest.mark.parametrize("frames", [PING * 700, EMPTY_TEXT + EMPTY_PIECE * 100])
def test_floods_of_frames_that_cost_nothing_end_it(frames: bytes) -> None:
    """Pings beyond 600 in a minute, and messages in very many empty pieces, are 4429."""

    async def body() -> None:
        async with serving() as site:
            sock = await site.dial()
            await asyncio.get_running_loop().sock_sendall(sock, frames)
            heard = await read_to_end(sock)
            assert (4429).to_bytes(2) in heard

    asyncio.run(body())


def test_who_does_not_answer_pings_is_let_go() -> None:
    """A peer that vanished without a word is found out by the protocol's own pings, and closed with 1011."""

    async def body() -> None:
        async with serving(**socket_options(heartbeat_seconds=0.1)) as site:
            sock = await site.dial()
            heard = await read_to_end(sock)
            assert heard.startswith(b"\x89")
            assert (1011).to_bytes(2) in heard
        async with serving(ws_ping_interval=0.1) as site, connect(site.url, proxy=None) as client:
            await asyncio.sleep(0.4)
            await client.send("alive")
            assert await client.recv() == "alive"

    asyncio.run(body())


def test_who_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a megabyte that waits for it, or after its time: memory stays flat."""
    monkeypatch.setattr(sockets, "UNREAD_SECONDS", 0.5)

    async def body() -> None:
        async with serving() as site:
            loop = asyncio.get_running_loop()
            for words in (b"flood", b"x" * 100):
                sock = await site.dial(window=4096)
                frame = b"\x81%c\0\0\0\0" % (0x80 | len(words)) + words
                many = 1 if words == b"flood" else 500
                with suppress(ConnectionError):
                    await loop.sock_sendall(sock, frame * many)
                if words == b"flood":
                    async with asyncio.timeout(30):
                        await until(site.empty)
                sock.close()
            await until(site.empty)

    asyncio.run(body())


def test_a_peer_that_closes_and_reads_nothing_is_in_no_stops_way() -> None:
    """The server stops as ever where a connection still waits for a peer that has said that it closes."""

    async def body() -> None:
        async with serving() as site:
            loop = asyncio.get_running_loop()
            with closing(await site.dial(window=4096)) as sock:
                await loop.sock_sendall(sock, b"\x81\x84\0\0\0\0some")
                while (wire := next(iter(site.server.server_state.connections))).unsent() < 300_000:
                    wire.push(b"\x81\x7f" + (200_000).to_bytes(8) + b"x" * 200_000)
                await loop.sock_sendall(sock, b"\x88\x82\0\0\0\0\x03\xe8")
                await until(lambda: is_closing(wire))
                for connection in list(site.server.server_state.connections):
                    connection.shutdown()  # as uvicorn's server does for each

    asyncio.run(body())


async def is_closing(wire: PatientSocket) -> bool:
    """Whether it takes no more."""
    return bool(wire.transport.is_closing())


def test_what_is_no_handshake_is_refused() -> None:
    """Without its key an upgrade is a bad request, and the connection is not kept."""

    async def body() -> None:
        async with serving() as site:
            sock = socket.socket()
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, ("127.0.0.1", site.port))
            await loop.sock_sendall(sock, HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"))
            assert (await read_to_end(sock)).startswith(b"HTTP/1.1 400")
            await until(site.empty)

    asyncio.run(body())
