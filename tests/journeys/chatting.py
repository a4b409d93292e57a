"""A visitor of a web chat, as a browser would be one: sessions, messages, and the stream read as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx
import msgspec

from tests.journeys.gateway import PATIENCE_SECONDS, Journey

BASE = "/widget/v1"
SITE = "https://shop.example"
IDENTITY_SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
NUMBERS = count(1)


class Heard(msgspec.Struct, kw_only=True):
    """One event of a stream."""

    event: str
    id: str | None
    data: Any


class Browser:
    """One browser that looks at a site with a web chat."""

    def __init__(
        self, journey: Journey, channel_id: str, *, origin: str | None = SITE, address: str | None = None
    ) -> None:
        self.journey = journey
        self.channel_id = channel_id
        self.origin = origin
        self.token: str | None = None
        self.cursor: str | None = None
        self.session: Any = None
        forwarded = {"X-Forwarded-For": address} if address else {}
        self.client = httpx.AsyncClient(base_url=f"{journey.url}{BASE}", timeout=PATIENCE_SECONDS, headers=forwarded)

    async def __aenter__(self) -> Browser:
        """Open."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closed."""
        await self.client.aclose()

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """One request of its page."""
        headers = {"Origin": self.origin} if self.origin else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        headers |= options.pop("headers", {})
        return await self.client.request(method, path, json=body, headers=headers, **options)

    async def begin(self, **more: Any) -> Any:
        """A session, which has to be given."""
        answer = await self.call("POST", "/sessions", {"channel_id": self.channel_id, **more})
        assert answer.status_code == 201, answer.text
        self.session = answer.json()
        self.token = self.session["token"] or self.token
        self.cursor = self.session["cursor"]
        return self.session

    async def identify(self, **body: Any) -> Any:
        """Say who it is, which has to be taken."""
        answer = await self.call("POST", "/identify", body)
        assert answer.status_code == 200, answer.text
        self.session = answer.json()
        return self.session

    async def write(self, text: str, **more: Any) -> str:
        """Write, which has to be taken; the message's own id."""
        message_id = str(more.pop("client_message_id", f"m{next(NUMBERS)}"))
        answer = await self.call("POST", "/messages", {"client_message_id": message_id, "text": text, **more})
        assert answer.status_code == 202, answer.text
        assert answer.json() == {"object": "accepted_message", "client_message_id": message_id}
        return message_id

    async def history(self, **params: Any) -> Any:
        """The conversation as it reads it."""
        answer = await self.call("GET", "/messages", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @asynccontextmanager
    async def listening(self, after: str | None = None) -> AsyncIterator[Stream]:
        """Its stream, from a cursor on or from now, once it is ready."""
        headers = {"Authorization": f"Bearer {self.token}", **({"Origin": self.origin} if self.origin else {})}
        params = {"after": after} if after else {}
        async with self.client.stream("GET", "/stream", headers=headers, params=params, timeout=None) as answer:
            assert answer.status_code == 200, await answer.aread()
            stream = Stream(answer)
            await stream.until("ready")
            yield stream


class Stream:
    """Server-sent events as they come (WHATWG HTML 9.2.6)."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()
        self.heard: list[Heard] = []
        self.last_id: str | None = None

    async def next(self) -> Heard | None:
        """The next event; None where the stream has ended."""
        event, data = "", ""
        async for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "id":
                self.last_id = value
            elif name == "event":
                event = value
            elif name == "data":
                data = value
            elif not line and event:
                heard = Heard(event=event, id=self.last_id, data=msgspec.json.decode(data))
                self.heard.append(heard)
                return heard
        return None

    async def until(self, event: str, **wanted: Any) -> Any:
        """The data of the next event of this kind whose fields are these."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while heard := await self.next():
                if heard.event == event and all(heard.data.get(name) == value for name, value in wanted.items()):
                    return heard.data
        raise AssertionError(f"the stream ended without {event} {wanted}: {self.heard}")

    async def end(self) -> list[Heard]:
        """All that comes until it ends."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.next():
                pass
        return self.heard


async def open_chat(journey: Journey, **settings: Any) -> str:
    """A web chat of the shop; its channel's id."""
    given = {"name": "Shop", "origins": [SITE], **settings}
    channel = await journey.post("/v1/channels", {"adapter": "webchat-widget", "name": "Shop chat", "settings": given})
    await journey.runtime.directory.refresh()
    return str(channel["id"])
