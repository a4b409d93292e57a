"""The API for lists, searches, views and the feed, over a small inbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from inbox.conversations.api import ConversationController, FeedController
from inbox.conversations.search.api import SearchController
from inbox.conversations.views.api import CountController, ViewController
from inbox.kit.ids import show_id
from tests.api import Api, open_api
from tests.inbox.conversations.search.stories import tell_stories

CONTROLLERS = (ConversationController, CountController, FeedController, SearchController, ViewController)


class Inbox:
    """A client of the API that is Bo, and what the conversations are called."""

    def __init__(self, api: Api, told: dict[str, UUID], key: str) -> None:
        self.api = api
        self.told = told
        self.key = key
        self.names = {show_id("cnv", told[name]): name for name in ("ana", "ben", "cai")}

    async def get(self, path: str, *, expect: int = 200, key: str | None = None, **params: Any) -> Any:
        """The JSON of one GET."""
        answer = await self.api.call("GET", path, key=key or self.key, params=params)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def found(self, **params: Any) -> list[str]:
        """Which conversations a list has, the latest first."""
        return [self.names[one["id"]] for one in (await self.get("/v1/conversations", **params))["data"]]


@asynccontextmanager
async def open_inbox(database_url: str) -> AsyncIterator[Inbox]:
    """The application over three conversations; Bo's key may do all but administer."""
    given = {"catalogue": None}
    async with open_api(database_url, controllers=CONTROLLERS, dependencies=given) as api:
        told = await tell_stories()
        scopes: Any = ("conversations:read", "conversations:write", "events:read")
        yield Inbox(api, told, await api.make_key(*scopes, agent_id=told["agent"]))
