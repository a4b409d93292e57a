"""Lanes: they take turns, a paused one waits without holding others up, and one that is behind is seen (P22)."""

from __future__ import annotations

import time

from inbox.kit.db import execute
from inbox.kit.ids import new_id
from inbox.outbox.actions import claim_jobs, enqueue_jobs, finish_job, noting_lanes
from inbox.outbox.jobs import ClaimedJob, DeliverMessage, FetchMedia, NewJob
from inbox.outbox.queries import lane_ages
from tests.inbox.builders import committed, run_opened

MANY = """
INSERT INTO job (type, key, lane, payload, available_at)
SELECT 'deliver_message', 'loud ' || n, 'loud', jsonb_build_object('type', 'deliver_message', 'entry_id', $2::text),
       now() - interval '1 hour'
FROM generate_series(1, $1::int) AS n
"""


async def ask(key: str, lane: str) -> None:
    """Ask for a job."""
    await committed(enqueue_jobs([NewJob(job=DeliverMessage(entry_id=new_id()), key=key, lane=lane)]))


async def claim(limit: int = 10, *, full: tuple[str, ...] = (), paused: tuple[str, ...] = ()) -> list[ClaimedJob]:
    """What a worker gets."""
    return await claim_jobs(limit=limit, lease_seconds=30, full_lanes=full, paused_lanes=paused)


def named(claimed: list[ClaimedJob]) -> list[tuple[str, str]]:
    """Keys and lanes."""
    return [(one.key, one.lane) for one in claimed]


def test_lanes_take_turns(database_url: str) -> None:
    """However much one lane has waiting, and for how long, the others get their turn in the next claim."""

    async def body() -> None:
        for number in range(20):
            await ask(f"loud {number}", "loud")
        await ask("a", "quiet")
        await ask("b", "calm")
        lanes = [one.lane for one in await claim(4)]
        assert sorted(lanes) == ["calm", "loud", "loud", "quiet"]
        assert [one.lane for one in await claim(3)] == ["loud"] * 3

    run_opened(database_url, body)


def test_a_huge_backlog_is_not_walked_through(database_url: str) -> None:
    """With 50,000 due jobs of a lane that is full, a quiet lane's job is found at once."""

    async def body() -> None:
        await execute(MANY, 50_000, str(new_id()))
        await execute("ANALYZE job")
        await ask("q", "quiet")
        began = time.monotonic()
        assert named(await claim(full=("loud",))) == [("q", "quiet")]
        assert time.monotonic() - began < 0.5
        assert len(await claim(16)) == 16
        ages = await lane_ages()
        assert list(ages) == ["loud"]
        assert ages["loud"] > 3500

    run_opened(database_url, body)


def test_two_workers_do_not_get_in_each_others_way(database_url: str) -> None:
    """Claims follow one another through a lane without a gap or a repeat."""

    async def body() -> None:
        for number in range(12):
            await ask(f"{number:02}", "lane")
        first, second, third = [named(await claim(5)) for _ in range(3)]
        assert first + second + third == [(f"{number:02}", "lane") for number in range(12)]

    run_opened(database_url, body)


def test_a_paused_lane_holds_no_other_up(database_url: str) -> None:
    """Its jobs wait; what the same conversation sends by another lane goes. Resumed, they go in their order."""

    async def body() -> None:
        for lane in ("sms", "mail", "sms"):
            await ask("conversation", lane)
        [mail] = await claim(paused=("sms",))
        assert mail.lane == "mail"
        assert await claim(paused=("sms",)) == []
        assert await claim() == [], "a running job of the conversation is waited for"
        await finish_job(mail)
        [first] = await claim()
        assert await claim() == []
        await finish_job(first)
        [second] = await claim()
        assert (first.lane, second.lane, first.id < second.id) == ("sms", "sms", True)

    run_opened(database_url, body)


def test_a_job_that_runs_when_its_lane_is_paused_is_waited_for(database_url: str) -> None:
    """Pausing does not let a conversation's next message overtake one that is just being handed over."""

    async def body() -> None:
        await ask("conversation", "sms")
        [running] = await claim()
        await ask("conversation", "mail")
        assert await claim(paused=("sms",)) == []
        await finish_job(running)
        assert named(await claim(paused=("sms",))) == [("conversation", "mail")]

    run_opened(database_url, body)


def test_ages_are_of_jobs_that_could_begin(database_url: str) -> None:
    """What waits behind another of its key, for its time, or in a held outbox, does not make its lane old."""

    async def body() -> None:
        await ask("k", "lane")
        await ask("k", "behind")
        await ask("later", "later")
        await execute("UPDATE job SET available_at = now() - interval '1 minute'")
        await execute("UPDATE job SET available_at = now() + interval '1 minute' WHERE lane = 'later'")
        ages = await lane_ages()
        assert list(ages) == ["lane"]
        assert 59 < ages["lane"] < 90
        await execute("INSERT INTO outbox_hold (reason, actor) VALUES ('restored', '{}')")
        assert await lane_ages() == {}

    run_opened(database_url, body)


def test_the_edge_learns_which_lanes_are_written_to(database_url: str) -> None:
    """Messages are noted by their lane, other jobs are not, and nothing is noted for who does not ask."""

    async def body() -> None:
        await ask("k", "unnoted")
        with noting_lanes() as lanes:
            await ask("k", "sms")
            await committed(enqueue_jobs([NewJob(job=FetchMedia(attachment_id=new_id()), key="m", lane="media")]))
        assert lanes == {"sms"}

    run_opened(database_url, body)
