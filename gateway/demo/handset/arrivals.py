"""What reaches the customers, told to the pages that show it, as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from channels.simulators.handsets import HandsetText
from channels.simulators.mail import MailSimulator, ReceivedMail
from channels.simulators.twilio import TwilioSimulator

WAITING = 100
"""So many arrivals wait for a page; one that falls behind further reads its screens anew."""


class Arrivals:
    """Texts and mails by whom they reached. A page listens for one number and one mail address."""

    def __init__(self, twilio: TwilioSimulator, mail: MailSimulator) -> None:
        self._listeners: dict[asyncio.Queue[str | None], tuple[str, str]] = {}
        twilio.handsets.on_arrival.append(self._take_text)
        mail.ledger.on_arrival.append(self._take_mail)

    @contextmanager
    def listen(self, *, phone: str, mail: str) -> Iterator[asyncio.Queue[str | None]]:
        """A queue of "phone" and "mail", for each that has something new to read; None at the end of all."""
        queue: asyncio.Queue[str | None] = asyncio.Queue(WAITING)
        self._listeners[queue] = phone, mail
        try:
            yield queue
        finally:
            del self._listeners[queue]

    def stop(self) -> None:
        """Nobody is told any more."""
        for queue in self._listeners:
            _put(queue, None)

    def _take_text(self, text: HandsetText) -> None:
        for queue, (phone, _) in self._listeners.items():
            if text.handset == phone:
                _put(queue, "phone")

    def _take_mail(self, received: ReceivedMail) -> None:
        for queue, (_, mail) in self._listeners.items():
            if mail in received.recipients:
                _put(queue, "mail")


def _put(queue: asyncio.Queue[str | None], told: str | None) -> None:
    """A full queue loses what is in it: whoever is told anything reads the whole screen."""
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(told)
