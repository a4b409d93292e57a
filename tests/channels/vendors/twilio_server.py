"""A server that answers as Twilio does, and work done against it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from channels.errors import SendFailed
from channels.http import Http
from channels.vendors.twilio import TwilioSettings
from tests.channels.local_server import Answer, Peer, serve

ACCOUNT = "ACf1d0c7a94be34c18a2906d57b8e3a4c1"
SID = "SM6787fac2a420ccef74091b10b0754a61"
TOKEN = "0123456789abcdef0123456789abcdef"
Result = TypeVar("Result")


def answer(status: int, body: bytes | dict[str, Any] | list[Any] = b"", **headers: str) -> bytes:
    """An HTTP answer as bytes; a dictionary is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} x", f"content-length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


CREATED = answer(
    201, {"sid": SID, "status": "queued", "account_sid": ACCOUNT, "date_created": None, "error_code": None}
)


def settings_for(peer: Peer, **changes: Any) -> TwilioSettings:
    """The account, with its API at the local server."""
    return TwilioSettings(**{"account_sid": ACCOUNT, "auth_token": TOKEN, "api_url": peer.url} | changes)


def against(
    *answers: Answer, work: Callable[[Http, Peer], Awaitable[Result]], allow: str = "127.0.0.0/8"
) -> tuple[Result | SendFailed, Peer]:
    """Work done with a server that gives these answers: its result or failure, and what the server saw."""

    async def scenario() -> tuple[Result | SendFailed, Peer]:
        http = Http(allow=[allow])
        async with serve(*answers) as peer:
            try:
                return await work(http, peer), peer
            except SendFailed as failure:
                return failure, peer
            finally:
                await http.aclose()

    return asyncio.run(scenario())


def head_of(request: bytes) -> tuple[str, dict[str, str]]:
    """The request line and the headers, names in lower case."""
    first, *lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return first, {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
