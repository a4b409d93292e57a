"""An IMAP server that misbehaves as told: what no real one does on demand. It speaks the wire format of RFC 3501."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.mail.dovecot import PASSWORD

CAPABILITY = "IMAP4rev1 IDLE AUTH=XOAUTH2"
COMMAND = re.compile(r"(?P<tag>\S+) (?:UID )?(?P<name>\w+) ?(?P<rest>.*)")
REFUSED_TOKEN = b"+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"


class ScriptedImap:
    """A mailbox `mails` by UID. What it does wrong is set before it is asked; `heard` are the lines it was told.

    `tokens` are those it accepts; `poison` are UIDs at which it breaks off, `kept` such as it never hands out; `silent`
    are commands it never answers; `greeting`, `capability` and `after_starttls` are what it says; `liar` sends a mail
    of so many bytes whatever it announced; `counts` says whether it tells UIDNEXT, `chatter` how many lines it says
    beside an answer.
    """

    def __init__(self, mails: dict[int, bytes] | None = None) -> None:
        self.mails = mails or {}
        self.heard: list[str] = []
        self.tokens: set[str] = set()
        self.poison: set[int] = set()
        self.kept: set[int] = set()
        self.silent: set[str] = set()
        self.greeting = "* OK ready"
        self.capability = CAPABILITY
        self.after_starttls = "BAD no such thing"
        self.login_refusal: str | None = None
        self.liar = 0
        self.counts = True
        self.chatter = 0
        self.port = 0
        self._open: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def stop(self) -> None:
        """Break off what is still open, and wait until all of it has ended."""
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*(task for task in self._open if task), return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._open[asyncio.current_task()] = writer
        with suppress(ConnectionError):
            writer.write(f"{self.greeting}\r\n".encode())
            while line := await reader.readline():
                self.heard.append(line.decode().strip())
                found = COMMAND.fullmatch(self.heard[-1])
                if found and found["name"].upper() not in self.silent:
                    answer = self._answer(found["name"].upper(), found["rest"], writer, reader)
                    done = await answer
                    if done is None:
                        writer.transport.abort()
                        return
                    writer.write(f"{found['tag']} {done}\r\n".encode())
        writer.close()

    async def _answer(
        self, name: str, rest: str, writer: asyncio.StreamWriter, reader: asyncio.StreamReader
    ) -> str | None:
        """The tagged answer to a command; None breaks off."""
        match name:
            case "CAPABILITY":
                writer.write(f"* CAPABILITY {self.capability}\r\n".encode())
            case "STARTTLS":
                return self.after_starttls
            case "LOGIN":
                return self.login_refusal or ("OK in" if PASSWORD in rest else "NO [AUTHENTICATIONFAILED] no")
            case "AUTHENTICATE":
                return await self._authenticate(rest.rsplit(maxsplit=1)[-1], writer, reader)
            case "SELECT":
                writer.write(b"* 1 EXPUNGE\r\n" * self.chatter)
                following = f"* OK [UIDNEXT {max(self.mails, default=0) + 1}] next\r\n" if self.counts else ""
                writer.write(f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n{following}".encode())
            case "SEARCH":
                writer.write(f"* SEARCH {' '.join(map(str, self._chosen(rest.split()[1])))}\r\n".encode())
            case "FETCH":
                return self._fetch(rest, writer)
            case "IDLE":
                writer.write(b"+ idling\r\n")
                await reader.readline()
        return "OK done"

    async def _authenticate(self, said: str, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> str:
        if b64decode(said).decode().split("Bearer ")[1].strip("\1") in self.tokens:
            return "OK in"
        writer.write(REFUSED_TOKEN)
        await reader.readline()
        return "NO [AUTHENTICATIONFAILED] Invalid credentials"

    def _fetch(self, rest: str, writer: asyncio.StreamWriter) -> str | None:
        uids, _, items = rest.partition(" ")
        for uid in self._chosen(uids):
            mail = self.mails[uid]
            if "BODY" not in items:
                writer.write(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(mail)})\r\n".encode())
            elif uid in self.poison:
                return None
            elif uid not in self.kept:
                sent = b"x" * self.liar if self.liar else mail
                writer.write(b"* 1 FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, len(sent), sent))
        return "NO some are lost" if self.kept and "BODY" in items else "OK done"

    def _chosen(self, uids: str) -> list[int]:
        last = max(self.mails, default=0)
        chosen: set[int] = set()
        for one in uids.split(","):
            first, _, end = one.replace("*", str(last)).partition(":")
            low, high = sorted((int(first), int(end or first)))
            chosen |= {uid for uid in self.mails if low <= uid <= high}
        return sorted(chosen)


@asynccontextmanager
async def scripted_imap(mails: dict[int, bytes] | None = None) -> AsyncIterator[ScriptedImap]:
    """One on a free port of 127.0.0.1 while inside."""
    script = ScriptedImap(mails)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        await script.stop()
