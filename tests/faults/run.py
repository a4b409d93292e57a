"""What every fault run is as a command: a process group of its own, bounded in time, one JSON line, an exit code."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import msgspec

from tests.faults.checker import Verdict
from tests.faults.history import History
from tests.faults.site import Site

SHORT_SLACK = 6
"""By how much a short run may be slower than a whole one."""
NOTHING = Verdict(acknowledged=0, stored=0, lost=0, doubled=0, out_of_order=0, stranded=0)


class Figure(msgspec.Struct, kw_only=True, frozen=True):
    """One number a promise is judged by. `limit` is the most it may be, or with `least` the least."""

    promise: str
    name: str
    value: float
    limit: float
    least: bool = False

    @property
    def kept(self) -> bool:
        """Whether the promise holds by it."""
        return self.value >= self.limit if self.least else self.value <= self.limit


class Skipped(msgspec.Struct, kw_only=True, frozen=True):
    """A promise that could not be tried here, and why."""

    promise: str
    reason: str


class Stage(msgspec.Struct, kw_only=True):
    """What a run works with. `short` runs are for every change, whole ones for a release."""

    site: Site
    folder: Path
    history: History
    dice: Random
    short: bool
    clock: Clock
    figures: list[Figure] = []
    skipped: list[Skipped] = []

    def most(self, promise: str, name: str, *, value: float, limit: float) -> None:
        """A figure that may not be more than its limit."""
        self.figures.append(Figure(promise=promise, name=name, value=round(value, 4), limit=limit))

    def timed(self, promise: str, name: str, *, value: float, limit: float) -> None:
        """A speed that may not be more than its limit; a short run shares its machine with other tests, so it may."""
        self.most(promise, name, value=value, limit=limit * (SHORT_SLACK if self.short else 1))

    def least(self, promise: str, name: str, *, value: float, limit: float) -> None:
        """A figure that may not be less than its limit."""
        self.figures.append(Figure(promise=promise, name=name, value=round(value, 4), limit=limit, least=True))

    def none_of(self, promise: str, **values: float) -> None:
        """Figures that have to be 0."""
        for name, value in values.items():
            self.most(promise, name, value=value, limit=0)

    def skip(self, promise: str, reason: str) -> None:
        """Say aloud that a promise was not tried."""
        self.skipped.append(Skipped(promise=promise, reason=reason))
        say(f"{promise} skipped: {reason}")


Main: TypeAlias = Callable[[Stage], Awaitable[Verdict]]


def main(name: str, run: Main, *, seconds: float, **settings: str) -> None:
    """Read the arguments, run, print the one line, and exit with 0 if every promise was kept, else 1."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--short", action="store_true", help="the form of some seconds, for every change")
    parser.add_argument("--seed", type=int, default=7, help="of everything random in it")
    parser.add_argument("--keep", type=Path, help="a folder in which to leave the history and the logs")
    options = parser.parse_args()
    if not sys.stdin.isatty():
        os.setpgrp()
    with tempfile.TemporaryDirectory(prefix="switchboard-faults-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # as root, Postgres runs as somebody else
        result = asyncio.run(_run(name, run, folder, options, seconds=seconds, settings=settings))
    print(json.dumps(result))  # noqa: T201 (the result)
    sys.exit(0 if result["kept"] else 1)


class Clock:
    """Says how long each part of a run took."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def lap(self, part: str) -> None:
        """A part has ended."""
        now = time.monotonic()
        say(f"{part}: {now - self._last:.1f} s")
        self._last = now


def say(words: str) -> None:
    """Progress, beside the one line."""
    print(words, file=sys.stderr, flush=True)  # noqa: T201 (as said)


async def _run(
    name: str, run: Main, folder: Path, options: argparse.Namespace, *, seconds: float, settings: dict[str, str]
) -> dict[str, Any]:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    stage = Stage(
        site=Site(folder, **settings),
        folder=folder,
        history=History(folder / "history.jsonl"),
        dice=Random(options.seed),
        short=options.short,
        clock=Clock(),
    )
    began = time.monotonic()
    error = None
    verdict = NOTHING
    try:
        async with asyncio.timeout(seconds):
            verdict = await run(stage)
    except Exception as failure:  # noqa: BLE001 (a run that breaks off says so in its line as well)
        traceback.print_exception(failure)
        error = f"{type(failure).__name__}: {failure}"
    finally:
        took = time.monotonic() - began
        stage.history.close()
        await stage.site.aclose()
    result = describe_run(name, stage, verdict, took=took, seed=options.seed)
    return result if error is None else result | {"kept": False, "error": error}


def describe_run(name: str, stage: Stage, verdict: Verdict, *, took: float, seed: int) -> dict[str, Any]:
    """The one line."""
    broken = [one for one in stage.figures if not one.kept]
    for one in broken:
        say(f"{one.promise} broken: {one.name} is {one.value}, {'at least' if one.least else 'at most'} {one.limit}")
    return {
        "run": name,
        "short": stage.short,
        "seed": seed,
        "seconds": round(took, 1),
        "kept": verdict.clean and not broken,
        **msgspec.structs.asdict(verdict),
        "promises": group_figures(stage.figures),
        "skipped": {one.promise: one.reason for one in stage.skipped},
    }


def group_figures(figures: list[Figure]) -> dict[str, dict[str, Any]]:
    """Promise -> its figures by name, the worst where measured several times, with limit and whether it was kept."""
    promises: dict[str, dict[str, Any]] = {}
    for one in figures:
        bound = "least" if one.least else "most"
        found = promises.setdefault(one.promise, {})
        worst = found.get(one.name, {}).get("value", one.value)
        value = min(worst, one.value) if one.least else max(worst, one.value)
        kept = one.kept and found.get(one.name, {}).get("kept", True)
        found[one.name] = {"value": value, bound: one.limit, "kept": kept}
    return promises
