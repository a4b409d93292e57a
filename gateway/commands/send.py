"""`switchboard send`: one message to somebody, through a running gateway."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import uuid4

import rich_click as click

from gateway.commands.client import GatewayClient, open_gateway
from gateway.commands.exits import WrongUsage
from gateway.commands.output import json_option, print_json, print_line
from gateway.commands.spoken import SpokenEntry
from gateway.commands.tail import key_option, url_option

ADDRESS = re.compile(r"\+?[0-9][0-9 ()./-]{1,24}|[^@\s]+@[^@\s]+")


@click.command()
@click.argument("text")
@click.option("--conversation", metavar="ID", help="Answer in this conversation.")
@click.option("--to", metavar="ADDRESS", help="Write to this telephone number or mail address: +34600111222.")
@click.option("--agent", metavar="ID", help="In the name of this agent.")
@click.option("--idempotency-key", metavar="KEY", help="The same key sends once, however often it is run.")
@url_option
@key_option
@json_option
def send(
    *,
    text: str,
    conversation: str | None,
    to: str | None,
    agent: str | None,
    idempotency_key: str | None,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Write to somebody through a running gateway: in a conversation, or to an address.

    To an address, it goes into the conversation that whoever has it would answer in, or opens one.
    """
    if bool(conversation) == bool(to):
        raise WrongUsage("name either --conversation or --to")
    if to and not ADDRESS.fullmatch(to.strip()):
        hint = "Write numbers with + and the country code: +34600111222"
        raise WrongUsage(f"{to!r} is neither a telephone number nor a mail address", hint=hint)
    message = {"text": text, "agent_id": agent}
    client = open_gateway(url=url, key=key)
    entry = asyncio.run(_send(client, message, conversation=conversation, to=to, key=idempotency_key or uuid4().hex))
    if as_json:
        print_json(entry)
    else:
        state = entry.delivery.state if entry.delivery else "stored"
        print_line(f"{state}: {entry.id} in {entry.conversation_id}")


async def _send(
    client: GatewayClient, message: dict[str, Any], *, conversation: str | None, to: str | None, key: str
) -> SpokenEntry:
    async with client:
        if conversation is None:
            return await client.post("/messages", {**message, "to": to}, SpokenEntry, idempotency_key=key)
        return await send_message(client, conversation, message, key=key)


async def send_message(client: GatewayClient, conversation: str, message: dict[str, Any], *, key: str) -> SpokenEntry:
    """A message in a conversation, once for its key."""
    path = f"/conversations/{conversation}/messages"
    return await client.post(path, message, SpokenEntry, idempotency_key=key)
