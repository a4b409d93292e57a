"""Reading a test's own mailbox as the gateway would, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import msgspec

from channels.contract import RawEvent
from channels.email.imap.session import ImapSession, open_imap
from channels.email.imap.settings import ImapSettings
from channels.email.imap.watching import poll_mailbox
from channels.email.oauth import AccessTokens
from channels.http import Http
from tests.mail.dovecot import PASSWORD, Dovecot

LOOPBACK = ["127.0.0.0/8", "localhost"]
PATIENCE_SECONDS = 30.0
T = TypeVar("T")


def mailbox_settings(port: int, user: str, **changes: Any) -> ImapSettings:
    """The settings of a mailbox on this machine, read from its beginning over an open line."""
    given: dict[str, Any] = {
        "address": "help@shop.example",
        "smtp_host": "127.0.0.1",
        "imap_host": "127.0.0.1",
        "imap_port": port,
        "imap_security": "none",
        "imap_user": user,
        "imap_password": PASSWORD,
        "start": "all",
        "poll_seconds": 5,
    }
    return msgspec.convert(given | changes, ImapSettings)


class Reader:
    """Reads as the gateway does: to take the next is to have stored the one before. `cursor` is where to go on."""

    def __init__(self, settings: ImapSettings, connect: Callable[[], AbstractAsyncContextManager[ImapSession]]) -> None:
        self.settings = settings
        self.connect = connect
        self.cursor: str | None = None
        self.stored: list[RawEvent] = []

    @property
    def subjects(self) -> list[str]:
        """The subjects of what was stored, in its order."""
        return [subject_of(raw) for raw in self.stored]

    async def read(self, *, until: Callable[[], bool] | None = None) -> None:
        """Read until all is read, or until a condition holds that is asked after each step."""
        async with asyncio.timeout(PATIENCE_SECONDS), aclosing(self.follow()) as steps:
            async for quiet in steps:
                if until() if until else quiet:
                    return

    async def follow(self) -> AsyncGenerator[bool, None]:
        """Each step, stored: whether all was read by then."""
        async with aclosing(poll_mailbox(self.connect, self.settings, self.cursor)) as found:
            async for raw, cursor in found:
                if raw is not None:
                    self.stored.append(raw)
                self.cursor = cursor
                yield raw is None


def subject_of(raw: RawEvent) -> str:
    """The subject of a fetched mail; empty where it has none."""
    for line in raw.body.splitlines():
        if line.lower().startswith(b"subject:"):
            return line.partition(b":")[2].strip().decode("utf-8", "replace")
    return ""


@asynccontextmanager
async def open_reader(settings: ImapSettings) -> AsyncIterator[Reader]:
    """A reader with a client of its own."""
    http = Http(allow=LOOPBACK)
    try:
        yield Reader(settings, partial(open_imap, http, settings, tokens=AccessTokens(http)))
    finally:
        await http.aclose()


def run_reader(settings: ImapSettings, body: Callable[[Reader], Coroutine[Any, Any, None]]) -> None:
    """Run a test's body with a reader."""

    async def scenario() -> None:
        async with open_reader(settings) as reader:
            await body(reader)

    asyncio.run(scenario())


async def beside(work: Callable[[], T]) -> T:
    """Do what blocks, such as another client's commands, beside the event loop."""
    return await asyncio.to_thread(work)


def list_flags(server: Dovecot, user: str, folder: str = "INBOX") -> list[bytes]:
    """The flags of all mails of a folder, as another client sees them."""
    with server.client(user=user, folder=folder) as client:
        _, data = client.fetch("1:*", "(FLAGS)")
        return [line for line in data if isinstance(line, bytes)]


def count_mails(server: Dovecot, user: str, folder: str = "INBOX") -> int:
    """How many mails a folder has."""
    with server.client(user=user, folder=None) as client:
        return int(client.select(f'"{folder}"')[1][0] or 0)


Body = Callable[[Reader], Awaitable[None]]
