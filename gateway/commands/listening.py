"""`switchboard webhooks listen`: an endpoint on this machine that prints what it gets and checks each signature."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import rich_click as click
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.commands.client import GatewayClient, open_gateway
from gateway.commands.output import print_line, say_aside
from gateway.commands.spoken import SpokenEnvelope, SpokenWebhook
from gateway.commands.tail import LinePrinter, key_option, url_option

HOST = "127.0.0.1"
BODY_BYTES = 5_000_000


@click.command(name="listen")
@click.option("--port", type=click.IntRange(0, 65_535), default=8787, show_default=True, help="Listen on this port.")
@click.option("--secret", metavar="WHSEC", help="Check with this secret, and register nothing.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only this type, or group: message.*; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print the events as they are, one line of JSON each.")
@url_option
@key_option
def listen_here(
    *, port: int, secret: str | None, types: tuple[str, ...], as_json: bool, url: str | None, key: str | None
) -> None:
    """Be a webhook: print what comes and whether its signature is right, until Ctrl-C.

    Without --secret it makes a webhook for itself on the gateway and removes it at the end; for that the gateway must
    be allowed to call this machine: SWITCHBOARD_EGRESS_ALLOW=127.0.0.1. With --secret, have a tunnel lead here.
    """
    listener = Listener(secret, as_json=as_json)
    asyncio.run(_listen(listener, port, types=types, url=url, key=key))


class Listener:
    """Takes deliveries; what is not signed by the secret is refused, and said so."""

    def __init__(self, secret: str | None, *, as_json: bool) -> None:
        self.secret = secret
        self._as_json = as_json
        self._printer = LinePrinter(everything=True)
        self.taken = 0
        self.refused = 0

    async def take(self, request: web.Request) -> web.Response:
        """One delivery."""
        body = await request.read()
        fault = self.find_fault(request.headers, body)
        if fault:
            self.refused += 1
            say_aside(fault, label="refused", color="red")
            return web.Response(status=401, text=fault)
        self.taken += 1
        self.show(body)
        return web.Response(status=204)

    def find_fault(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Why a delivery is not to be trusted; None where it is."""
        try:
            Webhook(self.secret or "").verify(body, dict(headers), json_parse=False)
            msgspec.json.decode(body, type=SpokenEnvelope)
        except (WebhookVerificationError, ValueError, msgspec.DecodeError) as error:
            return f"{type(error).__name__}: {error}"
        return None

    def show(self, body: bytes) -> None:
        """Print what came."""
        if self._as_json:
            print_line(body.decode())
        else:
            self._printer.show(body.decode())


async def _listen(listener: Listener, port: int, *, types: tuple[str, ...], url: str | None, key: str | None) -> None:
    async with _serving(listener, port) as here:
        if listener.secret is not None:
            say_aside(f"listening on {here}; Ctrl-C ends it")
            await asyncio.Event().wait()
        async with open_gateway(url=url, key=key) as client, _registered(client, here, types) as webhook:
            listener.secret = webhook.secret
            say_aside(f"listening on {here} as {webhook.id} of {client.url}; Ctrl-C ends it and removes it")
            await asyncio.Event().wait()


@asynccontextmanager
async def _serving(listener: Listener, port: int) -> AsyncIterator[str]:
    app = web.Application(client_max_size=BODY_BYTES)
    app.router.add_post("/{path:.*}", listener.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _registered(client: GatewayClient, here: str, types: tuple[str, ...]) -> AsyncIterator[SpokenWebhook]:
    body: dict[str, Any] = {"url": here, "types": list(types) or ["*"], "description": "switchboard webhooks listen"}
    webhook = await client.post("/webhooks", body, SpokenWebhook)
    try:
        yield webhook
    finally:
        await client.delete(f"/webhooks/{webhook.id}")
