"""Channels, arrivals and replies for tests, as plain functions; `run_opened` gives each test its own database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec
import pytest

from channels.contract import Account, ChannelSettings, Medium, OutboundMessage, RawEvent, Sent, SetupStep
from channels.events import (
    Address,
    AnyEvent,
    ConsentChanged,
    DeliveryError,
    DeliveryReported,
    DeliveryState,
    MessageReceived,
)
from channels.limits import Limits
from channels.parts import AnyPart, Text
from inbox.conversations.actions.reply import Reply, reply_to_conversation
from inbox.conversations.entry import Author
from inbox.conversations.thread import Route
from inbox.intake.actions.journal import JournalEntry
from inbox.intake.actions.project import project_events, replay_events
from inbox.intake.batch import Failure, FindSibling, Lane, ParsedEvent
from inbox.kit.callers import Actor
from inbox.kit.db import Row, close_database, execute, fetch, fetch_one, fetch_value, open_database, tx
from inbox.kit.errors import Problem
from inbox.kit.ids import new_id, show_id

Result = TypeVar("Result")

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
WINDOW = timedelta(hours=24)
ANA, BEN, CAI = "+12125550100", "+12125550101", "+12125550102"
OURS = "+12125550199"
AGENT = Actor(type="agent", id="agt_1", name="Bo")
BO = Author(type="agent", id="agt_1", name="Bo")
POOL_SIZE = 12
KEYS = count(1)


class PlainSettings(ChannelSettings, kw_only=True, frozen=True):
    """What the provider of these tests needs to know."""

    number: str = OURS
    account: str = "AC1"

    @property
    def realm(self) -> str:
        """The account the number belongs to."""
        return self.account

    @property
    def addresses(self) -> tuple[str, ...]:
        """The number."""
        return (self.number,)


class PlainAdapter:
    """A provider that takes every message and answers with the next number; tests overrule `send` and `parse`."""

    name = "sms-plain"
    medium: Medium = "sms"
    provider = "plain"
    limits = Limits(parts=frozenset({"text"}), text_chars=100, delivery_reports=True)
    settings: type[ChannelSettings] = PlainSettings

    def __init__(self) -> None:
        self.sent: list[OutboundMessage] = []

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """Take it."""
        self.sent.append(message)
        return Sent(provider_message_id=f"SM{len(self.sent)}")

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """The body is the events themselves, as JSON."""
        return msgspec.json.decode(raw.body, type=list[AnyEvent])

    def setup_steps(self, account: Account) -> list[SetupStep]:
        """Nothing to do."""
        return []


def run_opened(url: str, body: Callable[[], Awaitable[Result]], *, size: int = POOL_SIZE) -> Result:
    """Run a test's body in one event loop with the database open."""

    async def opened() -> Result:
        await open_database(url, size=size)
        try:
            return await body()
        finally:
            await close_database()

    return asyncio.run(opened())


async def committed(work: Awaitable[Result]) -> Result:
    """Do one thing in a transaction of its own, as the edge does."""
    async with tx():
        return await work


def apart(work: Awaitable[Result]) -> asyncio.Task[Result]:
    """Work in a task that shares no transaction with this one, as another request's would be."""

    async def alone() -> Result:
        return await work

    return asyncio.create_task(alone(), context=Context())


async def until(holds: Callable[[], Awaitable[object]], *, seconds: float = 60) -> None:
    """Wait for something that others bring about; it is looked for often and long."""
    for _ in range(int(seconds / 0.01)):
        if await holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"it did not come about within {seconds} s")


async def connect_apart(url: str) -> Any:
    """A connection that is not the pool's, for transactions held open and for looking from outside."""
    return await asyncpg.connect(url, server_settings={"timezone": "UTC"})


async def make_channel(
    *addresses: str, adapter: str = "sms-plain", medium: str = "sms", provider: str = "plain", status: str = "active"
) -> Lane:
    """A channel with its lane, as the projection is handed it."""
    channel_id, held = new_id(), addresses or (OURS,)
    await execute(
        "INSERT INTO channel (id, adapter, medium, provider, name, addresses, settings, status) "
        "VALUES ($1, $2, $3, $4, 'test', $5, '', $6)",
        channel_id, adapter, medium, provider, list(held), status,
    )  # fmt: skip
    await execute("INSERT INTO lane (channel_id) VALUES ($1)", channel_id)
    route = Route(channel_id=channel_id, medium=medium, provider=provider)
    return Lane(route=route, addresses=frozenset(held))


def text_message(
    text: str = "hi", *, sender: str = ANA, key: str | None = None, to: str | None = None, name: str | None = None
) -> MessageReceived:
    """Somebody wrote; without a key it is another message each time."""
    key = key or f"SM{next(KEYS)}"
    address = Address(kind="phone", value=sender, name=name, verified=True)
    return MessageReceived(key=key, to=to, sender=address, parts=[Text(text=text)], provider_message_id=key)


def delivery_report(
    provider_message_id: str,
    state: DeliveryState,
    *,
    reference: UUID | None = None,
    key: str | None = None,
    error: DeliveryError | None = None,
) -> DeliveryReported:
    """What the provider says of a message of ours."""
    return DeliveryReported(
        key=key or f"{provider_message_id}/{state}",
        provider_message_id=provider_message_id,
        state=state,
        reference=show_id("msg", reference) if reference else None,
        error=error,
    )


def consent_change(state: Any, *, sender: str = ANA, key: str | None = None) -> ConsentChanged:
    """STOP or START."""
    words = {"revoked": "STOP", "granted": "START"}[state]
    address = Address(kind="phone", value=sender, verified=True)
    return ConsentChanged(key=key or f"consent{next(KEYS)}", sender=address, state=state, source="keyword", words=words)


def journal_row(channel_id: UUID, body: bytes = b"", **fields: Any) -> JournalEntry:
    """A request as it is journaled."""
    made: dict[str, Any] = {"kind": "message", "method": "POST", "url": "https://x.test/", "headers": "{}", **fields}
    return JournalEntry(channel_id=channel_id, body=body, received_at=NOW, **made)


def arrived(number: int, *events: AnyEvent) -> ParsedEvent:
    """The journal's row of this number, parsed."""
    return ParsedEvent(raw_event_id=number, received_at=NOW, events=list(events))


def no_sibling(channel_id: UUID, address: str) -> Route | None:
    """Nobody else holds any address."""
    return None


async def project(
    lane: Lane, *parsed: ParsedEvent, now: datetime = NOW, find_sibling: FindSibling = no_sibling
) -> bool:
    """Project these rows in one transaction; False when another process is at it."""
    async with tx():
        return await project_events(lane, parsed, find_sibling=find_sibling, now=now, window=WINDOW) is not None


async def receive(lane: Lane, *events: AnyEvent, now: datetime = NOW) -> UUID:
    """Let each of these events arrive in a request of its own; the conversation the last message made or joined."""
    channel_id = lane.route.channel_id
    start = await fetch_value("SELECT projected_id FROM lane WHERE channel_id = $1", channel_id)
    rows = [arrived(start + number, event) for number, event in enumerate(events, 1)]
    assert await project(lane, *rows, now=now)
    last = "SELECT conversation_id FROM entry WHERE channel_id = $1 AND raw_event_id > 0 ORDER BY raw_event_id DESC"
    found: UUID = await fetch_value(last, channel_id)
    return found


async def reply(conversation_id: UUID, text: str = "hello", *, now: datetime = NOW, **fields: Any) -> UUID:
    """Our answer, queued; the id of its entry."""
    parts: list[AnyPart] = [Text(text=text)]
    adapters = {"sms-plain": PlainAdapter()}
    written = Reply(parts=parts, author=BO, **fields)
    return await committed(reply_to_conversation(conversation_id, written, adapters=adapters, now=now))


async def replay(lane: Lane, *parsed: ParsedEvent) -> list[Failure]:
    """Project these rows once more."""
    async with tx():
        return await replay_events(lane, parsed, find_sibling=no_sibling, now=NOW, window=WINDOW)


async def projected(lane: Lane) -> int:
    """How far the lane is."""
    found: int = await fetch_value("SELECT projected_id FROM lane WHERE channel_id = $1", lane.route.channel_id)
    return found


async def refused(work: Awaitable[object]) -> Problem:
    """The problem that a change ends with."""
    with pytest.raises(Problem) as caught:
        await work
    return caught.value


async def rows_of(table: str, order: str = "id") -> list[Row]:
    """A whole table."""
    return await fetch(f"SELECT * FROM {table} ORDER BY {order}")


async def one_row(table: str, row_id: UUID) -> Row:
    """One row by its id."""
    row = await fetch_one(f"SELECT * FROM {table} WHERE id = $1", row_id)
    assert row is not None
    return row


async def count_rows(table: str) -> int:
    """How many rows a table has."""
    counted: int = await fetch_value(f"SELECT count(*) FROM {table}")
    return counted


async def timeline(conversation_id: UUID) -> list[tuple[int, str]]:
    """Its numbers and words."""
    rows = await fetch("SELECT seq, text FROM entry WHERE conversation_id = $1 ORDER BY seq", conversation_id)
    return [(row["seq"], row["text"]) for row in rows]


async def told_changes() -> list[tuple[str, Any, Any]]:
    """The event entries of the only conversation: name, from and to."""
    told = [msgspec.json.decode(row["event"]) for row in await rows_of("entry", "seq") if row["event"]]
    return [(event["name"], event["from"], event["to"]) for event in told]
