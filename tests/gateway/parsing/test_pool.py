"""Parsers: what strangers wrote costs a parser at the worst, and never the process that asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import psutil
import pytest

from channels.contract import Account, RawEvent
from channels.events import AnyEvent
from channels.parts import Attachment
from gateway.directory import LiveChannel
from gateway.parsing import ParseFailed, ParserPool, ParseSlow
from tests.gateway.parsing.hostile import install_adapter
from tests.inbox.builders import PlainSettings, text_message, until

CHANNEL = UUID(int=7)
LIVE = LiveChannel(
    id=CHANNEL, adapter="sms-plain", medium="sms", provider="plain", name="test", realm="", addresses=(),
    status="active", version=1,
    account=Account(channel_id="cha_7", settings=PlainSettings(number="+12125550199", account="AC1"), hook_url=""),
)  # fmt: skip
MEMORY = 200_000_000


def said(text: str) -> AnyEvent:
    """One message."""
    return text_message(text, key=f"key of {text[:20]}")


def raw(*texts: str) -> RawEvent:
    """A request with these messages."""
    body = msgspec.json.encode([said(text) for text in texts])
    at = datetime(2026, 11, 21, tzinfo=UTC)
    return RawEvent(kind="mail", method="POST", url="", headers={}, body=body, received_at=at)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[ParserPool], Awaitable[None]]], None]:
    """Runs a test's body with parsers of the hostile adapter."""
    monkeypatch.setenv("PYTHONPATH", install_adapter(tmp_path))

    def run_body(body: Callable[[ParserPool], Awaitable[None]]) -> None:
        async def opened() -> None:
            pool = ParserPool(["sms-plain"], quick=2, memory_bytes=MEMORY)
            try:
                await body(pool)
            finally:
                await pool.aclose()

        asyncio.run(opened())

    return run_body


def test_events_come_back_as_they_were_parsed(run: Callable[[Callable[[ParserPool], Awaitable[None]]], None]) -> None:
    """Typed, whole and in their order, from a request of any size."""

    async def body(pool: ParserPool) -> None:
        long = "ü" * 3_000_000
        [first, second] = await pool.parse(LIVE, raw("one", long), seconds=60)
        assert (first, second) == (said("one"), said(long))

    run(body)


@pytest.mark.parametrize(
    ("word", "code"), [("hoard", "parse_error"), ("die", "parse_crashed"), ("refuse", "malformed")]
)
def test_what_breaks_a_parser_is_its_own_trouble(
    run: Callable[[Callable[[ParserPool], Awaitable[None]]], None], word: str, code: str
) -> None:
    """Memory has a limit and death is noticed; each has its stable code, and the next request finds a parser."""

    async def body(pool: ParserPool) -> None:
        for _ in range(3):
            with pytest.raises(ParseFailed) as failed:
                await pool.parse(LIVE, raw(word), seconds=60)
            assert failed.value.code == code
        assert await pool.parse(LIVE, raw("well"), seconds=60) == [said("well")]

    run(body)


def test_what_takes_too_long_is_ended(run: Callable[[Callable[[ParserPool], Awaitable[None]]], None]) -> None:
    """Its process is gone, and so is nobody else's."""

    async def body(pool: ParserPool) -> None:
        await pool.parse(LIVE, raw("warm"), seconds=60)
        before = set(forked())
        with pytest.raises(ParseSlow):
            await pool.parse(LIVE, raw("spin"), seconds=0.2)

        async def one_less() -> bool:
            return len(before - set(forked())) == 1

        await until(one_less)
        assert await pool.parse(LIVE, raw("well"), seconds=60) == [said("well")]

    run(body)


def test_those_who_wait_are_served_by_turns(run: Callable[[Callable[[ParserPool], Awaitable[None]]], None]) -> None:
    """The time a request is given begins when a parser takes it up, however many stand before it."""

    async def body(pool: ParserPool) -> None:
        await pool.parse(LIVE, raw("warm"), seconds=60)
        texts = ["spin", "spin", "spin", "spin", *(f"m{n}" for n in range(40))]
        answers = await asyncio.gather(
            *(pool.parse(LIVE, raw(text), seconds=1.5) for text in texts), return_exceptions=True
        )
        assert [type(one) for one in answers[:4]] == [ParseSlow] * 4
        assert answers[4:] == [[said(f"m{n}")] for n in range(40)]

    run(body)


def test_a_file_is_taken_out_where_it_is_parsed(run: Callable[[Callable[[ParserPool], Awaitable[None]]], None]) -> None:
    """Not by the process that asks."""

    async def body(pool: ParserPool) -> None:
        media = await pool.unpack(LIVE, raw("words"), Attachment(url="mail:1"), seconds=60)
        assert media.content == raw("words").body
        assert media.name != str(os.getpid())

    run(body)


def test_a_nursery_that_dies_is_replaced(run: Callable[[Callable[[ParserPool], Awaitable[None]]], None]) -> None:
    """The next parser comes from a new one."""

    async def body(pool: ParserPool) -> None:
        await pool.parse(LIVE, raw("warm"), seconds=60)
        for process in [*nurseries(), *forked()]:
            process.kill()
        await asyncio.sleep(0.2)
        assert await pool.parse(LIVE, raw("well"), seconds=60) == [said("well")]

    run(body)


def test_nothing_is_left_when_it_ends(run: Callable[[Callable[[ParserPool], Awaitable[None]]], None]) -> None:
    """Not even a parser that hangs."""

    async def body(pool: ParserPool) -> None:
        await pool.parse(LIVE, raw("warm"), seconds=60)
        hanging = asyncio.create_task(pool.parse(LIVE, raw("spin"), seconds=60))
        await asyncio.sleep(0.2)
        hanging.cancel()
        await asyncio.wait([hanging])

    run(body)
    assert not nurseries()


def nurseries() -> list[psutil.Process]:
    """The processes of this one's that parsers are forked from."""
    return [one for one in psutil.Process().children() if "gateway.parsing.nursery" in " ".join(one.cmdline())]


def forked() -> list[psutil.Process]:
    """The parsers."""
    return [child for nursery in nurseries() for child in nursery.children() if child.status() != "zombie"]
