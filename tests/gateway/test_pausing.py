"""Pausing a channel: what is to be sent by it waits in its order, all else goes on; and clocks that are wrong (P23)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from channels.errors import Throttled
from gateway.worker import Worker
from inbox.accounts.actions import ChannelChange, update_channel
from inbox.accounts.queries import ChannelStatus
from inbox.intake.batch import Lane
from inbox.kit.db import fetch, fetch_value
from inbox.outbox.queries import count_jobs
from tests.gateway.posts import NO_JOBS, Post, run_post, state_of
from tests.gateway.runtimes import connect
from tests.inbox.builders import AGENT, apart, committed, receive, reply, text_message, until

OTHER = "+12125550198"


@asynccontextmanager
async def working(post: Post) -> AsyncIterator[None]:
    """A worker at work."""
    worker = Worker(post.runtime)
    running = apart(worker.run())
    try:
        yield
    finally:
        await worker.stop(seconds=30)
        await running


async def set_status(post: Post, lane: Lane, status: ChannelStatus) -> None:
    """Pause or resume a channel, as the API and the command do."""
    change = ChannelChange(status=status)
    await committed(update_channel(lane.route.channel_id, change, catalogue=post.runtime.catalogue, actor=AGENT))
    await post.runtime.directory.refresh()


async def all_done() -> bool:
    """Whether nothing waits, runs or is dead."""
    return await count_jobs() == NO_JOBS


def test_a_paused_channels_messages_wait_and_hold_nothing_up(database_url: str, tmp_path: Path) -> None:
    """One conversation, two channels: the paused one's replies wait, the other's goes; resumed, they go in order."""

    async def body(post: Post) -> None:
        other = await connect(post.runtime, OTHER)
        thread = await receive(post.lane, text_message())
        first = await reply(thread, "first")
        await reply(thread, "second")
        await set_status(post, post.lane, "paused")
        async with working(post):
            await reply(thread, "by the other", channel_id=other.route.channel_id)
            await until(lambda: sent(post, ["by the other"]))
            await asyncio.sleep(0.3)
            assert post.adapter.texts == ["by the other"]
            assert await state_of(first) == "queued"
            assert (await count_jobs())["waiting"] == 2
            await set_status(post, post.lane, "active")
            await until(all_done)
        assert post.adapter.texts == ["by the other", "first", "second"]

    async def sent(post: Post, wanted: list[str]) -> bool:
        return post.adapter.texts == wanted

    run_post(database_url, tmp_path, body)


def test_a_paused_channel_still_takes_messages(database_url: str, tmp_path: Path) -> None:
    """What comes in by it is in its conversation, as ever; waiting costs its outgoing messages no try."""

    async def body(post: Post) -> None:
        thread = await receive(post.lane, text_message())
        await reply(thread, "waits")
        await set_status(post, post.lane, "paused")
        async with working(post):
            assert await receive(post.lane, text_message("still here", key="later")) == thread
            await asyncio.sleep(0.3)
        assert await fetch_value("SELECT count(*) FROM entry WHERE direction = 'inbound'") == 2
        assert await fetch_value("SELECT attempts FROM job") == 0

    run_post(database_url, tmp_path, body)


@pytest.mark.parametrize("off", [timedelta(minutes=10), timedelta(minutes=-10), timedelta(hours=-1)])
def test_a_wrong_clock_moves_no_retry(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    """A worker whose clock is minutes off waits as long as the provider asked, by the database's clock (P23)."""

    def wrong_now() -> datetime:
        return datetime.now(UTC) + off

    for module in ("gateway.worker", "inbox.outbox.actions", "gateway.deliver"):
        monkeypatch.setattr(f"{module}.utc_now", wrong_now)

    async def body(post: Post) -> None:
        post.adapter.fail(Throttled("slow down", after=60))
        await post.write()
        before = await fetch_value("SELECT clock_timestamp()")
        await post.work()
        waits = "SELECT extract(epoch FROM available_at - $1), extract(epoch FROM available_at - now()) FROM job"
        [(since, still)] = await fetch(waits, before)
        assert since >= 60
        assert still <= 60 * 1.2

    run_post(database_url, tmp_path, body)
