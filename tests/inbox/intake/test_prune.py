"""What the journal forgets, and what it never does."""

from __future__ import annotations

from uuid import UUID

import pytest

from inbox.intake.actions import prune
from inbox.intake.actions.prune import prune_journal, prune_keys
from inbox.intake.batch import Lane
from inbox.kit.db import execute, fetch_value
from tests.inbox.builders import arrived, count_rows, make_channel, project, replay, run_opened, text_message

INSERT = """
INSERT INTO raw_event (channel_id, kind, method, url, headers, body, received_at)
VALUES ($1, 'message', 'POST', '', '{}', '', now() - make_interval(days => $2)) RETURNING id
"""


async def journaled(lane: Lane, *days: int) -> list[int]:
    """Requests of so many days ago."""
    return [await fetch_value(INSERT, lane.route.channel_id, age) for age in days]


async def kept(channel_id: UUID) -> list[int]:
    """The ids that are left."""
    rows: list[int] = await fetch_value(
        "SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM raw_event WHERE channel_id = $1", channel_id
    )
    return rows


async def pruned(lane: Lane, days: int = 30) -> int:
    """One whole round over a channel; how many went."""
    batch = await prune_journal(lane.route.channel_id, after=0, older_than_days=days)
    gone = batch.gone
    while batch.after is not None:
        batch = await prune_journal(lane.route.channel_id, after=batch.after, older_than_days=days)
        gone += batch.gone
    return gone


def test_old_projected_requests_go_and_others_stay(database_url: str) -> None:
    """What waits to be projected stays however old it is, and so does what is in quarantine until it is dealt with."""

    async def body() -> None:
        lane = await make_channel()
        ids = await journaled(lane, 90, 80, 70, 10, 60)
        stray = arrived(ids[1], text_message(to="+12125559999"))
        await project(lane, arrived(ids[0], text_message()), stray, arrived(ids[2], text_message()), arrived(ids[3]))
        assert await pruned(lane) == 2
        assert await kept(lane.route.channel_id) == [ids[1], ids[3], ids[4]]
        await execute("UPDATE quarantine SET resolved_at = now()")
        assert await pruned(lane) == 1
        assert (await kept(lane.route.channel_id), await count_rows("quarantine")) == (ids[3:], 0)

    run_opened(database_url, body)


def test_batches_go_on_where_the_last_one_ended(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a batch goes in several short statements, past what has to stay."""
    monkeypatch.setattr(prune, "BATCH", 3)

    async def body() -> None:
        lane = await make_channel()
        ids = await journaled(lane, *[40] * 10)
        strays = [arrived(one, text_message(to="+12125559999")) for one in ids[:4]]
        await project(lane, *strays, *(arrived(one) for one in ids[4:]))
        assert await pruned(lane) == 6
        assert await kept(lane.route.channel_id) == ids[:4]

    run_opened(database_url, body)


def test_a_key_lives_as_long_as_anything_that_could_tell_it_again(database_url: str) -> None:
    """Old keys go, but not while their request is journaled: its replay would double it."""

    async def body() -> None:
        lane = await make_channel()
        [number] = await journaled(lane, 95)
        event = arrived(number, text_message(key="SM1"))
        await project(lane, event)
        await execute("UPDATE event_key SET created_at = now() - interval '95 days'")
        assert await prune_keys(older_than_days=90) == 0
        await replay(lane, event)
        assert await count_rows("entry") == 1
        await execute("DELETE FROM raw_event")
        assert await prune_keys(older_than_days=100) == 0
        assert await prune_keys(older_than_days=90) == 1

    run_opened(database_url, body)


def test_keys_told_near_something_in_quarantine_stay(database_url: str) -> None:
    """A copy in quarantine may hold the same message: its key stays until somebody has dealt with it."""

    async def body() -> None:
        lane = await make_channel()
        ids = await journaled(lane, 95, 94)
        await project(lane, arrived(ids[0], text_message(key="SM1")), arrived(ids[1], text_message(to="+12125559999")))
        await execute("DELETE FROM raw_event WHERE id = $1", ids[0])
        await execute("UPDATE event_key SET created_at = now() - interval '95 days'")
        await execute("UPDATE quarantine SET created_at = now() - interval '94 days'")
        assert await prune_keys(older_than_days=90) == 0
        await execute("UPDATE quarantine SET resolved_at = now()")
        assert await prune_keys(older_than_days=90) == 1

    run_opened(database_url, body)


def test_no_setting_forgets_keys_that_providers_may_repeat(database_url: str) -> None:
    """Eight days are the least, whatever is asked for."""

    async def body() -> None:
        lane = await make_channel()
        await execute("INSERT INTO event_key VALUES ($1, 'SM1', 1, now() - interval '7 days')", lane.route.channel_id)
        assert await prune_keys(older_than_days=1) == 0

    run_opened(database_url, body)
