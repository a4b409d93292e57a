"""Every measure moves when what it measures happens: a day in the life of a gateway, scraped before and after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway import measures
from inbox.kit.db import execute
from tests.bench.load import inbound_fields
from tests.gateway.webhooks.receiver import open_receiver
from tests.journeys.gateway import ACCOUNT, NUMBER, Journey, eventually, open_journey
from tests.journeys.scrapes import Scrape, scrape

ANA = "+15550002222"
BEN = "+15550003333"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at every scrape, not at most every few seconds."""
    monkeypatch.setattr(measures, "FRESH_SECONDS", 0.0)


def run(
    database_url: str, redis_url: str, folder: Path, body: Callable[[Journey], Awaitable[None]], **more: Any
) -> None:
    """A journey."""

    async def opened() -> None:
        async with open_journey(database_url, redis_url, folder, **more) as journey:
            await body(journey)

    asyncio.run(opened())


async def send(journey: Journey, handset: str, text: str = "ok") -> str:
    """A message to somebody who wrote before; its id."""
    conversation = await journey.conversation_with(handset)
    entry = await journey.post(f"/v1/conversations/{conversation['id']}/messages", {"text": text})
    return str(entry["id"])


async def grown(journey: Journey, before: Scrape, name: str, by: float = 1, **labels: str) -> Scrape:
    """The scrape in which it has grown so much, as soon as it has."""

    async def found() -> Any:
        after = await scrape(journey.client)
        return after if after.since(before, name, **labels) >= by else None

    after: Scrape = await eventually(found)
    assert after.since(before, name, **labels) == by
    return after


def test_what_comes_in_is_counted(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A text, the same told twice, a forgery, a stranger's URL, a request nobody understands: each by its result."""

    async def body(journey: Journey) -> None:
        of: dict[str, Any] = {"channel": journey.channel_id, "provider": "twilio"}
        before = await scrape(journey.client)
        journey.twilio.faults.next_webhooks.append("duplicate")
        await journey.twilio.text_in(ANA, "hello")
        await grown(journey, before, "inbound_duplicates_total", **of)
        path = f"/hooks/sms-twilio/{journey.channel_id}/message"
        fields = inbound_fields(sid="SM" + "1" * 32, sender=ANA) | {"AccountSid": ACCOUNT, "To": NUMBER}
        assert (await journey.client.post(path, data=fields)).status_code == 403
        assert (await journey.client.post("/hooks/sms-twilio/cha_nobody/message")).status_code == 404
        after = await grown(journey, before, "inbound_signature_failures_total", **of)
        assert after.since(before, "inbound_received_total", result="accepted", **of) == 2
        assert after.since(before, "inbound_received_total", result="forged", **of) == 1
        assert after.since(before, "inbound_received_total", result="not_found") == 1
        assert after.since(before, "inbound_ack_seconds_count", provider="twilio") == 3
        assert after.since(before, "inbound_to_visible_seconds_count", provider="twilio") == 2
        assert after.of("inbound_to_visible_seconds_sum", provider="twilio") > 0
        await journey.twilio.text_in(ANA, "for a number that is not ours", to=await _strangers_number(journey))
        await grown(journey, before, "inbound_parse_errors_total", code="nobodys_address", **of)
        assert (await scrape(journey.client)).of("quarantine_open") == 1

    run(database_url, redis_url, tmp_path, body)


async def _strangers_number(journey: Journey) -> str:
    """A number of the account that posts to our channel without being one of its own."""
    number = "+15550009999"
    known = journey.twilio.numbers[NUMBER]
    journey.twilio.numbers[number] = type(known)(number=number, account_sid=ACCOUNT, hook=known.hook)
    return number


def test_what_goes_out_is_counted(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Sent, throttled and sent later, refused, and nobody knows: by what the provider said; jobs by how they ended."""

    async def body(journey: Journey) -> None:
        await journey.twilio.text_in(ANA, "hello")
        await journey.twilio.text_in(BEN, "hello")
        before = await scrape(journey.client)
        await journey.delivery(await send(journey, ANA), "sent", "delivered")
        journey.twilio.faults.next_calls.append("throttle")
        await journey.delivery(await send(journey, ANA), "sent", "delivered")
        journey.twilio.faults.refused[BEN] = 21211
        await journey.delivery(await send(journey, BEN), "failed")
        journey.twilio.faults.next_calls.append("error")
        await journey.delivery(await send(journey, ANA), "unknown")
        after = await grown(journey, before, "jobs_finished_total", 4, type="deliver_message", outcome="done")
        said = {"sent": 2, "throttled": 1, "failed": 1, "unknown": 1}
        for outcome, times in said.items():
            assert after.since(before, "send_attempts_total", provider="twilio", outcome=outcome) == times, outcome
        assert after.since(before, "send_latency_seconds_count", provider="twilio") == 5
        assert after.since(before, "provider_throttled_seconds_total", provider="twilio") >= 1
        assert after.since(before, "jobs_retries_total", type="deliver_message") == 1
        assert after.since(before, "jobs_finished_total", type="deliver_message", outcome="retry") == 1
        assert after.of("send_unknown") == 1

    run(database_url, redis_url, tmp_path, body)


def test_queues_and_servers_are_looked_up(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Depth and age by type, dead jobs, what is held, what is left to erase, the servers and the disk."""

    async def body(journey: Journey) -> None:
        await journey.post("/v1/outbox/hold", {"reason": "a drill"}, status=200)
        await journey.twilio.text_in(ANA, "hello")
        await send(journey, ANA)
        await execute("INSERT INTO job (type, key, payload, state) VALUES ('fetch_media', 'x', '{}', 3)")
        await execute("UPDATE job SET available_at = now() - interval '90 seconds' WHERE type = 'deliver_message'")
        now = await scrape(journey.client)
        assert now.of("jobs_depth", type="deliver_message") == 1
        assert 90 <= now.of("jobs_oldest_age_seconds", type="deliver_message") < 600
        for name in ("jobs_dead", "outbox_held", "db_up", "redis_up", "redis_writable"):
            assert now.of(name) == 1, name
        for name in ("send_unknown", "spool_items", "spool_bytes", "spool_oldest_age_seconds", "erasures_pending"):
            assert now.of(name) == 0, name
        assert 0 < now.of("disk_used_share") < 1
        assert 0 < now.of("db_pool_size") <= 10
        await execute("DELETE FROM job")
        later = await scrape(journey.client)
        assert not [sample for sample in later.values if sample[0] == "switchboard_jobs_depth"]

    run(database_url, redis_url, tmp_path, body)


def test_requests_streams_and_endpoints_are_counted(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """By the route as written, never by the path; streams while they are open; each try at an integrator's endpoint."""

    async def body(journey: Journey) -> None:
        before = await scrape(journey.client)
        await journey.client.get("/v1/conversations/cnv_00000000000000000000000000000000")
        await journey.client.get("/v1/nothing/here")
        async with open_receiver() as receiver:
            await journey.post("/v1/webhooks", {"url": receiver.url, "types": ["message.created"]})
            async with journey.client.stream("GET", "/v1/events/stream"):
                assert (await scrape(journey.client)).since(before, "stream_connections") == 1
            await journey.twilio.text_in(ANA, "hello")
            after = await grown(journey, before, "webhook_attempts_total", outcome="delivered")
        counted = [dict(labels) for name, labels in after.values if name == "switchboard_http_requests_total"]
        routes = {labels["route"] for labels in counted}
        assert not [route for route in routes if route and ("cnv_" in route or "nothing" in route)]
        assert after.since(before, "http_requests_total", status="404", route="") >= 1
        assert after.since(before, "http_requests_total", status="404") == 2

        async def closed() -> bool:
            return (await scrape(journey.client)).since(before, "stream_connections") == 0

        await eventually(closed)
        assert after.since(before, "http_request_seconds_count", method="POST") >= 1
        streamed = "/v1/events/stream"
        assert (await scrape(journey.client)).of("http_request_seconds_count", route=streamed) == 0

    run(database_url, redis_url, tmp_path, body)


def test_an_outage_shows_and_hides_nothing_old(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database does not answer, its numbers are no numbers; /metrics answers all the same."""

    async def body(journey: Journey) -> None:
        assert (await scrape(journey.client)).of("jobs_dead") == 0
        with monkeypatch.context() as broken:
            broken.setattr(measures, "COUNTS", "SELECT nothing")
            down = await scrape(journey.client)
        assert down.of("db_up") == 0
        assert down.of("jobs_dead") != down.of("jobs_dead")  # NaN

    run(database_url, redis_url, tmp_path, body)


@pytest.mark.parametrize(
    ("token", "headers", "status"),
    [
        ("", {}, 200),
        ("", {"X-Forwarded-For": "198.51.100.7"}, 404),
        ("a-token-for-scrapes", {}, 404),
        ("a-token-for-scrapes", {"Authorization": "Bearer another-token-here"}, 404),
        ("a-token-for-scrapes", {"Authorization": "Bearer a-token-for-scrapes", "X-Forwarded-For": "::1"}, 200),
    ],
)
def test_the_measures_are_not_for_everybody(
    database_url: str, redis_url: str, tmp_path: Path, *, token: str, headers: dict[str, str], status: int
) -> None:
    """With a token only its holder reads them; without, this machine alone, and nobody that came through a proxy."""

    async def body(journey: Journey) -> None:
        asked = {"Authorization": "", **headers}
        assert (await journey.client.get("/metrics", headers=asked)).status_code == status

    run(database_url, redis_url, tmp_path, body, SWITCHBOARD_METRICS_TOKEN=token)
