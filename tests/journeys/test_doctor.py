"""The doctor at a running gateway: what it asks the gateway, the public URL and the provider, and what it finds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from gateway.commands.checkup import examine
from gateway.commands.findings import Finding
from gateway.metrics import INBOUND_RECEIVED, INBOUND_SIGNATURE_FAILURES
from gateway.runtime import Runtime
from inbox.kit.db import execute
from tests.bench.load import inbound_fields
from tests.channels.local_server import serve
from tests.journeys.gateway import ACCOUNT, NUMBER, Journey, open_journey

ANA = "+15550002222"
OLD_JOB = "INSERT INTO job (type, key, payload, available_at) VALUES ('of_later', 'x', '{}', now() - interval '2 min')"


@pytest.fixture(autouse=True)
def _counted_anew() -> None:
    """A process counts for all its life, and other tests have been in this one."""
    for counter in (INBOUND_RECEIVED, INBOUND_SIGNATURE_FAILURES):
        counter.clear()


def run(database_url: str, redis_url: str, folder: Path, body: Callable[[Journey], Awaitable[None]]) -> None:
    """A journey; the doctor is told where its gateway listens."""

    async def opened() -> None:
        async with open_journey(database_url, redis_url, folder) as journey:
            at_home(journey.runtime, journey.url)
            await body(journey)

    asyncio.run(opened())


def at_home(runtime: Runtime, url: str, *, public: str | None = None) -> None:
    """Have the doctor look for the gateway at this address."""
    runtime.settings = msgspec.structs.replace(runtime.settings, gateway_url=url, public_url=public or url)


async def found(journey: Journey) -> dict[str, list[Finding]]:
    """What the doctor finds, by name; whatever is not ok says what to do."""
    findings = await examine(journey.runtime, outside=True)
    assert all(finding.fix for finding in findings if finding.verdict != "ok")
    named: dict[str, list[Finding]] = {}
    for finding in findings:
        named.setdefault(finding.name, []).append(finding)
    return named


def test_a_healthy_gateway_is_found_healthy(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is asked answers; only the public URL of a test is one that no provider could call."""
    # The simulator shares our loop, and a busy one lets the clock of its answers go slow.
    monkeypatch.setattr("gateway.commands.findings.CLOCK_WARNING", timedelta(minutes=1))

    async def body(journey: Journey) -> None:
        named = await found(journey)
        wrong = [one for findings in named.values() for one in findings if one.verdict == "problem"]
        assert [one.name for one in wrong] == ["public url"]
        for name in ("gateway", "public address", "workers", "secret key", "redis memory", "signatures", "clock"):
            assert [one.verdict for one in named[name]] == ["ok"], named[name]
        assert [one.detail for one in named["channel Shop"]] == [
            f"sms-twilio, {NUMBER}",
            "account: Twilio accepts the credentials",
            f"number {NUMBER}: posts what it receives to us",
        ]

    run(database_url, redis_url, tmp_path, body)


def test_what_the_provider_knows_is_told(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A number that posts elsewhere, or is not the account's, and credentials that were changed, each with its fix."""

    async def body(journey: Journey) -> None:
        numbers, known = journey.twilio.numbers, journey.twilio.numbers[NUMBER]
        numbers[NUMBER] = msgspec.structs.replace(known, hook="https://old.example.org/hook?token=x")
        [*_, told] = (await found(journey))["channel Shop"]
        assert (told.verdict, "https://old.example.org/hook, not to us" in told.detail) == ("problem", True)
        assert "token" not in told.detail
        assert str(known.hook) in str(told.fix)
        del numbers[NUMBER]
        [*_, told] = (await found(journey))["channel Shop"]
        assert (told.verdict, told.detail) == ("problem", f"number {NUMBER}: the account does not hold it")
        account = journey.twilio.accounts[ACCOUNT]
        journey.twilio.accounts[ACCOUNT] = msgspec.structs.replace(account, token="8" * 32)
        [*_, told] = (await found(journey))["channel Shop"]
        assert (told.verdict, "auth token" in str(told.fix)) == ("problem", True)

    run(database_url, redis_url, tmp_path, body)


def test_queues_keys_and_signatures_are_looked_at(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A job nobody takes, an unknown send, secrets sealed with an old key, forged webhooks: each is found."""

    async def body(journey: Journey) -> None:
        await execute(OLD_JOB)
        await journey.twilio.text_in(ANA, "hello")
        conversation = await journey.conversation_with(ANA)
        journey.twilio.faults.next_calls.append("error")
        entry = await journey.post(f"/v1/conversations/{conversation['id']}/messages", {"text": "x"})
        await journey.delivery(entry["id"], "unknown")
        path = f"/hooks/sms-twilio/{journey.channel_id}/message"
        fields = inbound_fields(sid="SM" + "1" * 32, sender=ANA)
        for _ in range(12):
            await journey.client.post(path, data=fields)
        named = await found(journey)
        assert named["workers"][0].verdict == "problem"
        assert named["unknown sends"][0].verdict == "warning"
        assert named["signatures"][0].verdict == "problem"
        assert journey.channel_id in named["signatures"][0].detail

    run(database_url, redis_url, tmp_path, body)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "not this gateway"),
        (b"HTTP/1.1 301 x\r\nlocation: https://www.example.org/\r\ncontent-length: 0\r\n\r\n", "www.example.org"),
        (b"HTTP/1.1 502 x\r\ncontent-length: 0\r\n\r\n", "nobody behind"),
    ],
)
def test_a_public_url_that_leads_elsewhere(
    database_url: str, redis_url: str, tmp_path: Path, *, answer: bytes, word: str
) -> None:
    """Another server, another host, a proxy with nobody behind it: told apart, and each a problem."""

    async def body(journey: Journey) -> None:
        async with serve(answer) as peer:
            at_home(journey.runtime, journey.url, public=peer.url)
            [finding] = (await found(journey))["public address"]
            assert (finding.verdict, word in finding.detail) == ("problem", True), finding

    run(database_url, redis_url, tmp_path, body)


def test_the_doctor_works_while_the_gateway_is_down(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Nobody at the gateway's address is a warning, and so is a public URL that does not answer either."""

    async def body(journey: Journey) -> None:
        at_home(journey.runtime, "http://127.0.0.1:9")
        named = await found(journey)
        assert [named[name][0].verdict for name in ("gateway", "public address")] == ["warning", "warning"]
        assert "signatures" not in named
        assert named["channel Shop"][0].verdict == "ok"

    run(database_url, redis_url, tmp_path, body)
