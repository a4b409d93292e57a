"""Things that come at the same time are done together: one transaction for all of them, as the journal does it.

Nothing is waited for: what comes while a batch is under way makes the next one, so batches grow with the load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Any, Generic, TypeAlias, TypeVar, cast

from inbox.kit.db import TRANSIENT

Item = TypeVar("Item")
Result = TypeVar("Result")
Work: TypeAlias = Callable[[Sequence[Item]], Awaitable[Sequence[Result]]]

MOST = 64
"""The most things of one batch."""


class Together(Generic[Item, Result]):
    """One kind of work, done for many at once: `work` gets items and returns a result for each, in their order."""

    def __init__(self, work: Work[Item, Result]) -> None:
        self._work = work
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._task: asyncio.Task[None] | None = None

    async def do(self, item: Item) -> Result:
        """Have it done with the next batch. What breaks a batch breaks only those who break it alone as well."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._task is None:
            # In nobody's name: the first to come is not who the others work for.
            self._task = asyncio.create_task(self._do_waiting(), context=Context())
        return await done

    async def _do_waiting(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._do_all([one for one in taken if not one[1].done()])
        finally:
            self._task = None

    async def _do_all(self, taken: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        if not taken:
            return
        try:
            results = await self._work([item for item, _ in taken])
        except Exception as error:  # noqa: BLE001 (handed to those it is about)
            await self._do_apart(taken, error)
            return
        for (_, done), result in zip(taken, results, strict=True):
            if not done.done():
                done.set_result(result)

    async def _do_apart(self, taken: Sequence[tuple[Item, asyncio.Future[Result]]], error: Exception) -> None:
        """A database that is away is away for all; anything else may be the doing of one of them."""
        if len(taken) > 1 and not isinstance(error, TRANSIENT):
            for one in taken:
                await self._do_all([one])
            return
        for _, done in taken:
            if not done.done():
                done.set_exception(error)


class Batches:
    """What one process does together, by kind."""

    def __init__(self) -> None:
        self._made: dict[Any, Together[Any, Any]] = {}

    def of(self, work: Work[Item, Result]) -> Together[Item, Result]:
        """The one place where this work is done."""
        return cast("Together[Item, Result]", self._made.setdefault(work, Together(work)))
