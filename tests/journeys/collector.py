"""An OpenTelemetry collector on loopback: it takes OTLP over HTTP, as a real one does, and keeps the spans."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.channels.local_server import read_request

TAKEN = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"


class Told(msgspec.Struct, kw_only=True, frozen=True):
    """One span; `parent` is empty at the beginning of a trace."""

    name: str
    trace: str
    id: str
    parent: str
    facts: dict[str, Any]
    failed: bool


class Collector:
    """What came: the spans, and every byte of it."""

    def __init__(self) -> None:
        self.spans: list[Told] = []
        self.bytes = b""
        self.services: set[str] = set()
        self.url = ""

    def of(self, trace: str, name: str = "") -> list[Told]:
        """The spans of a trace, of one name if it is given."""
        return [span for span in self.spans if span.trace == trace and span.name.startswith(name)]

    def above(self, span: Told) -> list[str]:
        """The names from a span's parent up to the beginning of its trace."""
        parents = [one for one in self.spans if one.id == span.parent]
        return [name for parent in parents for name in (parent.name, *self.above(parent))]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head, _, body = (await read_request(reader)).partition(b"\r\n\r\n")
                assert head.startswith(b"POST /v1/traces "), head
                self._take(body)
                writer.write(TAKEN)
        writer.close()

    def _take(self, body: bytes) -> None:
        self.bytes += body
        for of_service in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services |= {
                one.value.string_value for one in of_service.resource.attributes if one.key == "service.name"
            }
            self.spans += [_told(span) for scope in of_service.scope_spans for span in scope.spans]


def _told(span: Any) -> Told:
    values = {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in span.attributes}
    return Told(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        facts=values,
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
    )


@asynccontextmanager
async def open_collector() -> AsyncIterator[Collector]:
    """A collector at work."""
    collector = Collector()
    server = await asyncio.start_server(collector.talk, "127.0.0.1", 0)
    collector.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield collector
    finally:
        server.close()
