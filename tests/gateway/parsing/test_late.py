"""What takes long to parse delays nobody: it leaves its batch, is flagged, and joins its conversation later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from channels.events import AnyEvent
from gateway.projector import Projector
from inbox.intake.queries import count_waiting
from inbox.kit.db import fetch
from tests.gateway.desks import Desk, messages
from tests.gateway.parsing.hostile import Hostile, install_adapter
from tests.gateway.runtimes import connect, open_test_runtime
from tests.inbox.builders import text_message

LAG_SECONDS = 5.0
"""Far more than the promise, which holds on a machine that does nothing else: a parse on the loop would never end."""

Run: TypeAlias = Callable[..., None]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a test's body at a desk whose adapter is hostile."""
    monkeypatch.setenv("PYTHONPATH", install_adapter(tmp_path))

    def run_body(body: Callable[[Desk], Awaitable[None]], **settings: Any) -> None:
        async def opened() -> None:
            async with open_test_runtime(database_url, tmp_path / "data", adapter=Hostile(), **settings) as runtime:
                desk = Desk(runtime, Hostile())  # type: ignore[arg-type]  # nothing of it is scripted
                await warm(desk)
                await body(desk)
                await desk.projector.stop()

        asyncio.run(opened())

    return run_body


async def warm(desk: Desk) -> None:
    """The first parser takes as long as its imports; a service has that behind it."""
    lane = await connect(desk.runtime, "+12125550777")
    await desk.journal(lane, [text_message("warm", key="warm")])
    await desk.finish()


async def quarantined() -> list[tuple[int, str]]:
    """What waits in quarantine, with its code."""
    rows = await fetch("SELECT raw_event_id, code FROM quarantine WHERE resolved_at IS NULL ORDER BY raw_event_id")
    return [(row["raw_event_id"], row["code"]) for row in rows]


async def texts() -> set[str]:
    """All words that are in conversations."""
    return {row["text"] for row in await fetch("SELECT text FROM entry WHERE type = 'message'")} - {"warm"}


def test_one_slow_request_delays_no_other(run: Run) -> None:
    """It is flagged while the others are stored, and joins with the next look, once and for all."""

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        await desk.journal(lane, *messages(2), [text_message("dawdle", key="slow")], *messages(2, 2))
        await desk.finish()
        assert await texts() == {"m0", "m1", "m2", "m3"}
        assert [code for _, code in await quarantined()] == ["parse_slow"]
        await desk.projector.join_late()
        assert await texts() == {"m0", "m1", "m2", "m3", "dawdle"}
        assert await quarantined() == []
        await desk.projector.join_late()
        assert len(await fetch("SELECT FROM entry WHERE text = 'dawdle'")) == 1

    run(body, parse_batch_seconds=1.5, parse_deadline_seconds=30.0)


def test_what_never_ends_is_given_up_once(run: Run) -> None:
    """Its last word stands in the quarantine, where an operator may replay it; it is not tried again and again."""

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        await desk.journal(lane, [text_message("spin", key="spin")])
        await desk.finish()
        await desk.projector.join_late()
        [(number, code)] = await quarantined()
        assert code == "parse_timeout"
        began = time.monotonic()
        await desk.projector.join_late()
        assert time.monotonic() - began < desk.runtime.settings.parse_deadline_seconds
        failures = await desk.projector.replay([number])
        assert [failure.code for failure in failures] == ["parse_timeout"]

    run(body)


def test_poison_among_many_delays_nobody_and_stops_no_clock(
    run: Run,
) -> None:
    """Twelve that never end, take all memory or kill their parser, among sixty others: kept, flagged, passed by."""

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        poison: list[list[AnyEvent]] = [
            [text_message(word, key=f"{word}{n}")] for n in range(3) for word in ("spin", "hoard", "die", "refuse")
        ]
        requests: list[list[AnyEvent]] = [one for n in range(12) for one in ([*messages(5, 5 * n), poison[n]])]
        lag = asyncio.create_task(worst_lag())
        began = time.monotonic()
        await desk.journal(lane, *requests)
        await desk.finish()
        took = time.monotonic() - began
        lag.cancel()
        assert len(await quarantined()) >= len(poison)
        assert took < 60
        assert WORST[0] < LAG_SECONDS
        await desk.projector.join_late()  # on a busy machine one of the others may be among those
        assert await texts() == {f"m{n}" for n in range(60)}
        codes = sorted(code for _, code in await quarantined())
        assert codes == sorted(["parse_timeout", "parse_error", "parse_crashed", "malformed"] * 3)

    run(body)


WORST = [0.0]


async def worst_lag() -> None:
    """How late the event loop ever was, in seconds."""
    WORST[0] = 0.0
    while True:
        due = time.monotonic() + 0.02
        await asyncio.sleep(0.02)
        WORST[0] = max(WORST[0], time.monotonic() - due)


def test_two_processes_join_late_ones_once(run: Run) -> None:
    """One is at it, the other leaves it alone."""

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        await desk.journal(lane, [text_message("dawdle", key="slow")])
        await desk.finish()
        other = Projector(desk.runtime)
        await asyncio.gather(desk.projector.join_late(), other.join_late())
        assert await texts() == {"dawdle"}
        assert len(await fetch("SELECT FROM entry WHERE text = 'dawdle'")) == 1
        assert await count_waiting() == 0

    run(body, parse_deadline_seconds=30.0)
