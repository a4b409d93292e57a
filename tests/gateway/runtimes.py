"""A runtime over a test's database, with a provider the test scripts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from channels.contract import Account, OutboundMessage, Sent
from channels.http import Http
from gateway.redis_client import connect_redis
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.storage import open_storage
from inbox.accounts.actions import connect_channel
from inbox.conversations.thread import Route
from inbox.intake.batch import Lane
from inbox.kit.db import close_database, open_database
from tests.gateway.feeds import NOWHERE
from tests.inbox.builders import AGENT, OURS, PlainAdapter, committed

SECRET = "a test's own key, long enough: 0123456789"
Step = Callable[[OutboundMessage], Awaitable[Sent]]


class ScriptedAdapter(PlainAdapter):
    """A provider with a ledger of what it took; `steps` are what its next answers are, after which it takes all."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.steps: list[Step] = []

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """The next step of the script, else take it."""
        self.calls += 1
        if self.steps:
            return await self.steps.pop(0)(message)
        return await super().send(account, message)

    def take(self, message: OutboundMessage) -> Sent:
        """Enter it in the ledger."""
        self.sent.append(message)
        return Sent(provider_message_id=f"SM{len(self.sent)}")

    def fail(self, error: Exception) -> None:
        """The next answer is this error."""

        async def step(message: OutboundMessage) -> Sent:
            raise error

        self.steps.append(step)

    def hang(self, *, taken: bool) -> Hanging:
        """The next call hangs, with the message taken or not, until the test lets it go on or kills the worker."""
        hanging = Hanging()

        async def step(message: OutboundMessage) -> Sent:
            sent = self.take(message) if taken else None
            hanging.reached.set()
            await hanging.go_on.wait()
            return sent or self.take(message)

        self.steps.append(step)
        return hanging

    @property
    def texts(self) -> list[str]:
        """The words it took, in order."""
        return [getattr(part, "text", "") for message in self.sent for part in message.parts]


class Hanging:
    """A call that hangs."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()


@asynccontextmanager
async def open_test_runtime(
    database_url: str, folder: Path, *, adapter: Any = None, pool: int = 12, **settings: Any
) -> AsyncIterator[Runtime]:
    """The clients of one process, without Redis; `adapter` is its only provider."""
    adapter = adapter or ScriptedAdapter()
    made = Settings(
        secret_key=SECRET, data_dir=folder, **{"poll_seconds": 0.05, "send_retry_base_seconds": 0.1, **settings}
    )
    client = connect_redis(NOWHERE, seconds=0.2, retry=None)
    await open_database(database_url, size=pool)
    runtime = Runtime(
        made,
        database_url=database_url,
        redis_client=client,
        http=Http(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)),
        adapters={adapter.name: adapter},
        storage=open_storage(made),
    )
    try:
        yield runtime
    except BaseException:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()  # what a failed test leaves hanging would keep the database open for ever
        raise
    finally:
        await runtime.parsers.aclose()
        await runtime.directory.close()
        await runtime.http.aclose()
        await client.aclose()
        await close_database()


async def connect(runtime: Runtime, number: str = OURS, *, account: str = "AC1") -> Lane:
    """A channel of the runtime's only provider, known to its directory."""
    [adapter] = runtime.adapters.values()
    settings = {"number": number, "account": account}
    channel_id: UUID = await committed(
        connect_channel(adapter.name, "test", settings=settings, catalogue=runtime.catalogue, actor=AGENT)
    )
    await runtime.directory.refresh()
    route = Route(channel_id=channel_id, medium=adapter.medium, provider=adapter.provider)
    return Lane(route=route, addresses=frozenset({number}))
