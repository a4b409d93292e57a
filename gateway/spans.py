"""Spans of traces, handed to OpenTelemetry where an operator collects them; where not, none is made.

A trace is carried by the W3C traceparent of its latest step: in this task by `inbox.kit.tracing`, to later steps beside
the request, job or event in the database. A span holds what a log line may hold (`redaction`) and nothing else: no
body, no address, no name, no message of an exception.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from os import environ
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import structlog

from channels.http import Http, Response
from gateway.redaction import LogValue, keep_allowed

if TYPE_CHECKING:
    from gateway.settings import Settings

log = structlog.get_logger()

Kind: TypeAlias = Literal["internal", "server", "client", "consumer"]

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""OpenTelemetry's own settings, which its exporter reads."""
PACKAGES = "opentelemetry.exporter.otlp.proto.http"
CLOSE_SECONDS = 3.0
STANDARD = {
    "method": "http.request.method",
    "status": "http.response.status_code",
    "route": "http.route",
    "error": "error.type",
}
"""Our fields that OpenTelemetry's semantic conventions have a name for; the others are `switchboard.<field>`."""


class Span(Protocol):
    """One step. Inside its `with`, what this task asks for and tells belongs to it."""

    @property
    def traceparent(self) -> str | None:
        """What a later step names as its parent; None where nothing is traced."""
        ...

    def note(self, **facts: object) -> None:
        """Add what is known by now, in the words of log lines."""
        ...

    def __enter__(self) -> Span: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Tracer(Protocol):
    """Makes spans. `active` is false where nothing is recorded, so that nothing need be prepared for it."""

    active: bool

    def span(self, name: str, *, kind: Kind = "internal", parent: str | None = None, **facts: object) -> Span:
        """A step below `parent`, else below the step that this task is in, else the first of a new trace."""
        ...

    def close(self) -> None:
        """Hand over what is still here; it may block."""
        ...


class NoSpan:
    """Nothing is traced."""

    traceparent = None

    def note(self, **facts: object) -> None:
        """Nobody wants to know."""

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class NoTracer:
    """Nobody collects traces."""

    active = False

    def span(self, name: str, *, kind: Kind = "internal", parent: str | None = None, **facts: object) -> Span:
        """Nothing, at no cost."""
        return NO_SPAN

    def close(self) -> None:
        """There is nothing to hand over."""


NO_SPAN: Span = NoSpan()
NO_TRACER: Tracer = NoTracer()


@asynccontextmanager
async def open_tracer(settings: Settings) -> AsyncIterator[Tracer]:
    """The tracer of a process. At the end the collector is given a moment; if it is away, the last spans are lost."""
    tracer = choose_tracer(settings)
    try:
        yield tracer
    finally:
        if tracer.active:
            closing = Thread(target=tracer.close, name="close-tracer", daemon=True)
            closing.start()
            await asyncio.to_thread(closing.join, CLOSE_SECONDS)


def choose_tracer(settings: Settings) -> Tracer:
    """One that collects, where it is asked for and can be: OpenTelemetry is imported here and at no other time."""
    if not settings.otlp_url and not any(environ.get(name) for name in ENDPOINTS):
        return NO_TRACER
    if not tracing_installed():
        log.warning("tracing_not_installed")
        return NO_TRACER
    tracer: Tracer = import_module("gateway.otel").OtelTracer(settings.otlp_url)
    return tracer


def tracing_installed() -> bool:
    """Whether the extra `otel` is there."""
    try:
        return find_spec(PACKAGES) is not None
    except ModuleNotFoundError:
        return False


def span_attributes(facts: dict[str, object]) -> dict[str, LogValue]:
    """These facts as attributes, without all that a log line must not hold either."""
    allowed, _ = keep_allowed({name: value for name, value in facts.items() if value is not None})
    return {STANDARD.get(name, f"switchboard.{name}"): value for name, value in allowed.items()}


class TracedHttp(Http):
    """The outgoing client, each of its requests a step of the trace it is made for."""

    def __init__(self, tracer: Tracer, *, allow: Iterable[str], timeout: float) -> None:
        super().__init__(allow=allow, timeout=timeout)
        self.tracer = tracer

    async def request(self, method: str, url: str, **options: Any) -> Response:
        """As `Http.request`; the URL is not recorded, since it names people and messages."""
        with self.tracer.span("provider request", kind="client", method=method.upper()) as span:
            answer = await super().request(method, url, **options)
            span.note(status=answer.status)
            return answer
