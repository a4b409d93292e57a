"""What pages of other, allowed origins may read of the API's answers (W3C Fetch, the CORS protocol).

Only for the origins of the settings, each named back and never `*`, since a session's cookie may go along. That is
SameSite=Lax: it is sent for pages of our own site, such as desk.example.org beside inbox.example.org.
"""

from __future__ import annotations

from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from gateway.origins import OriginSettings, allowed_origin
from gateway.signin.forgery import read_header

METHODS = b"GET, POST, PUT, PATCH, DELETE"
SENT = (
    b"authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, x-csrf-token, x-request-id"
)
READ = b"etag, event-cursor, idempotency-replayed, link, ratelimit, ratelimit-policy, retry-after, x-request-id"
MAX_AGE = b"600"


def share_answers(app: ASGIApp, settings: OriginSettings, *, prefix: str) -> ASGIApp:
    """The application, its answers below the prefix readable by pages of allowed origins."""

    async def shared(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or not scope["path"].startswith(prefix):
            await app(scope, receive, send)
            return
        origin = read_header(scope, b"origin")
        if origin is None or not allowed_origin(origin, settings):
            await app(scope, receive, send)
            return
        headers = [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-credentials", b"true"),
            (b"vary", b"Origin"),
        ]
        if scope["method"] == "OPTIONS" and read_header(scope, b"access-control-request-method"):
            await _answer_preflight(send, headers)
            return

        async def send_shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = [*message["headers"], *headers, (b"access-control-expose-headers", READ)]
                message = cast("Message", {**message, "headers": told})
            await send(message)

        await app(scope, receive, send_shared)

    return shared


async def _answer_preflight(send: Send, headers: list[tuple[bytes, bytes]]) -> None:
    """What a browser asks before it sends what a form could not."""
    allowed = [
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", SENT),
        (b"access-control-max-age", MAX_AGE),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": [*headers, *allowed]})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
