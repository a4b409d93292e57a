"""A mail channel of a journey: our address on a simulated customers' server, and our own listener for what comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from channels.simulators.mail import Draft, MailSimulator, PostOffice, ReceivedMail, WrittenMail, serve_mail
from gateway.smtpd import Listening, open_smtpd
from tests.journeys.gateway import Journey, eventually

HOST = "127.0.0.1"
OURS = "help@shop.example"


class Post(msgspec.Struct, kw_only=True):
    """The channel, the customers and where they hand in."""

    channel_id: str
    mail: MailSimulator
    office: PostOffice

    async def write(self, sender: str, text: str, **draft: Any) -> WrittenMail:
        """A customer writes to us, and it is taken."""
        written = await self.mail.write_in(Draft(sender=sender, to=OURS, text=text, **draft), self.office)
        assert written.acknowledged, written.refused
        return written

    async def answer(self, received: ReceivedMail, text: str, **draft: Any) -> WrittenMail:
        """A customer answers what they got, as their program does."""
        sender = received.recipients[0]
        made = Draft(sender=sender, to=received.answer_to, text=text, answering=received, **draft)
        written = await self.mail.write_in(made, self.office)
        assert written.acknowledged, written.refused
        return written

    async def received(self, address: str, *, at_least: int = 1) -> list[ReceivedMail]:
        """What a customer's inbox has, once there is so much."""

        async def found() -> Any:
            inbox = self.mail.ledger.inbox_of(address)
            return inbox if len(inbox) >= at_least else None

        return list(await eventually(found))


@asynccontextmanager
async def open_post(journey: Journey, *, mail: MailSimulator | None = None, **settings: Any) -> AsyncIterator[Post]:
    """Our address connected, with what else its settings are to be."""
    mail = mail or MailSimulator()
    async with serve_mail(mail) as port, open_smtpd(journey.runtime, Listening(host=HOST, port=0)) as entrance:
        made = {
            "address": OURS,
            "name": "Shop",
            "smtp_host": HOST,
            "smtp_port": port,
            "smtp_security": "none",
            "sends_per_minute": 10_000,
            "verify_dkim": False,
            **settings,
        }
        channel = await journey.post("/v1/channels", {"adapter": "email-smtp", "name": "Mail", "settings": made})
        await journey.runtime.directory.refresh()
        yield Post(channel_id=channel["id"], mail=mail, office=PostOffice(host=HOST, port=entrance))
