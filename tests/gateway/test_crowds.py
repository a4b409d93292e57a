"""Crowds at the providers' door: bounded, put off, spooled where a refusal is a loss; the quiet go on (P21, P22)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from channels.signatures import sign_content
from gateway.hooks import Door
from gateway.journal import Journal
from gateway.projector import LANES_AT_ONCE
from gateway.spool import Spool
from inbox.intake.actions.journal import JournalEntry
from inbox.kit.clock import utc_now
from inbox.kit.db import fetch_value
from inbox.kit.ids import new_id
from inbox.kit.secrets import SecretBox
from tests.bench.load import inbound_fields
from tests.gateway.desks import Desk, messages, run_desk
from tests.gateway.runtimes import connect
from tests.inbox.builders import apart, until
from tests.journeys.gateway import ACCOUNT, NUMBER, TOKEN, Journey, eventually, open_journey

PLACES = 8


def entry(number: int, channel_id: Any) -> JournalEntry:
    """A request that can be told apart."""
    return JournalEntry(
        channel_id=channel_id, kind="message", method="POST", url="https://x", headers="{}", body=b"%d" % number,
        received_at=utc_now(),
    )  # fmt: skip


async def call_in(journey: Journey, number: int) -> httpx.Response:
    """One signed webhook."""
    path = f"/hooks/sms-twilio/{journey.channel_id}/message"
    fields = inbound_fields(sid=f"SM{number:032x}", sender="+34600111222") | {"AccountSid": ACCOUNT, "To": NUMBER}
    signed = journey.url + path + "".join(name + fields[name] for name in sorted(fields))
    signature = sign_content(signed.encode(), key=TOKEN.encode(), digest="sha1", encoding="base64")
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    return await journey.client.post(path, content=urlencode(fields), headers=headers)


def test_a_crowd_is_spooled_then_put_off(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the journal is slow: some wait for it, the next are spooled and answered, the rest hear 503 at once.

    What was answered 200 is there once, in the end; nothing else is.
    """

    async def walk(journey: Journey) -> None:
        journal, go_on = journey.runtime.journal, asyncio.Event()
        original = journal._journal

        async def slow(entries: Sequence[JournalEntry]) -> None:
            await go_on.wait()
            await original(entries)

        monkeypatch.setattr(journal, "_journal", slow)
        calls = [apart(call_in(journey, number)) for number in range(5 * PLACES)]
        await until(lambda: answered(calls, 4 * PLACES))  # while the journal stands still
        early = [call.result() for call in calls if call.done()]
        statuses = Counter(answer.status_code for answer in early)
        assert statuses[503] > 0
        assert all(answer.headers["retry-after"] == "1" for answer in early if answer.status_code == 503)
        assert (await journey.client.get("/v1/agents")).status_code == 200
        go_on.set()
        taken = Counter(answer.status_code for answer in await asyncio.gather(*calls))
        assert taken[200] >= PLACES / 2
        await eventually(lambda: stored(taken[200]))
        assert await fetch_value("SELECT count(DISTINCT provider_message_id) FROM entry") == taken[200]

    async def answered(calls: Sequence[asyncio.Task[Any]], count: int) -> bool:
        return sum(call.done() for call in calls) >= count

    async def stored(count: int) -> bool:
        return bool(await fetch_value("SELECT count(*) FROM entry WHERE direction = 'inbound'") == count)

    crowded: Any = {"SWITCHBOARD_HOOK_CONCURRENCY": str(PLACES), "SWITCHBOARD_JOURNAL_TIMEOUT_SECONDS": "10"}

    async def opened() -> None:
        async with open_journey(database_url, redis_url, tmp_path, **crowded) as journey:
            await walk(journey)

    asyncio.run(opened())


def test_a_full_door_refuses_before_it_reads(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """What cannot be kept is refused unread and unverified, so that a flood is answered as fast as it comes (P21)."""
    said: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        said.append(message)

    async def walk(journey: Journey) -> None:
        door = Door(journey.runtime)
        path = f"/hooks/sms-twilio/{journey.channel_id}/message"
        scope: Any = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
        door.waiting = 2 * door.places
        await door.take_request(scope, receive, send)
        assert (said[0]["status"], dict(said[0]["headers"])[b"retry-after"]) == (503, b"1")

    async def run() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            await walk(journey)

    asyncio.run(run())


def test_channels_take_turns_in_the_journal(tmp_path: Path) -> None:
    """However many requests of a loud channel wait, a quiet one's are in the next batch, each channel in its order."""

    async def body() -> None:
        journal = Journal(Spool(tmp_path, box=SecretBox(["k" * 32]), limit=10**6), batch=4, timeout=5)
        loud, quiet, batches = new_id(), new_id(), list[list[tuple[Any, bytes]]]()

        async def keep(entries: Sequence[JournalEntry]) -> None:
            batches.append([(one.channel_id, one.body) for one in entries])
            await asyncio.sleep(0.01)

        journal._journal = keep  # type: ignore[method-assign]  # the test's own database
        calls = [apart(journal.write(entry(number, loud), spoolable=False)) for number in range(20)]
        calls += [apart(journal.write(entry(number, quiet), spoolable=False)) for number in range(2)]
        await asyncio.gather(*calls)
        assert {channel for channel, _ in batches[0]} == {loud, quiet}
        assert [body for batch in batches for channel, body in batch if channel == loud] == [
            b"%d" % n for n in range(20)
        ]
        assert [body for batch in batches for channel, body in batch if channel == quiet] == [b"0", b"1"]

    asyncio.run(body())


def test_loud_channels_do_not_keep_a_quiet_one_from_being_projected(database_url: str, tmp_path: Path) -> None:
    """With more loud channels than are projected at a time, a quiet one's turn comes after a batch, not after all."""

    async def body(desk: Desk) -> None:
        loud = [await connect(desk.runtime, f"+1212555020{n}") for n in range(LANES_AT_ONCE + 1)]
        quiet = await connect(desk.runtime, "+12125550300")
        for lane in loud:
            await desk.journal(lane, *messages(60))
        await desk.journal(quiet, *messages(1))

        async def quiet_is_through() -> bool:
            sql = "SELECT projected_id > 0 FROM lane WHERE channel_id = $1"
            return bool(await fetch_value(sql, quiet.route.channel_id))

        await until(quiet_is_through)
        await desk.finish()
        assert len(await desk.texts()) == (LANES_AT_ONCE + 1) * 60 + 1
        before = "SELECT count(*) FROM entry WHERE id < (SELECT max(id::text)::uuid FROM entry WHERE channel_id = $1)"
        assert await fetch_value(before, quiet.route.channel_id) < (LANES_AT_ONCE + 1) * 60 / 2, "not half of the loud"

    run_desk(database_url, tmp_path, body, projection_batch=4)
