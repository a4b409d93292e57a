"""Turns: in order, at a rate, and never after the end."""

from __future__ import annotations

import asyncio
from random import Random

from gateway.demo.pacer import Pacer

FAST = 500.0


def run_until(count: int, *, waiting: int = 0, used_up: int = 0) -> tuple[list[int], int]:
    """Hand out turns until so many spare ones are gone: who had a turn, in order, and how many were spare."""

    async def run() -> tuple[list[int], int]:
        stop, spare, had = asyncio.Event(), 0, list[int]()

        def on_spare() -> None:
            nonlocal spare
            spare += 1
            if spare == count:
                stop.set()

        pacer = Pacer(FAST, Random(7), on_spare=on_spare)
        for _ in range(used_up):
            pacer.use_up()

        async def wait(number: int) -> None:
            if await pacer.take_turn():
                had.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(waiting):
                group.create_task(wait(number))
            group.create_task(pacer.run(stop))
        return had, spare

    return asyncio.run(run())


def test_those_who_wait_are_served_first_and_in_order() -> None:
    """A story that goes on comes before one that begins."""
    assert run_until(1, waiting=3) == ([0, 1, 2], 1)


def test_a_turn_nobody_waits_for_goes_to_somebody_new() -> None:
    """The rate is kept up: each spare turn begins a story."""
    assert run_until(3) == ([], 3)


def test_texts_sent_without_a_turn_are_paid_for() -> None:
    """Whoever writes three texts at once uses up the turns of two others, so the rate holds."""

    async def run() -> int:
        ticks, stop = 0, asyncio.Event()

        def on_spare() -> None:
            nonlocal ticks
            ticks += 1

        pacer = Pacer(FAST, Random(7), on_spare=on_spare)
        pacer.use_up()
        pacer.use_up()
        handing = asyncio.create_task(pacer.run(stop))
        while not ticks:  # noqa: ASYNC110 - the pacer tells by a call alone
            await asyncio.sleep(0)
        stop.set()
        await handing
        return ticks

    assert asyncio.run(run()) == 1


def test_after_the_end_there_are_no_turns() -> None:
    """Who waits when the traffic stops is told so, as is who comes later: no story hangs."""

    async def run() -> list[bool]:
        stop = asyncio.Event()
        pacer = Pacer(0.001, Random(7), on_spare=lambda: None)
        handing = asyncio.create_task(pacer.run(stop))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(pacer.take_turn())
        await asyncio.sleep(0)
        stop.set()
        await handing
        return [await waiting, await pacer.take_turn()]

    assert asyncio.run(run()) == [False, False]
