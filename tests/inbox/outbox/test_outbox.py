"""Jobs: there if and only if their cause is, one at a time a key in their order, held under leases, never lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import pytest

from inbox.kit.db import execute, fetch_value, on_wake, tx
from inbox.kit.ids import new_id
from inbox.kit.tracing import working_for
from inbox.outbox.actions import (
    CHANNEL,
    LeaseLost,
    bury_job,
    claim_jobs,
    enqueue_jobs,
    finish_job,
    put_back_job,
    recover_leases,
    release_jobs,
    renew_leases,
    retry_jobs,
)
from inbox.outbox.jobs import ClaimedJob, DeliverMessage, NewJob
from inbox.outbox.queries import count_jobs, list_jobs
from tests.inbox.builders import apart, committed, connect_apart, count_rows, rows_of, run_opened


def job(key: str = "k", lane: str = "") -> NewJob:
    """Something to do."""
    return NewJob(job=DeliverMessage(entry_id=new_id()), key=key, lane=lane)


async def ask(*keys: str, lane: str = "") -> None:
    """Ask for a job of each key, in this order."""
    await committed(enqueue_jobs([job(key, lane) for key in keys]))


async def ask_in_vain() -> None:
    """Ask in a transaction that is rolled back; until then nobody else sees the job."""
    async with tx():
        await enqueue_jobs([job()])
        assert await apart(claim()) == []
        raise ZeroDivisionError


async def claim(limit: int = 10, *, lease: float = 30, full: tuple[str, ...] = ()) -> list[ClaimedJob]:
    """What a worker gets."""
    return await claim_jobs(limit=limit, lease_seconds=lease, full_lanes=full)


def keys_of(claimed: list[ClaimedJob]) -> list[str]:
    """Their keys."""
    return [one.key for one in claimed]


def soon(seconds: float) -> datetime:
    """So many seconds from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_a_job_exists_if_and_only_if_its_transaction_commits(database_url: str) -> None:
    """Rolled back, it was never asked for and nobody is woken; committed, it is there and workers are."""

    async def body() -> None:
        woken: list[int] = []
        unhook = on_wake("jobs", lambda: woken.append(1))

        with pytest.raises(ZeroDivisionError):
            await ask_in_vain()
        assert await count_rows("job") == len(woken) == 0
        await ask("k")
        assert await count_rows("job") == len(woken) == 1
        await enqueue_jobs([])
        unhook()

    run_opened(database_url, body)


def test_asking_wakes_workers_elsewhere(database_url: str) -> None:
    """A commit that asks for jobs notifies every listening process, once however many jobs; a rollback does not."""

    async def body() -> None:
        heard: list[str] = []
        listener = await connect_apart(database_url)
        await listener.add_listener(CHANNEL, lambda *_: heard.append("heard"))
        with pytest.raises(ZeroDivisionError):
            await ask_in_vain()
        await ask("a", "b", "c")
        await listener.execute("SELECT 1")
        assert len(heard) == 1
        await listener.close()

    run_opened(database_url, body)


def test_jobs_of_one_key_come_one_at_a_time_in_their_order(database_url: str) -> None:
    """The next of a key comes when the one before it is done; other keys do not wait for it."""

    async def body() -> None:
        await ask("a", "a", "b", "a", "b")
        first = await claim()
        assert keys_of(first) == ["a", "b"]
        assert await claim() == []
        await finish_job(first[0])
        second = await claim()
        assert keys_of(second) == ["a"]
        assert second[0].id > first[0].id
        await finish_job(first[1])
        assert keys_of(await claim()) == ["b"]

    run_opened(database_url, body)


def test_a_head_that_waits_for_its_next_try_holds_its_key(database_url: str) -> None:
    """While the oldest job of a key waits to be tried again, the next of that key waits too; other keys go on."""

    async def body() -> None:
        await ask("a", "a", "b")
        head = (await claim(1))[0]
        await put_back_job(head, at=soon(60), error="busy")
        assert keys_of(await claim()) == ["b"]
        assert await claim() == []
        await execute("UPDATE job SET available_at = now() WHERE id = $1", head.id)
        [again] = await claim()
        assert (again.id, again.attempts) == (head.id, 2)
        [row] = await list_jobs(state="waiting")
        assert (row["key"], row["error"]) == ("a", None)

    run_opened(database_url, body)


def test_what_was_not_tried_is_not_counted(database_url: str) -> None:
    """A job put back because its time had not come keeps its tries; one that failed has one less."""

    async def body() -> None:
        await ask("a")
        for counted, attempts in ((False, 1), (True, 1), (True, 2), (False, 3)):
            [one] = await claim()
            assert one.attempts == attempts
            await put_back_job(one, at=soon(-1), error="x" * 5000, counted=counted)
        assert await fetch_value("SELECT length(error) FROM job") == 2000

    run_opened(database_url, body)


def test_claimers_never_share(database_url: str) -> None:
    """Many workers over many jobs: each job is run once, those of a key in their order, none at the same time."""

    async def body() -> None:
        random = Random(3)
        keys = [f"k{random.randrange(12)}" for _ in range(150)]
        await ask(*keys)
        done: list[int] = []
        running: set[str] = set()
        order: dict[str, list[int]] = {}

        async def work() -> None:
            while True:
                claimed = await claim(random.randint(1, 5))
                if not claimed and not await count_rows("job"):
                    return
                for one in claimed:
                    assert one.key not in running
                    running.add(one.key)
                await asyncio.sleep(0)
                for one in claimed:
                    order.setdefault(one.key, []).append(one.id)
                    done.append(one.id)
                    running.discard(one.key)
                    await finish_job(one)

        await asyncio.gather(*(apart(work()) for _ in range(6)))
        assert len(done) == len(set(done)) == 150
        assert all(ids == sorted(ids) for ids in order.values())
        assert {key: len(ids) for key, ids in order.items()} == Counter(keys)

    run_opened(database_url, body)


def test_a_claim_in_progress_is_passed_over(database_url: str) -> None:
    """A row another worker is just claiming is skipped, not waited for, and its key's next stays behind it."""

    async def body() -> None:
        await ask("a", "a", "b")
        other = await connect_apart(database_url)
        async with other.transaction():
            await other.fetch("SELECT FROM job WHERE key = 'a' ORDER BY id LIMIT 1 FOR UPDATE")
            assert keys_of(await asyncio.wait_for(claim(), 30)) == ["b"]
        await other.close()
        assert keys_of(await claim()) == ["a"]

    run_opened(database_url, body)


def test_a_dead_workers_job_is_taken_over(database_url: str) -> None:
    """When the lease has ended the job waits again, with its try counted, and comes in its old place."""

    async def body() -> None:
        await ask("a", "a")
        [lost] = await claim(lease=-1)
        assert await claim() == []
        assert await recover_leases(attempts=12) == 1
        assert await recover_leases(attempts=12) == 0
        [taken] = await claim()
        assert (taken.id, taken.attempts) == (lost.id, 2)
        assert taken.lease_id != lost.lease_id

    run_opened(database_url, body)


def test_a_job_that_kills_its_workers_dies_in_the_end(database_url: str) -> None:
    """A job whose workers vanish again and again is dead after all its tries and one, and says why."""

    async def body() -> None:
        await ask("a", "a")
        for _ in range(4):
            assert len(await claim(lease=-1)) == 1
            await recover_leases(attempts=3)
        [dead] = await list_jobs(state="dead")
        assert (dead["attempts"], dead["error"]) == (4, "each of its workers vanished")
        [following] = await claim()
        assert following.id > dead["id"]

    run_opened(database_url, body)


def test_a_worker_that_held_on_keeps_its_job(database_url: str) -> None:
    """A renewed lease is not taken over; one that was lost cannot be renewed."""

    async def body() -> None:
        await ask("a")
        [held] = await claim(lease=-1)
        assert await renew_leases([held], lease_seconds=30) == 1
        assert await recover_leases(attempts=12) == 0
        await execute("UPDATE job SET lease_until = now() - interval '1 second'")
        assert await recover_leases(attempts=12) == 1
        assert await renew_leases([held], lease_seconds=30) == 0

    run_opened(database_url, body)


@pytest.mark.parametrize("end", ["finish", "put back", "bury"])
def test_who_lost_the_lease_settles_nothing(database_url: str, end: str) -> None:
    """A worker that comes back after its lease was taken over is told so, and its transaction is rolled back."""
    ends: dict[str, Any] = {
        "finish": finish_job,
        "put back": lambda one: put_back_job(one, at=soon(0), error="x"),
        "bury": lambda one: bury_job(one, error="x"),
    }

    async def body() -> None:
        await ask("a", "b")
        lost = (await claim(1, lease=-1))[0]
        await recover_leases(attempts=12)
        [taken] = await claim(1)

        async def settle_late() -> None:
            async with tx():
                await execute("DELETE FROM job WHERE key = 'b'")
                await ends[end](lost)

        with pytest.raises(LeaseLost):
            await settle_late()
        assert await count_rows("job") == 2
        await finish_job(taken)
        assert [row["key"] for row in await rows_of("job")] == ["b"]

    run_opened(database_url, body)


def test_full_lanes_are_passed_over(database_url: str) -> None:
    """A lane that has its share of the workers gets no more; jobs without a lane and other lanes go on."""

    async def body() -> None:
        await ask("a", "b", lane="slow")
        await ask("c", lane="quick")
        await ask("d")
        assert keys_of(await claim(full=("slow",))) == ["c", "d"]
        assert keys_of(await claim()) == ["a", "b"]

    run_opened(database_url, body)


def test_claims_given_back_are_as_new(database_url: str) -> None:
    """What a worker took and did not begin waits again at once, its try not counted; others' claims stay."""

    async def body() -> None:
        await ask("a", "b", "c")
        mine = await claim(2)
        [others] = await claim()
        await release_jobs([one.id for one in mine] + [others.id], lease_id=mine[0].lease_id)
        again = await claim()
        assert [(one.key, one.attempts) for one in again] == [("a", 1), ("b", 1)]
        await finish_job(others)

    run_opened(database_url, body)


def test_a_dead_job_lets_its_key_go_on_and_can_be_brought_back(database_url: str) -> None:
    """A dead job is kept with its error for people to see; its key goes on, and a retry gives it all its tries."""

    async def body() -> None:
        await ask("a", "a")
        [first] = await claim()
        await bury_job(first, error="nothing helps")
        [second] = await claim()
        assert second.id > first.id
        [dead] = await list_jobs(state="dead")
        assert (dead["id"], dead["error"], dead["type"]) == (first.id, "nothing helps", "deliver_message")
        assert await count_jobs() == {"waiting": 0, "running": 1, "dead": 1}
        assert await retry_jobs([first.id, second.id, 999]) == 1
        assert await retry_jobs([first.id]) == 0
        await finish_job(second)
        [again] = await claim()
        assert (again.id, again.attempts) == (first.id, 1)

    run_opened(database_url, body)


def test_jobs_are_listed_in_the_order_they_were_asked_for(database_url: str) -> None:
    """A list goes on after an id, of one state or of all, and names the request that asked."""

    async def body() -> None:
        with working_for("req-7"):
            await ask("a", "b", "c")
        rows = await list_jobs(limit=2)
        assert [row["key"] for row in rows] == ["a", "b"]
        assert [row["key"] for row in await list_jobs(after=rows[-1]["id"])] == ["c"]
        assert {row["request_id"] for row in rows} == {"req-7"}
        [claimed] = await claim(1)
        assert claimed.request_id == "req-7"
        assert [row["key"] for row in await list_jobs(state="running")] == ["a"]

    run_opened(database_url, body)


def test_a_job_of_a_newer_release_is_left_to_its_workers(database_url: str) -> None:
    """During a rolling upgrade an old worker leaves jobs it does not know, and what stands behind them, alone."""

    async def body() -> None:
        await ask("a", "b", "a")
        await execute("UPDATE job SET type = 'make_tea', payload = '{\"type\":\"make_tea\"}' WHERE id = 1")
        assert keys_of(await claim()) == ["b"]
        assert await count_jobs() == {"waiting": 2, "running": 1, "dead": 0}

    run_opened(database_url, body)


def test_a_job_that_cannot_be_read_stops_nobody(database_url: str) -> None:
    """A payload that is not what its type says is buried with the reason; the jobs claimed with it are run."""

    async def body() -> None:
        await ask("a", "b")
        await execute("UPDATE job SET payload = '{\"type\":\"deliver_message\"}' WHERE key = 'a'")
        assert keys_of(await claim()) == ["b"]
        [dead] = await list_jobs(state="dead")
        assert (dead["key"], "entry_id" in dead["error"]) == ("a", True)

    run_opened(database_url, body)


def test_a_state_that_is_none_is_refused_by_the_table(database_url: str) -> None:
    """The table itself knows which states there are."""

    async def body() -> None:
        await ask("a")
        with pytest.raises(asyncpg.CheckViolationError):
            await execute("UPDATE job SET state = 2")

    run_opened(database_url, body)
