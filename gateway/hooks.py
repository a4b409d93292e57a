"""The door for providers: find the channel, verify, journal, answer. Nothing else happens before the answer."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import msgspec
import structlog
from litestar import Request, Response, route
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.params import FromPath

from channels.contract import Hooked, OneTime, WebhookRequest
from channels.errors import Forged
from gateway.directory import ChannelAway, LiveChannel
from gateway.guard import HOLD_SECONDS, VerificationGuard
from gateway.journal import JournalDown
from gateway.runtime import Runtime
from inbox.intake.actions.journal import JournalEntry
from inbox.kit.clock import utc_now
from inbox.kit.ids import UnknownId, read_id
from inbox.kit.tracing import request_id

log = structlog.get_logger()

RETRY_SECONDS = 5
KEPT_OUT = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers that carry secrets: the adapter has checked them, the journal does not need them."""


class Hook:
    """Takes webhooks for one process; guards are kept in memory, a restart begins them anew."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.guards: dict[UUID, VerificationGuard] = {}

    async def take_webhook(self, *, adapter: str, channel: str, request: Request[Any, Any, Any]) -> Answer:
        """Find, verify, journal, answer: each step may end it, and says with what."""
        try:
            live = await self._find(adapter, channel)
        except ChannelAway:
            return AWAY
        if live is None:
            return NOT_FOUND
        hooked = self.runtime.adapters[live.adapter]
        if not isinstance(hooked, Hooked) or request.path_params["kind"] not in hooked.kinds:
            return NOT_FOUND
        incoming = await self._read(live, request, limit=hooked.body_limit)
        if isinstance(incoming, Answer):
            return incoming
        return self._verify(live, hooked, incoming) or await self._keep(live, hooked, incoming)

    async def _find(self, adapter: str, channel: str) -> LiveChannel | None:
        try:
            live = await self.runtime.directory.look_up(read_id("cha", channel))
        except UnknownId:
            return None
        return live if live is not None and live.adapter == adapter else None

    async def _read(
        self, live: LiveChannel, request: Request[Any, Any, Any], *, limit: int
    ) -> WebhookRequest | Answer:
        headers = _headers(request)
        if headers.get("content-encoding", "identity") != "identity":
            return Answer(415, b"content encodings are not accepted")
        body = await _read_body(request, headers, limit=limit)
        if body is None:
            return Answer(413, b"the body is too large")
        kind = str(request.path_params["kind"])
        query = request.scope["query_string"].decode("latin-1")
        url = f"{live.account.hook_url}/{kind}{'?' if query else ''}{query}"
        return WebhookRequest(kind=kind, method=request.method, url=url, headers=headers, body=body)

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

    async def _keep(self, live: LiveChannel, hooked: Hooked, incoming: WebhookRequest) -> Answer:
        once = hooked.once(incoming) if isinstance(hooked, OneTime) else None
        try:
            await self.runtime.journal.write(_journal_entry(live.id, incoming, once=once), spoolable=not hooked.retries)
        except JournalDown:
            return AWAY
        return Answer(hooked.accepted.status, hooked.accepted.body, hooked.accepted.media_type)


class Answer(msgspec.Struct, frozen=True):
    """What the provider hears."""

    status: int
    body: bytes = b""
    media_type: str = "text/plain"
    retry_after: int | None = None


NOT_FOUND = Answer(404, b"no such channel")
FORBIDDEN = Answer(403, b"the signature does not match")
AWAY = Answer(503, b"try again", retry_after=RETRY_SECONDS)
HELD = Answer(503, b"try again", retry_after=int(HOLD_SECONDS))


@route(
    "/hooks/{adapter:str}/{channel_id:str}/{kind:str}",
    http_method=["GET", "POST"],
    include_in_schema=False,
    media_type=MediaType.TEXT,
    opt={"public": True},
)
async def webhook_door(
    request: Request[Any, Any, Any],
    adapter: FromPath[str],
    channel_id: FromPath[str],
    kind: FromPath[str],
    hook: NamedDependency[Hook],
) -> Response[bytes]:
    """Where providers call us; not part of the public API."""
    answer = await hook.take_webhook(adapter=adapter, channel=channel_id, request=request)
    headers = {"retry-after": str(answer.retry_after)} if answer.retry_after else {}
    return Response(answer.body, status_code=answer.status, media_type=answer.media_type, headers=headers)


def _journal_entry(channel_id: UUID, incoming: WebhookRequest, *, once: str | None) -> JournalEntry:
    kept = {name: value for name, value in incoming.headers.items() if name not in KEPT_OUT}
    return JournalEntry(
        channel_id=channel_id,
        kind=incoming.kind,
        method=incoming.method,
        url=incoming.url,
        headers=msgspec.json.encode(kept).decode(),
        body=incoming.body,
        received_at=utc_now(),
        request_id=request_id(),
        once_key=once,
    )


def _headers(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Lower-case names; a repeated header is one, joined by ", " (RFC 9110 5.3)."""
    headers: dict[str, str] = {}
    for name, value in request.scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").replace("\0", "\ufffd")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


async def _read_body(request: Request[Any, Any, Any], headers: dict[str, str], *, limit: int) -> bytes | None:
    """The raw body, or None as soon as it is known to be longer than the limit."""
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        return None
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
    return b"".join(chunks)
