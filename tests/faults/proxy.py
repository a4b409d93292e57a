"""A line between a program and a server, whose behaviour can be changed while it runs: the network as it really is.

It stands before Postgres, Redis and the simulated providers, and knows none of their protocols. What was read and must
not pass is held back, so that a line that works again delivers it, as TCP does after an outage.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Literal, TypeAlias

import msgspec

CHUNK_BYTES = 65_536
KEPT_MOMENTS = 100_000
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: on, 0 s, which makes a close an RST."""

Target: TypeAlias = tuple[str, int] | Path


class Behaviour(msgspec.Struct, frozen=True):
    """What the line does.

    `pass`: hand on; `refuse`: no connection, those there are reset; `reset`: each connection is accepted and reset;
    `blackhole`: connections stand and nothing passes. `delay` in seconds for each piece handed on, `answer_delay` for
    each piece of an answer, `rate` in bytes a second for each direction, `cut_after` so many bytes of answer and then a
    reset, `dropped` the chance that an answer is not handed on and its connection reset, the request having been taken.
    """

    mode: Literal["pass", "refuse", "reset", "blackhole"] = "pass"
    delay: float = 0.0
    answer_delay: float = 0.0
    rate: float | None = None
    cut_after: int | None = None
    dropped: float = 0.0


PASS = Behaviour()
REFUSE = Behaviour(mode="refuse")
RESETTING = Behaviour(mode="reset")
BLACKHOLE = Behaviour(mode="blackhole")
DROP_ANSWERS = Behaviour(dropped=1.0)


class FaultProxy:
    """One line: it listens on a loopback `port` that stays the same while it is open.

    `accepted` counts connections, `asked` are the moments (Unix time) at which something was asked of the server.
    """

    def __init__(self, target: Target, *, seed: int = 7) -> None:
        self.target = target
        self.port = 0
        self.accepted = 0
        self.asked: deque[float] = deque(maxlen=KEPT_MOMENTS)
        self.behaviour = PASS
        self._dice = Random(seed)
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._link, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Reset what stands and listen no more."""
        await self._stop_listening()
        self.cut()

    async def behave(self, behaviour: Behaviour) -> None:
        """Behave so from now on, also towards the connections that stand."""
        self.behaviour = behaviour
        self._changed.set()
        self._changed = asyncio.Event()
        if behaviour.mode == "refuse":
            await self._stop_listening()
        elif self._server is None:
            await self.open()
        if behaviour.mode in {"refuse", "reset"}:
            self.cut()

    @asynccontextmanager
    async def behaving(self, behaviour: Behaviour) -> AsyncIterator[None]:
        """Behave so for a while, and then pass everything on."""
        await self.behave(behaviour)
        try:
            yield
        finally:
            await self.behave(PASS)

    def cut(self) -> None:
        """Reset every connection that stands; new ones are taken as before."""
        for writer in list(self._links):
            reset_connection(writer)

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            await asyncio.sleep(0)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first byte to its last."""
        self.accepted += 1
        self._links.add(writer)
        try:
            if self.behaviour.mode == "reset":
                return reset_connection(writer)
            far_reader, far_writer = await open_line(self.target)
            self._links.add(far_writer)
            try:
                await self._pump_both(reader, writer, far_reader=far_reader, far_writer=far_writer)
            finally:
                self._links.discard(far_writer)
                reset_connection(far_writer)
        except OSError:
            reset_connection(writer)
        finally:
            self._links.discard(writer)
            writer.close()
        return None

    async def _pump_both(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        """Until either side ends; what the server still had to say is handed on."""
        asking = asyncio.create_task(self._pump(reader, far_writer, answers=False))
        answering = asyncio.create_task(self._pump(far_reader, writer, answers=True))
        await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
        for task in (asking, answering):
            task.cancel()
        await asyncio.gather(asking, answering, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        passed = 0
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                if not answers:
                    self.asked.append(time.time())
                await self._hold_back(len(chunk), answers=answers)
                behaviour = self.behaviour
                if answers and behaviour.dropped and self._dice.random() < behaviour.dropped:
                    return reset_connection(writer)
                if answers and behaviour.cut_after is not None and passed + len(chunk) > behaviour.cut_after:
                    writer.write(chunk[: max(0, behaviour.cut_after - passed)])
                    await writer.drain()
                    return reset_connection(writer)
                passed += len(chunk)
                writer.write(chunk)
                await writer.drain()
        return None

    async def _hold_back(self, size: int, *, answers: bool) -> None:
        """Wait as long as this many bytes have to wait, and while nothing passes at all."""
        behaviour = self.behaviour
        pause = behaviour.delay + (size / behaviour.rate if behaviour.rate else 0.0)
        pause += behaviour.answer_delay if answers else 0.0
        if pause:
            await asyncio.sleep(pause)
        while self.behaviour.mode == "blackhole":
            await self._changed.wait()


async def open_line(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to a TCP address or a Unix socket."""
    if isinstance(target, Path):
        return await asyncio.open_unix_connection(target)
    return await asyncio.open_connection(*target)


def reset_connection(writer: asyncio.StreamWriter) -> None:
    """End a connection at once, with an RST where it is TCP."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family == socket.AF_INET:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


@asynccontextmanager
async def open_proxy(target: Target, *, seed: int = 7) -> AsyncIterator[FaultProxy]:
    """A line that is open while inside."""
    proxy = FaultProxy(target, seed=seed)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
