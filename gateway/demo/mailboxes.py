"""The customers' mailboxes: they write to the shop from their mail programs, and answer what they get."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from channels.simulators.mail import Draft, DraftFile, MailSimulator, PostOffice, ReceivedMail, WrittenMail
from gateway.demo.people import Person
from gateway.demo.photos import MEDIA_TYPE, take_photo

PHOTO_NAME = "photo.png"


class Mailboxes:
    """All mailboxes of one run. `on_mail` is told of each mail of the shop: for whom, and its words."""

    def __init__(
        self, mail: MailSimulator, office: PostOffice, shop: str, *, dice: Random, on_mail: Callable[[str, str], None]
    ) -> None:
        self.mail = mail
        self.office = office
        self.shop = shop
        self._dice = dice
        self._on_mail = on_mail
        self._open: dict[str, tuple[str, ReceivedMail | None]] = {}
        mail.ledger.on_arrival.append(self._take)

    async def write(self, person: Person, text: str, *, photo: bool, subject: str | None) -> WrittenMail:
        """Write to the shop: with a subject a new mail, without one an answer to what came last."""
        address = person.address
        before, answering = self._open.get(address, ("", None))
        if subject is not None:
            before, answering = subject, None
            self._open[address] = subject, None
        draft = Draft(
            sender=address,
            name=person.name,
            to=answering.answer_to if answering else self.shop,
            subject="" if answering else before,
            text=text,
            language=person.language,
            answering=answering,
            files=self._files(photo=photo),
        )
        return await self.mail.write_in(draft, self.office, wait=False)

    def _files(self, *, photo: bool) -> tuple[DraftFile, ...]:
        if not photo:
            return ()
        return (DraftFile(name=PHOTO_NAME, media_type=MEDIA_TYPE, content=take_photo(self._dice)),)

    def _take(self, mail: ReceivedMail) -> None:
        for address in mail.recipients:
            subject, _ = self._open.get(address, ("", None))
            self._open[address] = subject, mail
            self._on_mail(address, mail.text)
