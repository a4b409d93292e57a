"""The door for providers: find the channel, verify, journal, answer. Nothing else happens before the answer.

It is the hottest path there is, so it stands before the web framework: plain ASGI, and no more than it needs.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from functools import lru_cache
from uuid import UUID

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from channels.contract import HOOK_KEY, Hooked, OneTime, Unforgiving, WebhookReply, WebhookRequest
from channels.errors import Forged
from gateway.directory import ChannelAway, LiveChannel
from gateway.guard import HOLD_SECONDS, RUN, VerificationGuard
from gateway.hook_bodies import LARGE_BYTES, BodyPlace, BodyRoom, BrokenOff, NoRoom, TooLarge, read_hook_body
from gateway.journal import JournalDown
from gateway.metrics import INBOUND_ACK_SECONDS, INBOUND_RECEIVED, INBOUND_SIGNATURE_FAILURES
from gateway.runtime import Runtime
from gateway.tracing import HEADER, choose_request_id
from inbox.intake.actions.journal import JournalEntry
from inbox.intake.queries import kept_as_sent
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT
from inbox.kit.ids import UnknownId, read_id
from inbox.kit.tracing import traceparent

log = structlog.get_logger()

PREFIX = "/hooks/"
RETRY_SECONDS = 5
BUSY_SECONDS = 1
CHANNEL_SHARE = 0.5
"""How much of the places one channel may take: a loud one is put off, and a quiet one is not."""
KEPT_OUT = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers that carry secrets: the adapter has checked them, the journal does not need them."""


class Answer(msgspec.Struct, frozen=True):
    """What the provider hears, and the word by which it is counted. `retry_after` is in seconds."""

    result: str
    status: int
    body: bytes = b""
    media_type: str = "text/plain"
    retry_after: int | None = None


NOT_FOUND = Answer("not_found", 404, b"no such channel")
NO_METHOD = Answer("no_method", 405, b"webhooks are GET or POST")
FORBIDDEN = Answer("forged", 403, b"the signature does not match")
TOO_LARGE = Answer("too_large", 413, b"the body is too large")
ENCODED = Answer("encoded", 415, b"content encodings are not accepted")
AWAY = Answer("away", 503, b"try again", retry_after=RETRY_SECONDS)
GONE = Answer("gone", 408, b"the body did not come")
USED = Answer("replayed", 406, b"this token was used for something else")
BUSY = Answer("busy", 503, b"too many at once; try again", retry_after=BUSY_SECONDS)
HELD = Answer("held", 503, b"try again", retry_after=int(HOLD_SECONDS))
BROKEN = Answer("broken", 500, b"something broke on our side")


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
        self.unforgiving = {name for name, one in runtime.adapters.items() if isinstance(one, Unforgiving)}
        self.room = BodyRoom(runtime.settings.hook_body_bytes)
        self.places = runtime.settings.hook_concurrency
        self.waiting = 0
        self.keeping: Counter[UUID] = Counter()

    async def take_request(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request at `/hooks/{adapter}/{channel}/{kind}`."""
        request_id, began = choose_request_id(scope["headers"]), time.perf_counter()
        live: LiveChannel | None = None
        try:
            live, answer = await self.take_webhook(scope, receive, request_id=request_id)
        except Exception:
            log.exception("webhook_broke", request=request_id)
            answer = BROKEN
        if _adapter_in(scope) in self.unforgiving:
            answer = _soften(answer)
        _count(live, answer, seconds=time.perf_counter() - began)
        await _send(send, answer, request_id)

    async def take_webhook(
        self, scope: HTTPScope, receive: Receive, *, request_id: str
    ) -> tuple[LiveChannel | None, Answer]:
        """Find, verify, journal, answer: each step may end it, and says with what; and whose webhook it was."""
        adapter, _, rest = scope["path"][len(PREFIX) :].partition("/")
        channel, _, kind = rest.partition("/")
        hooked = self.hooked.get(adapter)
        if hooked is None or kind not in hooked.kinds:
            return None, NOT_FOUND
        live = await self._find(adapter, channel)
        if isinstance(live, Answer):
            return None, live
        if self._is_full(live, hooked):  # said at once, before anything is read or reckoned: most of a flood ends here
            return live, BUSY
        with self.runtime.tracer.span(
            "webhook", kind="server", channel=live.id, provider=live.provider, hook=kind, request=request_id
        ) as span:
            answer = await self._take(scope, receive, live=live, kind=kind, request_id=request_id)
            span.note(status=answer.status, outcome=answer.result)
        return live, answer

    async def _take(
        self, scope: HTTPScope, receive: Receive, *, live: LiveChannel, kind: str, request_id: str
    ) -> Answer:
        hooked = self.hooked[live.adapter]
        with self.room.place() as place:
            incoming = await _read(scope, receive, live=live, kind=kind, limit=hooked.body_limit, place=place)
            if isinstance(incoming, Answer):
                return incoming
            refused = await self._verify(live, hooked, incoming)
            return refused or await self._keep(live, hooked, incoming, request_id=request_id)

    async def _find(self, adapter: str, channel: str) -> LiveChannel | Answer:
        try:
            live = await self.runtime.directory.look_up(read_id("cha", channel))
        except ChannelAway:
            return AWAY
        except UnknownId:
            return NOT_FOUND
        return live if live is not None and live.adapter == adapter else NOT_FOUND

    async def _verify(self, live: LiveChannel, hooked: Hooked, incoming: WebhookRequest) -> Answer | None:
        guard = self.guards.setdefault(live.id, VerificationGuard(run=1 if live.adapter in self.unforgiving else RUN))
        now = time.monotonic()
        try:
            if len(incoming.body) > LARGE_BYTES:  # a digest of so much would hold up everybody
                await asyncio.to_thread(hooked.verify, live.account, incoming)
            else:
                hooked.verify(live.account, incoming)
        except Forged:
            INBOUND_SIGNATURE_FAILURES.labels(live.account.channel_id, live.provider).inc()
            log.warning("webhook_refused", channel=str(live.id), adapter=live.adapter)
            if guard.note_failure(now):
                log.error("signatures_failing", channel=str(live.id))  # noqa: TRY400 (the provider's doing, no bug)
            return HELD if guard.holds(now) else FORBIDDEN
        guard.note_success(now)
        return None

    async def _keep(self, live: LiveChannel, hooked: Hooked, incoming: WebhookRequest, *, request_id: str) -> Answer:
        """Write it down; where more than can be written wait already, in the spool, or not at all.

        Counted are requests that have come whole: slow senders take nobody's place.
        """
        if self._is_full(live, hooked):
            return BUSY
        crowded = self._is_crowded(live)
        self.waiting += 1
        self.keeping[live.id] += 1
        try:
            with self.runtime.tracer.span("journal"):
                entry = self._entry(live, incoming, request_id=request_id)
                await self.runtime.journal.write(entry, spoolable=not hooked.retries, crowded=crowded)
                if entry.once_key is not None and not await kept_as_sent(entry):
                    return USED
        except (JournalDown, *TRANSIENT):
            return AWAY
        finally:
            self.waiting -= 1
            self.keeping[live.id] -= 1
        return self.thanks[live.adapter]

    def _is_full(self, live: LiveChannel, hooked: Hooked) -> bool:
        """Whether nothing more of this channel can be kept: where its provider tries again, less is taken."""
        if hooked.retries:
            return self._is_crowded(live)
        return self.waiting >= 2 * self.places or self.keeping[live.id] >= self.places

    def _is_crowded(self, live: LiveChannel) -> bool:
        """Whether as many wait for the journal as it can take soon, of all channels or of this one."""
        return self.waiting >= self.places or self.keeping[live.id] >= self.places * CHANNEL_SHARE

    def _entry(self, live: LiveChannel, incoming: WebhookRequest, *, request_id: str) -> JournalEntry:
        one_time = self.one_time.get(live.adapter)
        once = one_time.once(incoming) if one_time else None
        return _journal_entry(live.id, incoming, once=once, request=request_id)


def _count(live: LiveChannel | None, answer: Answer, *, seconds: float) -> None:
    channel, provider = (live.account.channel_id, live.provider) if live else ("", "")
    _counter_of(channel, provider, answer.result).inc()
    _clock_of(provider).observe(seconds)


# To find a child of a measure by its labels takes ten times as long as to count with it.
_counter_of = lru_cache(maxsize=4096)(INBOUND_RECEIVED.labels)
_clock_of = lru_cache(maxsize=64)(INBOUND_ACK_SECONDS.labels)


async def _read(
    scope: HTTPScope, receive: Receive, *, live: LiveChannel, kind: str, limit: int, place: BodyPlace
) -> WebhookRequest | Answer:
    if scope["method"] not in ("GET", "POST"):
        return NO_METHOD
    headers = _headers(scope)
    if headers.get("content-encoding", "identity") != "identity":
        return ENCODED
    try:
        body = await read_hook_body(receive, headers, limit=limit, place=place)
    except TooLarge:
        log.warning("webhook_too_large", channel=str(live.id), limit=limit)
        return TOO_LARGE
    except NoRoom:
        return BUSY
    except BrokenOff:
        return GONE
    query = scope["query_string"].decode("latin-1")
    url = f"{live.account.hook_url}/{kind}{'?' if query else ''}{query}"
    return WebhookRequest(kind=kind, method=scope["method"], url=url, headers=headers, body=body)


def _adapter_in(scope: HTTPScope) -> str:
    return scope["path"][len(PREFIX) :].partition("/")[0]


def _soften(answer: Answer) -> Answer:
    """No refusal, where that would lose a message for ever: whatever is wrong with us can be mended meanwhile."""
    if not 400 <= answer.status < 500:
        return answer
    return Answer(answer.result, AWAY.status, answer.body, answer.media_type, HELD.retry_after)


def _thanks(reply: WebhookReply) -> Answer:
    return Answer("accepted", reply.status, reply.body, reply.media_type)


def _headers(scope: HTTPScope) -> dict[str, str]:
    """Lower-case names; a repeated header is one, joined by ", " (RFC 9110 5.3)."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _journal_entry(channel_id: UUID, incoming: WebhookRequest, *, once: str | None, request: str) -> JournalEntry:
    kept = {name: value for name, value in incoming.headers.items() if name not in KEPT_OUT}
    return JournalEntry(
        channel_id=channel_id,
        kind=incoming.kind,
        method=incoming.method,
        url=_without_key(incoming.url),
        headers=msgspec.json.encode(kept).decode(),
        body=incoming.body,
        received_at=utc_now(),
        request_id=request,
        once_key=once,
        traceparent=traceparent(),
    )


def _without_key(url: str) -> str:
    """The URL without the parameter that may hold a secret; all else stays, byte for byte."""
    base, mark, query = url.partition("?")
    if f"{HOOK_KEY}=" not in query:
        return url
    kept = [part for part in query.split("&") if part.partition("=")[0] != HOOK_KEY]
    return base + (mark + "&".join(kept) if kept else "")


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
