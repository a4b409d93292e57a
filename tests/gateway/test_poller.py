"""Polling: each mail once with the place behind it, one reader at a time, and a failure that tells what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from channels.contract import Account, RawEvent
from channels.errors import Misconfigured, SendFailed, Throttled, Unreachable
from gateway import poller
from gateway.poller import LATER_SECONDS, SOON_SECONDS, Poller, polled_entry, retry_pause
from gateway.runtime import Runtime
from inbox.accounts.actions import ChannelChange, update_channel
from inbox.intake.actions.journal import JournalEntry
from inbox.intake.polling.actions import Claimed, PollLost, claim_poll, journal_polled, move_poll
from inbox.intake.polling.queries import ChannelHealth, find_channel_health
from inbox.kit.db import execute
from tests.gateway.runtimes import connect, open_test_runtime
from tests.inbox.builders import AGENT, PlainAdapter, committed, rows_of, until

ARRIVED = datetime.now(UTC) - timedelta(minutes=5)


class MailboxAdapter(PlainAdapter):
    """A provider with a mailbox that must be asked: `mails` in order, the cursor being how many are stored.

    `failures` are raised one by one when it is opened; `readers` counts who reads at this moment, and `most` ever.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[bytes] = []
        self.failures: list[Exception] = []
        self.begun: list[str | None] = []
        self.news = asyncio.Event()
        self.readers = self.most = 0

    def deliver(self, *mails: bytes) -> None:
        """Put mails into the mailbox."""
        self.mails += mails
        self.news.set()

    async def poll(self, account: Account, cursor: str | None) -> AsyncIterator[tuple[RawEvent | None, str]]:
        """As the contract says."""
        self.begun.append(cursor)
        if self.failures:
            raise self.failures.pop(0)
        self.readers += 1
        self.most = max(self.most, self.readers)
        try:
            place = int(cursor or 0)
            while True:
                while place < len(self.mails):
                    place += 1
                    yield raw_mail(self.mails[place - 1]), str(place)
                yield None, str(place)
                self.news.clear()
                await self.news.wait()
        finally:
            self.readers -= 1


def raw_mail(body: bytes) -> RawEvent:
    """A fetched mail that had lain in its mailbox for five minutes."""
    headers = {"imap-arrived-at": ARRIVED.isoformat()}
    now = datetime.now(UTC)
    return RawEvent(kind="mail", method="IMAP", url="imap:///INBOX", headers=headers, body=body, received_at=now)


class Office:
    """A process with a mailbox."""

    def __init__(self, runtime: Runtime, adapter: MailboxAdapter, channel_id: UUID) -> None:
        self.runtime = runtime
        self.adapter = adapter
        self.channel_id = channel_id
        self.woken: list[set[UUID]] = []

    async def stored(self) -> list[bytes]:
        """The mails in the journal."""
        return [bytes(row["body"]) for row in await rows_of("raw_event", "id")]

    async def until_stored(self, *mails: bytes) -> None:
        """Until the journal has these, and nothing else."""

        async def there() -> bool:
            return await self.stored() == list(mails)

        await until(there)

    async def until_health(self, wanted: Callable[[ChannelHealth], bool]) -> ChannelHealth:
        """The channel's health, once it is as wanted."""

        async def there() -> bool:
            return wanted(await find_channel_health(self.channel_id))

        await until(there)
        return await find_channel_health(self.channel_id)


async def store_and_stumble(entry: JournalEntry, holder: UUID) -> None:
    """Store a mail and its place, and fail."""
    await journal_polled(entry, "1", holder=holder, lag_seconds=1)
    raise ZeroDivisionError


@asynccontextmanager
async def polling(runtime: Runtime) -> AsyncIterator[asyncio.Task[None]]:
    """A process's poller at work."""
    task = asyncio.create_task(Poller(runtime).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


def run_office(url: str, folder: Path, body: Callable[[Office], Awaitable[None]]) -> None:
    """Run a test's body in a process with a mailbox; nobody reads it yet."""

    async def scenario() -> None:
        adapter = MailboxAdapter()
        async with open_test_runtime(url, folder, adapter=adapter) as runtime:
            lane = await connect(runtime)
            office = Office(runtime, adapter, lane.route.channel_id)
            runtime.journal.on_written = office.woken.append
            await body(office)

    asyncio.run(scenario())


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold a mailbox for less, and try again sooner."""
    monkeypatch.setattr(poller, "HOLD_SECONDS", 0.6)
    monkeypatch.setattr(poller, "RENEW_SECONDS", 0.15)
    monkeypatch.setattr(poller, "SOON_SECONDS", (0.05, 0.1))
    monkeypatch.setattr(poller, "CLOCK_SECONDS", 0.02)


def test_mails_are_journaled_with_the_place_behind_them(database_url: str, tmp_path: Path) -> None:
    """In their order, the projector woken; after a restart reading goes on behind the last one."""

    async def body(office: Office) -> None:
        office.adapter.deliver(b"one", b"two")
        async with polling(office.runtime):
            await office.until_stored(b"one", b"two")
            health = await office.until_health(lambda health: health.lag_seconds == 0)
            assert (health.state, health.failures) == ("ok", 0)
        assert (await find_channel_health(office.channel_id)).state == "unattended"
        office.adapter.deliver(b"three")
        async with polling(office.runtime):
            await office.until_stored(b"one", b"two", b"three")
        assert office.adapter.begun == [None, "2"]
        assert office.woken == [{office.channel_id}] * 3

    run_office(database_url, tmp_path, body)


def test_neither_mail_nor_place_is_stored_alone(database_url: str, tmp_path: Path) -> None:
    """One transaction has both: what undoes one undoes the other."""

    async def body(office: Office) -> None:
        holder = uuid4()
        await claim_poll(office.channel_id, holder=holder, seconds=9)
        entry = polled_entry(office.channel_id, raw_mail(b"x"))
        with pytest.raises(ZeroDivisionError):
            await committed(store_and_stumble(entry, holder))
        assert await office.stored() == []
        claimed = await claim_poll(office.channel_id, holder=holder, seconds=9)
        assert claimed == Claimed(None, 0)
        await committed(journal_polled(entry, "1", holder=holder, lag_seconds=1))
        claimed = await claim_poll(office.channel_id, holder=holder, seconds=9)
        assert (await office.stored(), claimed and claimed.cursor) == ([b"x"], "1")

    run_office(database_url, tmp_path, body)


def test_who_lost_a_mailbox_stores_nothing(database_url: str, tmp_path: Path) -> None:
    """A process that was frozen while another took over finds out before anything of it is stored."""

    async def body(office: Office) -> None:
        frozen, other = uuid4(), uuid4()
        await claim_poll(office.channel_id, holder=frozen, seconds=9)
        assert await claim_poll(office.channel_id, holder=other, seconds=9) is None
        await execute("UPDATE poll SET held_until = now() - interval '1 second'")
        assert await claim_poll(office.channel_id, holder=other, seconds=9) is not None
        entry = polled_entry(office.channel_id, raw_mail(b"late"))
        with pytest.raises(PollLost):
            await committed(journal_polled(entry, "1", holder=frozen, lag_seconds=0))
        with pytest.raises(PollLost):
            await move_poll(office.channel_id, "1", holder=frozen)
        assert await office.stored() == []

    run_office(database_url, tmp_path, body)


def test_one_process_reads_at_a_time(database_url: str, tmp_path: Path) -> None:
    """However many could; when the reader ends in order, another goes on within moments."""

    async def body(office: Office) -> None:
        async with polling(office.runtime) as first, polling(office.runtime):
            office.adapter.deliver(b"one")
            await office.until_stored(b"one")
            await asyncio.sleep(0.8)  # longer than a hold lasts without renewal
            first.cancel()
            await asyncio.wait([first])
            office.adapter.deliver(b"two")
            await office.until_stored(b"one", b"two")
        assert office.adapter.most == 1

    run_office(database_url, tmp_path, body)


def test_a_dead_reader_is_replaced_and_a_robbed_one_stops(database_url: str, tmp_path: Path) -> None:
    """A hold that nobody renews ends; a reader that finds its mailbox held by another lets go of it."""

    async def body(office: Office) -> None:
        await claim_poll(office.channel_id, holder=uuid4(), seconds=0.4)
        office.adapter.deliver(b"one")
        async with polling(office.runtime):
            await office.until_stored(b"one")
            await execute("UPDATE poll SET holder = $1, held_until = now() + interval '0.5 second'", uuid4())

            async def left() -> bool:
                return office.adapter.readers == 0

            await until(left)
            office.adapter.deliver(b"two")
            await office.until_stored(b"one", b"two")

    run_office(database_url, tmp_path, body)


def test_a_failure_is_told_and_tried_again(database_url: str, tmp_path: Path) -> None:
    """The channel's health says why, what helps, since when and how often; a success ends all of that."""

    async def body(office: Office) -> None:
        office.adapter.failures = [Unreachable("no line"), Unreachable("no line", fix="look at it")]
        async with polling(office.runtime):
            health = await office.until_health(lambda health: health.failures == 2)
            told = (health.state, health.code, health.reason, health.fix)
            assert told == ("failing", "provider_down", "no line", "look at it")
            assert None not in {health.failing_since, health.retry_at}
            office.adapter.deliver(b"one")
            await office.until_stored(b"one")
            health = await office.until_health(lambda health: health.failures == 0)
            assert (health.state, health.reason, health.retry_at) == ("ok", None, None)

    run_office(database_url, tmp_path, body)


def test_new_settings_are_tried_at_once(database_url: str, tmp_path: Path) -> None:
    """Where an operator has to act nobody tries often; once somebody acted, nobody waits."""

    async def body(office: Office) -> None:
        office.adapter.failures = [Misconfigured("wrong password")]
        async with polling(office.runtime):
            health = await office.until_health(lambda health: health.failures == 1)
            assert health.retry_at is not None
            assert health.failed_at is not None
            assert health.retry_at - health.failed_at > timedelta(seconds=LATER_SECONDS[0] / 2)
            office.adapter.deliver(b"one")
            change = ChannelChange(settings={"account": "AC2"})
            await committed(update_channel(office.channel_id, change, catalogue=office.runtime.catalogue, actor=AGENT))
            await office.until_stored(b"one")

    run_office(database_url, tmp_path, body)


def test_a_bug_of_an_adapter_is_told_as_ours(database_url: str, tmp_path: Path) -> None:
    """It neither ends the process nor stays silent, and its text, which may hold anything, is not shown."""

    async def body(office: Office) -> None:
        office.adapter.failures = [KeyError("s3cret")]
        async with polling(office.runtime):
            health = await office.until_health(lambda health: health.failures == 1)
            assert health.reason is not None
            assert "our side" in health.reason
            assert "s3cret" not in health.reason

    run_office(database_url, tmp_path, body)


def test_a_paused_channel_is_read_and_a_removed_one_is_not(database_url: str, tmp_path: Path) -> None:
    """Pausing stops what we send alone."""

    async def body(office: Office) -> None:
        async with polling(office.runtime):
            for change, mail in ((ChannelChange(status="paused"), b"one"), (ChannelChange(name="Other"), b"two")):
                await committed(
                    update_channel(office.channel_id, change, catalogue=office.runtime.catalogue, actor=AGENT)
                )
                office.adapter.deliver(mail)
            await office.until_stored(b"one", b"two")
            assert len(office.adapter.begun) == 1
            await execute("UPDATE channel SET deleted_at = now()")
            await office.runtime.directory.refresh()

            async def left() -> bool:
                return office.adapter.readers == 0

            await until(left)

    run_office(database_url, tmp_path, body)


PAUSES: list[tuple[SendFailed, int, float]] = [
    (Unreachable("x"), 0, SOON_SECONDS[0]),
    (Unreachable("x"), 99, SOON_SECONDS[1]),
    (Misconfigured("x"), 0, LATER_SECONDS[0]),
    (Misconfigured("x"), 2, LATER_SECONDS[0] * 4),
    (Misconfigured("x"), 99, LATER_SECONDS[1]),
    (Throttled("x", after=60), 0, 60),
]


@pytest.mark.parametrize(("failed", "failures", "seconds"), PAUSES)
def test_tries_become_rarer(failed: SendFailed, failures: int, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is down is tried every few seconds, a wrong password hardly, a busy server when it said."""
    monkeypatch.setattr(poller, "SOON_SECONDS", SOON_SECONDS)
    pauses = [retry_pause(failed, failures=failures, random=Random(seed)) for seed in range(50)]
    assert seconds * 0.8 <= min(pauses) <= max(pauses) <= seconds


def test_the_health_of_a_channel_reads_the_same_for_any_kind(database_url: str, tmp_path: Path) -> None:
    """Where a provider calls us nothing is asked: the channel waits until something came."""

    async def body(office: Office) -> None:
        health = await find_channel_health(office.channel_id)
        assert (health.state, msgspec.structs.asdict(health)["succeeded_at"]) == ("waiting", None)
        columns: Any = ("channel_id", "kind", "method", "url", "headers", "body", "received_at")
        sql = f"INSERT INTO raw_event ({', '.join(columns)}) VALUES ($1, 'm', 'POST', '/', '{{}}', '', now())"
        await execute(sql, office.channel_id)
        assert (await find_channel_health(office.channel_id)).state == "ok"

    run_office(database_url, tmp_path, body)
