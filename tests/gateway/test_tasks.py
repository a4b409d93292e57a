"""Work beside, and its end."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from gateway import tasks
from gateway.tasks import end_tasks, running


async def deaf(times: int) -> None:
    """Work that loses so many cancellations, as one does that comes at a bad moment."""
    for _ in range(times):
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    await asyncio.Event().wait()


def test_what_lost_its_cancellation_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """All have ended when we go on, however often a library swallowed the word."""
    monkeypatch.setattr(tasks, "INSIST_SECONDS", 0.01)

    async def body() -> list[bool]:
        told = [asyncio.create_task(deaf(times)) for times in (0, 1, 3)]
        await asyncio.sleep(0)
        await end_tasks(told)
        return [one.cancelled() for one in told]

    assert asyncio.run(body()) == [True, True, True]


def test_nothing_is_ended_at_once() -> None:
    """None to wait for is no error."""
    asyncio.run(end_tasks([]))


def test_work_beside_ends_with_what_it_stands_beside() -> None:
    """Also where that ends by an error, which is told; the work's own is in its task."""

    async def fails() -> None:
        raise ValueError("of the work")

    async def body() -> None:
        with pytest.raises(LookupError, match="of the body"):
            async with running(deaf(0)) as work:
                raise LookupError("of the body")
        assert work.cancelled()
        async with running(fails()) as failed:
            await asyncio.sleep(0)
        assert isinstance(failed.exception(), ValueError)

    asyncio.run(body())
