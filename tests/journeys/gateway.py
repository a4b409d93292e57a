"""A running gateway for a journey: its real application on a loopback port, beside a simulated Twilio, in one loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from litestar import Litestar

from channels.simulators.serving import serve_app
from channels.simulators.twilio import TwilioAccount, TwilioNumber, TwilioSimulator, serve_simulator
from gateway.configuration import load_settings
from gateway.runtime import Runtime, open_runtime
from gateway.serve import build_app, prepare_database
from gateway.service import run_service
from inbox.kit.callers import Scope
from inbox.kit.db import tx
from inbox.staff.actions import create_api_key
from tests.ports import free_ports

ACCOUNT = "AC" + "3" * 32
TOKEN = "9" * 32
NUMBER = "+15550001111"
SECRET = "0b7f6a19c2d84e53a6f1907be2c4d8f3"
PATIENCE_SECONDS = 60.0


class Journey(msgspec.Struct, kw_only=True):
    """The gateway, the provider, and a client that holds a key."""

    url: str
    runtime: Runtime
    app: Litestar
    twilio: TwilioSimulator
    client: httpx.AsyncClient
    channel_id: str

    async def get(self, path: str, **params: Any) -> Any:
        """The JSON of a GET that has to succeed."""
        answer = await self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: dict[str, Any], *, status: int = 201) -> Any:
        """The JSON of a POST that has to be answered so."""
        answer = await self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def conversation_with(self, handset: str) -> Any:
        """The one conversation with this handset, as soon as there is one."""

        async def found() -> Any:
            contacts = (await self.get("/v1/contacts", identity=handset))["data"]
            if not contacts:
                return None
            conversations = (await self.get("/v1/conversations", contact=contacts[0]["id"]))["data"]
            return conversations[0] if conversations else None

        return await eventually(found)

    async def entries(self, conversation_id: str, *, at_least: int = 1) -> list[Any]:
        """The timeline, once it has so many entries."""

        async def found() -> Any:
            entries = (await self.get(f"/v1/conversations/{conversation_id}/entries", limit=200))["data"]
            return entries if len(entries) >= at_least else None

        return list(await eventually(found))

    async def delivery(self, message_id: str, *states: str) -> Any:
        """The message's delivery, once it is in one of these states."""

        async def found() -> Any:
            delivery = (await self.get(f"/v1/messages/{message_id}"))["delivery"]
            return delivery if delivery["state"] in states else None

        return await eventually(found)


async def eventually(found: Callable[[], Awaitable[Any]]) -> Any:
    """What is found, as soon as it is; an error when it takes too long."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (result := await found()):  # noqa: ASYNC110 (another process of the gateway is watched)
            await asyncio.sleep(0.03)
    return result


@asynccontextmanager
async def open_journey(
    database_url: str, redis_url: str, folder: Path, *, scopes: tuple[Scope, ...] = ("admin",), **more: str
) -> AsyncIterator[Journey]:
    """Everything running, the number connected, a key made."""
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    settings, _ = load_settings(
        {
            "SWITCHBOARD_SECRET_KEY": SECRET,
            "SWITCHBOARD_DATABASE_URL": database_url,
            "SWITCHBOARD_REDIS_URL": redis_url,
            "SWITCHBOARD_DATA_DIR": str(folder),
            "SWITCHBOARD_PUBLIC_URL": url,
            "SWITCHBOARD_EGRESS_ALLOW": "127.0.0.0/8",
            "SWITCHBOARD_SEND_RETRY_BASE_SECONDS": "0.2",
            "SWITCHBOARD_POLL_SECONDS": "0.2",
            "SWITCHBOARD_KEY_REQUESTS_PER_MINUTE": "100000",
            **more,
        }
    )
    account = TwilioAccount(sid=ACCOUNT, token=TOKEN)
    twilio = TwilioSimulator([account], [TwilioNumber(number=NUMBER, account_sid=ACCOUNT)], pace=0.01)
    async with serve_simulator(twilio) as provider, open_runtime(settings) as runtime:
        await prepare_database(runtime)
        app = build_app(runtime)
        async with run_service(runtime, work=True), serve_app(app, port=port):
            async with tx():
                _, secret = await create_api_key(name="journey", scopes=scopes)
            headers = {"Authorization": f"Bearer {secret}"}
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE_SECONDS) as client:
                channel_id = await _connect(client, twilio, provider)
                yield Journey(url=url, runtime=runtime, app=app, twilio=twilio, client=client, channel_id=channel_id)


async def _connect(client: httpx.AsyncClient, twilio: TwilioSimulator, provider: str) -> str:
    settings = {"account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": [NUMBER], "api_url": provider}
    body = {"adapter": "sms-twilio", "name": "Shop", "settings": settings}
    answer = await client.post("/v1/channels", json=body)
    assert answer.status_code == 201, answer.text
    channel_id = str(answer.json()["id"])
    hook = f"{client.base_url}/hooks/sms-twilio/{channel_id}/message".replace("//hooks", "/hooks")
    twilio.numbers[NUMBER] = TwilioNumber(number=NUMBER, account_sid=ACCOUNT, hook=hook)
    return channel_id
