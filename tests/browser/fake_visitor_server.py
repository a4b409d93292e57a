"""A gateway for the widget alone: speaks the visitor protocol from memory, and misbehaves when it is told to.

It serves the widget's own files with the real policy, and on a second port the pages of a shop, another origin. What it
keeps is one visitor's conversation; tests reach in by `say`, `cut` and the like, from their own thread.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from gateway.web.assets import FOLDER, Assets, read_assets
from gateway.web.policy import page_policy
from tests.browser.stage import PATIENCE_SECONDS, eventually
from tests.browser.visitor_data import CHANNEL, CODES, CONFIG, ENDED, NOTED, PIXEL, SHOP

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeVisitorServer:
    """One channel, one conversation, any number of tabs."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.assets: Assets = read_assets(FOLDER)
        self.config = json.loads(json.dumps(CONFIG))
        self.pages: dict[str, tuple[str, str | None]] = {}
        self.entries: dict[str, dict[str, Any]] = {}
        self.log: list[tuple[str, dict[str, Any]]] = []
        self.accepted: dict[str, dict[str, Any]] = {}
        self.heard: list[tuple[str, Any]] = []
        self.asked: list[str] = []
        self.counts: Counter[str] = Counter()
        self.faults: dict[str, deque[tuple[int, dict[str, str]]]] = {}
        self.streams: set[asyncio.Event] = set()
        self.news = asyncio.Event()
        self.token, self.sessions, self.down, self.oldest = "", 0, False, 0
        self.visitor: dict[str, Any] = {"id": "vis_1", "name": None, "email": None, "verified": False}
        self.conversation: dict[str, Any] | None = None
        self.delay = 0.0

    def run(self, work: Callable[[], Any]) -> Any:
        """Do it in the server's loop."""

        async def done() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(PATIENCE_SECONDS)

    def say(self, text: str = "", **facts: Any) -> str:
        """An agent's message; its entry's id."""
        entry = {"author": {"type": "agent", "name": "Ana"}, "direction": "outbound", "state": "sent", **facts}
        return str(self.run(lambda: self._append(text, entry)))

    def tell(self, name: str, data: dict[str, Any]) -> None:
        """An event that is not kept: only who listens now hears it, so it waits until somebody does."""
        eventually(lambda: self.streams)
        self.run(lambda: self._tell(name, data))

    def converse(self, **facts: Any) -> None:
        """Change the conversation."""
        self.run(lambda: self._converse(**facts))

    def fail(self, request: str, *answers: int, **headers: str) -> None:
        """The next requests, as "POST /messages", get these answers."""
        self.faults[request] = deque((status, headers) for status in answers)

    def cut(self) -> None:
        """End every stream without a word."""
        self.run(self._cut_all)

    def forget_feed(self) -> None:
        """The feed begins now: every older cursor is too old."""
        self.oldest = len(self.log)

    def end_session(self) -> None:
        """Nobody is let in with the old token, and what was said is gone."""
        self.token, self.conversation = "", None
        self.run(self.entries.clear)

    # What the widget asks.

    def _cut_all(self) -> None:
        while self.streams:
            self.streams.pop().set()

    def _append(self, text: str, facts: dict[str, Any]) -> str:
        if self.conversation is None:
            self._converse()
        seq = len(self.entries) + 1
        entry = {
            "object": "visitor_entry", "id": f"ent_{seq}", "conversation_id": "cnv_1", "seq": seq, "kind": "message",
            "parts": [{"type": "text", "text": text, "format": "markdown"}] if text else [], "text": text,
            "client_message_id": None, "in_reply_to": None, "channel": "webchat", "event": None, "edited_at": None,
            "redacted_at": None, "occurred_at": datetime.now(UTC).isoformat(), **facts,
        }  # fmt: skip
        self.entries[entry["id"]] = entry
        self._keep("entry", entry)
        if facts["direction"] == "outbound" and entry["kind"] == "message" and self.conversation:
            self._converse(unread=self.conversation["unread"] + 1)
        return str(entry["id"])

    def _converse(self, **facts: Any) -> None:
        begun = {
            "object": "visitor_conversation",
            "id": "cnv_1",
            "status": "open",
            "assignee": None,
            "unread": 0,
            "csat": None,
        }
        last = max((one["seq"] for one in self.entries.values()), default=0)
        self.conversation = {**begun, **(self.conversation or {}), "last_seq": last, **facts}
        self._keep("conversation", self.conversation)

    def _keep(self, name: str, data: dict[str, Any]) -> None:
        self.log.append((name, dict(data)))
        self._wake()

    def _tell(self, name: str, data: dict[str, Any]) -> None:
        self.moment = (name, data)
        self.counts["moments"] += 1
        self._wake()

    def _wake(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    async def _guard(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        path = request.path.removeprefix("/widget/v1")
        self.asked.append(f"{request.method} {request.path_qs}")
        self.counts[f"{request.method} {path}"] += 1
        waiting = self.faults.get(f"{request.method} {path}")
        if self.down and request.path.startswith("/widget/v1/") and not path.startswith("/frame"):
            return _problem(503)
        if waiting:
            status, headers = waiting.popleft()
            return _problem(status, **headers)
        if not path.startswith(
            ("/config", "/sessions", "/frame", "/widget", "/assets", "/notify")
        ) and not self._admits(request):
            return _problem(401)
        await asyncio.sleep(self.delay)
        return await answer(request)

    def _admits(self, request: web.Request) -> bool:
        return bool(self.token) and request.headers.get("Authorization") == f"Bearer {self.token}"

    async def _show_frame(self, request: web.Request) -> web.Response:
        policy = page_policy(self.url, ancestors=["'self'", self.shop])
        page = self.assets.page("widget/frame.html")
        return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": policy})

    async def _send_file(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name", "widget/loader.js")
        file = self.assets.files.get(name)
        if file is None:
            return web.Response(status=404)
        return web.Response(body=file.content, headers={"Content-Type": file.media_type, "Cache-Control": "no-store"})

    async def _show_page(self, request: web.Request) -> web.Response:
        body, policy = self.pages.get(request.path, (SHOP + self.script(), None))
        return web.Response(
            text=body, content_type="text/html", headers={"Content-Security-Policy": policy} if policy else {}
        )

    async def _configure(self, request: web.Request) -> web.Response:
        asked = request.query.get("locale", "en").split("-")[0]
        return web.json_response({**self.config, "locale": asked if asked in self.config["locales"] else "en"})

    async def _begin(self, request: web.Request) -> web.Response:
        self.heard.append(("session", await request.json()))
        fresh = None
        if "Authorization" in request.headers:
            if not self._admits(request):
                return _problem(401)
        else:
            self.sessions += 1
            fresh = self.token = f"vst_{self.sessions:043d}"
        return web.json_response(self._session(fresh), status=201)

    def _session(self, token: str | None) -> dict[str, Any]:
        return {"object": "visitor_session", "token": token, "visitor": self.visitor, "conversation": self.conversation,
                "cursor": str(len(self.log)), "expires_at": "2030-01-01T00:00:00Z"}  # fmt: skip

    async def _identify(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.heard.append(("identify", asked))
        self.visitor = {**self.visitor, "verified": "identity" in asked, **(asked.get("profile") or {})}
        return web.json_response(self._session(None))

    async def _list(self, request: web.Request) -> web.Response:
        before = int(request.query.get("before_seq", 10**9))
        limit = int(request.query.get("limit", 30))
        older = [one for one in self.entries.values() if one["seq"] < before]
        page = {"has_more": len(older) > limit}
        return web.json_response({"data": older[-limit:], "page": page, "cursor": str(len(self.log))})

    async def _take(self, request: web.Request) -> web.Response:
        message = await request.json()
        key = message["client_message_id"]
        assert set(message) <= {"client_message_id", "text", "parts", "attachment_ids", "in_reply_to", "page"}
        if key not in self.accepted:
            self.accepted[key] = message
            facts = {"direction": "inbound", "state": "received", "author": {"type": "visitor", "name": None},
                     "client_message_id": key, "in_reply_to": message.get("in_reply_to")}  # fmt: skip
            extra = [*message.get("parts", []), *map(self._file_part, message.get("attachment_ids", []))]
            own = [{"type": "text", "text": message["text"], "format": "plain"}] if message.get("text") else []
            self._append(message.get("text") or "", {**facts, "parts": [*own, *extra]})
        return web.json_response({"object": "accepted_message", "client_message_id": key}, status=202)

    def _file_part(self, attachment_id: str) -> dict[str, Any]:
        attachment = {"id": attachment_id, "name": "pixel.png", "media_type": "image/png", "size": len(PIXEL)}
        return {"type": "image", "alt": None, "attachment": attachment}

    async def _note(self, request: web.Request) -> web.Response:
        kind = request.path.rsplit("/", 1)[1]
        self.heard.append((kind, await request.json() if request.can_read_body else None))
        if kind == "logout":
            self.token = ""
        if kind == "read" and self.conversation and self.heard[-1][1]["state"] == "read":
            self._converse(unread=0)
        if kind == "end":
            self._append("", ENDED)
            self._converse(status="closed")
        if kind == "resume-link":
            return web.json_response({"url": f"{self.url}/widget/v1/frame?channel={CHANNEL}#resume=abc"})
        return web.json_response({"state": "kept"}) if kind == "email" else web.Response(status=204)

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        made = {"object": "attachment", "id": f"att_{len(self.heard)}", "name": file.filename,
                "media_type": file.content_type, "size": len(file.file.read())}  # fmt: skip
        self.heard.append(("attachment", made))
        return web.json_response(made, status=201)

    async def _download(self, request: web.Request) -> web.Response:
        return web.Response(body=PIXEL, content_type="image/png")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        cut = asyncio.Event()
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        self.streams.add(cut)
        try:
            await self._follow(answer, int(request.headers["Last-Event-ID"]), cut)
        except ConnectionError:
            pass
        finally:
            self.streams.discard(cut)
        if request.transport and cut.is_set():
            request.transport.abort()
        return answer

    async def _follow(self, answer: web.StreamResponse, cursor: int, cut: asyncio.Event) -> None:
        moments = self.counts["moments"]
        if cursor < self.oldest:
            cursor = len(self.log)
            await answer.write(_frame("reset", {"cursor": str(cursor)}, cursor))
        await answer.write(b"retry: 2000\n\n" + _frame("ready", {"cursor": str(cursor)}, None))
        while not cut.is_set():
            news = self.news
            for name, data in self.log[cursor:]:
                cursor += 1
                await answer.write(_frame(name, data, cursor))
            if self.counts["moments"] > moments:
                moments = self.counts["moments"]
                await answer.write(_frame(*self.moment, None))
            waits = [asyncio.ensure_future(news.wait()), asyncio.ensure_future(cut.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=5)
            for one in waits:
                one.cancel()
            await answer.write(b": alive\nid: %d\n\n" % cursor)

    def script(self, **data: str) -> str:
        """The tag a site embeds."""
        given = "".join(f' data-{name}="{value}"' for name, value in data.items())
        return f'<script src="{self.url}/widget/loader.js" data-channel="{CHANNEL}"{given} async></script>'

    async def open(self) -> None:
        """Serve on two ports."""

        @web.middleware
        async def guard(request: web.Request, handler: Answer) -> web.StreamResponse:
            return await self._guard(request, handler)

        gateway, shop = web.Application(middlewares=[guard]), web.Application()
        base = "/widget/v1"
        gateway.add_routes([
            web.get("/widget/loader.js", self._send_file), web.get("/assets/{digest}/{name:.+}", self._send_file),
            web.get(f"{base}/frame", self._show_frame), web.get(f"{base}/config", self._configure),
            web.post(f"{base}/sessions", self._begin), web.post(f"{base}/identify", self._identify),
            web.get(f"{base}/messages", self._list), web.post(f"{base}/messages", self._take),
            web.get(f"{base}/stream", self._stream), web.post(f"{base}/attachments", self._upload),
            web.get(base + "/attachments/{id}", self._download),
            *(web.post(f"{base}/{name}", self._note) for name in NOTED),
        ])  # fmt: skip
        shop.add_routes([web.get("/{path:.*}", self._show_page)])
        self.runners = [web.AppRunner(gateway, shutdown_timeout=0.1), web.AppRunner(shop, shutdown_timeout=0.1)]
        self.url, self.shop = [await _listen(runner) for runner in self.runners]

    async def close(self) -> None:
        """End all."""
        self._cut_all()
        for runner in self.runners:
            await runner.cleanup()


@contextmanager
def faking() -> Iterator[FakeVisitorServer]:
    """The server, in a thread of its own."""
    server = FakeVisitorServer()
    thread = threading.Thread(target=server.loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.open(), server.loop).result(PATIENCE_SECONDS)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), server.loop).result(PATIENCE_SECONDS)
        server.loop.call_soon_threadsafe(server.loop.stop)
        thread.join()
        server.loop.close()


async def _listen(runner: web.AppRunner) -> str:
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


def _frame(name: str, data: dict[str, Any], cursor: int | None) -> bytes:
    place = f"id: {cursor}\n" if cursor is not None else ""
    return f"{place}event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _problem(status: int, **headers: str) -> web.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    problem = {"code": CODES.get(status, "made_up"), "detail": "as the test wished"}
    return web.json_response(problem, status=status, headers=named)
