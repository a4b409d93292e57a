"""Jobs that are to be begun later, and those that are not wanted any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from inbox.kit.ids import new_id
from inbox.outbox.actions import claim_jobs, drop_job, enqueue_jobs, move_jobs
from inbox.outbox.jobs import ClaimedJob, DeliverMessage, NewJob
from inbox.outbox.queries import list_jobs
from tests.inbox.builders import committed, run_opened


async def claim() -> list[ClaimedJob]:
    """What a worker gets."""
    return await claim_jobs(limit=10, lease_seconds=30)


def soon(seconds: float) -> datetime:
    """So many seconds from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def job(key: str, *, at: datetime | None = None, delay_seconds: float = 0) -> NewJob:
    """Something to do later."""
    return NewJob(job=DeliverMessage(entry_id=new_id()), key=key, at=at, delay_seconds=delay_seconds)


def test_a_job_is_not_begun_before_its_time(database_url: str) -> None:
    """Neither before a moment nor before a wait is over, by the database's clock; what stands behind it waits."""

    async def body() -> None:
        later = soon(3600)
        waiting = [
            job("a", at=later),
            job("a"),
            job("b", delay_seconds=60),
            job("c"),
        ]
        await committed(enqueue_jobs(waiting))
        assert [one.key for one in await claim()] == ["c"]
        times = {row["id"]: row["available_at"] - row["created_at"] for row in await list_jobs()}
        assert sorted(times.values())[-2:] == [timedelta(seconds=60), max(times.values())]
        assert max(row["available_at"] for row in await list_jobs()) == later

    run_opened(database_url, body)


def test_what_waits_can_be_brought_forward_or_dropped(database_url: str) -> None:
    """Moved jobs come in their new time; a dropped one lets its key go on; one that is being run is left alone."""

    async def body() -> None:
        first, second = DeliverMessage(entry_id=new_id()), DeliverMessage(entry_id=new_id())
        await committed(enqueue_jobs([NewJob(job=first, key="a", at=soon(3600)), NewJob(job=second, key="a")]))
        assert await claim() == []
        await committed(drop_job(first, key="b"))
        assert await claim() == []
        await committed(drop_job(first, key="a"))
        [claimed] = await claim()
        assert claimed.job == second
        await committed(drop_job(second, key="a"))
        assert len(await list_jobs()) == 1
        await committed(enqueue_jobs([NewJob(job=first, key="c", at=soon(3600))]))
        await committed(move_jobs("c", at=soon(-1)))
        assert [one.key for one in await claim()] == ["c"]

    run_opened(database_url, body)
