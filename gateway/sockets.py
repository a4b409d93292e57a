"""WebSockets on the wire (RFC 6455): uvicorn's protocol over the `websockets` library, bounded (security.md T72).

Frames are small, few and never compressed; a peer that does not answer pings, or does not read, is cut off. The
application may hand over finished frames, so that what many sockets are told is formed once (`extension` LIVE).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

import structlog
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from gateway.addresses import UNKNOWN

log = structlog.get_logger()

LIVE = "switchboard.live"
"""The name under which a socket is among its scope's extensions."""
MESSAGE_BYTES = 65_536
"""The largest message taken; a larger one ends the socket with 1009."""
PIECES = 64
"""The most frames one message may come in: empty ones cost their sender nothing."""
FRAMES_A_MINUTE = 600
"""The most frames of a peer, pings among them; more end the socket with 4429."""
MINUTE = 60.0
UNREAD_BYTES = 1_000_000
"""The most that may wait in our memory for one peer."""
UNREAD_SECONDS = 15.0
"""How long a peer may read nothing at all of what waits for it: longer than the application waits (4408)."""
CLOSING_SECONDS = 10.0
FLOOD_SECONDS = 1.0
"""How long who sends too much may take to close."""
TOO_MANY_FRAMES = 4429
QUIET = logging.getLogger("gateway.sockets.uvicorn")
"""Uvicorn tells each socket's path with its query, and of strangers' bad frames; what is worth telling, we tell."""
QUIET.setLevel(logging.CRITICAL)


class Book(Protocol):
    """Where connections are counted."""

    def leave(self, connection: Any) -> None:
        """It is closed."""
        ...


class PatientSocket(WebSocketsSansIOProtocol):
    """One socket. It takes the place of the connection it was begun on, in the book as well."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.logger = self.conn.logger = QUIET
        self.book: Book | None = None
        self.peer = self.address = UNKNOWN
        self.minute_began = self.closing_since = self.unread_since = 0.0
        self.frames_taken = 0
        self.unread_bytes = 0

    def enter(self, book: Book, *, peer: str, address: str) -> None:
        """Be counted as the connection was that this socket was begun on."""
        self.book, self.peer, self.address = book, peer, address

    def push(self, frame: bytes) -> None:
        """Write a frame that is finished; nothing happens where the socket is closing."""
        if not self.handshake_complete or self.close_sent or self.disconnected or self.transport.is_closing():
            return
        if self.unsent() > UNREAD_BYTES:
            self._cut_reader()
            return
        self.transport.write(frame)

    def unsent(self) -> int:
        """How many bytes wait for the peer in our memory."""
        return int(self.transport.get_write_buffer_size())

    def end(self, code: int, reason: str = "") -> None:
        """Close it with a code, now; what is written before is still sent as far as it is read."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)

    def shutdown(self) -> None:
        """The server stops; what is being closed already, by whomever, needs no more than that."""
        if self.transport.is_closing():
            self.stop_keepalive()
        else:
            super().shutdown()

    def close_code(self) -> int:
        """With which code it was closed, by us or by the peer; 1006 where it was only cut."""
        closed = self.conn.close_sent or self.conn.close_rcvd
        return int(closed.code) if closed else 1006

    def handle_connect(self, event: Any) -> None:
        """Be found by the application."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions: Any = self.scope["extensions"]
            extensions[LIVE] = self

    async def send(self, message: Any) -> None:
        """As uvicorn's, which would complain of a handshake that was refused."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True

    def handle_events(self) -> None:
        """Count what comes."""
        super().handle_events()
        if self.frames_taken > FRAMES_A_MINUTE or len(self.frames) > PIECES:
            self._end_flood()

    def handle_text(self, event: Frame) -> None:
        """A message, or its beginning."""
        self._count_frame()
        super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """As text, though nothing of ours is spoken so."""
        self._count_frame()
        super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        """A further piece of a message."""
        self._count_frame()
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answered, unless our answers are not read."""
        self._count_frame()
        if self.unsent() > UNREAD_BYTES:
            self._cut_reader()
            return
        super().handle_ping()

    def pause_writing(self) -> None:
        """The peer reads more slowly than we write."""
        self.unread_since, self.unread_bytes = self.loop.time(), self.unsent()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self.unread_since = 0.0
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        if self.book is not None:
            self.book.leave(self)
        super().connection_lost(exc)

    def check(self, now: float) -> None:
        """Cut off a peer that reads nothing, or does not let itself be closed."""
        if self.transport.is_closing() or self.close_sent:
            self.closing_since = self.closing_since or now
            if now - self.closing_since > CLOSING_SECONDS:
                self.transport.abort()
        elif self.unread_since and now - self.unread_since > UNREAD_SECONDS:
            self._judge_reader(now)

    def _judge_reader(self, now: float) -> None:
        """Whoever has read something lately is given as long again."""
        unsent = self.unsent()
        if unsent < self.unread_bytes:
            self.unread_since, self.unread_bytes = now, unsent
        else:
            self._cut_reader()

    def _cut_reader(self) -> None:
        log.warning("reader_stalled", address=self.address, size_bytes=self.unsent())
        self.transport.abort()

    def _end_flood(self) -> None:
        """It is given a second to see why."""
        if not self.close_sent:
            log.warning("socket_frames_refused", address=self.address, limit=FRAMES_A_MINUTE)
            self.close_timeout = FLOOD_SECONDS
            self.end(TOO_MANY_FRAMES, "too many frames")

    def _count_frame(self) -> None:
        now = self.loop.time()
        if now - self.minute_began > MINUTE:
            self.minute_began, self.frames_taken = now, 0
        self.frames_taken += 1


def socket_options(*, heartbeat_seconds: float) -> dict[str, Any]:
    """What `uvicorn.Config` has to know of sockets."""
    return {
        "ws": PatientSocket,
        "ws_max_size": MESSAGE_BYTES,
        "ws_per_message_deflate": False,
        "ws_ping_interval": heartbeat_seconds,
        "ws_ping_timeout": heartbeat_seconds,
    }


def socket_of(transport: asyncio.BaseTransport) -> PatientSocket | None:
    """The socket that has taken over a connection, if one has."""
    protocol = transport.get_protocol()
    return protocol if isinstance(protocol, PatientSocket) else None
