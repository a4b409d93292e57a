"""`switchboard webhooks`: the endpoints that get events of a running gateway, and what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import rich_click as click

from gateway.commands.client import GatewayClient, open_gateway
from gateway.commands.exits import CommandFailed
from gateway.commands.listening import listen_here
from gateway.commands.output import json_option, print_json, print_line, print_table, say_aside
from gateway.commands.spoken import SpokenDeliveryLog, SpokenWebhook
from gateway.commands.tail import key_option, url_option
from inbox.webhooks.queries import STATES

T = TypeVar("T")

LIST_ITEMS = 200
TEST_SECONDS = 70.0
"""An endpoint may take a minute to answer (SWITCHBOARD_WEBHOOK_TIMEOUT_SECONDS)."""
LOOK_SECONDS = 0.2
OVER = frozenset({"delivered", "failed"})
id_argument = click.argument("webhook", metavar="WEBHOOK")


@click.group()
def webhooks() -> None:
    """Make, try out and repair webhooks to integrators, on a running gateway."""


webhooks.add_command(listen_here)


@webhooks.command(name="list")
@url_option
@key_option
@json_option
def show_webhooks(*, url: str | None, key: str | None, as_json: bool) -> None:
    """List the webhooks, the oldest first."""
    found = _ask(url, key, _list)
    if as_json:
        print_json(found)
        return
    head = ["ID", "STATE", "TYPES", "LAST SUCCESS", "URL"]
    print_table(
        head, [(one.id, one.state, " ".join(one.types), one.last_success_at or "never", one.url) for one in found]
    )


@webhooks.command(name="create")
@click.argument("target", metavar="URL")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only this type, or group: message.*; repeatable.")
@click.option("--query", metavar="QUERY", help="Only events of conversations that match, as in q=.")
@click.option("--thin", is_flag=True, help="Send ids in place of objects.")
@click.option("--ordered", is_flag=True, help="Keep the order of each conversation.")
@url_option
@key_option
@json_option
def add_webhook(
    *, target: str, types: tuple[str, ...], query: str | None, thin: bool, ordered: bool,
    url: str | None, key: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Send events to a URL from now on. Its signing secret is printed, and not shown again."""
    body: dict[str, Any] = {"url": target, "types": list(types) or ["*"], "q": query}
    body |= {"payload": "thin" if thin else "full", "ordering": "conversation" if ordered else "none"}
    made = _ask(url, key, lambda client: client.post("/webhooks", body, SpokenWebhook))
    _print_secret(made, as_json=as_json)


@webhooks.command(name="rotate")
@id_argument
@click.option("--overlap", type=click.IntRange(0), metavar="SECONDS", help="How long the old secret signs as well.")
@url_option
@key_option
@json_option
def rotate_secret(*, webhook: str, overlap: int | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Give a webhook a new secret and print it; the old one goes on signing beside it for a while."""
    body = {"overlap_seconds": overlap}
    path = f"/webhooks/{webhook}/rotate-secret"
    _print_secret(_ask(url, key, lambda client: client.post(path, body, SpokenWebhook)), as_json=as_json)


@webhooks.command(name="test")
@id_argument
@url_option
@key_option
@json_option
def send_test(*, webhook: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Send a signed test event and print what was answered. It exits with 1 unless that was 2xx."""
    _print_delivery(_ask(url, key, lambda client: _test(client, webhook)), as_json=as_json)


@webhooks.command(name="deliveries")
@id_argument
@click.option("--state", type=click.Choice(list(STATES)), help="Only those.")
@click.option("--limit", type=click.IntRange(1, LIST_ITEMS), default=50, show_default=True, help="The most to print.")
@url_option
@key_option
@json_option
def show_deliveries(
    *, webhook: str, state: str | None, limit: int, url: str | None, key: str | None, as_json: bool
) -> None:
    """List what was sent to a webhook, the newest event first."""
    found = _ask(url, key, lambda client: _deliveries(client, webhook, state=state, limit=limit))
    if as_json:
        print_json(found)
        return
    head = ["ID", "STATE", "TRIES", "LAST", "TYPE", "EVENT"]
    print_table(head, [(one.id, one.state, len(one.attempts), one.last, one.type, one.event_id) for one in found])


@webhooks.command(name="replay")
@click.argument("deliveries", metavar="DELIVERY...", nargs=-1, required=True)
@url_option
@key_option
@json_option
def replay_deliveries(*, deliveries: tuple[str, ...], url: str | None, key: str | None, as_json: bool) -> None:
    """Send deliveries again, each under its own webhook-id."""
    found = _ask(url, key, lambda client: _replay(client, deliveries))
    if as_json:
        print_json(found)
        return
    for one in found:
        print_line(f"queued: {one.id} ({one.event_id})")


@webhooks.command(name="recover")
@id_argument
@click.option("--since", required=True, metavar="TIME", type=click.DateTime(), help="From when on, in UTC.")
@click.option("--all", "everything", is_flag=True, help="What was taken as well, not just what failed or was missed.")
@url_option
@key_option
def recover_since(*, webhook: str, since: datetime, everything: bool, url: str | None, key: str | None) -> None:
    """Send again what was told since a time, each event once."""
    moment = since.replace(tzinfo=since.tzinfo or UTC).isoformat()
    body = {"since": moment, "include": "all" if everything else "undelivered"}
    _ask(url, key, lambda client: client.post(f"/webhooks/{webhook}/recover", body, dict[str, Any]))
    print_line(f"recovering: {webhook} since {moment}")


@webhooks.command(name="enable")
@id_argument
@url_option
@key_option
def enable(*, webhook: str, url: str | None, key: str | None) -> None:
    """Send to a disabled webhook again, first what was queued for it."""
    _set_enabled(webhook, url, key, enabled=True)


@webhooks.command(name="disable")
@id_argument
@url_option
@key_option
def disable(*, webhook: str, url: str | None, key: str | None) -> None:
    """Send nothing more to a webhook until it is enabled; what happens meanwhile is not queued for it."""
    _set_enabled(webhook, url, key, enabled=False)


def _set_enabled(webhook: str, url: str | None, key: str | None, *, enabled: bool) -> None:
    one = _ask(url, key, lambda client: client.patch(f"/webhooks/{webhook}", {"enabled": enabled}, SpokenWebhook))
    print_line(f"{one.state}: {one.id} ({one.url})")


def _ask(url: str | None, key: str | None, work: Callable[[GatewayClient], Awaitable[T]]) -> T:
    """Do something with the gateway that is meant."""

    async def opened() -> T:
        async with open_gateway(url=url, key=key) as client:
            return await work(client)

    return asyncio.run(opened())


async def _list(client: GatewayClient) -> list[SpokenWebhook]:
    return [one async for one in client.get_all("/webhooks", SpokenWebhook)]


async def _deliveries(client: GatewayClient, webhook: str, *, state: str | None, limit: int) -> list[SpokenDeliveryLog]:
    found: list[SpokenDeliveryLog] = []
    async for one in client.get_all(f"/webhooks/{webhook}/deliveries", SpokenDeliveryLog, state=state):
        found.append(one)
        if len(found) == limit:
            break
    return found


async def _replay(client: GatewayClient, deliveries: tuple[str, ...]) -> list[SpokenDeliveryLog]:
    return [
        await client.post(f"/webhook-deliveries/{delivery}/replay", {}, SpokenDeliveryLog) for delivery in deliveries
    ]


async def _test(client: GatewayClient, webhook: str) -> SpokenDeliveryLog:
    """Queue a test, and wait until its one try is over."""
    queued = await client.post(f"/webhooks/{webhook}/test", {}, SpokenDeliveryLog)
    try:
        async with asyncio.timeout(TEST_SECONDS):
            while True:
                one = await client.get(f"/webhook-deliveries/{queued.id}", SpokenDeliveryLog)
                if one.state in OVER:
                    return one
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        hint = "Does a worker run? `switchboard work`, or `serve --with-worker`. Is the outbox held?"
        raise CommandFailed("the test was queued, but nobody sent it", hint=hint) from None


def _print_secret(made: SpokenWebhook, *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    say_aside(f"{made.id} to {made.url}; keep its secret now, it is not shown again:")
    print_line(made.secret or "")


def _print_delivery(one: SpokenDeliveryLog, *, as_json: bool) -> None:
    if as_json:
        print_json(one)
    else:
        print_line(f"{one.state}: {one.last}")
    if one.state != "delivered":
        words = one.attempts[-1].response if one.attempts else None
        raise CommandFailed("the endpoint did not take it", hint=words)
