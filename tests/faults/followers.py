"""Clients of the live feed: each follows it, comes back with its last cursor when cut off, and keeps count.

By server-sent events, and by WebSocket.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import datetime
from random import Random

import aiohttp
import msgspec

PATH = "/v1/events/stream"
SOCKET_PATH = "/v1/realtime"
RETURN_SECONDS = 0.2
LINE_BYTES = 1_000_000


class Told(msgspec.Struct):
    """What a client needs of an envelope."""

    timestamp: str


class Follower:
    """One client.

    `began` is the cursor at which it came in, `last` how far it has got, `cursors` are the events it was told of in
    their order, `delays` moments (Unix time) and seconds from happening to telling. `timed` followers read the events;
    the others only count them, which costs a tenth.
    """

    def __init__(self, session: aiohttp.ClientSession, server: str, *, key: str, timed: bool = False) -> None:
        self.session = session
        self.url = server + PATH
        self.key = key
        self.timed = timed
        self.cursors: list[str] = []
        self.delays: list[tuple[float, float]] = []
        self.cuts = 0
        self.resets = 0
        self.connected = asyncio.Event()
        self.began = ""
        self.last: str | None = None
        self._answer: aiohttp.ClientResponse | None = None

    async def follow(self) -> None:
        """Read for ever, coming back after every end."""
        while True:
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                await self._listen()
            self.connected.clear()
            await asyncio.sleep(RETURN_SECONDS)

    def cut(self) -> None:
        """Lose the connection, in the middle of whatever is being said."""
        if self._answer is not None:
            self.cuts += 1
            self._answer.close()

    async def _listen(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"} | ({"Last-Event-ID": self.last} if self.last else {})
        patience = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=30)
        async with self.session.get(
            self.url, headers=headers, timeout=patience, read_bufsize=LINE_BYTES
        ) as self._answer:
            self._answer.raise_for_status()
            await self._read(self._answer.content)

    async def _read(self, lines: aiohttp.StreamReader) -> None:
        cursor, event = None, None
        while line := await lines.readline():
            word, _, rest = line.partition(b": ")
            if word == b"id":
                cursor = rest.strip().decode()
            elif word == b"event":
                event = rest.strip()
            elif word == b"data":
                self._take(event, rest, cursor)
            elif line == b"\n":
                # Only a whole frame moves the client on: half of one comes again.
                self.last = cursor or self.last
                cursor, event = None, None

    def _take(self, event: bytes | None, data: bytes, cursor: str | None) -> None:
        if event == b"ready":
            if not self.connected.is_set() and not self.began:
                self.began = self.last = msgspec.json.decode(data)["cursor"]
            self.connected.set()
        elif event == b"reset":
            self.resets += 1
        elif cursor is not None:
            self.cursors.append(cursor)
            if self.timed:
                happened = datetime.fromisoformat(msgspec.json.decode(data, type=Told).timestamp)
                now = time.time()
                self.delays.append((now, now - happened.timestamp()))


class SocketFrame(msgspec.Struct):
    """What such a client needs of a frame."""

    class Event(msgspec.Struct):
        """What it needs of an envelope."""

        cursor: str

    type: str
    cursor: str | None = None
    event: Event | None = None


class SocketFollower(Follower):
    """The same by WebSocket."""

    def __init__(self, session: aiohttp.ClientSession, server: str, *, key: str) -> None:
        super().__init__(session, server, key=key)
        self.url = server + SOCKET_PATH
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    def cut(self) -> None:
        """Lose the connection, without a word."""
        if self._socket is not None and self._socket._response.connection is not None:
            self.cuts += 1
            self._socket._response.close()

    async def _listen(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self.session.ws_connect(self.url, headers=headers) as self._socket:
            if self.last:
                await self._socket.send_json({"type": "resume", "cursor": self.last})
            await self._socket.send_json({"type": "subscribe", "id": "s1"})
            async for message in self._socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return
                self._take_frame(msgspec.json.decode(message.data, type=SocketFrame))

    def _take_frame(self, frame: SocketFrame) -> None:
        if frame.type == "ready" and not self.began:
            self.began = self.last = frame.cursor or ""
        elif frame.type == "subscribed":
            self.connected.set()
        elif frame.type == "reset":
            self.resets += 1
        elif frame.event is not None:
            self.last = frame.event.cursor
            self.cursors.append(frame.event.cursor)
        elif frame.type == "cursor":
            self.last = frame.cursor


async def cut_at_random(followers: list[Follower], *, seconds: float, cuts: int, dice: Random) -> None:
    """Cut so many connections of random clients, evenly over the time."""
    for _ in range(cuts):
        await asyncio.sleep(seconds / cuts)
        dice.choice(followers).cut()
