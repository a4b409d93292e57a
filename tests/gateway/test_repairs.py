"""Repairs step by step: put off, failed, resumed, never done twice; and the journal's retention as a chore."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from channels.contract import RECONCILED, Account, ListedMessage, ListedPage, Listing, RawEvent
from channels.errors import Misconfigured, Throttled, Unreachable
from gateway import repairs, retention
from gateway.jobs import run_job
from gateway.repairs import run_repair, tend_repairs
from gateway.retention import prune_intake
from gateway.runtime import Runtime
from gateway.worker import settle
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch_value
from inbox.outbox.actions import claim_jobs
from inbox.repair.actions.runs import NewRepair, begin_repair
from inbox.repair.queries import Repair, find_repair
from tests.gateway.posts import BACKOFF
from tests.gateway.runtimes import ScriptedAdapter, connect, open_test_runtime
from tests.inbox.builders import ANA, OURS, committed, count_rows, rows_of


class ListingAdapter(ScriptedAdapter):
    """A provider with a list: `pages` are its next answers."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[ListedPage | Exception] = []

    async def list_messages(self, account: Account, listing: Listing, *, cursor: str | None) -> ListedPage:
        """The next page of the script."""
        page = self.pages.pop(0)
        if isinstance(page, Exception):
            raise page
        return page

    async def recall_message(self, account: Account, listed: ListedMessage) -> RawEvent:
        """It has the listed record itself as its body."""
        return RawEvent(
            kind=RECONCILED, method="GET", url="", headers={}, body=listed.content, received_at=listed.created_at
        )


def page(*sids: str, cursor: str | None = None) -> ListedPage:
    """Texts that somebody sent us."""
    messages = [
        ListedMessage(
            direction="inbound", key=sid, provider_message_id=sid, sender=ANA, recipient=OURS, text="hi", files=0,
            created_at=utc_now(), content=b"[]", status="received",
        )
        for sid in sids
    ]  # fmt: skip
    return ListedPage(messages=messages, cursor=cursor)


class Bench:
    """A channel, its provider's list, and a worker's steps one by one."""

    def __init__(self, runtime: Runtime, adapter: ListingAdapter, channel_id: UUID) -> None:
        self.runtime = runtime
        self.adapter = adapter
        self.channel_id = channel_id

    async def begin(self, *, as_job: bool = True) -> UUID:
        """A comparison of the last two hours."""
        now = utc_now()
        wanted = NewRepair(
            kind="reconcile", channel_id=self.channel_id, since=now - timedelta(hours=2), until=now + timedelta(hours=1)
        )
        return await committed(begin_repair(wanted, actor=SYSTEM, as_job=as_job))

    async def work(self) -> None:
        """Run the next job, whenever it is due."""
        await execute("UPDATE job SET available_at = now()")
        await execute("DELETE FROM resting_lane")
        [claimed] = await claim_jobs(limit=1, lease_seconds=30)
        await settle(claimed, run_job(self.runtime, claimed), backoff=BACKOFF, random=Random(1))

    async def repair(self) -> Repair:
        """The only one."""
        [row] = await rows_of("repair")
        return await find_repair(row["id"])


def at_bench(database_url: str, folder: Path, body: Callable[[Bench], Awaitable[None]]) -> None:
    """Run a test's body at a bench of its own."""

    async def run() -> None:
        adapter = ListingAdapter()
        async with open_test_runtime(database_url, folder, adapter=adapter) as runtime:
            lane = await connect(runtime)
            await body(Bench(runtime, adapter, lane.route.channel_id))

    asyncio.run(run())


def test_every_page_is_a_step_with_its_own_job(database_url: str, tmp_path: Path) -> None:
    """A step stores where the next begins and asks for it, in one commit; after the last there is no job."""

    async def body(bench: Bench) -> None:
        await bench.begin()
        await bench.work()
        assert (await bench.repair()).place == {"phase": "messages"}
        bench.adapter.pages = [page("SM1", "SM2", cursor="2"), page("SM3")]
        await bench.work()
        assert (await bench.repair()).place == {"phase": "messages", "cursor": "2"}
        assert await count_rows("raw_event") == 2
        await bench.work()
        repair = await bench.repair()
        assert (repair.state, repair.counts["inbound_missing"], repair.counts["listed"]) == ("done", 3, 3)
        assert await count_rows("job") == 0

    at_bench(database_url, tmp_path, body)


def test_a_provider_that_asks_us_to_wait_is_obeyed(database_url: str, tmp_path: Path) -> None:
    """The step is put off by what it asks for, nothing is lost, and the repair goes on from the same place."""

    async def body(bench: Bench) -> None:
        await bench.begin()
        await bench.work()
        bench.adapter.pages = [Throttled("slower", after=100), page("SM1")]
        await bench.work()
        waits = await fetch_value("SELECT extract(epoch FROM available_at - now()) FROM job")
        assert 90 < waits < 130
        await bench.work()
        assert (await bench.repair()).state == "done"

    at_bench(database_url, tmp_path, body)


@pytest.mark.parametrize("failures", [[Misconfigured("wrong token")], [Unreachable("away")] * 3])
def test_a_list_that_cannot_be_had_fails_the_repair(
    database_url: str, tmp_path: Path, failures: list[Exception]
) -> None:
    """At once where the credentials are wrong, after all tries where nobody answers; the reason is kept."""

    async def body(bench: Bench) -> None:
        await bench.begin()
        await bench.work()
        bench.adapter.pages = list(failures)
        for _ in failures:
            await bench.work()
        repair = await bench.repair()
        assert (repair.state, repair.error) == ("failed", str(failures[0]))
        assert await count_rows("job") == 0

    at_bench(database_url, tmp_path, body)


def test_what_was_left_lying_goes_on(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repair whose process was killed gets its next job again; one whose job is dead has failed."""
    monkeypatch.setattr(repairs, "IDLE_SECONDS", 0.0)

    async def body(bench: Bench) -> None:
        await bench.begin(as_job=False)
        await tend_repairs()
        await tend_repairs()
        assert await count_rows("job") == 1
        await bench.work()
        await execute("UPDATE job SET state = 3")
        await tend_repairs()
        repair = await bench.repair()
        assert (repair.state, "dead jobs" in (repair.error or "")) == ("failed", True)

    at_bench(database_url, tmp_path, body)


def test_a_step_that_another_process_takes_is_undone(database_url: str, tmp_path: Path) -> None:
    """Of two that take the same step one commits: nothing is journaled twice, and the other goes on from there."""

    async def body(bench: Bench) -> None:
        repair_id = await bench.begin(as_job=False)
        bench.adapter.pages = [page("SM1"), page("SM1")]
        await asyncio.gather(run_repair(bench.runtime, repair_id), run_repair(bench.runtime, repair_id))
        repair = await bench.repair()
        assert (repair.state, repair.counts["inbound_missing"]) == ("done", 1)
        assert await count_rows("raw_event") == 1

    at_bench(database_url, tmp_path, body)


def test_what_cannot_be_projected_is_journaled_once(database_url: str, tmp_path: Path) -> None:
    """A listed message whose event never happens is not taken in again by every comparison."""

    async def body(bench: Bench) -> None:
        for _ in range(2):
            bench.adapter.pages = [page("SM1")]
            await run_repair(bench.runtime, await bench.begin(as_job=False))
        assert await count_rows("raw_event") == 1

    at_bench(database_url, tmp_path, body)


def test_the_journal_is_pruned_with_pauses(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chore forgets by the settings, channel by channel, and stops at once with the process."""
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0.01)
    old = """
        INSERT INTO raw_event (channel_id, kind, method, url, headers, body, received_at)
        SELECT channel_id, 'message', 'POST', '', '{}', '', now() - interval '31 days' FROM lane
    """

    async def body(bench: Bench) -> None:
        await execute(old)
        await execute("UPDATE lane SET projected_id = 1000")
        await execute("INSERT INTO event_key SELECT channel_id, 'SM1', 999, now() - interval '91 days' FROM lane")
        stopping = asyncio.Event()
        stopping.set()
        await prune_intake(bench.runtime, stopping)
        assert (await count_rows("raw_event"), await count_rows("event_key")) == (1, 1)
        stopping.clear()
        await prune_intake(bench.runtime, stopping)
        assert (await count_rows("raw_event"), await count_rows("event_key")) == (0, 0)

    at_bench(database_url, tmp_path, body)
