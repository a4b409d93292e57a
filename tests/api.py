"""The real application in the test's own loop: real database, real middleware, no sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import httpx
from litestar import Litestar
from litestar.types import ControllerRouterHandler

from gateway.app import create_app
from gateway.redis_client import connect_redis
from gateway.settings import Settings
from gateway.spans import NO_TRACER
from inbox.kit.callers import Scope
from inbox.kit.db import close_database, open_database, tx
from inbox.staff.actions import create_api_key
from inbox.staff.api import AgentController, ApiKeyController

if TYPE_CHECKING:
    from gateway.runtime import Runtime

POOL = 5
NOWHERE = "redis://127.0.0.1:1/0"


class Api:
    """A client of the application. Without `key` a request is made with the key of all scopes."""

    def __init__(self, app: Litestar, client: httpx.AsyncClient, key: str) -> None:
        self.app = app
        self.client = client
        self.admin_key = key

    async def call(self, method: str, path: str, *, key: str | None = "", **options: Any) -> httpx.Response:
        """One request; `key=None` sends none."""
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key or self.admin_key}"
        return await self.client.request(method, path, headers=headers, **options)

    async def make_key(self, *scopes: Scope, agent_id: UUID | None = None) -> str:
        """The secret of a new API key with these scopes."""
        async with tx():
            _, secret = await create_api_key(name="test", scopes=scopes, agent_id=agent_id)
        return secret


@asynccontextmanager
async def open_api(
    database_url: str,
    *,
    settings: Settings | None = None,
    redis_url: str = NOWHERE,
    spool: Any = None,
    controllers: Sequence[ControllerRouterHandler] = (AgentController, ApiKeyController),
    api_routes: Sequence[ControllerRouterHandler] = (),
    routes: Sequence[ControllerRouterHandler] = (),
    dependencies: Mapping[str, Any] | None = None,
) -> AsyncIterator[Api]:
    """The application over this database, started and stopped as a server would; of the controllers the staff's."""
    await open_database(database_url, size=POOL)
    client = connect_redis(redis_url, seconds=5, retry=None)
    runtime = SimpleNamespace(
        settings=settings or Settings(), redis=client, spool=spool or RoomySpool(), tracer=NO_TRACER
    )
    app = create_app(
        cast("Runtime", runtime),
        controllers=controllers,
        api_routes=api_routes,
        routes=routes,
        dependencies=dependencies,
    )
    try:
        async with (
            app.lifespan(),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=cast(Any, app)), base_url="http://switchboard.test"
            ) as http,
        ):
            api = Api(app, http, "")
            api.admin_key = await api.make_key("admin")
            yield api
    finally:
        await client.aclose()
        await close_database()


class RoomySpool:
    """A spool on a disk with room."""

    def check_writable(self) -> None:
        """It is."""
