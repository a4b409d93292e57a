"""Together: what comes at once is done at once, and who breaks it breaks it alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from gateway.together import MOST, Batches, Together
from inbox.kit.tracing import request_id, working_for


class Doubling:
    """Work that doubles numbers, notes its batches, and breaks on what is unlucky; it can be held up."""

    def __init__(self, *, unlucky: int | None = None, error: Exception | None = None) -> None:
        self.batches: list[list[int]] = []
        self.go_on = asyncio.Event()
        self.unlucky = unlucky
        self.error = error or ValueError("unlucky")

    async def work(self, numbers: Sequence[int]) -> list[int]:
        """Twice each."""
        self.batches.append(list(numbers))
        await self.go_on.wait()
        if self.unlucky in numbers:
            raise self.error
        return [number * 2 for number in numbers]


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """In a loop of its own."""

    async def body() -> None:
        await scenario()

    asyncio.run(body())


async def ask(together: Together[int, int], numbers: Sequence[int]) -> list[asyncio.Task[int]]:
    """Ask for all, and let them begin."""
    tasks = [asyncio.create_task(together.do(number)) for number in numbers]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def test_what_comes_while_one_batch_is_under_way_makes_the_next() -> None:
    """The first is not kept waiting for company; each gets its own result."""

    async def scenario() -> None:
        doubling = Doubling()
        together = Together(doubling.work)
        first = await ask(together, [1])
        rest = await ask(together, [2, 3, 4])
        doubling.go_on.set()
        assert await asyncio.gather(*first, *rest) == [2, 4, 6, 8]
        assert doubling.batches == [[1], [2, 3, 4]]

    run(scenario)


def test_a_batch_has_a_limit() -> None:
    """However many wait, no batch is larger."""

    async def scenario() -> None:
        doubling = Doubling()
        doubling.go_on.set()
        tasks = await ask(Together(doubling.work), range(MOST * 2 + 1))
        assert await asyncio.gather(*tasks) == [number * 2 for number in range(MOST * 2 + 1)]
        assert max(map(len, doubling.batches)) <= MOST

    run(scenario)


def test_one_that_breaks_breaks_alone() -> None:
    """A batch that fails is done again one by one: only the culprit hears of the error."""

    async def scenario() -> None:
        doubling = Doubling(unlucky=3)
        together = Together(doubling.work)
        tasks = await ask(together, [1, 2, 3, 4])
        doubling.go_on.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert results[:2] == [2, 4]
        assert isinstance(results[2], ValueError)
        assert results[3] == 8

    run(scenario)


def test_a_database_that_is_away_is_away_for_all() -> None:
    """Nobody is tried again one by one against a server that is not there."""

    async def scenario() -> None:
        doubling = Doubling(unlucky=3, error=ConnectionResetError())
        together = Together(doubling.work)
        await ask(together, [0])
        tasks = await ask(together, [1, 2, 3])
        doubling.go_on.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [ConnectionResetError] * 3
        assert doubling.batches == [[0], [1, 2, 3]]

    run(scenario)


def test_who_has_gone_is_left_out() -> None:
    """Nothing is done for who was cancelled before the turn came."""

    async def scenario() -> None:
        doubling = Doubling()
        together = Together(doubling.work)
        await ask(together, [1])
        gone, stays = await ask(together, [2, 3])
        gone.cancel()
        await asyncio.wait([gone])
        doubling.go_on.set()
        assert await stays == 6
        assert doubling.batches == [[1], [3]]

    run(scenario)


def test_a_batch_works_in_nobodys_name() -> None:
    """The request of the first to come is not that of the others."""
    names: list[str | None] = []

    async def note(items: Sequence[int]) -> list[None]:
        names.append(request_id())
        return [None] * len(items)

    async def scenario() -> None:
        with working_for("request 1"):
            await Batches().of(note).do(1)

    run(scenario)
    assert names == [None]


def test_there_is_one_place_for_each_kind_of_work() -> None:
    """Who asks for the same work meets in the same batch."""
    batches, doubling = Batches(), Doubling()
    work = doubling.work
    assert batches.of(work) is batches.of(work)


@pytest.mark.parametrize("count", [0, 1])
def test_the_work_rests_when_nothing_waits(count: int) -> None:
    """Between batches there is no task that would have to be stopped."""

    async def scenario() -> None:
        doubling = Doubling()
        doubling.go_on.set()
        together = Together(doubling.work)
        for number in range(count):
            assert await together.do(number) == number * 2
        await asyncio.sleep(0)
        assert together._task is None

    run(scenario)
