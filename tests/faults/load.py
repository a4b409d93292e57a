"""An open-model load: what is due is sent when it is due, whatever became of what was sent before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import count
from random import Random
from typing import TypeAlias

import msgspec

from tests.faults.history import Exchange, History

Deliver: TypeAlias = Callable[["Delivery"], Awaitable[tuple[int | None, int]]]
"""Sends one delivery; the last HTTP status, None for none, and how often it tried. It raises nothing."""


class Operation(msgspec.Struct, kw_only=True, frozen=True):
    """One thing to be taken once: the `sequence`-th of its conversation, known by its key."""

    key: str
    conversation: str
    sequence: int


class Delivery(msgspec.Struct, kw_only=True, frozen=True):
    """An operation and when it is due, in seconds from the beginning; `first` is the server tried first."""

    operation: Operation
    due: float
    first: int = 0


def make_operations(*, senders: int, amount: int, prefix: str = "+1555400") -> list[Operation]:
    """So many texts, the senders taking turns, numbered per sender; senders are `prefix` and four digits."""
    return [
        Operation(key=f"SM{number:032x}", conversation=f"{prefix}{number % senders:04d}", sequence=number // senders)
        for number in range(amount)
    ]


def endless_operations(tag: str, *, senders: int, prefix: str) -> Iterator[Operation]:
    """Texts without end, their keys told from others' by two hexadecimal letters."""
    for number in count():
        sender = f"{prefix}{number % senders:04d}"
        yield Operation(key=f"SM{tag}{number:030x}", conversation=sender, sequence=number // senders)


def at_rate(operations: Sequence[Operation], rate: float) -> list[Delivery]:
    """One after the other at a fixed rate a second, to the two gateways in turn."""
    return [
        Delivery(operation=operation, due=number / rate, first=number % 2)
        for number, operation in enumerate(operations)
    ]


def shuffled(
    deliveries: Iterable[Delivery], *, within: float, late: float, late_by: float, dice: Random
) -> list[Delivery]:
    """As networks do it: each is put off by up to `within` seconds, and a share of `late` by `late_by` more."""
    return [
        msgspec.structs.replace(one, due=one.due + dice.uniform(0, within) + (late_by if dice.random() < late else 0.0))
        for one in deliveries
    ]


def repeated(
    deliveries: Sequence[Delivery], *, share: float, copies: int, again_after: float, dice: Random
) -> list[Delivery]:
    """Some of them come several times at once, to both gateways, and once more after a while."""
    chosen = dice.sample(deliveries, int(len(deliveries) * share))
    extra = [msgspec.structs.replace(one, first=copy % 2) for one in chosen for copy in range(1, copies)]
    later = [msgspec.structs.replace(one, due=one.due + again_after) for one in chosen]
    return [*deliveries, *extra, *later]


async def blow(deliveries: Sequence[Delivery], deliver: Deliver, history: History) -> None:
    """Send each when it is due and note what came of it; returns when all have been answered or given up."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for delivery in sorted(deliveries, key=lambda one: one.due):
            await asyncio.sleep(max(0.0, began + delivery.due - time.monotonic()))
            group.create_task(_send(delivery, deliver, history, began=began))


async def blow_until(
    done: asyncio.Event, operations: Iterator[Operation], deliver: Deliver, *, rate: float, history: History
) -> None:
    """As `blow`, at a fixed rate a second for as long as something else takes."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number, operation in enumerate(operations):
            delivery = Delivery(operation=operation, due=number / rate, first=number % 2)
            await asyncio.sleep(max(0.0, began + delivery.due - time.monotonic()))
            if done.is_set():
                return
            group.create_task(_send(delivery, deliver, history, began=began))


async def during(storm: Awaitable[None], *faults: Awaitable[None]) -> None:
    """The faults happen while the storm blows; what one of them raises ends the run."""
    async with asyncio.TaskGroup() as group:
        for one in (storm, *faults):
            group.create_task(_awaited(one))


async def _send(delivery: Delivery, deliver: Deliver, history: History, *, began: float) -> None:
    operation = delivery.operation
    sent_at, late = time.time(), time.monotonic() - began - delivery.due
    answer, tries = await deliver(delivery)
    history.note(
        Exchange(
            key=operation.key,
            conversation=operation.conversation,
            sequence=operation.sequence,
            due=delivery.due,
            sent_at=sent_at,
            answer=answer,
            latency_ms=round((time.monotonic() - began - delivery.due) * 1000, 2),
            tries=tries,
            late_ms=round(late * 1000, 2),
        )
    )


async def _awaited(one: Awaitable[None]) -> None:
    await one
