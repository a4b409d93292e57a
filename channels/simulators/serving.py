"""Serving a simulator on a loopback port, in this process or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import uvicorn
from litestar import Litestar

from channels.simulators.silence import HANG_UP

LOOPBACK = "127.0.0.1"
BACKLOG = 1024  # connections the kernel holds until they are accepted
STOP_SECONDS = 1  # what open calls get to finish; unanswered ones would wait for ever
START_SECONDS = 30
KEEP_ALIVE_SECONDS = 75  # more than clients keep an idle connection: none is closed just as the next call leaves


@contextlib.asynccontextmanager
async def serve_app(app: Litestar, *, port: int = 0) -> AsyncIterator[str]:
    """Serve it beside other work in this event loop; yields its origin, with a free port where none is named."""
    listener = open_listener(port)
    ready = asyncio.Event()
    server = _GuestServer(app, ready.set)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(START_SECONDS):
            await ready.wait()
        yield origin_of(listener)
    finally:
        server.should_exit = True
        await serving
        listener.close()


def run_app(app: Litestar, listener: socket.socket, *, announcement: str) -> None:
    """Serve it until a signal ends the process; the announcement goes to standard output once it is ready."""
    _ReadyServer(app, lambda: print(announcement, flush=True)).run(sockets=[listener])  # noqa: T201 - read by starters


def open_listener(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes a free one."""
    # The protocol is named because asyncio turns off Nagle's delay (40 ms an answer here) only where it reads TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def origin_of(listener: socket.socket) -> str:
    """The origin it is reached at."""
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"


def _with_hang_up(app: Litestar) -> Callable[[Any, Any, Any], Awaitable[None]]:
    # ASGI has no word for closing without an answer, so this reaches for uvicorn's transport and passes it on.
    async def extended(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope["extensions"] = {**(scope.get("extensions") or {}), HANG_UP: send.__self__.transport.abort}
        await app(scope, receive, send)

    return extended


class _ReadyServer(uvicorn.Server):
    def __init__(self, app: Litestar, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                _with_hang_up(app),
                log_level="warning",
                access_log=False,
                lifespan="on",
                ws="none",
                timeout_graceful_shutdown=STOP_SECONDS,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


class _GuestServer(_ReadyServer):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the signals belong to the host
