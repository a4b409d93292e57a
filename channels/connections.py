"""Connections that are pinned to a checked address, and kept for the next request to the same origin.

A host is resolved once for a connection, every address it has is checked, and the connection goes to one of those very
addresses: there is no second look-up that could answer differently (DNS rebinding). TLS still names and verifies the
host. A kept connection is found by its scheme, host and port alone, so none is used for another host.

The pool is our own since httpcore's looks at every connection for every request: at 64 kept ones that costs more than
the request.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

import httpcore

from channels.egress import check_addresses, read_allowances
from channels.errors import Unreachable

MAX_CONNECTIONS = 256
"""Requests under way at once, more than the workers of a process can ask for; a further one waits its turn."""
MAX_KEPT = 128
"""Idle connections kept for later; the one idle longest goes first."""
KEEP_SECONDS = 4.0
"""How long an idle one is kept: under the 5 s after which common servers close, so a request seldom meets a close."""
CONNECT_SECONDS = 5.0
"""For look-up, TCP and TLS together."""
MAX_ADDRESSES = 4
"""Addresses of one host tried one after the other, sharing `CONNECT_SECONDS`; all of them are checked."""

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
Origin: TypeAlias = tuple[bytes, bytes, int]


class Connections:
    """Opens, lends and keeps the connections of one process. Belongs to one event loop."""

    def __init__(self, *, allow: Iterable[str], resolve: Resolver | None, tls: ssl.SSLContext) -> None:
        self._allowed = read_allowances(allow)
        self._resolve = resolve or resolve_host
        self._tls = tls
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._kept = KeptConnections()

    @contextlib.asynccontextmanager
    async def lend(self, url: httpcore.URL, *, deadline: float) -> AsyncIterator[httpcore.AsyncHTTP11Connection]:
        """A connection for one exchange, kept or new; Unreachable or EgressRefused, and nothing was sent, if none.

        It is kept afterwards if the exchange came to its end, and closed if it broke off. `deadline` is loop time.
        """
        await self._take_slot(deadline)
        try:
            connection = await self._kept.take(_origin(url)) or await self._open(url, deadline)
            try:
                yield connection
            finally:
                await self._kept.put(_origin(url), connection)
        finally:
            self._slots.release()

    async def admit_host(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host, each one checked; Unreachable if it has none, EgressRefused if one is forbidden."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:  # a late answer among them: TimeoutError is an OSError
            raise Unreachable("the host name of the URL cannot be resolved") from error
        if not addresses:
            raise Unreachable("the host name of the URL has no address")
        check_addresses(host, addresses, port=port, allowed=self._allowed)
        return addresses

    async def aclose(self) -> None:
        """Close what is kept; what is lent is closed when it comes back."""
        await self._kept.aclose()

    async def _take_slot(self, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError as error:
            raise Unreachable("too many requests were under way, so this one was not begun", code="timeout") from error

    async def _open(self, url: httpcore.URL, deadline: float) -> httpcore.AsyncHTTP11Connection:
        host, port = url.origin.host.decode("ascii"), url.origin.port
        latest = asyncio.get_running_loop().time() + CONNECT_SECONDS
        try:
            async with asyncio.timeout_at(min(deadline, latest)):
                stream = await _connect_any((await self.admit_host(host, port))[:MAX_ADDRESSES], port)
                if url.scheme == b"https":
                    stream = await _start_tls(stream, self._tls, host=host)
        except TimeoutError as error:
            raise Unreachable(NO_CONNECTION) from error
        return httpcore.AsyncHTTP11Connection(origin=url.origin, stream=stream, keepalive_expiry=KEEP_SECONDS)


class KeptConnections:
    """The idle connections: the freshest of an origin is taken first, the one idle longest is closed first."""

    def __init__(self) -> None:
        # Dictionaries keep the order of insertion, and here that is the order of becoming idle.
        self._by_origin: dict[Origin, dict[httpcore.AsyncHTTP11Connection, None]] = {}
        self._idle_since: dict[httpcore.AsyncHTTP11Connection, tuple[float, Origin]] = {}
        self._closed = False

    async def take(self, origin: Origin) -> httpcore.AsyncHTTP11Connection | None:
        """A connection of this origin that is alive, or None."""
        while mine := self._by_origin.get(origin):
            connection = next(reversed(mine))
            self._forget(connection)
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return None

    async def put(self, origin: Origin, connection: httpcore.AsyncHTTP11Connection) -> None:
        """Keep it if it can serve again, close it if not, and close those that waited too long."""
        now = asyncio.get_running_loop().time()
        if connection.is_idle() and not self._closed and not _has_leftover(connection):
            self._by_origin.setdefault(origin, {})[connection] = None
            self._idle_since[connection] = now, origin
        else:
            await connection.aclose()
        while self._idle_since and self._is_surplus(now):
            await self._close_oldest()

    async def aclose(self) -> None:
        """Close all, and keep none from now on."""
        self._closed = True
        while self._idle_since:
            await self._close_oldest()

    def _is_surplus(self, now: float) -> bool:
        since, _ = next(iter(self._idle_since.values()))
        return len(self._idle_since) > MAX_KEPT or now - since > KEEP_SECONDS

    async def _close_oldest(self) -> None:
        oldest = next(iter(self._idle_since))
        self._forget(oldest)
        await oldest.aclose()

    def _forget(self, connection: httpcore.AsyncHTTP11Connection) -> None:
        _, origin = self._idle_since.pop(connection)
        mine = self._by_origin[origin]
        del mine[connection]
        if not mine:
            del self._by_origin[origin]


def _has_leftover(connection: httpcore.AsyncHTTP11Connection) -> bool:
    """Whether the server sent more than one answer: the next request would take the rest for its own."""
    return bool(connection._h11_state.trailing_data[0])  # noqa: SLF001 - httpcore has no public way to ask


async def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of a host in the order of preference (RFC 6724), by the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


NO_CONNECTION = "no connection to the host of the URL could be made"
"""One text for refused, timed out and without a route: it tells nobody which ports are open."""


def _origin(url: httpcore.URL) -> Origin:
    return url.scheme, url.origin.host, url.origin.port


async def _connect_any(addresses: Sequence[str], port: int) -> httpcore.AsyncNetworkStream:
    network = httpcore.AnyIOBackend()
    for address in addresses:
        # An address needs no look-up, so it is this one that is connected to.
        with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
            return await network.connect_tcp(address, port, timeout=CONNECT_SECONDS / len(addresses))
    raise Unreachable(NO_CONNECTION)


async def _start_tls(
    stream: httpcore.AsyncNetworkStream, tls: ssl.SSLContext, *, host: str
) -> httpcore.AsyncNetworkStream:
    async with contextlib.AsyncExitStack() as undo:
        undo.push_async_callback(stream.aclose)
        try:
            secured = await stream.start_tls(tls, server_hostname=host.rstrip("."))
        except (httpcore.ConnectError, OSError) as error:
            raise Unreachable(_tls_failure(error), fix="check the host name of the URL and its certificate") from error
        undo.pop_all()
        return secured


def _tls_failure(error: BaseException) -> str:
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the TLS certificate of the host was not accepted: {cause.verify_message}"
    return "no TLS connection to the host of the URL could be made"
