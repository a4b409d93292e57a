"""A browser of a test: it keeps cookies, names its page's origin, and sends the token of its session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
from argon2 import PasswordHasher

from gateway.settings import Settings
from inbox.kit.db import tx
from inbox.staff.actions import add_agent
from inbox.staff.api import AgentController, ApiKeyController
from inbox.staff.passwords.actions import set_password
from inbox.staff.roles import Role
from inbox.staff.sessions.api import SessionListController
from tests.api import Api, open_api

HOME = "https://inbox.example.org"
ANA = "ana@example.org"
GOOD = "plum under seven bridges"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SETTINGS = Settings(public_url=HOME)
STAFF = (AgentController, ApiKeyController, SessionListController)


class Browser:
    """A page of `origin` in a browser of its own; `csrf` is its session's token once it has signed in."""

    def __init__(self, api: Api, *, origin: str | None = HOME) -> None:
        self.client = httpx.AsyncClient(transport=api.client._transport, base_url=HOME)
        self.origin = origin
        self.csrf: str | None = None

    async def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """One request as a page makes it."""
        sent: dict[str, str] = {}
        if self.origin and method != "GET":
            sent["Origin"] = self.origin
        if self.csrf and method != "GET":
            sent["X-CSRF-Token"] = self.csrf
        return await self.client.request(method, path, headers=sent | (headers or {}), **more)

    async def sign_in(self, email: str = ANA, password: str = GOOD, **more: Any) -> httpx.Response:
        """Sign in, and keep what came."""
        answer = await self.call("POST", "/v1/session", json={"email": email, "password": password}, **more)
        if answer.status_code == 200:
            self.csrf = answer.json()["csrf_token"]
        return answer


async def make_agent(email: str = ANA, *, name: str = "Ana Ruiz", role: Role = "agent", password: str = GOOD) -> UUID:
    """An agent who can sign in."""
    async with tx():
        agent = await add_agent(name=name, email=email, role=role)
        await set_password(agent.id, password)
    return agent.id


@asynccontextmanager
async def open_door(database_url: str, *, settings: Settings = SETTINGS, **more: Any) -> AsyncIterator[Api]:
    """The API of a site with TLS."""
    async with open_api(database_url, settings=settings, controllers=STAFF, **more) as api:
        yield api
