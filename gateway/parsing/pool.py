"""Asking the parsers: so many at once, each task with its deadline; whoever is late or dies is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

import msgspec
import structlog

from channels.contract import Media, RawEvent
from channels.events import AnyEvent
from channels.parts import Attachment
from gateway.directory import LiveChannel
from gateway.parsing.wire import (
    LENGTH,
    REQUEST,
    Answer,
    Parsed,
    Refused,
    Task,
    Unpacked,
    Wanted,
    decode_answer,
    encode,
)

log = structlog.get_logger()

FindRecords: TypeAlias = Callable[[list[str]], Awaitable[dict[str, str]]]
"""TXT records by their names, as far as there are any and they come in time."""

BUFFER_BYTES = 1 << 20
BIRTH_SECONDS = 10.0
"""How long a parser may take to be there, the imports of the first one included."""


class ParseFailed(Exception):
    """It cannot be parsed; `code` is stable: malformed, parse_error, parse_crashed."""

    def __init__(self, code: str, error: str) -> None:
        super().__init__(error)
        self.code = code


class ParseSlow(Exception):
    """It took longer than it was given, and was ended."""


class NoParser(OSError):
    """No parser can be had at the moment: as with a database that is away, nothing is said of the task."""


class ParserPool:
    """The parsers of one process. `quick` of them serve the batches, and one those who have left them.

    Nothing runs until somebody asks. Belongs to one event loop.
    """

    def __init__(
        self, adapters: Sequence[str], *, quick: int, memory_bytes: int, find_records: FindRecords | None = None
    ) -> None:
        self._find_records = find_records
        self._nursery = Nursery(adapters, memory_bytes=memory_bytes)
        self._quick = Places(self._nursery, quick)
        self._patient = Places(self._nursery, 1)

    async def parse(self, live: LiveChannel, raw: RawEvent, *, seconds: float, patient: bool = False) -> list[AnyEvent]:
        """The events of one request; ParseSlow or ParseFailed. The time begins when a parser takes it up.

        Where it wants records of the DNS, no parser waits for them: they are looked up, and it is asked once more.
        """
        places = self._patient if patient else self._quick
        answer = await places.ask(_task(live, raw, ask=self._find_records is not None), seconds=seconds)
        if isinstance(answer, Wanted) and self._find_records is not None:
            known = msgspec.structs.replace(raw, dns=await self._find_records(answer.names))
            answer = await places.ask(_task(live, known), seconds=seconds)
        if isinstance(answer, Parsed):
            return answer.events
        raise _failure(answer)

    async def unpack(self, live: LiveChannel, raw: RawEvent, attachment: Attachment, *, seconds: float) -> Media:
        """A file that lies in a request; fails as `parse` does."""
        answer = await self._patient.ask(_task(live, raw, attachment), seconds=seconds)
        if isinstance(answer, Unpacked):
            return answer.media
        raise _failure(answer)

    async def aclose(self) -> None:
        """End them all."""
        self._quick.close()
        self._patient.close()
        await self._nursery.aclose()
        await asyncio.sleep(0)  # the loop lets go of their lines in its next round


class Places:
    """So many parsers at once; idle ones are kept for the next task."""

    def __init__(self, nursery: Nursery, places: int) -> None:
        self._nursery = nursery
        self._room = asyncio.Semaphore(places)
        self._idle: list[Parser] = []

    async def ask(self, task: Task, *, seconds: float) -> Answer:
        """The answer of the next parser that is free; of a new one where an idle one has died, whatever of."""
        async with self._room:
            if self._idle:
                with suppress(ParseFailed):
                    return await self._ask(self._idle.pop(), task, seconds=seconds)
            return await self._ask(await self._nursery.bear(), task, seconds=seconds)

    async def _ask(self, parser: Parser, task: Task, *, seconds: float) -> Answer:
        answered = False
        try:
            async with asyncio.timeout(seconds):
                answer = await parser.ask(task)
            answered = True
        except TimeoutError as error:
            raise ParseSlow(f"parsing took longer than {seconds:g} s") from error
        except (OSError, EOFError) as error:
            raise ParseFailed("parse_crashed", "the parser died of it") from error
        finally:
            if answered:
                self._idle.append(parser)
            else:
                parser.kill()
        return answer

    def close(self) -> None:
        """End the idle ones."""
        while self._idle:
            self._idle.pop().kill()


class Parser:
    """One forked process, and the line to it."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self._reader = reader
        self._writer = writer

    async def ask(self, task: Task) -> Answer:
        """Its answer; EOFError or OSError if it dies of the task."""
        frame = encode(task)
        self._writer.write(LENGTH.pack(len(frame)))
        self._writer.write(frame)
        await self._writer.drain()
        head = await self._reader.readexactly(LENGTH.size)
        answer: Answer = decode_answer(await self._reader.readexactly(LENGTH.unpack(head)[0]))
        return answer

    def kill(self) -> None:
        """At once: it holds nothing of ours."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._writer.close()


class Nursery:
    """Our side of the process that parsers are forked from; started when the first is wanted, and again if it dies."""

    def __init__(self, adapters: Sequence[str], *, memory_bytes: int) -> None:
        self._adapters = adapters
        self._memory_bytes = memory_bytes
        self._line: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._alone = asyncio.Lock()

    async def bear(self) -> Parser:
        """A new parser; NoParser if none comes, also of a new nursery: then what is to be parsed waits where it is."""
        async with self._alone:
            with suppress(OSError, EOFError):
                return await self._bear_in_time()
            await self._end()
            try:
                return await self._bear_in_time()
            except (OSError, EOFError) as error:
                log.exception("parser_not_born")
                await self._end()
                raise NoParser("no parser could be started") from error

    async def _bear_in_time(self) -> Parser:
        async with asyncio.timeout(BIRTH_SECONDS):
            return await self._bear()

    async def aclose(self) -> None:
        """End it and all that were forked from it."""
        async with self._alone:
            await self._end()

    async def _bear(self) -> Parser:
        if self._process is None or self._process.returncode is not None or self._line is None:
            await self._end()
            self._line = await self._start()
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._line, [REQUEST], [theirs.fileno()])
        answer = await asyncio.get_running_loop().sock_recv(self._line, LENGTH.size)
        if len(answer) != LENGTH.size:
            ours.close()
            raise EOFError("the nursery has ended")
        ours.settimeout(0)
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=BUFFER_BYTES)
        return Parser(LENGTH.unpack(answer)[0], reader, writer)

    async def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            command = [sys.executable, "-m", "gateway.parsing.nursery", str(number), str(self._memory_bytes)]
            self._process = await asyncio.create_subprocess_exec(
                *command, *self._adapters, pass_fds=[number], stdin=asyncio.subprocess.DEVNULL, start_new_session=True
            )
        ours.settimeout(0)
        return ours

    async def _end(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
            self._process = None


def _task(live: LiveChannel, raw: RawEvent, attachment: Attachment | None = None, *, ask: bool = False) -> Task:
    return Task(
        adapter=live.adapter,
        channel_id=live.account.channel_id,
        hook_url=live.account.hook_url,
        settings=msgspec.json.encode(live.account.settings),
        raw=raw,
        attachment=attachment,
        ask=ask,
    )


def _failure(answer: Answer) -> ParseFailed:
    if isinstance(answer, Refused):
        return ParseFailed(answer.code, answer.error)
    return ParseFailed("parse_error", "the parser answered something else")
