"""ETags, and 304 for who has the answer already (RFC 9110 8.8.3 and 13.1.2).

One object's tag is its version and a digest of what was answered: `"v17-8f3a01c2d4e5"`. The digest is there since a
conversation also shows names and reply routes, which change without it; `If-Match` looks at the version alone
(inbox/kit/versions.py). Lists have a weak tag, the digest. What is no JSON, and what is streamed, has none.
"""

from __future__ import annotations

import re
from hashlib import sha256

import msgspec
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

DIGEST_BYTES = 6
LIST_BEGINS = b'{"data":'
TAG = re.compile(r'(?:W/)?"[^"]*"')
PRIVATE = "private, no-cache"
"""What was read its reader may keep, and asks each time whether it still holds; an answer to POST can hold a secret."""
NOT_SENT = (b"content-length", b"content-type")
"""A 304 has no body to describe."""


class Versioned(msgspec.Struct):
    """The part of an answer that tells its version."""

    version: int | None = None


class Conditional(ASGIMiddleware):
    """Puts the tag on what is read or answered whole, and answers 304 where the client names it."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Serve one request; the start of the answer waits for its body."""
        if scope["type"] != ScopeType.HTTP:
            await next_app(scope, receive, send)
            return
        known = _header(scope, b"if-none-match") if scope["method"] == "GET" else ""
        waiting: list[HTTPResponseStartEvent] = []

        async def send_tagged(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_taggable(message):
                waiting.append(message)
                return
            if waiting and message["type"] == "http.response.body":
                start, body = waiting.pop(), message["body"]
                tag = "" if message.get("more_body") else make_tag(body)
                if tag and matches(known, tag):
                    start, body = _not_modified(start), b""
                if tag:
                    _tag_answer(start, tag, read=scope["method"] == "GET")
                await send(start)
                message["body"] = body
            await send(message)

        await next_app(scope, receive, send_tagged)


def make_tag(body: bytes) -> str:
    """The tag of a JSON answer."""
    digest = sha256(body).digest()[:DIGEST_BYTES].hex()  # half of blake2b's time where processors know it
    if body.startswith(LIST_BEGINS):
        return f'W/"{digest}"'
    try:
        version = msgspec.json.decode(body, type=Versioned).version
    except msgspec.DecodeError:
        version = None
    return f'W/"{digest}"' if version is None else f'"v{version}-{digest}"'


def matches(if_none_match: str, tag: str) -> bool:
    """Whether the client has this already: the weak comparison of RFC 9110 8.8.3.2."""
    if if_none_match.strip() == "*":
        return True
    return tag.removeprefix("W/") in {known.removeprefix("W/") for known in TAG.findall(if_none_match)}


def _is_taggable(start: HTTPResponseStartEvent) -> bool:
    kinds = [value for name, value in start["headers"] if name.lower() == b"content-type"]
    return start["status"] in {200, 201} and any(kind.startswith(b"application/json") for kind in kinds)


def _not_modified(start: HTTPResponseStartEvent) -> HTTPResponseStartEvent:
    headers = [(name, value) for name, value in start["headers"] if name.lower() not in NOT_SENT]
    return {"type": "http.response.start", "status": 304, "headers": headers}


def _tag_answer(start: HTTPResponseStartEvent, tag: str, *, read: bool) -> None:
    headers = MutableScopeHeaders.from_message(start)
    headers["ETag"] = tag
    if read:
        headers.setdefault("Cache-Control", PRIVATE)


def _header(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)
