"""The shop's agents: they answer over the HTTP API, as any helpdesk would."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec

from channels.simulators.mail import MailSimulator
from channels.simulators.twilio import TwilioSimulator
from gateway.commands.client import GatewayClient, Refused
from gateway.commands.send import send_message
from gateway.commands.spoken import SpokenEntry
from gateway.demo.people import Person
from gateway.tasks import end_tasks

SENT_AGAIN = "The provider's log does not have the last message: sent again."
OPTED_OUT = "contact_opted_out"
LOOK_SECONDS = 3.0
"""How long an agent waits for a report on a message of unknown fate before looking into the provider's log."""


class Clerk(msgspec.Struct, kw_only=True, frozen=True):
    """One agent, with the id the gateway knows them by, and their own API key: what they do is done in their name."""

    id: str
    name: str
    api_key: str


class Desk:
    """Everything the agents do; `client` is the shop's own, for what is nobody's in particular."""

    def __init__(
        self, client: GatewayClient, clerks: Iterable[Clerk], twilio: TwilioSimulator, *, mail: MailSimulator
    ) -> None:
        self._client = client
        self._clients = {clerk.id: GatewayClient(client.url, clerk.api_key) for clerk in clerks}
        self._twilio = twilio
        self._mail = mail
        self._looking: set[asyncio.Task[None]] = set()

    async def introduce(self, person: Person) -> None:
        """Write down who somebody is, if the shop knows."""
        identity = {"kind": "email" if person.mail else "phone", "address": person.address}
        known = {"name": person.name, "language": person.language} if person.known else {}
        await self._do("/contacts/upsert", {"identities": [identity], **known})

    async def answer(self, conversation: str, text: str, *, clerk: Clerk) -> bool:
        """Write to the customer; False where they do not want it."""
        try:
            await send_message(self._clients[clerk.id], conversation, {"text": text}, key=uuid4().hex)
        except Refused as refused:
            if refused.code == OPTED_OUT:
                return False
            raise
        return True

    async def claim(self, conversation: str, *, clerk: Clerk) -> None:
        """Take the conversation, unless a colleague has it."""
        wanted = {"agent_id": clerk.id, "if_unassigned": True}
        await self._do(f"/conversations/{conversation}/assign", wanted, clerk=clerk)

    async def note(self, conversation: str, text: str, *, clerk: Clerk) -> None:
        """Write something down among ourselves."""
        await self._do(f"/conversations/{conversation}/notes", {"text": text}, clerk=clerk)

    async def close(self, conversation: str, *, clerk: Clerk) -> None:
        """It is done."""
        await self._do(f"/conversations/{conversation}/close", {}, clerk=clerk)

    def look_into(self, entry: SpokenEntry) -> None:
        """Find out what became of a message that may or may not have been sent, and send it again only if it was not.

        This is the decision the gateway leaves to people: it never sends such a message again by itself.
        """
        task = asyncio.create_task(self._look_into(entry))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    @property
    def looking(self) -> int:
        """How many such messages are being looked into."""
        return len(self._looking)

    async def leave(self) -> None:
        """Stop looking, and close all connections."""
        await end_tasks(self._looking)
        for client in self._clients.values():
            await client.aclose()

    async def _look_into(self, entry: SpokenEntry) -> None:
        await asyncio.sleep(LOOK_SECONDS)
        current = await self._client.get(f"/messages/{entry.id}", SpokenEntry)
        if current.delivery and current.delivery.state == "unknown" and not self._in_provider_log(entry):
            await self._do(f"/messages/{entry.id}/retry", {})
            await self._do(f"/conversations/{entry.conversation_id}/notes", {"text": SENT_AGAIN})

    def _in_provider_log(self, entry: SpokenEntry) -> bool:
        address = entry.recipients[0].address
        texts = any(
            message.to == address
            and message.body == entry.text
            and message.created.isoformat() >= entry.created_at.removesuffix("Z")
            for message in self._twilio.ledger.accepted
        )
        since = datetime.fromisoformat(entry.created_at).timestamp()
        return texts or any(
            mail.text == entry.text and mail.at >= since for mail in self._mail.ledger.inbox_of(address)
        )

    async def _do(self, path: str, body: dict[str, Any], *, clerk: Clerk | None = None) -> None:
        """Something that may meet the work of another agent: a refusal changes nothing and is no trouble."""
        client = self._clients[clerk.id] if clerk else self._client
        try:
            await client.post(path, body, dict[str, Any])
        except Refused as refused:
            if refused.status >= 500:
                raise
