"""A listener over a test's database, with an adapter that takes mail, and a client that speaks by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec

from channels.contract import Account, ChannelSettings, Medium, OutboundMessage, RawEvent, Sent, SetupStep
from channels.email.limits import EMAIL_LIMITS
from channels.email.settings import EmailSettings
from channels.events import AnyEvent
from gateway.runtime import Runtime
from gateway.smtpd import Listening, open_smtpd
from inbox.accounts.actions import connect_channel
from inbox.kit.db import fetch
from inbox.kit.ids import show_id
from tests.gateway.runtimes import open_test_runtime
from tests.inbox.builders import AGENT, committed

MAIL = b"From: ana@mail.example\r\nSubject: Hello\r\nMessage-ID: <1@mail.example>\r\n\r\nHello there\r\n"
HOST = "127.0.0.1"


class Letters:
    """An adapter that takes mail and sends none."""

    name = "email-letters"
    medium: Medium = "email"
    provider = "letters"
    limits = EMAIL_LIMITS
    settings: type[ChannelSettings] = EmailSettings
    takes_mail: Literal[True] = True

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """Not here."""
        raise AssertionError("nothing is sent")

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """Left in the journal."""
        return []

    def setup_steps(self, account: Account) -> list[SetupStep]:
        """None."""
        return []


class Journaled(msgspec.Struct):
    """What the journal has of a mail."""

    channel_id: str
    kind: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """A client that speaks line by line, as any stranger may."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def hear(self) -> str:
        """The next answer, its lines joined; "" where the connection ended."""
        lines = []
        while line := (await asyncio.wait_for(self._reader.readline(), 30)).decode().rstrip():
            lines.append(line)
            if line[3:4] != "-":
                break
        return "\n".join(lines)

    async def say(self, line: str) -> str:
        """A command, and the answer to it."""
        self._writer.write(line.encode() + b"\r\n")
        return await self.hear()

    async def pour(self, content: bytes) -> str:
        """Bytes as they are, and the answer after them."""
        self._writer.write(content)
        return await self.hear()

    async def post(self, content: bytes, *recipients: str, sender: str = "ana@mail.example") -> list[str]:
        """A whole mail: the answers to it, in order."""
        answers = [await self.say(f"MAIL FROM:<{sender}>")]
        answers += [await self.say(f"RCPT TO:<{recipient}>") for recipient in recipients]
        answers.append(await self.say("DATA"))
        return [*answers, await self.pour(content + b".\r\n")] if answers[-1].startswith("354") else answers

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


@asynccontextmanager
async def open_letters(
    database_url: str, folder: Path, *, lmtp: bool = False, **settings: Any
) -> AsyncIterator[tuple[Runtime, int]]:
    """A listener on a free port."""
    async with open_test_runtime(database_url, folder, adapter=Letters(), **settings) as runtime:
        await runtime.directory.refresh()
        async with open_smtpd(runtime, Listening(host=HOST, port=0, lmtp=lmtp)) as port:
            yield runtime, port


async def hold(runtime: Runtime, address: str, *aliases: str) -> str:
    """A channel that holds these addresses."""
    settings = {"address": address, "aliases": list(aliases)}
    making = connect_channel("email-letters", address, settings=settings, catalogue=runtime.catalogue, actor=AGENT)
    channel = await committed(making)
    await runtime.directory.refresh()
    return show_id("cha", channel)


@asynccontextmanager
async def call(port: int, *, greet: str = "EHLO mx.mail.example") -> AsyncIterator[Peer]:
    """A connection that was greeted, and says who it is."""
    peer = Peer(*await asyncio.open_connection(HOST, port))
    try:
        assert (await peer.hear()).startswith("220")
        if greet:
            assert (await peer.say(greet)).startswith("250")
        yield peer
    finally:
        peer.close()


async def journaled() -> list[Journaled]:
    """All mails of the journal, in its order."""
    rows = await fetch("SELECT channel_id, kind, method, url, headers, body FROM raw_event ORDER BY id")
    return [
        Journaled(
            channel_id=show_id("cha", row["channel_id"]),
            kind=row["kind"],
            method=row["method"],
            url=row["url"],
            headers=msgspec.json.decode(row["headers"]),
            body=row["body"],
        )
        for row in rows
    ]
