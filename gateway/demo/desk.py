"""The shop's agents: they answer over the HTTP API, as any helpdesk would."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import msgspec

from channels.simulators.twilio import TwilioSimulator
from gateway.commands.client import GatewayClient, Refused
from gateway.commands.send import send_message
from gateway.commands.spoken import SpokenEntry
from gateway.demo.people import Person

OPTED_OUT = "contact_opted_out"
LOOK_SECONDS = 3.0
"""How long an agent waits for a report on a message of unknown fate before looking into the provider's log."""


class Clerk(msgspec.Struct, kw_only=True, frozen=True):
    """One agent, with the id the gateway knows them by."""

    id: str
    name: str


class Desk:
    """Everything the agents do."""

    def __init__(self, client: GatewayClient, twilio: TwilioSimulator) -> None:
        self._client = client
        self._twilio = twilio
        self._looking: set[asyncio.Task[None]] = set()

    async def introduce(self, person: Person) -> None:
        """Write down who somebody is, if the shop knows."""
        identity = {"kind": "phone", "address": person.number}
        known = {"name": person.name, "language": person.language} if person.known else {}
        await self._do("/contacts/upsert", {"identities": [identity], **known})

    async def answer(self, conversation: str, text: str, *, clerk: Clerk) -> bool:
        """Write to the customer; False where they do not want it."""
        try:
            await send_message(self._client, conversation, {"text": text, "agent_id": clerk.id}, key=uuid4().hex)
        except Refused as refused:
            if refused.code == OPTED_OUT:
                return False
            raise
        return True

    async def claim(self, conversation: str, *, clerk: Clerk) -> None:
        """Take the conversation, unless a colleague has it."""
        await self._do(f"/conversations/{conversation}/assign", {"agent_id": clerk.id, "if_unassigned": True})

    async def note(self, conversation: str, text: str, *, clerk: Clerk) -> None:
        """Write something down among ourselves."""
        await self._do(f"/conversations/{conversation}/notes", {"text": text, "agent_id": clerk.id})

    async def close(self, conversation: str) -> None:
        """It is done."""
        await self._do(f"/conversations/{conversation}/close", {})

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
        """Stop looking."""
        for task in self._looking:
            task.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)

    async def _look_into(self, entry: SpokenEntry) -> None:
        await asyncio.sleep(LOOK_SECONDS)
        current = await self._client.get(f"/messages/{entry.id}", SpokenEntry)
        if current.delivery and current.delivery.state == "unknown" and not self._in_provider_log(entry):
            await self._do(f"/messages/{entry.id}/retry", {})

    def _in_provider_log(self, entry: SpokenEntry) -> bool:
        return any(
            message.to == entry.recipients[0].address
            and message.body == entry.text
            and message.created.isoformat() >= entry.created_at.removesuffix("Z")
            for message in self._twilio.ledger.accepted
        )

    async def _do(self, path: str, body: dict[str, Any]) -> None:
        """Something that may meet the work of another agent: a refusal changes nothing and is no trouble."""
        try:
            await self._client.post(path, body, dict[str, Any])
        except Refused as refused:
            if refused.status >= 500:
                raise
