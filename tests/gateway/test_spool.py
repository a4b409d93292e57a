"""The spool: on disk before it says so, never half a record before whole ones, handed over once and in order."""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.spool import DRAIN_BATCH, Spool
from inbox.intake.actions.journal import JournalEntry
from tests.gateway.spools import (
    CHANNEL,
    Journaled,
    bodies,
    files,
    fill,
    open_spool,
    own_file,
)
from tests.inbox.builders import apart, journal_row


def test_what_is_kept_comes_out_once_and_in_order(tmp_path: Path) -> None:
    """Everything is handed over as it came, in batches, and then the spool is empty."""

    async def body() -> None:
        spool, journal = open_spool(tmp_path), Journaled()
        assert not spool.holds
        entry = journal_row(CHANNEL, b"\x00\xff", headers='{"a":"b"}', request_id="req-1", once_key="t")
        await spool.append([entry])
        await fill(spool, *bodies(150))
        assert spool.holds
        assert (spool.count(), spool.size() > 0) == (151, True)
        assert await spool.drain(journal) == 151
        assert journal.bodies == [b"\x00\xff", *bodies(150)]
        assert (spool.holds, spool.count(), spool.size(), files(tmp_path)) == (False, 0, 0, [])
        assert await spool.drain(journal) == 0

    asyncio.run(body())


def test_it_is_on_disk_before_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file and its folder are synced after the whole record is written, before append returns."""
    synced: list[tuple[str, int]] = []
    real = os.fsync

    def watch(descriptor: int) -> None:
        synced.append((str(Path(f"/proc/self/fd/{descriptor}").readlink()), os.fstat(descriptor).st_size))
        real(descriptor)

    async def body() -> None:
        monkeypatch.setattr(os, "fsync", watch)
        spool = open_spool(tmp_path)
        await fill(spool, b"a")
        path = own_file(spool)
        assert synced == [(str(tmp_path), synced[0][1]), (str(path), path.stat().st_size)]
        await fill(spool, b"b")
        assert synced[2:] == [(str(path), path.stat().st_size)]
        spool.close()

    asyncio.run(body())


def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    """What append returned for is there after kill -9, and the next process hands it over."""
    program = """
        import asyncio, os, sys
        from pathlib import Path
        from tests.gateway.spools import bodies, fill, open_spool
        async def body():
            await fill(open_spool(Path(sys.argv[1])), *bodies(20))
            os.kill(os.getpid(), 9)
        asyncio.run(body())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program), tmp_path], check=False, timeout=60)
    assert done.returncode == -9

    async def body() -> None:
        spool, journal = open_spool(tmp_path), Journaled()
        assert spool.holds
        assert await spool.drain(journal) == 20
        assert (journal.bodies, spool.holds, files(tmp_path)) == (bodies(20), False, [])

    asyncio.run(body())


def test_a_drain_that_breaks_off_is_taken_up_again(tmp_path: Path) -> None:
    """Killed or cut off in the middle, the next drain hands over the rest, once and in order, before anything newer."""

    async def body() -> None:
        spool, journal = open_spool(tmp_path), Journaled()
        await fill(spool, *bodies(3 * DRAIN_BATCH))
        journal.breaks_at = 2
        with pytest.raises(ConnectionRefusedError):
            await spool.drain(journal)
        assert len(journal.bodies) == DRAIN_BATCH
        assert spool.holds
        await fill(spool, b"later")
        assert await spool.drain(journal) == 3 * DRAIN_BATCH + 1
        assert journal.bodies == [*bodies(3 * DRAIN_BATCH), b"later"]

    asyncio.run(body())


def test_after_a_restart_old_requests_go_first(tmp_path: Path) -> None:
    """What a process left behind holds back what its successor takes, until it is drained, oldest file first."""

    async def body() -> None:
        journal = Journaled()
        for start in (0, 100):
            before = open_spool(tmp_path)
            await fill(before, *bodies(100, start))
            before.close()
        spool = open_spool(tmp_path)
        assert spool.holds
        await fill(spool, *bodies(10, 200))
        journal.breaks_at = 3
        with pytest.raises(ConnectionRefusedError):
            await spool.drain(journal)
        assert spool.holds
        await spool.drain(journal)
        assert (journal.bodies, spool.holds) == (bodies(210), False)

    asyncio.run(body())


def test_a_live_owners_file_is_left_alone(tmp_path: Path) -> None:
    """Two processes of one folder drain their own; only the file of one that is gone is adopted."""

    async def body() -> None:
        mine, other, journal = open_spool(tmp_path), open_spool(tmp_path), Journaled()
        await fill(other, b"other")
        await fill(mine, b"mine")
        assert await mine.drain(journal) == 1
        assert (journal.bodies, other.count(), other.holds) == ([b"mine"], 1, True)
        await fill(other, b"more")
        other.close()
        assert await mine.drain(journal) == 2
        assert journal.bodies == [b"mine", b"other", b"more"]

    asyncio.run(body())


def test_what_comes_during_a_drain_comes_out_behind(tmp_path: Path) -> None:
    """Requests are taken while the database is slow, and are handed over after those that were there."""

    async def body() -> None:
        spool = open_spool(tmp_path)
        journal = Journaled()
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow(entries: Sequence[JournalEntry]) -> None:
            begun.set()
            await go_on.wait()
            await journal(entries)

        await fill(spool, *bodies(DRAIN_BATCH + 5))
        draining = apart(spool.drain(slow))
        await begun.wait()
        async with asyncio.timeout(30):
            await fill(spool, *bodies(5, DRAIN_BATCH + 5))
        go_on.set()
        assert await draining == DRAIN_BATCH + 10
        assert (journal.bodies, spool.holds) == (bodies(DRAIN_BATCH + 10), False)

    asyncio.run(body())


def test_a_database_that_hangs_does_not_stop_the_spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drain that gets no answer gives up soon, and whoever waits to be kept is kept."""
    monkeypatch.setattr("gateway.spool.TAIL_SECONDS", 0.05)

    async def body() -> None:
        spool, journal = open_spool(tmp_path), Journaled()
        calls: list[int] = []

        async def hang(entries: Sequence[JournalEntry]) -> None:
            calls.append(len(entries))
            if len(calls) > 1:
                await asyncio.Event().wait()
            await journal(entries)

        await fill(spool, b"0")
        draining = apart(spool.drain(late_entry(spool, hang)))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(draining, 30)
        async with asyncio.timeout(30):
            await fill(spool, b"2")
        assert await spool.drain(journal) == 3
        assert journal.bodies == [b"0", b"1", b"2"]

    def late_entry(spool: Spool, journal: Any) -> Any:
        async def hand_over(entries: Sequence[JournalEntry]) -> None:
            if spool.count() == 1:
                await fill(spool, b"1")
            await journal(entries)

        return hand_over

    asyncio.run(body())


def test_many_at_once_are_kept_whole(tmp_path: Path) -> None:
    """Requests that come together each get their record; those given up half-way disturb nobody."""

    async def body() -> None:
        spool, journal = open_spool(tmp_path), Journaled()
        tasks = [apart(fill(spool, b"%d" % number * 500)) for number in range(60)]
        await asyncio.sleep(0)
        for task in tasks[::7]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        kept = {b"%d" % number * 500 for number in range(60) if number % 7}
        await spool.drain(journal)
        assert kept <= set(journal.bodies)
        assert len(journal.bodies) == len(set(journal.bodies))

    asyncio.run(body())


def test_a_file_has_its_lock_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who drains at the moment a spool begins can take its file for one whose owner died."""
    seen: list[list[Path]] = []
    real = fcntl.flock

    def watch(file: Any, operation: int) -> None:
        seen.append(list(tmp_path.glob("*.spool")))
        real(file, operation)

    async def body() -> None:
        monkeypatch.setattr(fcntl, "flock", watch)
        spool, journal = open_spool(tmp_path), Journaled()
        names = set()
        for number in range(3):
            await fill(spool, b"%d" % number)
            names.add(own_file(spool))
            await spool.drain(journal)
        assert (seen, len(names)) == ([[], [], []], 3)

    asyncio.run(body())
