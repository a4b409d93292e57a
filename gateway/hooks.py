"""The door for providers: find the channel, verify, journal, answer. Nothing else happens before the answer.

It is the hottest path there is, so it stands before the web framework: plain ASGI, and no more than it needs.
"""

from __future__ import annotations

import time
from uuid import UUID

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from channels.contract import Hooked, OneTime, WebhookReply, WebhookRequest
from channels.errors import Forged
from gateway.directory import ChannelAway, LiveChannel
from gateway.guard import HOLD_SECONDS, VerificationGuard
from gateway.journal import JournalDown
from gateway.runtime import Runtime
from gateway.tracing import HEADER, choose_request_id
from inbox.intake.actions.journal import JournalEntry
from inbox.kit.clock import utc_now
from inbox.kit.ids import UnknownId, read_id

log = structlog.get_logger()

PREFIX = "/hooks/"
RETRY_SECONDS = 5
KEPT_OUT = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers that carry secrets: the adapter has checked them, the journal does not need them."""


class Answer(msgspec.Struct, frozen=True):
    """What the provider hears. `retry_after` is in seconds."""

    status: int
    body: bytes = b""
    media_type: str = "text/plain"
    retry_after: int | None = None


NOT_FOUND = Answer(404, b"no such channel")
NO_METHOD = Answer(405, b"webhooks are GET or POST")
FORBIDDEN = Answer(403, b"the signature does not match")
TOO_LARGE = Answer(413, b"the body is too large")
ENCODED = Answer(415, b"content encodings are not accepted")
AWAY = Answer(503, b"try again", retry_after=RETRY_SECONDS)
HELD = Answer(503, b"try again", retry_after=int(HOLD_SECONDS))
BROKEN = Answer(500, b"something broke on our side")


def open_door(app: ASGIApp, door: Door) -> ASGIApp:
    """The application with the providers' door before it."""

    async def entered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["path"].startswith(PREFIX):
            await door.take_request(scope, receive, send)
        else:
            await app(scope, receive, send)

    return entered


class Door:
    """Takes webhooks for one process; guards are kept in memory, a restart begins them anew."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.guards: dict[UUID, VerificationGuard] = {}
        self.hooked = {name: adapter for name, adapter in runtime.adapters.items() if isinstance(adapter, Hooked)}
        self.thanks = {name: _thanks(adapter.accepted) for name, adapter in self.hooked.items()}
        self.one_time = {name: adapter for name, adapter in runtime.adapters.items() if isinstance(adapter, OneTime)}

    async def take_request(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request at `/hooks/{adapter}/{channel}/{kind}`."""
        request_id = choose_request_id(scope["headers"])
        try:
            answer = await self.take_webhook(scope, receive, request_id=request_id)
        except Exception:
            log.exception("webhook_broke", request=request_id)
            answer = BROKEN
        await _send(send, answer, request_id)

    async def take_webhook(self, scope: HTTPScope, receive: Receive, *, request_id: str) -> Answer:
        """Find, verify, journal, answer: each step may end it, and says with what."""
        adapter, _, rest = scope["path"][len(PREFIX) :].partition("/")
        channel, _, kind = rest.partition("/")
        hooked = self.hooked.get(adapter)
        if hooked is None or kind not in hooked.kinds:
            return NOT_FOUND
        live = await self._find(adapter, channel)
        if isinstance(live, Answer):
            return live
        incoming = await _read(scope, receive, live=live, kind=kind, limit=hooked.body_limit)
        if isinstance(incoming, Answer):
            return incoming
        return self._verify(live, hooked, incoming) or await self._keep(live, hooked, incoming, request_id=request_id)

    async def _find(self, adapter: str, channel: str) -> LiveChannel | Answer:
        try:
            live = await self.runtime.directory.look_up(read_id("cha", channel))
        except ChannelAway:
            return AWAY
        except UnknownId:
            return NOT_FOUND
        return live if live is not None and live.adapter == adapter else NOT_FOUND

    def _verify(self, live: LiveChannel, hooked: Hooked, incoming: WebhookRequest) -> Answer | None:
        guard = self.guards.setdefault(live.id, VerificationGuard())
        now = time.monotonic()
        try:
            hooked.verify(live.account, incoming)
        except Forged:
            log.warning("webhook_refused", channel=str(live.id), adapter=live.adapter)
            if guard.note_failure(now):
                log.error("signatures_failing", channel=str(live.id))  # noqa: TRY400 (the provider's doing, no bug)
            return HELD if guard.holds(now) else FORBIDDEN
        guard.note_success(now)
        return None

    async def _keep(self, live: LiveChannel, hooked: Hooked, incoming: WebhookRequest, *, request_id: str) -> Answer:
        one_time = self.one_time.get(live.adapter)
        entry = _journal_entry(
            live.id, incoming, once=one_time.once(incoming) if one_time else None, request=request_id
        )
        try:
            await self.runtime.journal.write(entry, spoolable=not hooked.retries)
        except JournalDown:
            return AWAY
        return self.thanks[live.adapter]


async def _read(
    scope: HTTPScope, receive: Receive, *, live: LiveChannel, kind: str, limit: int
) -> WebhookRequest | Answer:
    if scope["method"] not in ("GET", "POST"):
        return NO_METHOD
    headers = _headers(scope)
    if headers.get("content-encoding", "identity") != "identity":
        return ENCODED
    body = await _read_body(receive, headers, limit=limit)
    if body is None:
        return TOO_LARGE
    query = scope["query_string"].decode("latin-1")
    url = f"{live.account.hook_url}/{kind}{'?' if query else ''}{query}"
    return WebhookRequest(kind=kind, method=scope["method"], url=url, headers=headers, body=body)


def _thanks(reply: WebhookReply) -> Answer:
    return Answer(reply.status, reply.body, reply.media_type)


def _headers(scope: HTTPScope) -> dict[str, str]:
    """Lower-case names; a repeated header is one, joined by ", " (RFC 9110 5.3)."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


async def _read_body(receive: Receive, headers: dict[str, str], *, limit: int) -> bytes | None:
    """The raw body; None as soon as it is known to be longer than the limit, or that the rest will not come."""
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        return None
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None  # whoever went away hears no answer, and says nothing about signatures
        body += message.get("body", b"")  # type: ignore[operator]  # ASGI: always bytes
        more = bool(message.get("more_body", False))
        if len(body) > limit:
            return None
    return body


def _journal_entry(channel_id: UUID, incoming: WebhookRequest, *, once: str | None, request: str) -> JournalEntry:
    kept = {name: value for name, value in incoming.headers.items() if name not in KEPT_OUT}
    return JournalEntry(
        channel_id=channel_id,
        kind=incoming.kind,
        method=incoming.method,
        url=incoming.url,
        headers=msgspec.json.encode(kept).decode(),
        body=incoming.body,
        received_at=utc_now(),
        request_id=request,
        once_key=once,
    )


async def _send(send: Send, answer: Answer, request_id: str) -> None:
    headers = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
        (HEADER.lower().encode(), request_id.encode()),
    ]
    if answer.retry_after:
        headers.append((b"retry-after", str(answer.retry_after).encode()))
    start: Message = {"type": "http.response.start", "status": answer.status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
