"""Answers that are none: the connection closes, or stays open without a word."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

HANG_UP = "switchboard.hang_up"  # the ASGI extension by which our server closes a connection unanswered


class Silence(Response[bytes]):
    """Closes the connection without an answer: at once, or when the caller gives up or `until` is set."""

    def __init__(self, *, until: asyncio.Event | None = None) -> None:
        super().__init__(b"")
        self._until = until

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """The ASGI application that keeps silent."""
        return _SilentAnswer(self._until)


class _SilentAnswer(ASGIResponse):
    def __init__(self, until: asyncio.Event | None) -> None:
        super().__init__()
        self._until = until

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._until is not None:
            await _wait_for_either(receive, self._until)
        extensions: dict[str, Any] = scope.get("extensions") or {}
        extensions[HANG_UP]()
        await _wait_for_disconnect(receive)


async def _wait_for_either(receive: Receive, until: asyncio.Event) -> None:
    waits = {asyncio.ensure_future(_wait_for_disconnect(receive)), asyncio.ensure_future(until.wait())}
    _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in pending:
        wait.cancel()


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
