"""Removed channels: what they took before is projected, what comes too late is set aside, nothing waits for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from inbox.accounts.actions import disconnect_channel
from inbox.intake.actions import closing
from inbox.intake.actions.closing import CODE, settle_removed_channels
from inbox.intake.queries import count_waiting, waiting_lanes
from inbox.kit.db import execute, fetch_value
from tests.gateway.desks import Desk, messages, run_desk
from tests.gateway.runtimes import connect
from tests.inbox.builders import AGENT, committed

SETTINGS = "SELECT length(settings) FROM channel"


def test_what_a_channel_took_before_is_projected(database_url: str, tmp_path: Path) -> None:
    """A channel that is removed while its journal waits still has its messages in their conversation."""

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        directory = desk.runtime.directory
        await committed(disconnect_channel(lane.route.channel_id, actor=AGENT))
        await directory.refresh()
        assert directory.find(lane.route.channel_id) is None
        assert directory.all_channels() == []
        await desk.journal(lane, *messages(3))
        await desk.finish()
        assert await desk.texts() == ["m0", "m1", "m2"]

    run_desk(database_url, tmp_path, body)


def test_secrets_are_forgotten_once_the_journal_is_through(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before, and not while another process may still be taking something; a live channel keeps its own."""

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        await settle_removed_channels()
        assert await fetch_value(SETTINGS) > 0
        await committed(disconnect_channel(lane.route.channel_id, actor=AGENT))
        await desk.runtime.directory.refresh()
        await settle_removed_channels()
        assert await fetch_value(SETTINGS) > 0
        monkeypatch.setattr(closing, "LATE_SECONDS", 0)
        desk.projector._stopping = True  # the journal waits
        await desk.journal(lane, *messages(1))
        await settle_removed_channels()
        assert await fetch_value(SETTINGS) > 0
        assert await count_waiting() == 1
        desk.projector._stopping = False
        await desk.projector.look_around()
        await desk.finish()
        await settle_removed_channels()
        assert await fetch_value(SETTINGS) == 0

    run_desk(database_url, tmp_path, body)


def test_what_comes_too_late_is_set_aside(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once nobody can read it any more, what waits is in quarantine with a reason, and its lane is through."""
    monkeypatch.setattr(closing, "BATCH", 2)

    async def body(desk: Desk) -> None:
        gone, live = await connect(desk.runtime), await connect(desk.runtime, "+12125550198")
        await committed(disconnect_channel(gone.route.channel_id, actor=AGENT))
        await execute("UPDATE channel SET settings = '' WHERE deleted_at IS NOT NULL")
        await desk.runtime.directory.refresh()
        await desk.journal(gone, *messages(5))
        await desk.projector.stop()
        await desk.journal(live, *messages(1, 5))
        assert len(await waiting_lanes()) == 2
        assert await settle_removed_channels() == 5
        assert await waiting_lanes() == [live.route.channel_id]
        assert {code for code, _ in await desk.quarantine()} == {CODE}
        assert len(await desk.quarantine()) == 5
        assert await settle_removed_channels() == 0

    run_desk(database_url, tmp_path, body)


def test_settings_nobody_can_read_are_given_up_in_the_end(database_url: str, tmp_path: Path) -> None:
    """A removed channel whose adapter is gone does not keep its journal waiting for more than a day."""

    async def body(desk: Desk) -> None:
        lane = await connect(desk.runtime)
        await committed(disconnect_channel(lane.route.channel_id, actor=AGENT))
        desk.runtime.adapters.clear()
        await execute("UPDATE channel SET adapter = 'gone', version = version + 1")
        await desk.runtime.directory.refresh()
        await desk.journal(lane, *messages(2))
        assert await settle_removed_channels() == 0
        await execute("UPDATE channel SET deleted_at = now() - interval '2 days'")
        assert await settle_removed_channels() == 2

    run_desk(database_url, tmp_path, body)
