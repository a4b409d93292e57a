"""The customers' telephones and mailboxes: they write to the shop, and count what reaches them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random

import msgspec

from channels.simulators.handsets import HandsetText
from channels.simulators.ledger import Message
from channels.simulators.mail import MailSimulator, PostOffice, WrittenMail
from channels.simulators.twilio import HandsetFile, TwilioSimulator
from gateway.demo.mailboxes import Mailboxes
from gateway.demo.people import Person
from gateway.demo.photos import MEDIA_TYPE, take_photo


class Post(msgspec.Struct, kw_only=True, frozen=True):
    """The shop's mail address, and where mails for it are handed in."""

    address: str
    office: PostOffice


class Phones:
    """All phones of one run, on a simulated Twilio, and the mailboxes on a simulated server.

    `arrived` counts the shop's messages by address and words.
    """

    def __init__(
        self, twilio: TwilioSimulator, lines: dict[str, str], dice: Random, *, mail: MailSimulator, post: Post
    ) -> None:
        self.twilio = twilio
        self.lines = lines
        self.arrived: Counter[tuple[str, str]] = Counter()
        self.sent = 0
        self._dice = dice
        self._heard = asyncio.Event()
        twilio.handsets.on_arrival.append(self._take)
        self._mailboxes = Mailboxes(mail, post.office, post.address, dice=dice, on_mail=self._note)

    async def write(
        self, person: Person, text: str, *, photo: bool = False, subject: str | None = None
    ) -> Message | WrittenMail:
        """Write to the shop; whether the gateway takes it is seen later, in the ledger. Mails begin with a subject."""
        self.sent += 1
        if person.mail:
            return await self._mailboxes.write(person, text, photo=photo, subject=subject)
        media = [HandsetFile(content_type=MEDIA_TYPE, content=take_photo(self._dice))] if photo else []
        return await self.twilio.text_in(person.number, text, to=self.lines[person.line], media=media, wait=False)

    async def hear(self, person: Person, text: str, *, times: int, seconds: float) -> bool:
        """Wait until this text has reached the phone so many times; False if it has not within the time."""
        try:
            async with asyncio.timeout(seconds):
                while self.arrived[person.address, text] < times:
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            return False
        return True

    @property
    def told(self) -> Sequence[Message | WrittenMail]:
        """What customers sent, as the ledgers know it."""
        return [*self.twilio.ledger.inbound, *self._mailboxes.mail.ledger.inbound]

    @property
    def under_way(self) -> int:
        """How much has not come to its end on the way."""
        return self.twilio.under_way + self._mailboxes.mail.under_way

    def _take(self, text: HandsetText) -> None:
        if text.author == "business":
            self._note(text.handset, text.body)

    def _note(self, address: str, words: str) -> None:
        self.arrived[address, words] += 1
        self._heard.set()
