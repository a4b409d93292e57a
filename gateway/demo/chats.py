"""The customers who chat in the shop: each with a browser of their own that speaks the visitor protocol over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any
from uuid import uuid4

import httpx
import msgspec

from channels.webchat.identity import hash_user_id
from gateway.commands.event_stream import Frame, FrameReader
from gateway.demo.people import Person
from gateway.demo.photos import MEDIA_TYPE, take_photo
from gateway.tasks import end_tasks

BASE = "/widget/v1"
REQUEST_SECONDS = 15.0
SILENCE_SECONDS = 65.0
"""Longer than any heartbeat: a stream that says nothing for so long is broken."""
TRIES = 60
PAUSE_SECONDS = 0.5
"""Between tries, of a message as of a stream: browsers keep what could not be sent, and come back."""
PHOTO_NAME = "photo.png"
UNHEARD = 400


class ChatLine(msgspec.Struct, kw_only=True, frozen=True):
    """The shop's web chat: where it is, from which origin its pages speak, and the secret that proves its users."""

    url: str
    origin: str
    channel_id: str
    identity_secret: str


class WrittenChat(msgspec.Struct, kw_only=True):
    """A message somebody wrote in the chat: `acknowledged` says that our side answered 202."""

    sid: str
    text: str
    acknowledged: bool = False
    refused: str | None = None
    attempts: int = 0


class SeenEntry(msgspec.Struct, kw_only=True):
    """An entry as the visitor's page gets it; of the rest the demo wants nothing."""

    id: str
    seq: int
    direction: str
    kind: str
    text: str
    occurred_at: str


class SeenVisitor(msgspec.Struct, kw_only=True):
    """The visitor a session is of."""

    id: str
    verified: bool = False


class SeenSession(msgspec.Struct, kw_only=True):
    """A session that was opened."""

    token: str
    visitor: SeenVisitor
    cursor: str | None = None


class SeenPage(msgspec.Struct, kw_only=True):
    """What was said lately."""

    data: list[SeenEntry]


class SeenFile(msgspec.Struct, kw_only=True):
    """A file that was taken."""

    id: str


_entry = msgspec.json.Decoder(SeenEntry).decode


def user_id_of(person: Person) -> str:
    """By what the shop knows somebody who has an account with it."""
    return f"customer-{person.number.lstrip('+')}"


class Chats:
    """All chats of one run. `on_words` is told of each answer once: the visitor's address, and its words."""

    def __init__(self, line: ChatLine, *, dice: Random, on_words: Callable[[str, str], None]) -> None:
        self.line = line
        self.inbound: list[WrittenChat] = []
        self._dice = dice
        self._on_words = on_words
        self._began = datetime.now().astimezone()
        self._browsers: dict[str, Browser] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._http = httpx.AsyncClient(
            base_url=f"{line.url}{BASE}",
            headers={"Origin": line.origin},
            timeout=REQUEST_SECONDS,
            limits=httpx.Limits(max_connections=None),
            trust_env=False,
        )

    def address_of(self, person: Person) -> str:
        """What the gateway calls them: the user they have proven to be, or a visitor nobody knows."""
        browser = self._browsers.get(person.number)
        return browser.address if browser else ""

    @property
    def addresses(self) -> set[str]:
        """Everybody who chats here, as the gateway calls them."""
        return {browser.address for browser in self._browsers.values()}

    async def write(self, person: Person, text: str, *, photo: bool) -> WrittenChat:
        """Write to the shop; whether it was taken is seen later, in the message."""
        message = WrittenChat(sid=uuid4().hex, text=text)
        self.inbound.append(message)
        browser = await self._open(person)
        body: dict[str, Any] = {"client_message_id": message.sid, "text": text}
        if photo:
            body["attachment_ids"] = [await browser.upload(take_photo(self._dice))]
        task = asyncio.create_task(browser.send(message, body))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return message

    @property
    def under_way(self) -> int:
        """How many messages have not been taken yet."""
        return len(self._writing)

    async def leave(self) -> None:
        """Everybody closes their browser."""
        await end_tasks([*self._writing, *(browser.listening for browser in self._browsers.values())])
        await self._http.aclose()

    async def _open(self, person: Person) -> Browser:
        if person.number not in self._browsers:
            session = await open_chat(self._http, self.line, person)
            self._browsers[person.number] = Browser(
                self._http, session, address_in(session, person), began=self._began, on_words=self._on_words
            )
        return self._browsers[person.number]


class Browser:
    """One visitor's page: it sends until it is told that a message was taken, and follows the visitor's stream."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        session: SeenSession,
        address: str,
        *,
        began: datetime,
        on_words: Callable[[str, str], None],
    ) -> None:
        self.address = address
        self._http = http
        self._headers = {"Authorization": f"Bearer {session.token}"}
        self._began = began
        self._on_words = on_words
        self._seen: set[str] = set()
        self.listening = asyncio.create_task(self._listen(FrameReader(session.cursor)))

    async def upload(self, content: bytes) -> str:
        """The id of a file that was taken."""
        files = {"file": (PHOTO_NAME, content, MEDIA_TYPE)}
        answer = await self._http.post("/attachments", files=files, headers=self._headers)
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=SeenFile).id

    async def send(self, message: WrittenChat, body: dict[str, Any]) -> None:
        """Send a message until it is taken or refused; under its own id it is taken once."""
        while not (message.acknowledged or message.refused) and message.attempts < TRIES:
            if message.attempts:
                await asyncio.sleep(PAUSE_SECONDS)
            message.attempts += 1
            try:
                answer = await self._http.post("/messages", json=body, headers=self._headers)
            except httpx.TransportError:
                continue
            message.acknowledged = answer.is_success
            if is_final(answer.status_code):
                message.refused = f"{answer.status_code} {answer.text}"

    async def _listen(self, reader: FrameReader) -> None:
        """Follow the stream from where it was left, for as long as the visitor stays."""
        while True:
            try:
                await self._follow(reader)
            except httpx.TransportError:
                reader.begin()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _follow(self, reader: FrameReader) -> None:
        resuming = {"Last-Event-ID": reader.last_id} if reader.last_id else {}
        stream = self._http.stream("GET", "/stream", headers=self._headers | resuming, timeout=SILENCE_SECONDS)
        async with stream as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                frame = reader.take_line(line)
                if frame is not None:
                    await self._take(frame)

    async def _take(self, frame: Frame) -> None:
        if frame.event == "entry":
            await self._show(_entry(frame.data))
        elif frame.event == "reset":
            answer = await self._http.get("/messages", headers=self._headers)
            for entry in msgspec.json.decode(answer.content, type=SeenPage).data:
                await self._show(entry)

    async def _show(self, entry: SeenEntry) -> None:
        """An entry comes again with each change of it: it is one message by its id. Those of earlier runs are old."""
        if entry.id in self._seen or entry.direction != "outbound" or entry.kind != "message":
            return
        self._seen.add(entry.id)
        if datetime.fromisoformat(entry.occurred_at) >= self._began:
            self._on_words(self.address, entry.text)
        receipt = {"up_to_seq": entry.seq, "state": "read"}
        await self._http.post("/read", json=receipt, headers=self._headers)


async def open_chat(http: httpx.AsyncClient, line: ChatLine, person: Person) -> SeenSession:
    """A session of somebody: of the user whom the shop has logged in, or of a stranger."""
    body: dict[str, Any] = {
        "channel_id": line.channel_id,
        "locale": person.language,
        "page": {"url": f"{line.origin}/sim/shop", "title": "Nook & Co.", "referrer": None},
    }
    if person.known:
        user_id = user_id_of(person)
        digest = hash_user_id(line.identity_secret, user_id)
        body["identity"] = {"user_id": user_id, "hash": digest, "name": person.name}
    answer = await http.post("/sessions", json=body)
    answer.raise_for_status()
    return msgspec.json.decode(answer.content, type=SeenSession)


def address_in(session: SeenSession, person: Person) -> str:
    """The address their messages come from: that of the proven user, or the visitor's own id."""
    return f"user:{user_id_of(person)}" if session.visitor.verified else session.visitor.id


def is_final(status: int) -> bool:
    """Whether a refusal would be the same again: all but to wait, and to come back."""
    return UNHEARD <= status < 500 and status not in {408, 425, 429}
