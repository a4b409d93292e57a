"""A gateway on a loopback port in the test's own loop, with the real server and wire, and clients of its sockets."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.configuration import load_settings
from gateway.metrics import LIVE_SOCKETS
from gateway.runtime import Runtime, open_runtime
from gateway.serve import Server, prepare_database
from gateway.service import run_service
from inbox.kit.callers import Scope
from inbox.kit.db import tx
from inbox.kit.ids import AGENT, show_id
from inbox.staff.actions import add_agent, create_api_key
from inbox.staff.sessions.actions import Lifetime, SignIn, begin_session
from tests.journeys.gateway import SECRET
from tests.ports import free_ports

PATIENCE_SECONDS = 60.0
EVERYTHING: tuple[Scope, ...] = ("admin",)
SIGN_IN = SignIn(
    method="password",
    address="127.0.0.1",
    user_agent="test",
    lifetime=Lifetime(timedelta(hours=1), timedelta(hours=8)),
)


class GuestServer(Server):
    """Our server in somebody else's loop: the signals are theirs."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield


class Client:
    """One socket, as a browser would use it."""

    def __init__(self, wire: ClientConnection) -> None:
        self.wire = wire

    async def hear(self) -> dict[str, Any]:
        """The next frame."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            frame: dict[str, Any] = msgspec.json.decode(await self.wire.recv())
        return frame

    async def hear_of(self, *types: str) -> dict[str, Any]:
        """The next frame of these types, others let go."""
        while (frame := await self.hear())["type"] not in types:
            pass
        return frame

    async def hear_live(self, kind: str) -> dict[str, Any]:
        """The next thing of the moment of this type."""
        while (event := (await self.hear_of("live"))["event"])["type"] != kind:
            pass
        return dict(event)

    async def say(self, kind: str, **fields: Any) -> None:
        """One frame."""
        await self.wire.send(msgspec.json.encode({"type": kind, **fields}).decode())

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """One frame, and the next that answers."""
        await self.say(kind, **fields)
        return await self.hear_of("subscribed", "problem", "pong", "reset")

    async def follow(self, name: str = "s1", *, cursor: str | None = None, **fields: Any) -> str:
        """Resume if a cursor is given, subscribe, and return the cursor it began with."""
        ready = await self.hear_of("ready")
        if cursor is not None:
            await self.say("resume", cursor=cursor)
        assert await self.ask("subscribe", id=name, **fields) == {"type": "subscribed", "id": name}
        return str(ready["cursor"])

    async def closed(self) -> int:
        """With which code it was closed, whatever was told before."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            with suppress(ConnectionClosed):
                while True:
                    await self.wire.recv()
        return int(self.wire.close_code or 0)


class LiveSite:
    """A running gateway. `key` holds all scopes."""

    def __init__(self, server: GuestServer, runtime: Runtime, key: str) -> None:
        self.server = server
        self.runtime = runtime
        self.key = key
        self.port = runtime.settings.port
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.AsyncClient(
            base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_SECONDS
        )

    @asynccontextmanager
    async def socket(
        self, *, key: str | None = "", path: str = "/v1/realtime", **options: Any
    ) -> AsyncIterator[Client]:
        """A socket with the site's key, another one, or (None) with what the options say."""
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key or self.key}"
        url = f"ws://127.0.0.1:{self.port}{path}"
        async with connect(url, additional_headers=headers, proxy=None, close_timeout=1, **options) as wire:
            yield Client(wire)

    async def agent(self, name: str = "Bo") -> tuple[str, str, UUID]:
        """An agent: their id, the secret of a key of theirs, and the token of a session."""
        async with tx():
            agent = await add_agent(name=name, email=f"{name.lower()}@example.org")
            _, secret = await create_api_key(name=name, scopes=EVERYTHING, agent_id=agent.id)
        return show_id(AGENT, agent.id), secret, agent.id

    async def session(self, agent_id: UUID) -> tuple[UUID, str]:
        """A browser session of an agent, and its cookie."""
        async with tx():
            session_id, token = await begin_session(agent_id, SIGN_IN)
        return session_id, f"switchboard_session={token}"

    def stop(self) -> None:
        """As SIGTERM would."""
        self.server.handle_exit(signal.SIGTERM, None)


@asynccontextmanager
async def open_live(
    database_url: str, redis_url: str, folder: Path, *, work: bool = False, **more: str
) -> AsyncIterator[LiveSite]:
    """A gateway, up and running."""
    [port] = free_ports(1)
    settings, _ = load_settings(
        {
            "SWITCHBOARD_SECRET_KEY": SECRET,
            "SWITCHBOARD_DATABASE_URL": database_url,
            "SWITCHBOARD_REDIS_URL": redis_url,
            "SWITCHBOARD_DATA_DIR": str(folder),
            "SWITCHBOARD_PORT": str(port),
            "SWITCHBOARD_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "SWITCHBOARD_POLL_SECONDS": "0.2",
            "SWITCHBOARD_DRAIN_SECONDS": "0",
            "SWITCHBOARD_STOP_SECONDS": "2",
            "SWITCHBOARD_KEY_REQUESTS_PER_MINUTE": "100000",
            **more,
        }
    )
    async with open_runtime(settings) as runtime:
        await prepare_database(runtime)
        async with tx():
            _, key = await create_api_key(name="live", scopes=EVERYTHING)
        async with run_service(runtime, work=work):
            server = GuestServer(runtime, stop_seconds=settings.stop_seconds)
            serving = asyncio.create_task(server.serve())
            site = LiveSite(server, runtime, key)
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while not server.started:  # noqa: ASYNC110 (uvicorn tells nobody)
                        await asyncio.sleep(0.01)
                yield site
            finally:
                await site.http.aclose()
                site.stop()
                await serving


def run_live(database_url: str, redis_url: str, folder: Path, body: Any, **more: Any) -> None:
    """A test's body with a gateway."""

    async def opened() -> None:
        async with open_live(database_url, redis_url, folder, **more) as site:
            await body(site)

    asyncio.run(opened())


async def told_names(client: Client, count: int) -> list[str]:
    """The names of the next events of `tell_names`."""
    return [(await client.hear_of("event"))["event"]["changed"][0] for _ in range(count)]


async def no_sockets(site: LiveSite) -> bool:
    """Whether all have gone."""
    return not len(site.server.connections) or LIVE_SOCKETS._value.get() == 0
