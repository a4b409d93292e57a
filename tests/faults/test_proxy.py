"""The fault proxy does to a connection what it says, and nothing when told to pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.faults.proxy import (
    BLACKHOLE,
    DROP_ANSWERS,
    PASS,
    REFUSE,
    RESETTING,
    Behaviour,
    FaultProxy,
    open_proxy,
)

ASK = b"ask me\n"
ANSWER = b"0123456789" * 10


def with_line(scenario: Callable[[FaultProxy, list[bytes]], Awaitable[None]]) -> None:
    """A server that notes what it is asked and answers 100 bytes, and a line before it."""

    async def body() -> None:
        async with asked_server() as (port, asked), open_proxy(("127.0.0.1", port)) as line:
            await scenario(line, asked)

    asyncio.run(body())


@asynccontextmanager
async def asked_server() -> AsyncIterator[tuple[int, list[bytes]]]:
    """Its port, and what it was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            asked.append(line)
            writer.write(ANSWER)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()


async def ask(line: FaultProxy, *, seconds: float = 5.0) -> bytes:
    """One question by a connection of its own, and as much of the answer as comes."""
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        try:
            writer.write(ASK)
            return await reader.readexactly(len(ANSWER))
        finally:
            writer.close()


def test_it_passes_everything_on() -> None:
    """Told nothing, it is not noticed; it counts, and knows when something was asked."""

    async def scenario(line: FaultProxy, asked: list[bytes]) -> None:
        before = time.time()
        assert await ask(line) == ANSWER
        assert asked == [ASK]
        assert line.accepted == 1
        assert before <= line.asked[0] <= time.time()

    with_line(scenario)


def test_it_refuses_and_takes_again_at_the_same_port() -> None:
    """Refused connections are refused, those that stand are reset, and afterwards all is as before."""

    async def scenario(line: FaultProxy, asked: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        writer.write(ASK)
        assert await reader.readexactly(len(ANSWER)) == ANSWER
        port = line.port
        async with line.behaving(REFUSE):
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(1)
            with pytest.raises(ConnectionRefusedError):
                await ask(line)
        writer.close()
        assert await ask(line) == ANSWER
        assert line.port == port

    with_line(scenario)


def test_it_resets_each_connection() -> None:
    """A connection is taken and reset, and the server hears nothing."""

    async def scenario(line: FaultProxy, asked: list[bytes]) -> None:
        await line.behave(RESETTING)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await ask(line)
        assert asked == []

    with_line(scenario)


def test_a_blackhole_says_nothing_and_delivers_later() -> None:
    """Nothing passes either way while it lasts; then what was held back arrives, as TCP has it."""

    async def scenario(line: FaultProxy, asked: list[bytes]) -> None:
        await line.behave(BLACKHOLE)
        asking = asyncio.create_task(ask(line))
        await asyncio.sleep(0.1)
        assert not asking.done()
        assert asked == []
        await line.behave(PASS)
        assert await asking == ANSWER

    with_line(scenario)


def test_a_dropped_answer_was_taken() -> None:
    """The server has the request, the client has a reset: nobody who asked knows."""

    async def scenario(line: FaultProxy, asked: list[bytes]) -> None:
        await line.behave(DROP_ANSWERS)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await ask(line)
        assert asked == [ASK]

    with_line(scenario)


def test_an_answer_is_cut_after_so_many_bytes() -> None:
    """What came before the cut is handed on."""

    async def scenario(line: FaultProxy, asked: list[bytes]) -> None:
        await line.behave(Behaviour(cut_after=30))
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)) as cut:
            await ask(line)
        if isinstance(cut.value, asyncio.IncompleteReadError):
            assert len(cut.value.partial) <= 30

    with_line(scenario)


@pytest.mark.parametrize("slow", [Behaviour(delay=0.1), Behaviour(rate=700.0)])
def test_a_slow_line_is_slow(slow: Behaviour) -> None:
    """A delay for each piece, or so many bytes a second, in each direction."""

    async def scenario(line: FaultProxy, asked: list[bytes]) -> None:
        await line.behave(slow)
        began = time.monotonic()
        assert await ask(line) == ANSWER
        assert time.monotonic() - began >= 0.14

    with_line(scenario)
