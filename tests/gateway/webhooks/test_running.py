"""A process that sends webhooks: woken, stopped, restarted, and troubled by what it cannot read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from channels.http import Http
from gateway.runtime import Runtime
from gateway.webhooks import run_webhooks, webhook_workshop
from gateway.webhooks import sender as sender_module
from inbox.conversations.api import envelopes
from inbox.kit.db import execute, fetch_value, wake
from inbox.kit.secrets import SecretBox
from inbox.webhooks.actions.endpoints import Endpoint, create_webhook
from tests.channels.local_server import LOOPBACK
from tests.gateway.runtimes import open_test_runtime
from tests.gateway.webhooks.receiver import TAKEN, Receiver, answering, hang, open_receiver
from tests.inbox.builders import AGENT, committed, until
from tests.inbox.webhooks.endpoints import queued, tell

SETTINGS: dict[str, Any] = {
    "webhook_retry_seconds": (0.02, 0.02, 0.02),
    "webhook_timeout_seconds": 2.0,
    "stop_seconds": 0.5,
}


def run(url: str, folder: Path, body: Callable[[Runtime, Http, Receiver], Awaitable[None]], **settings: Any) -> None:
    """A test's body with a runtime, a client that may call this machine, and a receiver."""

    async def opened() -> None:
        http = Http(allow=LOOPBACK)
        async with open_receiver() as receiver, open_test_runtime(url, folder, **(SETTINGS | settings)) as runtime:
            await body(runtime, http, receiver)
        await http.aclose()

    asyncio.run(opened())


async def add(runtime: Runtime, receiver: Receiver, path: str = "", **fields: Any) -> UUID:
    """A webhook at the receiver."""
    wanted = Endpoint(url=receiver.url + path, **{"types": ["contact.*"], **fields})

    async def anywhere(_: str) -> None:
        """The receiver is on this machine."""

    workshop = webhook_workshop(runtime)
    row, _ = await committed(
        create_webhook(wanted, workshop=type(workshop)(
            box=workshop.box, check_url=anywhere, overlap=workshop.overlap
        ), actor=AGENT)
    )  # fmt: skip
    webhook_id: UUID = row["id"]
    return webhook_id


async def tell_and_wake(*types: Any) -> None:
    """Tell these things as the sequencer of this process does."""
    await tell(*types)
    wake(["sequenced"])


async def states(webhook: UUID) -> list[int]:
    """How far its deliveries are."""
    return [row["state"] for row in await queued(webhook)]


def test_a_failure_is_tried_until_it_is_taken(database_url: str, tmp_path: Path) -> None:
    """Under one id, with a new time each time, and each try verifies."""

    async def body(runtime: Runtime, http: Http, receiver: Receiver) -> None:
        receiver.answer = lambda _, tries: TAKEN if tries == 3 else answering(500)
        webhook = await add(runtime, receiver)
        async with run_webhooks(runtime, http=http):
            await tell_and_wake("contact.created")
            await until(lambda: _all(webhook, 3))
        assert len({got.id for got in receiver.got}) == 1
        assert len(receiver.got) == 4
        moments = [int(got.headers["webhook-timestamp"]) for got in receiver.got]
        assert all(abs(got.at - moment) < 30 for got, moment in zip(receiver.got, moments, strict=True))

    run(database_url, tmp_path, body)


async def _all(webhook: UUID, state: int) -> bool:
    found = await states(webhook)
    return bool(found) and set(found) == {state}


def test_a_hanging_endpoint_holds_up_no_other(database_url: str, tmp_path: Path) -> None:
    """While one takes every request and never answers, the other gets all of its own at once."""

    async def body(runtime: Runtime, http: Http, receiver: Receiver) -> None:
        receiver.answer = lambda got, _: hang if got.path.endswith("/dead") else TAKEN
        dead, alive = await add(runtime, receiver, "/dead"), await add(runtime, receiver, "/alive")
        async with run_webhooks(runtime, http=http):
            await tell_and_wake(*["contact.updated"] * 40)
            await until(lambda: _all(alive, 3))
            assert set(await states(dead)) <= {0, 1}

    run(database_url, tmp_path, body, webhook_timeout_seconds=30.0)


def test_a_stop_gives_back_what_was_not_finished(database_url: str, tmp_path: Path) -> None:
    """The next process has it at once: it may come twice, it never gets lost."""

    async def body(runtime: Runtime, http: Http, receiver: Receiver) -> None:
        receiver.answer = lambda _, __: hang
        webhook = await add(runtime, receiver)
        async with run_webhooks(runtime, http=http):
            await tell_and_wake("contact.created")
            await until(lambda: _all(webhook, 1))
            await until(lambda: _heard(receiver, 1))
        assert await states(webhook) == [0]
        receiver.answer = lambda _, __: TAKEN
        async with run_webhooks(runtime, http=http):
            await until(lambda: _all(webhook, 3))
        assert len({got.id for got in receiver.got}) == 1

    run(database_url, tmp_path, body)


async def _heard(receiver: Receiver, amount: int) -> bool:
    return len(receiver.got) >= amount


def test_what_is_finished_at_a_stop_is_written_down(database_url: str, tmp_path: Path) -> None:
    """A delivery that was taken while we stop is not sent again."""

    async def body(runtime: Runtime, http: Http, receiver: Receiver) -> None:
        async def slowly(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.2)
            writer.write(TAKEN)

        receiver.answer = lambda _, __: slowly
        webhook = await add(runtime, receiver)
        async with run_webhooks(runtime, http=http):
            await tell_and_wake("contact.created")
            await until(lambda: _heard(receiver, 1))
        assert await states(webhook) == [3]

    run(database_url, tmp_path, body, stop_seconds=30.0)


def test_one_event_that_cannot_be_told_takes_no_other_with_it(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug over one event fails that delivery alone, by the schedule, and says so in its log."""
    show = envelopes.show_events

    async def stumble(rows: Any) -> Any:
        if any(row["type"] == "contact.updated" for row in rows):
            raise KeyError("a column of a newer release")
        return await show(rows)

    monkeypatch.setattr(sender_module, "show_events", stumble)

    async def body(runtime: Runtime, http: Http, receiver: Receiver) -> None:
        webhook = await add(runtime, receiver)
        async with run_webhooks(runtime, http=http):
            await tell_and_wake("contact.created", "contact.updated", "contact.created")
            await until(lambda: _finished(webhook))
        assert await states(webhook) == [3, 4, 3]
        error = "SELECT attempts -> 0 ->> 'error' FROM webhook_delivery WHERE state = 4"
        assert await fetch_value(error) == "not_sendable"

    run(database_url, tmp_path, body)


async def _finished(webhook: UUID) -> bool:
    found = await states(webhook)
    return len(found) == 3 and min(found) >= 3


def test_secrets_that_cannot_be_opened_are_said_not_sent_unsigned(database_url: str, tmp_path: Path) -> None:
    """With a foreign key nothing leaves; the log of the delivery says why it failed."""

    async def body(runtime: Runtime, http: Http, receiver: Receiver) -> None:
        webhook = await add(runtime, receiver)
        runtime.box = SecretBox(["another key than the one it was made with"])
        async with run_webhooks(runtime, http=http):
            await tell_and_wake("contact.created")
            await until(lambda: _all(webhook, 4))
        assert receiver.got == []

    run(database_url, tmp_path, body)


def test_a_change_holds_from_the_next_try_on(database_url: str, tmp_path: Path) -> None:
    """A new URL is used although the process has the old one in memory."""

    async def body(runtime: Runtime, http: Http, receiver: Receiver) -> None:
        webhook = await add(runtime, receiver, "/old")
        async with run_webhooks(runtime, http=http):
            await tell_and_wake("contact.created")
            await until(lambda: _heard(receiver, 1))
            await execute(
                "UPDATE webhook SET url = $2, version = version + 1 WHERE id = $1", webhook, f"{receiver.url}/new"
            )
            await tell_and_wake("contact.created")
            await until(lambda: _heard(receiver, 2))
        assert [got.path for got in receiver.got] == ["/hook/old", "/hook/new"]

    run(database_url, tmp_path, body)
