"""How customers' mails reach us: over SMTP, tried again as any mail server does, until they are taken or refused."""

from __future__ import annotations

import asyncio
from typing import Literal

import aiosmtplib
import msgspec

from channels.simulators.mail.ledger import WrittenMail

TRIES = 60
PAUSE_SECONDS = 0.5
"""Between tries; a real server waits minutes, and a demonstration should not."""
ANSWER_SECONDS = 15.0
CONNECTIONS = 8
"""At once; the others wait."""


class PostOffice(msgspec.Struct, kw_only=True, frozen=True):
    """Where mail for us is handed in."""

    host: str
    port: int
    helo: str = "mx.customers.example"


class Carrier:
    """Carries mails to a post office, each until it is taken; what was taken and not answered is carried again."""

    def __init__(self, office: PostOffice) -> None:
        self.office = office
        self._places = asyncio.Semaphore(CONNECTIONS)

    async def carry(self, mail: WrittenMail, content: bytes) -> None:
        """Hand a mail in; how that went is noted in it."""
        while not (mail.acknowledged or mail.refused) and mail.attempts < TRIES:
            if mail.attempts:
                await asyncio.sleep(PAUSE_SECONDS)
            mail.attempts += 1
            async with self._places:
                verdict = await self._try(mail, content)
            mail.acknowledged = verdict == "taken"
            if verdict not in {"taken", "later"}:
                mail.refused = verdict

    async def _try(self, mail: WrittenMail, content: bytes) -> Literal["taken", "later"] | str:
        try:
            await aiosmtplib.send(
                content,
                sender=mail.sender,
                recipients=[mail.to],
                hostname=self.office.host,
                port=self.office.port,
                local_hostname=self.office.helo,
                start_tls=False,
                timeout=ANSWER_SECONDS,
                mail_options=[] if content.isascii() else ["SMTPUTF8", "BODY=8BITMIME"],
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            return _verdict(refused.recipients[0])
        except aiosmtplib.SMTPResponseException as refused:
            return _verdict(refused)
        except (aiosmtplib.SMTPException, OSError):
            return "later"
        return "taken"


def _verdict(refused: aiosmtplib.SMTPResponseException) -> str:
    return f"{refused.code} {refused.message}" if refused.code >= 500 else "later"
