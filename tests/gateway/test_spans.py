"""When traces are made, what they may hold, and that nobody waits for a collector."""

from __future__ import annotations

import asyncio
import io
import time
from pathlib import Path
from typing import Any

import pytest

from gateway import spans
from gateway.configuration import load_settings
from gateway.environment import SettingsError
from gateway.otel import OtelTracer
from gateway.settings import Settings
from gateway.spans import NO_TRACER, TracedHttp, choose_tracer, open_tracer, span_attributes
from gateway.telemetry import configure_logs
from inbox.kit.tracing import traceparent, within_trace
from tests.channels.local_server import LOOPBACK, serve
from tests.gateway.commands.shell import KEY, kept_logging

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in spans.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)


def test_traces_are_made_where_an_endpoint_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """By our setting or by OpenTelemetry's own; otherwise there is no tracer, and spans are nothing."""
    assert choose_tracer(Settings()) is NO_TRACER
    with NO_TRACER.span("x", kind="server", channel="y") as span:
        span.note(status=200)
        assert (span.traceparent, traceparent()) == (None, None)
    for tracer in (choose_tracer(Settings(otlp_url=NOBODY)), _by_environment(monkeypatch)):
        assert tracer.active


def _by_environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", NOBODY)
    return choose_tracer(Settings())


def test_missing_packages_are_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Asked for by our setting they keep us from starting; by a variable that others share, a warning says so."""
    monkeypatch.setattr(spans, "PACKAGES", "opentelemetry.nowhere.to.be.found")
    wanted = {"SWITCHBOARD_SECRET_KEY": KEY, "SWITCHBOARD_DATA_DIR": str(tmp_path), "SWITCHBOARD_OTLP_URL": NOBODY}
    with pytest.raises(SettingsError, match=r"SWITCHBOARD_OTLP_URL.*not installed"):
        load_settings(wanted)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", NOBODY)
    lines = io.StringIO()
    with kept_logging():
        configure_logs(Settings(), stream=lines)
        assert choose_tracer(Settings()) is NO_TRACER
    assert "tracing_not_installed" in lines.getvalue()
    assert "switchboard[otel]" in lines.getvalue()


def test_a_span_holds_what_a_log_line_may_hold() -> None:
    """Unknown fields and values not of their kind are left out; standard names are used where there are any."""
    facts = {
        "method": "POST", "status": 201, "route": "/v1/contacts/{contact_id}", "provider": "twilio",
        "error": "ValueError",
        "text": "hello", "url": "https://x/y", "address": "+15550002222", "code": "said ana@example.org", "job": None,
    }  # fmt: skip
    assert span_attributes(facts) == {
        "http.request.method": "POST",
        "http.response.status_code": 201,
        "http.route": "/v1/contacts/{contact_id}",
        "switchboard.provider": "twilio",
        "error.type": "ValueError",
    }


def test_a_span_stands_below_its_cause() -> None:
    """The given parent first, else the step this task is in, else a new trace; afterwards all is as it was."""
    tracer = OtelTracer(NOBODY)
    with within_trace(PARENT), tracer.span("inner") as inner:
        assert str(inner.traceparent).split("-")[1] == TRACE
        assert traceparent() == inner.traceparent != PARENT
        with tracer.span("deeper", parent=f"00-{'a' * 32}-{'b' * 16}-01") as deeper:
            assert str(deeper.traceparent).split("-")[1] == "a" * 32
    assert traceparent() is None
    for broken in (None, "nonsense", f"00-{'0' * 32}-{'0' * 16}-01"):
        with tracer.span("root", parent=broken) as root:
            assert str(root.traceparent).split("-")[1] not in {TRACE, "0" * 32}
    with tracer.span("unsampled", parent=PARENT[:-1] + "0") as unsampled:
        assert str(unsampled.traceparent).endswith("-00")


def test_providers_never_see_our_traces() -> None:
    """A traced call is the very call it was: no header of ours goes with it."""

    async def body() -> None:
        http = TracedHttp(OtelTracer(NOBODY), allow=LOOPBACK, timeout=5)
        async with serve() as peer:
            with within_trace(PARENT):
                assert (await http.request("POST", f"{peer.url}/x", content=b"y")).status == 200
            await http.aclose()
        assert b"traceparent" not in peer.requests[0].lower()
        assert TRACE.encode() not in peer.requests[0]

    asyncio.run(body())


def test_a_collector_that_is_away_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans are lost, and the process still ends in its time."""
    monkeypatch.setattr(spans, "CLOSE_SECONDS", 0.3)

    async def body() -> float:
        began = time.monotonic()
        async with open_tracer(Settings(otlp_url=NOBODY)) as tracer:
            for _ in range(100):
                with tracer.span("x"):
                    pass
        return time.monotonic() - began

    with kept_logging():
        configure_logs(Settings(), stream=io.StringIO())
        assert asyncio.run(body()) < 5
