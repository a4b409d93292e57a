"""One trace from a webhook, or a request, to the provider call and to the integrator it ends at."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from channels.simulators.twilio.simulator import HandsetFile
from inbox.kit.db import fetch
from tests.bench.load import inbound_fields
from tests.gateway.webhooks.receiver import Receiver, open_receiver
from tests.journeys.collector import Collector, Told, open_collector
from tests.journeys.gateway import ACCOUNT, NUMBER, TOKEN, Journey, eventually, open_journey

ANA = "+15550002222"
WORDS = "canary7words"
PHOTO = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans are handed over at once."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")


async def _told(collector: Collector, name: str, **facts: Any) -> Told:
    """The first span of this name with these facts, as soon as it has come."""

    async def found() -> Any:
        wanted = facts.items()
        return next((one for one in collector.spans if one.name == name and wanted <= one.facts.items()), None)

    span: Told = await eventually(found)
    return span


async def _stands_below(collector: Collector, span: Told, *names: str) -> None:
    """A span is below these, the nearest first; a cause may end, and so be told of, after what it caused."""

    async def complete() -> bool:
        return len(collector.above(span)) >= len(names)

    await eventually(complete)
    assert collector.above(span) == list(names)


def run(database_url: str, redis_url: str, folder: Path, body: Any) -> None:
    """A journey with a collector and an integrator beside it."""

    async def opened() -> None:
        async with (
            open_collector() as collector,
            open_receiver() as receiver,
            open_journey(database_url, redis_url, folder, SWITCHBOARD_OTLP_URL=collector.url) as journey,
        ):
            await journey.post("/v1/webhooks", {"url": receiver.url, "types": ["message.created"]})
            await body(journey, collector, receiver)

    asyncio.run(opened())


def test_a_webhook_is_one_trace_to_the_provider_and_the_integrator(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Journal, projection, the job it causes, the provider's file, the integrator's webhook: each below its cause."""

    async def body(journey: Journey, collector: Collector, receiver: Receiver) -> None:
        photo = HandsetFile(content_type="image/png", content=PHOTO)
        await journey.twilio.text_in(ANA, f"Look {WORDS}", media=[photo])
        call = await _told(collector, "provider request", **{"http.request.method": "GET"})
        await _stands_below(collector, call, "job fetch_media", "project", "journal", "webhook")
        delivery = await _told(collector, "webhook delivery")
        await _stands_below(collector, delivery, "project", "journal", "webhook")
        assert delivery.trace == call.trace
        root = await _told(collector, "webhook")
        assert (root.parent, root.facts["switchboard.outcome"]) == ("", "accepted")
        assert root.facts["switchboard.channel"] == journey.channel_id
        assert root.facts["http.response.status_code"] == 200
        [row] = await fetch("SELECT traceparent, request_id FROM raw_event")
        assert root.facts["switchboard.request"] == row["request_id"]
        assert row["traceparent"].split("-")[1] == root.trace
        assert receiver.got[0].headers["traceparent"] == f"00-{delivery.trace}-{delivery.id}-01"
        assert collector.services == {"switchboard"}

    run(database_url, redis_url, tmp_path, body)


def test_a_request_is_one_trace_from_its_caller_to_the_provider(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """The caller's traceparent is followed over the job in the database to the provider call and the integrator."""

    async def body(journey: Journey, collector: Collector, receiver: Receiver) -> None:
        await journey.twilio.text_in(ANA, f"Hello {WORDS}")
        conversation = await journey.conversation_with(ANA)
        path = f"/v1/conversations/{conversation['id']}/messages"
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "X-Request-Id": "order-8841"}
        journey.twilio.faults.next_calls.append("throttle")
        answer = await journey.client.post(path, json={"text": f"Yes {WORDS}"}, headers=headers)
        entry = answer.json()
        await journey.delivery(entry["id"], "sent", "delivered")
        sent = await _told(collector, "send", **{"switchboard.outcome": "sent"})
        assert sent.facts["switchboard.provider"] == "twilio"
        calls = [span for span in collector.of(TRACE, "provider request") if span.parent]
        assert [span.facts["http.response.status_code"] for span in calls] == [429, 201]
        assert [span.failed for span in calls] == [True, False]
        for call in calls:
            await _stands_below(collector, call, "send", "job deliver_message", "request")
        [request] = collector.of(TRACE, "request")
        assert (request.parent, request.facts["switchboard.request"]) == (CALLER, "order-8841")
        assert request.facts["http.route"].startswith("/v1/conversations/{")
        throttled = await _told(collector, "send", **{"switchboard.outcome": "throttled"})
        assert (throttled.trace, throttled.failed) == (TRACE, True)

        async def heard() -> Any:
            return [got for got in receiver.got if got.headers["traceparent"].split("-")[1] == TRACE]

        await eventually(heard)

    run(database_url, redis_url, tmp_path, body)


def test_spans_hold_nothing_of_what_people_write(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Words, numbers, secrets and texts of errors: not one byte of them reaches the collector (T66)."""

    async def body(journey: Journey, collector: Collector, receiver: Receiver) -> None:
        await journey.twilio.text_in(ANA, f"Hello {WORDS}")
        conversation = await journey.conversation_with(ANA)
        path = f"/v1/conversations/{conversation['id']}/messages"
        journey.twilio.faults.refused[ANA] = 21211
        entry = await journey.post(path, {"text": f"No {WORDS}"})
        await journey.delivery(entry["id"], "failed")
        fields = inbound_fields(sid="SM" + "1" * 32, sender=ANA) | {"AccountSid": ACCOUNT, "To": NUMBER, "Body": WORDS}
        forged = f"/hooks/sms-twilio/{journey.channel_id}/message"
        await journey.client.post(forged, data=fields, headers={"X-Request-Id": ANA, "traceparent": WORDS})
        await journey.client.get("/v1/contacts", params={"identity": ANA})
        await journey.client.get(f"/v1/conversations/{WORDS}")
        refused = await _told(collector, "webhook", **{"switchboard.outcome": "forged"})
        assert refused.facts["http.response.status_code"] == 403
        await _told(collector, "send", **{"switchboard.outcome": "failed"})
        assert len(collector.spans) > 8
        key = str(journey.client.headers["Authorization"]).partition(" ")[2]
        for canary in (WORDS, ANA[1:], NUMBER[1:], TOKEN, key, ACCOUNT, receiver.url, "127.0.0.1", "21211 "):
            assert canary.encode() not in collector.bytes, canary
        assert {name.partition(".")[0] for span in collector.spans for name in span.facts} <= {
            "switchboard", "http", "error",
        }  # fmt: skip

    run(database_url, redis_url, tmp_path, body)


def test_off_costs_nothing(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Without an endpoint no span is made, nothing is written beside jobs, and OpenTelemetry is not even imported."""

    async def opened() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            assert not journey.runtime.tracer.active
            await journey.twilio.text_in(ANA, "hello")
            await journey.conversation_with(ANA)
            assert [row["traceparent"] for row in await fetch("SELECT traceparent FROM raw_event")] == [None]
            assert {row["traceparent"] for row in await fetch("SELECT traceparent FROM feed_event")} == {None}

    for name in [name for name in sys.modules if name == "gateway.otel"]:
        del sys.modules[name]
    asyncio.run(opened())
    assert "gateway.otel" not in sys.modules
