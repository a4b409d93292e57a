"""Canaries: words, numbers and secrets sent down every path turn up in no log line, trace or metric (T66)."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import structlog

from channels.simulators.faults import CallFault
from gateway.telemetry import configure_logs
from inbox.kit.db import fetch_value
from tests.bench.load import inbound_fields
from tests.gateway.commands.shell import kept_logging
from tests.journeys.gateway import ACCOUNT, NUMBER, TOKEN, Journey, eventually, open_journey

WORDS = "canary7words"
NUMBER_OF_ANA = "+34699887766"
NUMBER_OF_BEN = "+34688776655"
MAIL = "canary7mail@private.example"
KEY = "sk_canary7key" + "x" * 33
CANARIES = (
    WORDS, "99887766", "88776655", "canary7mail", "private.example", "canary7key", "canary7secret", "canary7path",
    "canary7query", "canary7header", "canary7file", "canary7password", "canary7link", "canary7cookie", "canary7csrf",
    "canary7code", TOKEN,
)  # fmt: skip


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged, at the finest level."""
    stream = io.StringIO()
    with kept_logging():
        yield stream


def test_canaries_are_heard_nowhere(
    database_url: str, redis_url: str, tmp_path: Path, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In, out, failed, forged, malformed, refused, crashed: the log tells of all, and nothing of what they held."""

    async def walk(journey: Journey) -> None:
        key = str(journey.client.headers["Authorization"]).partition(" ")[2]
        log = structlog.get_logger()
        for path in PATHS:
            await path(journey)
        with pytest.raises(ZeroDivisionError):
            await break_down(journey, monkeypatch)
        log.error("crash_of_a_library", exc_info=ValueError(f"{WORDS} {NUMBER_OF_ANA}"))
        logging.getLogger("some.library").error("could not send %s to %s", WORDS, NUMBER_OF_ANA)
        told = lines.getvalue()
        assert "request_served" in told
        assert "webhook_refused" in told
        metrics = await journey.client.get("/metrics")
        assert 'result="forged"' in metrics.text
        for canary in (*CANARIES, key):
            found = [line for line in told.splitlines() if canary in line]
            assert not found, (canary, found[:3])
            assert canary not in metrics.text
        assert await fetch_value("SELECT count(*) FROM entry") >= 4

    async def opened() -> None:
        async with open_journey(
            database_url, redis_url, tmp_path, SWITCHBOARD_LOG_LEVEL="debug", SWITCHBOARD_SEND_ATTEMPTS="2"
        ) as journey:
            configure_logs(journey.runtime.settings, stream=lines)
            await walk(journey)

    asyncio.run(opened())


async def _come_in(journey: Journey) -> None:
    await journey.twilio.text_in(NUMBER_OF_ANA, f"Hello {WORDS}")
    await journey.conversation_with(NUMBER_OF_ANA)


async def _answer(journey: Journey) -> None:
    conversation = await journey.conversation_with(NUMBER_OF_ANA)
    path = f"/v1/conversations/{conversation['id']}/messages"
    entry = await journey.post(path, {"text": f"Yes {WORDS}"})
    await journey.delivery(entry["id"], "sent", "delivered")


async def _fail(journey: Journey) -> None:
    """Each way a provider may fail, with our words in its error."""
    await journey.twilio.text_in(NUMBER_OF_BEN, f"Ben here {WORDS}")
    conversation = await journey.conversation_with(NUMBER_OF_BEN)
    path = f"/v1/conversations/{conversation['id']}/messages"
    faults: tuple[CallFault, ...] = ("unavailable", "error", "cut", "throttle")
    for fault in faults:
        journey.twilio.faults.next_calls.append(fault)
        await journey.post(path, {"text": f"No {WORDS}"})
    journey.twilio.faults.refused[NUMBER_OF_BEN] = 21211
    await journey.post(path, {"text": f"Refused {WORDS}"})

    async def settled() -> bool:
        return bool(await fetch_value("SELECT count(*) FROM job WHERE state = 0") == 0)

    await eventually(settled)


async def _forge(journey: Journey) -> None:
    path = f"/hooks/sms-twilio/{journey.channel_id}/message"
    fields = inbound_fields(sid="SM" + "1" * 32, sender=NUMBER_OF_ANA) | {
        "AccountSid": ACCOUNT, "To": NUMBER, "Body": WORDS,
    }  # fmt: skip
    for signature in ("canary7secret", ""):
        headers = {"X-Twilio-Signature": signature, "X-Forwarded-Host": "canary7header"}
        assert (await journey.client.post(path, data=fields, headers=headers)).status_code == 403


async def _ask_wrongly(journey: Journey) -> None:
    """Refusals of every kind, each with something private in it."""
    client = journey.client
    await client.get("/v1/canary7path")
    await client.get(f"/v1/conversations/{WORDS}")
    await client.get("/v1/conversations", params={"sort": "canary7query", "contact": MAIL})
    await client.post("/v1/contacts", content=f'{{"name": "{WORDS}"'.encode(), headers=JSON)
    await client.post("/v1/contacts", json={"name": 7, "identities": [{"kind": "email", "address": f"{MAIL}\n"}]})
    await client.post("/v1/contacts", json={"name": WORDS, "identities": [{"kind": "email", "address": MAIL}]})
    await client.get("/v1/contacts", params={"identity": MAIL})
    await client.get("/v1/agents", headers={"Authorization": f"Bearer {KEY}", "X-Request-Id": "r1"})
    await client.get("/v1/agents", headers={"Authorization": f"Basic {KEY}"})
    await client.post("/v1/attachments", files={"file": ("canary7file.txt", WORDS.encode(), "text/plain")})
    await client.post("/v1/contacts", json={"name": WORDS}, headers={"Idempotency-Key": "canary7key"})


async def _set_up(journey: Journey) -> None:
    """Secrets in settings, right and wrong."""
    settings = {"account_sid": ACCOUNT, "auth_token": "canary7secret", "numbers": [NUMBER_OF_ANA]}
    for more in ({}, {"numbers": "canary7secret"}, {"canary7secret": "x"}):
        body = {"adapter": "sms-twilio", "name": WORDS, "settings": settings | more}
        await journey.client.post("/v1/channels", json=body)
    await journey.runtime.directory.refresh()


async def _sign_in(journey: Journey) -> None:
    """Passwords, links, cookies and tokens of pages, right and wrong."""
    client, password = journey.client, "canary7password of an agent"
    agent = await journey.post("/v1/agents", {"name": "Canary", "email": MAIL})
    link = (await journey.post(f"/v1/agents/{agent['id']}/invitations", {}))["url"].rpartition("#")[2]
    for token in (link, link, "canary7link"):
        await client.post("/v1/invitations/accept", json={"token": token, "password": password})
    await client.post("/v1/password-resets", json={"email": MAIL})
    for given in (password, "canary7secret"):
        await client.post("/v1/session", json={"email": MAIL, "password": given})
    headers = {"Cookie": "switchboard_session=canary7cookie", "X-CSRF-Token": "canary7csrf"}
    await client.get("/auth/oidc/canary7path/callback", params={"code": "canary7code", "state": "x"}, headers=headers)


async def break_down(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of ours in the middle of a request, whose error quotes what it was handling."""

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"{WORDS} {NUMBER_OF_ANA} {MAIL}")

    monkeypatch.setattr("inbox.contacts.api.contacts.create_contact", broken)
    answer = await journey.client.post("/v1/contacts", json={"name": WORDS})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert WORDS not in answer.text
    raise ZeroDivisionError


JSON = {"Content-Type": "application/json"}
PATHS: tuple[Callable[[Journey], Awaitable[None]], ...] = (
    _come_in, _answer, _fail, _forge, _ask_wrongly, _set_up, _sign_in,
)  # fmt: skip
