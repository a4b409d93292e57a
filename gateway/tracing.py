"""Every request gets an id: the client's own if it is sane, else ours; it is echoed, logged and kept beside events."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from gateway.metrics import REQUEST_SECONDS, REQUESTS
from gateway.spans import NO_TRACER, Tracer
from inbox.kit.ids import new_id
from inbox.kit.tracing import within_trace, working_for

HEADER = "X-Request-Id"
SANE = re.compile(r"[\x21-\x7e]{1,128}")
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")  # W3C Trace Context 3.2
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Said with every answer that does not say otherwise: nothing of ours is to be kept by a cache or guessed at.
DEFAULT_HEADERS: Mapping[str, str] = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

log = structlog.get_logger()


def trace_requests(app: ASGIApp, tracer: Tracer = NO_TRACER) -> ASGIApp:
    """The application, with every request under its id, one log line each, and every answer carrying the id."""

    async def traced(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await app(scope, receive, send)
            return
        request_id = choose_request_id(scope["headers"])
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableScopeHeaders.from_message(message)
                headers[HEADER] = request_id
                for name, value in DEFAULT_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        parent = read_traceparent(scope["headers"])
        with working_for(request_id), within_trace(parent), tracer.span("request", kind="server") as span:
            await app(scope, receive, send_with_id)
            _log_request(scope, status=status, started=started)
            _count_request(scope, status=status, seconds=time.perf_counter() - started)
            if tracer.active:
                route, method = scope.get("path_template"), scope.get("method")
                span.note(request=request_id, method=method, route=route, status=status)

    return traced


def choose_request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The client's id, if it sent one of at most 128 visible ASCII characters; else a new one."""
    given = _first(headers, b"x-request-id")
    return given if SANE.fullmatch(given) else new_id().hex


def read_traceparent(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The W3C `traceparent` that the caller sent, or None."""
    found = TRACEPARENT.fullmatch(_first(headers, b"traceparent"))
    return found[0] if found and int(found[1], 16) and int(found[2], 16) else None


def _first(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def _log_request(scope: Scope, *, status: int, started: float) -> None:
    """The route as written, never the path or the query: those carry values."""
    log.info(
        "request_served",
        method=scope.get("method", "WEBSOCKET"),
        route=scope.get("path_template"),
        status=status,
        duration_ms=round((time.perf_counter() - started) * 1000, 1),
    )


def _count_request(scope: Scope, *, status: int, seconds: float) -> None:
    """By the route as written and known methods, so that nobody can make up series; a stream lasts as it likes."""
    method, route = str(scope.get("method", "WEBSOCKET")), scope.get("path_template") or ""
    method = method if method in METHODS else "other"
    REQUESTS.labels(method, route, status).inc()
    if not getattr(scope.get("route_handler"), "opt", {}).get("live"):
        REQUEST_SECONDS.labels(method, route).observe(seconds)
