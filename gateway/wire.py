"""HTTP/1.1 on the wire: uvicorn's protocol, with an end to patience (security.md T73, reliability.md P20, P21).

A head has to come within its time, a body at 1,000 bytes a second and within its time, and an answer has to be read.
Whoever is slower is cut off, and so is who opens more connections than one may. What is in order costs a few
attributes: all clocks are looked at by one sweep, twice a second.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from functools import partial
from typing import Any, Literal, Protocol, TypeAlias, cast

import msgspec
import structlog
import uvicorn
from litestar.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.addresses import UNKNOWN, Proxies, counted_as, is_loopback
from gateway.sockets import socket_of

log = structlog.get_logger()

HEAD_BYTES = 65_536
"""The longest head taken: line and headers together."""
BODY_BYTES_A_SECOND = 1_000
READ_BYTES_A_SECOND = 1_000
"""How fast an answer has to be read that we wait with."""
GRACE_SECONDS = 10.0
"""What a body or a reader may stand still for before its speed counts."""
UNREAD_BYTES = 1_000_000
"""The most that may wait in our memory for one reader that stands still."""

UNSENT_BYTES = 131_072
"""The most the kernel takes from us before it was sent (TCP_NOTSENT_LOWAT)."""
INTERNET = (socket.AF_INET, socket.AF_INET6)
SWEEP_TICKS = 5
"""Of uvicorn's ten ticks a second: slow connections are looked for twice a second."""

Phase: TypeAlias = Literal["idle", "head", "body", "closing"]

REFUSALS: dict[int, bytes] = {
    status: b"HTTP/1.1 %d %s\r\ncontent-length: 0\r\n%sconnection: close\r\n\r\n" % (status, phrase, more)
    for status, phrase, more in (
        (408, b"Request Timeout", b""),
        (431, b"Request Header Fields Too Large", b""),
        (503, b"Service Unavailable", b"retry-after: 1\r\n"),
    )
}


class Patience(msgspec.Struct, kw_only=True, frozen=True):
    """How long, in seconds, and how many connections."""

    head_seconds: float
    body_seconds: float
    connections: int
    connections_per_address: int


class Connection(Protocol):
    """An open connection, whatever is spoken on it."""

    peer: str
    address: str

    def check(self, now: float) -> None:
        """Cut it off if it has been too slow; `now` is the loop's time."""
        ...


class Connections:
    """The open connections of one process, and who holds how many of them."""

    def __init__(self, patience: Patience, proxies: Proxies) -> None:
        self.patience = patience
        self._proxies = proxies
        self._open: set[Connection] = set()
        self._of: Counter[str] = Counter()

    def enter(self, connection: Connection) -> bool:
        """Take a new connection in; False where there are too many, of all or of its address."""
        address, peer = connection.address, connection.peer
        exempt = is_loopback(peer) or self._proxies.trusts(peer)
        mine = self._of[address]
        self._open.add(connection)
        self._of[address] += 1
        return len(self._open) <= self.patience.connections and (exempt or mine < self.patience.connections_per_address)

    def replace(self, connection: Connection, successor: Connection) -> None:
        """The same connection goes on as something else; its address keeps what it holds."""
        self._open.remove(connection)
        self._open.add(successor)

    def leave(self, connection: Connection) -> None:
        """It is closed."""
        if connection in self._open:
            self._open.remove(connection)
            self._of[connection.address] -= 1
            if not self._of[connection.address]:
                del self._of[connection.address]

    def sweep(self, now: float) -> None:
        """Cut off who has been too slow; `now` is the loop's time."""
        for connection in list(self._open):
            connection.check(now)

    def __len__(self) -> int:
        return len(self._open)


class PatientServer(uvicorn.Server):
    """Uvicorn's server with an eye on its connections; what else `uvicorn.Config` takes is given by name."""

    def __init__(self, app: ASGIApp, connections: Connections, **config: Any) -> None:
        self.connections = connections
        protocol = cast("type[asyncio.Protocol]", partial(PatientProtocol, connections=connections))
        super().__init__(uvicorn.Config(cast("Any", app), http=protocol, **config))

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second: look for connections that are too slow."""
        if counter % SWEEP_TICKS == 0:
            self.connections.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)


class PatientProtocol(HttpToolsProtocol):
    """One connection. `since` is when its phase began, `taken` the bytes that came in it."""

    def __init__(self, *args: Any, connections: Connections, **named: Any) -> None:
        super().__init__(*args, **named)
        self.book = connections
        self.peer = self.address = UNKNOWN
        self.phase: Phase = "idle"
        self.since = 0.0
        self.taken = 0
        self.unread_since: float | None = None
        self.unread_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """Wait for a head, unless there are too many connections."""
        super().connection_made(transport)
        if self.client:
            self.peer, self.address = self.client[0], counted_as(self.client[0])
        _bound_unsent(transport)
        self._begin("head")
        if not self.book.enter(self):
            log.warning("connection_refused", address=self.address, count=len(self.book))
            self._refuse(503)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self.book.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what belongs to no request yet begins one."""
        if self.transport.is_closing():
            return
        if self.phase == "head":
            self.taken += len(data)
        super().data_received(data)
        if socket_of(self.transport) is not None:
            return
        if self.phase == "head" and self.taken > HEAD_BYTES:
            self._refuse(431)
        elif self.phase == "idle" and self._is_answered():
            self._begin("head")  # uvicorn's own clock for idle connections was stopped by what came

    def handle_websocket_upgrade(self) -> None:
        """Go on as a socket, which is counted where this connection was."""
        super().handle_websocket_upgrade()
        socket = socket_of(self.transport)
        if socket is not None:
            socket.enter(self.book, peer=self.peer, address=self.address)
            self.book.replace(self, socket)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        if self.phase != "head":
            self._begin("head")

    def on_headers_complete(self) -> None:
        """The head is here; what follows is the body."""
        super().on_headers_complete()
        self._begin("body")

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self.taken += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is here."""
        self.phase = "idle"
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The reader is slower than we are."""
        self.unread_since, self.unread_bytes = self.loop.time(), self.transport.get_write_buffer_size()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The reader has caught up."""
        self.unread_since = None
        super().resume_writing()

    def check(self, now: float) -> None:
        """Cut the connection off if it has been too slow."""
        if self.transport.is_closing():
            self._wait_for_close(now)
        elif self.unread_since is not None and self._reads_too_slowly(now - self.unread_since):
            self._cut_reader()
        elif self.phase == "head" and now - self.since > self.book.patience.head_seconds:
            self._give_up_head()
        elif self.phase == "body" and self._sends_too_slowly(now):
            log.warning("body_too_slow", address=self.address, size_bytes=self.taken)
            self.transport.abort()

    def _wait_for_close(self, now: float) -> None:
        """A connection that is being closed still sends what was written; to a peer that does not read, for ever."""
        if self.phase != "closing":
            self._begin("closing")
        elif now - self.since > GRACE_SECONDS:
            self._cut_reader()

    def _give_up_head(self) -> None:
        """A connection that was only opened is closed without a word: some clients open them in advance."""
        if not self.taken:
            self.transport.close()
            return
        log.info("head_too_slow", address=self.address)
        self._refuse(408)

    def _reads_too_slowly(self, seconds: float) -> bool:
        unread = self.transport.get_write_buffer_size()
        read = self.unread_bytes - unread
        stands_still = seconds > 1 and read < READ_BYTES_A_SECOND and unread > UNREAD_BYTES
        return stands_still or (seconds > GRACE_SECONDS and read < READ_BYTES_A_SECOND * seconds)

    def _sends_too_slowly(self, now: float) -> bool:
        """While we do not read ourselves, the sender is not to blame."""
        if self.flow.read_paused:
            self._begin("body")
            return False
        seconds = now - self.since
        slow = seconds > GRACE_SECONDS and self.taken < BODY_BYTES_A_SECOND * seconds
        return slow or seconds > self.book.patience.body_seconds

    def _is_answered(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return cycle is None or cycle.response_complete

    def _begin(self, phase: Phase) -> None:
        self.phase, self.since, self.taken = phase, self.loop.time(), 0

    def _refuse(self, status: int) -> None:
        """Answer without a look at what was asked; not in the middle of another answer."""
        if self._is_answered():
            self.transport.write(REFUSALS[status])
        self.transport.close()

    def _cut_reader(self) -> None:
        log.warning("reader_stalled", address=self.address, size_bytes=self.transport.get_write_buffer_size())
        self.transport.abort()


def _bound_unsent(transport: Any) -> None:
    """Let the kernel keep little that was not sent yet, where it can be told so: what a reader leaves stays with us."""
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in INTERNET and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
