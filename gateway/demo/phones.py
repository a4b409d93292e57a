"""The customers' telephones, mailboxes and browsers: they write to the shop, and count what reaches them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import TypeAlias

import msgspec

from channels.simulators.handsets import HandsetText
from channels.simulators.ledger import Message
from channels.simulators.mail import MailSimulator, PostOffice, WrittenMail
from channels.simulators.twilio import HandsetFile, TwilioSimulator
from gateway.commands.spoken import SpokenEntry
from gateway.demo.chats import ChatLine, Chats, WrittenChat
from gateway.demo.mailboxes import Mailboxes
from gateway.demo.people import Person
from gateway.demo.photos import MEDIA_TYPE, take_photo

Written: TypeAlias = Message | WrittenMail | WrittenChat
"""A message of a customer, as the ledger of its kind knows it."""


class Post(msgspec.Struct, kw_only=True, frozen=True):
    """The shop's mail address, and where mails for it are handed in."""

    address: str
    office: PostOffice


class Phones:
    """All phones of one run, on a simulated Twilio, the mailboxes on a simulated server, and the chats in the shop.

    `arrived` counts the shop's messages by address and words.
    """

    def __init__(
        self,
        twilio: TwilioSimulator,
        lines: dict[str, str],
        dice: Random,
        *,
        mail: MailSimulator,
        post: Post,
        chat: ChatLine,
    ) -> None:
        self.twilio = twilio
        self.lines = lines
        self.arrived: Counter[tuple[str, str]] = Counter()
        self.sent = 0
        self._dice = dice
        self._heard = asyncio.Event()
        twilio.handsets.on_arrival.append(self._take)
        self._mailboxes = Mailboxes(mail, post.office, post.address, dice=dice, on_mail=self._note)
        self._chats = Chats(chat, dice=dice, on_words=self._note)

    async def write(self, person: Person, text: str, *, photo: bool = False, subject: str | None = None) -> Written:
        """Write to the shop; whether the gateway takes it is seen later, in the ledger. Mails begin with a subject."""
        self.sent += 1
        if person.mail:
            return await self._mailboxes.write(person, text, photo=photo, subject=subject)
        if person.chats:
            return await self._chats.write(person, text, photo=photo)
        media = [HandsetFile(content_type=MEDIA_TYPE, content=take_photo(self._dice))] if photo else []
        return await self.twilio.text_in(person.number, text, to=self.lines[person.line], media=media, wait=False)

    def heard(self, person: Person, text: str) -> int:
        """How often this text of the shop has reached somebody."""
        return self.arrived[self.address_of(person), text]

    def address_of(self, person: Person) -> str:
        """Where the gateway reaches them."""
        return self._chats.address_of(person) if person.chats else person.address

    async def hear(self, person: Person, text: str, *, times: int, seconds: float) -> bool:
        """Wait until this text has reached them so many times; False if it has not within the time."""
        try:
            async with asyncio.timeout(seconds):
                while self.heard(person, text) < times:
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            return False
        return True

    @property
    def told(self) -> Sequence[Written]:
        """What customers sent, as the ledgers know it."""
        return [*self.twilio.ledger.inbound, *self._mailboxes.mail.ledger.inbound, *self._chats.inbound]

    @property
    def under_way(self) -> int:
        """How much has not come to its end on the way."""
        return self.twilio.under_way + self._mailboxes.mail.under_way + self._chats.under_way

    def is_ours(self, entry: SpokenEntry) -> bool:
        """Whether it is seen here if a message arrives: not where somebody plays a visitor by hand."""
        chats = entry.channel is not None and entry.channel.type == "webchat"
        return not chats or any(one.address in self._chats.addresses for one in entry.recipients)

    async def leave(self) -> None:
        """Everybody who chats closes their browser."""
        await self._chats.leave()

    def _take(self, text: HandsetText) -> None:
        if text.author == "business":
            self._note(text.handset, text.body)

    def _note(self, address: str, words: str) -> None:
        self.arrived[address, words] += 1
        self._heard.set()
