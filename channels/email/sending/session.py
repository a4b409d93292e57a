"""One connection to a mail server: past the address guard, secured, logged in, and ready for mails.

The host is resolved once and the connection goes to a checked address, as with HTTP; TLS names and verifies the host.
Where TLS is asked for and cannot be had, no login is sent and the mail waits (security.md T40).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from ipaddress import ip_address

import aiosmtplib

from channels.connections import CONNECT_SECONDS, MAX_ADDRESSES
from channels.email.oauth import AccessTokens
from channels.email.sending.answers import Answer, Phase, read_answer, refusal_of
from channels.email.settings import SmtpSettings, ascii_domain
from channels.errors import Misconfigured, SendFailed, Unreachable
from channels.http import Http

COMMAND_SECONDS = 30.0
"""For one answer before the mail itself; RFC 5321 4.5.3.2 allows minutes, which nobody waits for who can try again."""
QUIT_SECONDS = 1.0
METHODS = ("plain", "login", "cram-md5")
"""How we log in with a password, the simplest first: it goes through TLS. One is tried, as failures lock accounts."""
DONE = 250
NO_TLS = "the mail server offers no TLS, so nothing was sent and no password shown"
NO_TLS_FIX = "use smtp_security tls with the server's port for it (465), or a server that offers STARTTLS"
NO_LOGIN = "the mail server offers no way to log in that we know"
NO_CONNECTION = "no connection to the mail server could be made"
"""One text for refused, timed out and without a route: it tells nobody which ports are open (security.md T17)."""


class Session:
    """A connection that is ready for a mail. `sent` counts what was handed over by it."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self.client = client
        self.sent = 0

    def offers(self, extension: str) -> bool:
        """Whether the server has an extension (RFC 5321 2.2.1)."""
        return self.client.supports_extension(extension)

    def size_limit(self) -> int | None:
        """The most bytes of a mail the server takes (RFC 1870); None where it does not say."""
        given = self.client.esmtp_extensions.get("size", "").strip()
        return int(given) or None if given.isascii() and given.isdigit() and len(given) < 20 else None

    async def command(self, *words: bytes, phase: Phase = "greeting") -> Answer:
        """Say something and hear the answer; Unreachable where none comes."""
        with explained(phase):
            response = await self.client.execute_command(*words, timeout=COMMAND_SECONDS)
        return read_answer(response.code, response.message)

    async def is_alive(self) -> bool:
        """Whether it serves once more, with nothing left of the mail before."""
        try:
            return self.client.is_connected and (await self.command(b"RSET")).code == DONE
        except SendFailed:
            return False

    async def quit(self) -> None:
        """Take leave as is proper, for a moment, and close."""
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await self.client.quit(timeout=QUIT_SECONDS)
        self.close()

    def close(self) -> None:
        """Close at once, in the middle of whatever it is."""
        self.client.close()


@contextlib.contextmanager
def explained(phase: Phase) -> Iterator[None]:
    """What goes wrong before a mail is on its way, as a SendFailed: nothing was handed over."""
    try:
        yield
    except aiosmtplib.SMTPResponseException as refused:
        if refused.code < 400:  # no code at all, or one that has no place here
            raise Unreachable("the mail server does not speak SMTP as it should") from refused
        raise refusal_of(read_answer(refused.code, refused.message), phase) from refused
    except (aiosmtplib.SMTPException, OSError) as broken:
        raise Unreachable(_break_words(broken)) from broken


async def open_session(settings: SmtpSettings, *, http: Http, tokens: AccessTokens) -> Session:
    """A session that is logged in; SendFailed, with nothing sent, where there is none."""
    connected = await _connect(settings, http)
    client = aiosmtplib.SMTP(
        hostname=settings.smtp_host.rstrip("."),
        sock=connected,
        use_tls=settings.smtp_security == "tls",
        start_tls=False,
        tls_context=_trust(settings, http),
        local_hostname=ascii_domain(settings.address.rpartition("@")[2]),
        timeout=COMMAND_SECONDS,
    )
    with contextlib.ExitStack() as undo:
        undo.callback(client.close)
        await _greet(client, settings)
        await _log_in(client, settings, tokens)
        undo.pop_all()
    return Session(client)


async def _connect(settings: SmtpSettings, http: Http) -> socket.socket:
    host, port = settings.smtp_host, settings.submission_port
    addresses = (await http.admit_host(host, port))[:MAX_ADDRESSES]
    for address in addresses:
        # An address needs no look-up, so it is this one that is connected to.
        with contextlib.suppress(OSError):  # a time-out among them
            async with asyncio.timeout(CONNECT_SECONDS / len(addresses)):
                return await _dial(address, port)
    raise Unreachable(NO_CONNECTION)


async def _dial(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ip_address(address.partition("%")[0]).version == 6 else socket.AF_INET
    dialled = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each command waits for an answer
        dialled.settimeout(0)  # as asyncio wants it
        await asyncio.get_running_loop().sock_connect(dialled, (address, port))
    except BaseException:
        dialled.close()
        raise
    return dialled


def _trust(settings: SmtpSettings, http: Http) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=settings.smtp_ca) if settings.smtp_ca else http.tls


async def _greet(client: aiosmtplib.SMTP, settings: SmtpSettings) -> None:
    with explained("greeting"):
        await client.connect()
        await _say_hello(client)
        if settings.smtp_security != "starttls":
            return
        if not client.supports_extension("starttls"):
            raise Unreachable(NO_TLS, code="provider_auth", fix=NO_TLS_FIX)
        await client.starttls()
        await _say_hello(client)  # what was said in clear does not count (RFC 3207 4.2)


async def _say_hello(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        if not client.is_connected:
            raise
        await client.helo()


async def _log_in(client: aiosmtplib.SMTP, settings: SmtpSettings, tokens: AccessTokens) -> None:
    if settings.uses_oauth:
        await _log_in_by_token(client, settings, tokens)
    elif settings.smtp_password:
        await _log_in_by_password(client, settings.smtp_user or "", settings.smtp_password)


async def _log_in_by_password(client: aiosmtplib.SMTP, user: str, password: str) -> None:
    ways = {"plain": client.auth_plain, "login": client.auth_login, "cram-md5": client.auth_crammd5}
    offered = next((name for name in METHODS if name in client.server_auth_methods), None)
    if offered is None:
        raise Misconfigured(NO_LOGIN, fix="check smtp_host and smtp_port: this may not be the port for submission")
    with explained("login"):
        await ways[offered](user.encode(), password.encode())


async def _log_in_by_token(client: aiosmtplib.SMTP, settings: SmtpSettings, tokens: AccessTokens) -> None:
    if "xoauth2" not in client.server_auth_methods:
        raise Misconfigured(f"{NO_LOGIN}: it takes no OAuth 2", fix="give smtp_password in place of the oauth settings")
    user, token = settings.smtp_user or "", await tokens.fetch_token(settings)
    try:
        with explained("login"):
            await client.auth_xoauth2(user, token)
    except Misconfigured:  # withdrawn before its time: a fresh one tells whether the grant is
        token = await tokens.fetch_token(settings, refused=token)
        with explained("login"):
            await client.auth_xoauth2(user, token)


def _break_words(broken: BaseException) -> str:
    """Why a connection broke, for people: the certificate by name, all else in one word."""
    cause: BaseException | None = broken
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the TLS certificate of the mail server was not accepted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "no TLS connection to the mail server could be made"
        cause = cause.__cause__
    if isinstance(broken, TimeoutError):
        return "the mail server did not answer in time"
    return "the connection to the mail server broke"
