"""The customers' telephones: they write to the shop, and count what reaches them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from random import Random

from channels.simulators.handsets import HandsetText
from channels.simulators.ledger import Message
from channels.simulators.twilio import HandsetFile, TwilioSimulator
from gateway.demo.people import Person
from gateway.demo.photos import MEDIA_TYPE, take_photo


class Phones:
    """All phones of one run, on a simulated Twilio. `arrived` counts the shop's texts by number and words."""

    def __init__(self, twilio: TwilioSimulator, lines: dict[str, str], dice: Random) -> None:
        self.twilio = twilio
        self.lines = lines
        self.arrived: Counter[tuple[str, str]] = Counter()
        self.sent = 0
        self._dice = dice
        self._heard = asyncio.Event()
        twilio.handsets.on_arrival.append(self._take)

    async def write(self, person: Person, text: str, *, photo: bool = False) -> Message:
        """Send a text to the shop; whether the gateway takes it is seen later, in the ledger."""
        self.sent += 1
        media = [HandsetFile(content_type=MEDIA_TYPE, content=take_photo(self._dice))] if photo else []
        return await self.twilio.text_in(person.number, text, to=self.lines[person.line], media=media, wait=False)

    async def hear(self, person: Person, text: str, *, times: int, seconds: float) -> bool:
        """Wait until this text has reached the phone so many times; False if it has not within the time."""
        try:
            async with asyncio.timeout(seconds):
                while self.arrived[person.number, text] < times:
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            return False
        return True

    @property
    def told(self) -> Iterable[Message]:
        """What the phones sent, as the provider's ledger knows it."""
        return self.twilio.ledger.inbound

    def _take(self, text: HandsetText) -> None:
        if text.author == "business":
            self.arrived[text.handset, text.body] += 1
            self._heard.set()
