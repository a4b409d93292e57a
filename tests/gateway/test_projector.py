"""The projector: every channel in journal order, poison aside, nothing lost to a crash, a hang or a busy machine."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from channels.errors import Malformed
from channels.events import AnyEvent
from gateway.projector import Projector
from inbox.conversations.actions.store import store_threads
from inbox.intake.queries import count_waiting
from inbox.kit.db import execute
from tests.gateway.desks import Desk, fail, messages, run_desk, wait
from tests.gateway.runtimes import connect
from tests.inbox.builders import (
    ANA,
    OURS,
    apart,
    count_rows,
    delivery_report,
    projected,
    rows_of,
    text_message,
    timeline,
)


def test_the_journal_is_projected_in_its_order(database_url: str, tmp_path: Path) -> None:
    """Batch after batch, what comes meanwhile included, each request once and in the order it was journaled."""

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        for start in range(0, 60, 6):
            await desk.journal(lane, *messages(6, start))
        await desk.finish()
        [conversation] = await rows_of("conversation")
        assert await timeline(conversation["id"]) == [(n + 1, f"m{n}") for n in range(60)]

    run_desk(database_url, tmp_path, body, projection_batch=8)


def test_one_poison_request_harms_no_other(database_url: str, tmp_path: Path) -> None:
    """What cannot be stored is set aside alone, with its reason; what stands around it in the batch is stored."""

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        poison: list[AnyEvent] = [text_message("nul \0 byte", key="bad"), text_message("beside it", key="good")]
        await desk.journal(lane, *messages(3), poison, *messages(3, 3))
        await desk.finish()
        assert await desk.texts() == [f"m{n}" for n in range(6)]
        [(code, error)] = await desk.quarantine()
        assert (code, "UntranslatableCharacter" in error) == ("not_stored", True)
        keys = [row["key"] for row in await rows_of("event_key", "key")]
        assert keys == [f"SM{n}" for n in range(6)]

    run_desk(database_url, tmp_path, body)


def test_what_cannot_be_parsed_is_set_aside_by_its_reason(database_url: str, tmp_path: Path) -> None:
    """A malformed request and an adapter's bug are told apart, and both leave the others alone."""

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        desk.adapter.stumbles = {b"m1": lambda: fail(Malformed("no sender")), b"m2": lambda: fail(KeyError("Body"))}
        await desk.journal(lane, *messages(4))
        await desk.finish()
        assert await desk.texts() == ["m0", "m3"]
        assert await desk.quarantine() == [
            ("malformed", "Malformed: no sender"), ("parse_error", "KeyError: 'Body'"),
        ]  # fmt: skip

    run_desk(database_url, tmp_path, body)


def test_an_adapter_that_hangs_costs_one_event(database_url: str, tmp_path: Path) -> None:
    """Requests whose parsing hangs are given up after the deadline, however many; all others are stored."""
    go_on = threading.Event()

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        hangs = {f"m{n}".encode(): lambda: wait(go_on) for n in (1, 3, 4, 6, 8)}
        desk.adapter.stumbles = hangs
        await desk.journal(lane, *messages(10))
        await desk.finish()
        go_on.set()
        assert await desk.texts() == ["m0", "m2", "m5", "m7", "m9"]
        assert [code for code, _ in await desk.quarantine()] == ["parse_timeout"] * 5
        desk.adapter.stumbles = {}
        ids = [row["raw_event_id"] for row in await rows_of("quarantine", "raw_event_id")]
        assert await desk.projector.replay(ids) == []
        assert sorted(await desk.texts()) == [f"m{n}" for n in range(10)]

    run_desk(database_url, tmp_path, body, parse_deadline_seconds=0.4)


def test_a_large_batch_on_a_busy_machine_is_no_hang(database_url: str, tmp_path: Path) -> None:
    """The deadline is each request's own: a batch that takes longer than it in all is parsed whole."""

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        desk.adapter.stumbles = {b"m": lambda: time.sleep(0.05)}
        await desk.journal(lane, *messages(30))
        await desk.finish()
        assert (len(await desk.texts()), await desk.quarantine()) == (30, [])

    run_desk(database_url, tmp_path, body, parse_deadline_seconds=1.0)


def test_two_processes_at_once_store_everything_once(database_url: str, tmp_path: Path) -> None:
    """Any number of processes may project the same channels: order is kept and nothing comes twice."""

    async def body(desk: Desk) -> None:
        lanes = [await connect(desk.runtime, f"+1212555020{n}") for n in range(3)]
        others = [Projector(desk.runtime) for _ in range(2)]
        for start in range(0, 40, 4):
            for number, lane in enumerate(lanes):
                requests = [[text_message(f"m{n}", sender=f"+1212556000{number}")] for n in range(start, start + 4)]
                await desk.journal(lane, *requests)
            for other in others:
                other.wake([lane.route.channel_id for lane in lanes])
        await desk.finish()
        for other in others:
            await other.stop()
        for conversation in await rows_of("conversation"):
            assert await timeline(conversation["id"]) == [(n + 1, f"m{n}") for n in range(40)]
        assert await count_rows("conversation") == 3

    run_desk(database_url, tmp_path, body, projection_batch=5)


def test_a_database_that_stumbles_is_tried_again(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What passes by itself is no poison: the batch waits and is stored, nothing is set aside."""
    calls: list[int] = []

    async def stumble(*args: Any, **fields: Any) -> None:
        calls.append(1)
        if len(calls) <= 2:
            raise ConnectionResetError
        await store_threads(*args, **fields)

    async def body(desk: Desk) -> None:
        monkeypatch.setattr("inbox.intake.actions.apply.store_threads", stumble)
        monkeypatch.setattr("gateway.projector.PAUSE_SECONDS", 0.01)
        lane = await connect(desk.runtime)
        await desk.journal(lane, *messages(5))
        while await count_waiting():
            await desk.projector.look_around()
            await asyncio.sleep(0.01)
        assert (await desk.texts(), await desk.quarantine()) == ([f"m{n}" for n in range(5)], [])

    run_desk(database_url, tmp_path, body)


def test_a_crash_leaves_the_rest_to_another_process(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies in the middle of a batch leaves it whole to whoever looks around next."""
    reached = asyncio.Event()

    async def hang(*args: Any, **fields: Any) -> None:
        reached.set()
        await asyncio.Event().wait()

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        await desk.journal(lane, *messages(4))
        await desk.finish()
        with monkeypatch.context() as patched:
            patched.setattr("inbox.intake.actions.apply.store_threads", hang)
            await desk.journal(lane, *messages(4, 4))
            await reached.wait()
            [running] = desk.projector._lanes.values()
            running.cancel()
            await asyncio.wait([running])
        assert (len(await desk.texts()), await count_waiting()) == (4, 4)
        other = Projector(desk.runtime)
        await other.look_around()
        await desk.finish()
        await other.stop()
        assert await desk.texts() == [f"m{n}" for n in range(8)]

    run_desk(database_url, tmp_path, body)


def test_a_channel_nobody_knows_yet_waits(database_url: str, tmp_path: Path) -> None:
    """The journal of a channel this process has not heard of stays as it is, and is projected once it has."""

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        desk.runtime.directory._live = {}
        await desk.journal(lane, *messages(3))
        await desk.projector.stop()
        assert (await count_waiting(), await projected(lane)) == (3, 0)
        await desk.runtime.directory.refresh()
        other = Projector(desk.runtime)
        await other.look_around()
        await desk.finish()
        await other.stop()
        assert await desk.texts() == ["m0", "m1", "m2"]

    run_desk(database_url, tmp_path, body)


def test_a_sibling_is_found_by_its_address(database_url: str, tmp_path: Path) -> None:
    """A channel of the same credentials gets what is for its number; one of other credentials does not."""

    async def body(desk: Desk) -> None:
        called = await connect(desk.runtime, OURS)
        sibling = await connect(desk.runtime, "+12125550198")
        await connect(desk.runtime, "+12125550197", account="AC2")
        events: list[AnyEvent] = [
            text_message("ours", to=OURS), text_message("sibling's", to="+12125550198"),
            text_message("a stranger's", to="+12125550197"),
        ]  # fmt: skip
        await desk.journal(called, events)
        await desk.finish()
        rows = await rows_of("entry", "seq")
        assert [(row["text"], row["channel_id"]) for row in rows] == [
            ("ours", called.route.channel_id), ("sibling's", sibling.route.channel_id),
        ]  # fmt: skip
        assert [code for code, _ in await desk.quarantine()] == ["nobodys_address"]

    run_desk(database_url, tmp_path, body)


def test_a_replay_goes_on_over_what_still_fails(database_url: str, tmp_path: Path) -> None:
    """Of several replayed requests those that can be stored are, and the rest is told with its reason."""

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        desk.adapter.stumbles = {b"m": lambda: fail(Malformed("not understood"))}
        poison: list[AnyEvent] = [text_message("m \0", key="bad")]
        await desk.journal(lane, *messages(1), poison, *messages(1, 1), [delivery_report("SMx", "sent")])
        await desk.finish()
        desk.adapter.stumbles = {}
        ids = [row["raw_event_id"] for row in await rows_of("quarantine", "raw_event_id")]
        assert len(ids) == 4
        failures = await desk.projector.replay([*ids, 10**9])
        assert [(one.raw_event_id, one.code) for one in failures] == [
            (ids[1], "not_stored"), (ids[3], "nobodys_message"),
        ]  # fmt: skip
        assert await desk.texts() == ["m0", "m1"]
        assert len(await desk.quarantine()) == 2
        await execute("UPDATE channel SET deleted_at = now(), settings = ''")
        await desk.runtime.directory.refresh()
        assert [one.code for one in await desk.projector.replay(ids[:1])] == ["no_channel"]

    run_desk(database_url, tmp_path, body)


def test_stopping_ends_with_the_batch_at_hand(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A projector told to stop stores what it has begun, begins nothing more, and leaves the rest in the journal."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*args: Any, **fields: Any) -> None:
        reached.set()
        await go_on.wait()
        await store_threads(*args, **fields)

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        monkeypatch.setattr("inbox.intake.actions.apply.store_threads", slow)
        await desk.journal(lane, *messages(9))
        await reached.wait()
        stopping = apart(desk.projector.stop())
        await asyncio.sleep(0)
        go_on.set()
        await stopping
        await desk.journal(lane, *messages(1, 9))
        assert (await desk.texts(), await count_waiting()) == (["m0", "m1", "m2"], 7)
        assert ANA in str(await rows_of("identity"))

    run_desk(database_url, tmp_path, body, projection_batch=3)
