"""`switchboard webhooks` against a running gateway, and the listener by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.commands import listening
from gateway.commands.client import GatewayClient
from gateway.commands.listening import Listener
from inbox.webhooks.signing import sign_body
from tests.gateway.commands.shell import KEY, Shell
from tests.gateway.webhooks.receiver import Receiver, answering, open_receiver
from tests.journeys.gateway import Journey, eventually, open_journey

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT = {
    "id": "evt_1", "cursor": "000000000001", "type": "contact.updated", "timestamp": "2026-11-21T09:14:03.120Z",
    "conversation_id": None, "actor": {"type": "system"}, "data": {},
}  # fmt: skip


def run(
    database_url: str, redis_url: str, folder: Path, body: Callable[[Journey, Receiver, Shell], Awaitable[None]]
) -> None:
    """A gateway, an integrator, and a shell that speaks to the one."""

    async def opened() -> None:
        async with open_receiver() as receiver, open_journey(database_url, redis_url, folder) as journey:
            key = journey.client.headers["authorization"].split()[1]
            settings = {"SWITCHBOARD_URL": journey.url, "SWITCHBOARD_API_KEY": key, "SWITCHBOARD_SECRET_KEY": KEY}
            await body(journey, receiver, Shell(settings))

    asyncio.run(opened())


async def typed(shell: Shell, *arguments: str, code: int = 0) -> str:
    """What a command prints, run beside the gateway of this loop."""
    return (await asyncio.to_thread(shell.run, "webhooks", *arguments, code=code)).stdout


async def read(shell: Shell, *arguments: str, code: int = 0) -> Any:
    """The same as JSON; the gateway's own log lines may stand around it, as both are one process here."""
    lines = (await typed(shell, *arguments, "--json", code=code)).splitlines()
    return json.loads(next(line for line in lines if line.startswith(("{", "["))))


def test_an_integrator_is_set_up_tried_and_repaired(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """create, test, deliveries, replay, disable, enable, recover, rotate, list: each does what it says."""

    async def body(_: Journey, receiver: Receiver, shell: Shell) -> None:
        made = await read(shell, "create", receiver.url, "--type", "channel.*", "--thin", "--ordered")
        webhook = made["id"]
        tested = await read(shell, "test", webhook)
        assert (tested["state"], tested["attempts"][0]["status"]) == ("delivered", 204)
        assert receiver.got[0].verifies(made["secret"])
        [logged] = await read(shell, "deliveries", webhook, "--state", "delivered")
        assert logged["id"] == tested["id"]
        assert tested["id"] in await typed(shell, "deliveries", webhook)
        assert "queued" in await typed(shell, "replay", tested["id"])
        await eventually(lambda: _came(receiver, 2))
        assert receiver.got[1].id == receiver.got[0].id
        assert "disabled (by_request)" in await typed(shell, "disable", webhook)
        assert "enabled" in await typed(shell, "enable", webhook)
        assert "recovering" in await typed(shell, "recover", webhook, "--since", "2026-11-21")
        rotated = (await typed(shell, "rotate", webhook, "--overlap", "60")).splitlines()
        [secret] = [line for line in rotated if line.startswith("whsec_")]
        assert secret != made["secret"]
        assert webhook in await typed(shell, "list")
        assert [one["id"] for one in await read(shell, "list")] == [webhook]

    run(database_url, redis_url, tmp_path, body)


async def _came(receiver: Receiver, amount: int) -> bool:
    return len(receiver.got) >= amount


def test_a_test_that_fails_says_what_was_answered(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """It exits with 1, and the endpoint's own words are shown."""

    async def body(_: Journey, receiver: Receiver, shell: Shell) -> None:
        receiver.answer = lambda _, __: answering(401, b"bad tenant")
        webhook = (await read(shell, "create", receiver.url))["id"]
        result = await asyncio.to_thread(shell.run, "webhooks", "test", webhook, code=1)
        assert "401" in result.stdout
        assert "bad tenant" in result.stderr

    run(database_url, redis_url, tmp_path, body)


def test_listen_registers_itself_and_verifies(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes a webhook, prints what comes with a good signature, and removes the webhook at its end."""
    printed: list[str] = []
    monkeypatch.setattr(listening, "print_line", printed.append)

    async def body(journey: Journey, _: Receiver, __: Shell) -> None:
        key = journey.client.headers["authorization"].split()[1]
        monkeypatch.setattr(listening, "open_gateway", lambda **_: GatewayClient(journey.url, key))
        listener = Listener(None, as_json=True)
        listen = listening._listen(listener, 0, types=("channel.*",), url=None, key=None)
        listening_on = asyncio.create_task(listen)
        await eventually(lambda: _webhooks(journey, 1))
        channel = f"/v1/channels/{journey.channel_id}"
        assert (await journey.client.patch(channel, json={"name": "Renamed"})).status_code == 200
        await eventually(lambda: _printed(printed))
        assert json.loads(printed[0])["type"] == "channel.updated"
        assert (listener.taken, listener.refused) == (1, 0)
        listening_on.cancel()
        await asyncio.wait([listening_on])
        assert await _webhooks(journey, 0)

    run(database_url, redis_url, tmp_path, body)


async def _webhooks(journey: Journey, amount: int) -> bool:
    return len((await journey.get("/v1/webhooks"))["data"]) == amount


async def _printed(printed: list[str]) -> bool:
    return bool(printed)


def test_listen_refuses_what_is_not_signed(capsys: pytest.CaptureFixture[str]) -> None:
    """A request with another secret's signature, or none, is answered 401 and printed as refused, not as an event."""

    async def scenario() -> list[int]:
        listener = Listener(SECRET, as_json=True)
        body = json.dumps(EVENT).encode()
        now = datetime.now(UTC)
        good = sign_body("evt_1", body, secrets=[SECRET], now=now)
        forged = sign_body("evt_1", body, secrets=["whsec_" + "QUJD" * 8], now=now)
        async with listening._serving(listener, 0) as here, httpx.AsyncClient() as client:
            tries: list[tuple[bytes, dict[str, str]]] = [(body, good), (body, forged), (body + b" ", good), (body, {})]
            return [(await client.post(here, content=sent, headers=headers)).status_code for sent, headers in tries]

    assert asyncio.run(scenario()) == [204, 401, 401, 401]
    told = capsys.readouterr()
    assert [json.loads(line)["id"] for line in told.out.splitlines()] == ["evt_1"]
    assert told.err.count("refused") == 3
