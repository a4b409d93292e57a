"""Remembered answers: found, found out of date, forgotten; one holder of a key at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context
from datetime import timedelta
from uuid import UUID

from inbox.kit.clock import utc_now
from inbox.kit.db import close_database, open_database, tx
from inbox.kit.idempotency import RememberedAnswer, find_answer, forget_requests, lock_request, remember_answer

ONE, OTHER = UUID(int=1), UUID(int=2)
ANSWER = RememberedAnswer(fingerprint=b"f", status=201, media_type="application/json", body=b"{}")
DAY = timedelta(hours=24)


@asynccontextmanager
async def database(url: str) -> AsyncIterator[None]:
    """The pool, for one test."""
    await open_database(url, size=3)
    try:
        yield
    finally:
        await close_database()


def test_an_answer_is_remembered_for_its_key_alone(database_url: str) -> None:
    """Keys of different API keys are free of each other."""

    async def run() -> None:
        async with database(database_url):
            async with tx():
                await remember_answer(ONE, "k", ANSWER)
            assert await find_answer(ONE, "k", younger_than=utc_now() - DAY) == ANSWER
            assert await find_answer(OTHER, "k", younger_than=utc_now() - DAY) is None
            assert await find_answer(ONE, "K", younger_than=utc_now() - DAY) is None

    asyncio.run(run())


def test_what_is_too_old_gives_way(database_url: str) -> None:
    """A key may be used for something new once its answer is no longer kept."""

    async def run() -> None:
        newer = RememberedAnswer(fingerprint=b"g", status=200, media_type="", body=b"")
        async with database(database_url):
            async with tx():
                await remember_answer(ONE, "k", ANSWER)
            assert await find_answer(ONE, "k", younger_than=utc_now() + DAY) is None
            async with tx():
                await remember_answer(ONE, "k", newer)
            assert await find_answer(ONE, "k", younger_than=utc_now() - DAY) == newer

    asyncio.run(run())


def test_forgetting_spares_what_is_young(database_url: str) -> None:
    """The chore deletes what is older than it is told, and counts it."""

    async def run() -> None:
        async with database(database_url):
            async with tx():
                await remember_answer(ONE, "k", ANSWER)
            assert await forget_requests(older_than=utc_now() - DAY) == 0
            assert await forget_requests(older_than=utc_now() + DAY) == 1

    asyncio.run(run())


def test_one_request_at_a_time_holds_a_key(database_url: str) -> None:
    """While a transaction holds a key no other gets it, and its end gives it back."""

    async def hold() -> bool:
        async with tx():
            return await lock_request(ONE, "k")

    async def run() -> None:
        async with database(database_url):
            async with tx():
                assert await lock_request(ONE, "k")
                assert not await asyncio.create_task(hold(), context=Context())
            assert await hold()

    asyncio.run(run())
