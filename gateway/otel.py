"""The tracer that hands spans to an OpenTelemetry collector by OTLP over HTTP.

Imported by `spans` alone, and only where an endpoint is set: the packages are the extra `otel`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib.metadata import version
from types import TracebackType

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from gateway.spans import Kind, Span, span_attributes
from gateway.tracing import TRACEPARENT
from inbox.kit.tracing import traceparent, within_trace

SERVICE = "switchboard"
TRACES_PATH = "/v1/traces"
KINDS: dict[Kind, SpanKind] = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "consumer": SpanKind.CONSUMER,
}
FAILED_FROM: dict[Kind, int] = {"client": 400}
"""From which HTTP status on a span counts as failed; of all others from 500 on."""


class OtelTracer:
    """Spans are collected by a thread of OpenTelemetry's; a collector that is away costs spans and nothing else.

    `url` is the collector's base; without one OpenTelemetry's own settings name it.
    """

    active = True

    def __init__(self, url: str | None) -> None:
        exporter = OTLPSpanExporter(endpoint=url.rstrip("/") + TRACES_PATH if url else None)
        resource = Resource.create({SERVICE_NAME: SERVICE, SERVICE_VERSION: version(SERVICE)})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(SERVICE)

    def span(self, name: str, *, kind: Kind = "internal", parent: str | None = None, **facts: object) -> Span:
        """A step below `parent`, else below the step that this task is in, else the first of a new trace."""
        begun = self._tracer.start_span(
            name,
            context=_context_of(parent or traceparent()),
            kind=KINDS[kind],
            attributes=span_attributes(facts),
            record_exception=False,
            set_status_on_exception=False,
        )
        return OtelSpan(begun, failed_from=FAILED_FROM.get(kind, 500))

    def close(self) -> None:
        """Hand over what is still here."""
        self._provider.shutdown()


class OtelSpan:
    """One step that is recorded."""

    def __init__(self, span: trace.Span, *, failed_from: int) -> None:
        self._span = span
        self._failed_from = failed_from
        self.traceparent = _show_traceparent(span.get_span_context())
        self._within: AbstractContextManager[None] = within_trace(self.traceparent)

    def note(self, **facts: object) -> None:
        """Add what is known by now."""
        self._span.set_attributes(span_attributes(facts))
        status = facts.get("status")
        if isinstance(status, int) and status >= self._failed_from:
            self._span.set_status(Status(StatusCode.ERROR))

    def __enter__(self) -> Span:
        self._within.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._within.__exit__(kind, error, trace)
        if kind is not None:
            # By its type alone: what an exception says holds values.
            self._span.set_attributes(span_attributes({"error": kind.__name__}))
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


def _context_of(parent: str | None) -> Context:
    """OpenTelemetry's word for a parent; an empty one begins a trace, whatever else is current."""
    found = TRACEPARENT.fullmatch(parent or "")
    if found is None:
        return Context()
    _, trace_id, span_id, flags = found[0].split("-")
    context = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return trace.set_span_in_context(NonRecordingSpan(context), Context())


def _show_traceparent(context: SpanContext) -> str | None:
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & 1:02x}"
