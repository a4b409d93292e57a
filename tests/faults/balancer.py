"""A small load balancer: it asks each gateway whether it is ready, and hands connections to those that are, in turn.

It tries no other gateway when one fails: what is refused or broken off reaches the client and is counted there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count

import aiohttp

from tests.faults.proxy import open_line, reset_connection

CHECK_SECONDS = 0.25
PATIENCE_SECONDS = 2.0
CHUNK_BYTES = 65_536


class Balancer:
    """`ports` are the gateways behind it; `ready` those that said so last, with 200, at the path `probe`."""

    def __init__(self) -> None:
        self.port = 0
        self.ports: list[int] = []
        self.ready: set[int] = set()
        self.probe = "/health/ready"
        self._turns = count()
        self._server: asyncio.Server | None = None
        self._checking: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Listen, and look after the gateways."""
        self._server = await asyncio.start_server(self._hand_on, "127.0.0.1", 0, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        self._checking = asyncio.create_task(self._check())

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
        if self._checking is not None:
            self._checking.cancel()
            with suppress(asyncio.CancelledError):
                await self._checking

    async def all_ready(self) -> bool:
        """Whether every gateway behind it is ready."""
        return set(self.ports) <= self.ready

    async def _check(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS)) as session:
            looks: dict[int, asyncio.Task[None]] = {}
            while True:
                for port in self.ports:
                    if port not in looks or looks[port].done():  # a slow one keeps nobody from seeing to the others
                        looks[port] = asyncio.create_task(self._look(session, port))
                await asyncio.sleep(CHECK_SECONDS)

    async def _look(self, session: aiohttp.ClientSession, port: int) -> None:
        try:
            async with session.get(f"http://127.0.0.1:{port}{self.probe}") as answer:
                well = answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            well = False
        (self.ready.add if well else self.ready.discard)(port)

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ready = [port for port in self.ports if port in self.ready]
        if not ready:
            return reset_connection(writer)
        try:
            far_reader, far_writer = await open_line(("127.0.0.1", ready[next(self._turns) % len(ready)]))
        except OSError:
            return reset_connection(writer)
        asking = asyncio.create_task(_pump(reader, far_writer))
        answering = asyncio.create_task(_pump(far_reader, writer))
        await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
        for task in (asking, answering):
            task.cancel()
        await asyncio.gather(asking, answering, return_exceptions=True)
        far_writer.close()
        writer.close()
        return None


@asynccontextmanager
async def open_balancer() -> AsyncIterator[Balancer]:
    """One that is open while inside."""
    balancer = Balancer()
    await balancer.open()
    try:
        yield balancer
    finally:
        await balancer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
