"""The connection to a mail server: to a checked address, with TLS before anything of ours is said, and never silent.

aioimaplib speaks the protocol on a socket that we connect ourselves, for it knows no STARTTLS and looks names up by
itself. What it raises or logs may hold a password (its commands are written out in both), so no text of it goes on.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, TypeVar

import aioimaplib

from channels.connections import MAX_ADDRESSES
from channels.email.imap.settings import ImapSettings
from channels.errors import Misconfigured, Unreachable
from channels.http import Http

CONNECT_SECONDS = 10.0
"""For TCP, TLS and the greeting, each."""
GREETING_BYTES = 4_096
"""The most that is read before TLS."""
SLOW_SECONDS = 120.0
"""aioimaplib's own bound of an answer, behind ours."""
ROOM_BYTES = 32_000_000
"""The most one answer may have, where not more was asked for: the numbers of some millions of mails."""
FEW_BYTES = 4_096
"""What holds no more lines than aioimaplib can bear at once."""
KEEPALIVE_SECONDS = 30
KEEPALIVE_PROBES = 3
"""A line that is gone without a word is noticed after about a minute and a half, also where we only listen."""

T = TypeVar("T")

EXISTS = re.compile(rb"(?:\* )?[0-9]+ (?:EXISTS|RECENT)\b", re.IGNORECASE)

_OFFERED = re.compile(rb"\* OK\b", re.IGNORECASE)
_BEGUN = re.compile(rb"s1 OK\b[^\r\n]*\r\n", re.IGNORECASE)

# At any level it would write passwords and mails.
logging.getLogger("aioimaplib").setLevel(logging.CRITICAL + 1)


class MailProtocol(aioimaplib.IMAP4ClientProtocol):  # type: ignore[misc]  # the package ships no types
    """aioimaplib's protocol, with what it forgets: a refusing greeting, a failing XOAUTH2, news at any time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_lost: Callable[[], None]) -> None:
        super().__init__(loop, lambda _: on_lost())
        self.news = asyncio.Event()
        self.room = ROOM_BYTES

    def data_received(self, d: bytes) -> None:
        """Take what comes, as much as there is room for: a server may send more than it announced."""
        self.room -= len(d)
        if self.room < 0:
            self.transport.abort()
            return
        # It goes down a step of recursion for each line, so a thousand of them at once would end the connection.
        step = len(d) if len(self.incomplete_line) > FEW_BYTES else FEW_BYTES
        for begin in range(0, len(d), step):
            super().data_received(d[begin : begin + step])

    async def welcome(self, command: bytes) -> None:
        """Take the greeting; one that is none ends the connection, where aioimaplib would wait for ever."""
        if not command.upper().startswith(b"* OK"):
            self.transport.abort()
            return
        try:
            await super().welcome(command)
        except Exception:  # noqa: BLE001 (whatever it was, this is no server we can speak to)
            self.transport.abort()

    def _untagged_response(self, line: bytes) -> Any:
        """A mail that comes while another command runs is told in passing, and never again."""
        if EXISTS.match(line):
            self.news.set()
        return super()._untagged_response(line)

    def _continuation(self, line: bytes) -> None:
        """A server that refuses a token says why and waits for an empty line before it refuses in so many words."""
        pending = self.pending_sync_command
        if pending is not None and pending.name == "AUTHENTICATE":
            self.transport.write(b"\r\n")
            return
        super()._continuation(line)


class MailClient(aioimaplib.IMAP4):  # type: ignore[misc]  # the package ships no types
    """aioimaplib's client on a socket that is connected already; `greeted` where the greeting was read before TLS.

    `lost` is set when the connection ends: nothing else wakes who waits for an answer or for news then.
    """

    def __init__(self, sock: socket.socket, host: str, *, tls: ssl.SSLContext | None, greeted: bool) -> None:
        self._sock, self._name, self._tls, self._greeted = sock, host, tls, greeted
        self.lost = asyncio.Event()
        super().__init__(host, timeout=SLOW_SECONDS)

    def create_client(self, host: str, port: int, loop: Any, conn_lost_cb: Any = None, ssl_context: Any = None) -> None:
        """Called by the constructor."""
        running = asyncio.get_running_loop()
        self.protocol = MailProtocol(running, self.lost.set)
        self._client_task = running.create_task(self._begin(running))

    async def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        name = self._name if self._tls else None
        await loop.create_connection(lambda: self.protocol, sock=self._sock, ssl=self._tls, server_hostname=name)
        if self._greeted:
            self.protocol.data_received(b"* OK\r\n")


async def open_client(http: Http, settings: ImapSettings) -> MailClient:
    """A client that was greeted over a line as the settings want it, and is not logged in.

    Unreachable, EgressRefused or Misconfigured; over TLS nothing of ours is said before the host has shown who it is.
    """
    sock = await _open_socket(http, settings.imap_host, settings.mailbox_port)
    try:
        if settings.imap_security == "starttls":
            await _ask_for_tls(sock)
        tls = None if settings.imap_security == "none" else _tls_context(settings.imap_ca) or http.tls
        greeted = settings.imap_security == "starttls"
        client = MailClient(sock, settings.imap_host.rstrip("."), tls=tls, greeted=greeted)
    except BaseException:
        sock.close()
        raise
    try:
        await _await_greeting(client)
    except BaseException:
        close_client(client)
        sock.close()
        raise
    return client


def close_client(client: MailClient) -> None:
    """End the connection at once."""
    client._client_task.cancel()  # noqa: SLF001 (it has no public way to give up connecting)
    for task in [*client.tasks, *client.protocol.tasks]:
        task.cancel()
    if client.protocol.transport is not None:
        client.protocol.transport.abort()


async def _open_socket(http: Http, host: str, port: int) -> socket.socket:
    """A TCP connection to one of the addresses of the host, all of which were checked."""
    addresses = (await http.admit_host(host, port))[:MAX_ADDRESSES]
    for address in addresses:
        sock = _make_socket(address)
        try:
            async with asyncio.timeout(CONNECT_SECONDS / len(addresses)):
                await asyncio.get_running_loop().sock_connect(sock, (address, port))
        except OSError:  # a late one among them: TimeoutError is an OSError
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise Unreachable(f"no connection to the mail server at port {port} could be made", fix="check imap_host and port")


def _make_socket(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)  # noqa: FBT003 (the standard library's signature)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):  # not every system has them by these names
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), KEEPALIVE_SECONDS)
    if hasattr(socket, "TCP_KEEPCNT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    return sock


async def _ask_for_tls(sock: socket.socket) -> None:
    """STARTTLS (RFC 3501 6.2.1); Misconfigured where it is not offered or was meddled with, nothing of ours being said.

    What was sent in the clear behind the server's consent would be taken for its words under TLS, so there may be none.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            greeting = await _read_until(sock, b"\n")
            if not _OFFERED.match(greeting):
                raise Unreachable("the mail server did not greet us", fix="check imap_port and imap_security")
            await loop.sock_sendall(sock, b"s1 STARTTLS\r\n")
            answer = await _read_until(sock, b"\n")
    except OSError as error:
        raise Unreachable("the mail server broke off before TLS began") from error
    if not _BEGUN.fullmatch(answer):
        fix = "set imap_security to tls, if the server has it"
        raise Misconfigured("the mail server does not offer STARTTLS, so nothing was said to it", fix=fix)


async def _read_until(sock: socket.socket, end: bytes) -> bytes:
    read = b""
    while not read.endswith(end) and len(read) < GREETING_BYTES:
        piece = await asyncio.get_running_loop().sock_recv(sock, GREETING_BYTES)
        if not piece:
            raise OSError("the server closed")
        read += piece
    return read


async def _await_greeting(client: MailClient) -> None:
    """Until the server is ready to hear who we are; the causes told apart where an operator can do something."""
    try:
        await first_of_lost(client, client.wait_hello_from_server(), seconds=2 * CONNECT_SECONDS)
    except ssl.SSLCertVerificationError as error:
        reason = f"the TLS certificate of the mail server was not accepted: {error.verify_message}"
        fix = "check imap_host, or give the authority's certificate as imap_ca"
        raise Misconfigured(reason, code="unreachable", fix=fix) from None
    except ssl.SSLError:
        fix = "imap_security tls is for port 993, starttls for port 143"
        raise Misconfigured("the mail server speaks no TLS there", code="unreachable", fix=fix) from None
    except (OSError, aioimaplib.AioImapException) as error:
        fix = "check imap_host, imap_port and imap_security"
        raise Unreachable("the mail server did not greet us", fix=fix) from error


async def first_of_lost(client: MailClient, asked: Coroutine[Any, Any, T], *, seconds: float) -> T:
    """What was asked for; TimeoutError, or ConnectionError where the connection is lost before it is there."""
    if client.lost.is_set():
        asked.close()
        raise ConnectionError("the connection is lost")
    answer = asyncio.ensure_future(asked)
    lost = asyncio.ensure_future(client.lost.wait())
    try:
        await asyncio.wait({answer, lost}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return _result(client, answer)
        raise ConnectionError("the connection is lost") if lost.done() else TimeoutError("no answer came in time")
    finally:
        lost.cancel()
        answer.cancel()
        answer.add_done_callback(forget_error)


def _result(client: MailClient, answer: asyncio.Future[T]) -> T:
    try:
        return answer.result()
    except RuntimeError as error:
        # To write on a line that is closing is a RuntimeError in one event loop and silence in another.
        if client.protocol.transport.is_closing():
            raise ConnectionError("the connection is lost") from error
        raise


def forget_error(answer: asyncio.Future[Any]) -> None:
    """An error that comes after its time is nobody's."""
    if not answer.cancelled():
        answer.exception()


@cache
def _tls_context(authority: str | None) -> ssl.SSLContext | None:
    """Hosts are verified by the private authority that is named; None for the public ones."""
    return ssl.create_default_context(cadata=authority) if authority is not None else None
