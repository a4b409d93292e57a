"""The page that Prometheus reads, and who may read it; in `serve` beside the API, in `work` on a port of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context
from hmac import compare_digest
from ipaddress import ip_address
from typing import Any

import uvicorn
from litestar import Litestar, Request, Response, get
from litestar.di import NamedDependency
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from gateway.measures import Measures
from inbox.kit.errors import Problem

FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"})
"""What a proxy adds: whoever stands behind one is not this machine, though the proxy may be."""
STOP_SECONDS = 1
QUIETLY: dict[str, Any] = {
    "loop": "none", "ws": "none", "log_config": None, "access_log": False, "server_header": False,
    "proxy_headers": False,
}  # fmt: skip


@get("/metrics", opt={"public": True}, include_in_schema=False)
async def show_metrics(
    request: Request[Any, Any, Any], measures: NamedDependency[Measures], metrics_token: NamedDependency[str]
) -> Response[bytes]:
    """For Prometheus: with the token of the settings, or without one from this machine alone."""
    if not is_admitted(request, metrics_token):
        hint = "Set SWITCHBOARD_METRICS_TOKEN and send it as a bearer."
        raise Problem("not_found", "there is nothing here for you", hint=hint)
    return Response(await measures.show(), media_type=CONTENT_TYPE_LATEST)


def is_admitted(request: Request[Any, Any, Any], token: str) -> bool:
    """Whether a request may read the measures."""
    if token:
        given = request.headers.get("authorization", "").encode()
        return compare_digest(given, f"Bearer {token}".encode())
    if any(name in request.headers for name in FORWARDED):
        return False
    return request.client is not None and _is_local(request.client.host)


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@asynccontextmanager
async def serving_beside(app: Litestar, *, host: str, port: int) -> AsyncIterator[None]:
    """Serve an application beside a process's own work, on a port of its own; 0 is nowhere. OSError if it is taken."""
    if not port:
        yield
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listener:
        server = _Guest(uvicorn.Config(app, timeout_graceful_shutdown=STOP_SECONDS, **QUIETLY))
        task = asyncio.create_task(server.serve(sockets=[listener]), context=Context())
        try:
            yield
        finally:
            server.should_exit = True
            await asyncio.wait([task])


class _Guest(uvicorn.Server):
    """A server that leaves the signals to the process it is a guest of."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None is ours."""
        yield
