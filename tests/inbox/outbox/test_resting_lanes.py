"""A lane whose provider answered Retry-After rests for all workers, and no other lane does (P16)."""

from __future__ import annotations

from inbox.kit.db import execute, fetch_value
from inbox.kit.ids import new_id
from inbox.outbox.actions import enqueue_jobs, rest_lane
from inbox.outbox.jobs import DeliverMessage, NewJob
from tests.inbox.builders import committed, run_opened
from tests.inbox.outbox.test_lanes import ask, claim, named


def test_nobody_claims_from_a_resting_lane(database_url: str) -> None:
    """What waits there waits, also what is asked for afterwards; the other lanes go on."""

    async def body() -> None:
        await ask("a", "told to wait")
        await committed(rest_lane("told to wait", seconds=60))
        await ask("b", "told to wait")
        await ask("c", "other")
        assert named(await claim()) == [("c", "other")]

    run_opened(database_url, body)


def test_a_rest_ends_by_itself(database_url: str) -> None:
    """Once its time is over the lane is claimed from, with nobody doing anything about it."""

    async def body() -> None:
        await ask("a", "told to wait")
        await committed(rest_lane("told to wait", seconds=60))
        await execute("UPDATE resting_lane SET until = now()")
        assert named(await claim()) == [("a", "told to wait")]

    run_opened(database_url, body)


def test_a_shorter_wait_does_not_end_a_longer_one(database_url: str) -> None:
    """Several answers of 429 come together, and the last to be heard is not the last word."""

    async def body() -> None:
        await committed(rest_lane("told to wait", seconds=60))
        await committed(rest_lane("told to wait", seconds=1))
        left = await fetch_value("SELECT extract(epoch FROM until - now())::float8 FROM resting_lane")
        assert 50 < left <= 60

    run_opened(database_url, body)


def test_jobs_of_no_lane_never_rest(database_url: str) -> None:
    """What belongs to no provider waits for none."""

    async def body() -> None:
        await committed(rest_lane("told to wait", seconds=60))
        await committed(enqueue_jobs([NewJob(job=DeliverMessage(entry_id=new_id()), key="k")]))
        assert named(await claim()) == [("k", "")]

    run_opened(database_url, body)
