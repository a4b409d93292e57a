"""A channel on a simulated mail server, and mails for it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from channels.contract import Account, Sent
from channels.email.sending.sender import MailSender
from channels.email.sending.transaction import Envelope
from channels.email.settings import SmtpSettings
from channels.errors import SendFailed
from channels.http import Http
from channels.simulators.mail import MailSimulator, ServerLooks, serve_mail
from tests.mail.certificates import make_certificate

OURS = "help@shop.example"
ANA = "ana@mail.example"
BEN = "ben@mail.example"
PASSWORD = "correct horse"


def mail(words: str = "Hello", *, number: int = 1) -> bytes:
    """A mail's bytes."""
    return f"From: {OURS}\r\nTo: {ANA}\r\nMessage-ID: <{number}@shop.example>\r\n\r\n{words}\r\n".encode()


def account(port: int, *, channel: str = "cha_1", host: str = "127.0.0.1", **settings: Any) -> Account:
    """The channel, by default without TLS."""
    given = {"smtp_security": "none", "sends_per_minute": 100_000, **settings}
    made = SmtpSettings(address=OURS, smtp_host=host, smtp_port=port, **given)
    return Account(channel_id=channel, settings=made, hook_url="https://gateway.example")


class Desk:
    """A sender, the server and the channel in one hand."""

    def __init__(self, server: MailSimulator, sender: MailSender, port: int) -> None:
        self.server = server
        self.sender = sender
        self.port = port

    async def send(self, *recipients: str, content: bytes | None = None, utf8: bool = False, **settings: Any) -> Sent:
        """One mail, to Ana if nobody is named."""
        envelope = Envelope(sender=OURS, recipients=list(recipients) or [ANA], utf8=utf8)
        where = account(self.port, **settings)
        return await self.sender.send_mail(where, envelope, content or mail(), message_id="1@shop.example")

    async def fail(self, *recipients: str, **more: Any) -> SendFailed:
        """One mail that must not go."""
        try:
            sent = await self.send(*recipients, **more)
        except SendFailed as failed:
            return failed
        raise AssertionError(f"it went: {sent}")


@asynccontextmanager
async def open_desk(
    *, looks: ServerLooks | None = None, tls: ssl.SSLContext | None = None, **http: Any
) -> AsyncIterator[Desk]:
    """Everything in place; what it sends goes to the server on this machine."""
    server = MailSimulator(looks=looks)
    client = Http(tls=tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), **{"allow": ["127.0.0.1", "localhost"], **http})
    sender = MailSender(client)
    async with serve_mail(server) as port:
        try:
            yield Desk(server, sender, port)
        finally:
            await sender.aclose()
            await client.aclose()


def secured(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A server's side of TLS for localhost, and the certificate to believe, in PEM."""
    made = make_certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context, made.pem
