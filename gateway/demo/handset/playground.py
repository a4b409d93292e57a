"""The customer's side of a demo as the page shows it: what there is to write with, and what each screen has on it."""

from __future__ import annotations

from typing import Literal

import msgspec

from channels.simulators.handsets import HandsetText
from channels.simulators.ledger import Message
from channels.simulators.mail import Draft, MailSimulator, ReceivedMail, WrittenMail
from channels.simulators.twilio import HandsetFile, TwilioSimulator
from channels.webchat.identity import hash_user_id
from gateway.demo.chats import ChatLine
from gateway.demo.handset.arrivals import Arrivals
from gateway.demo.phones import Post
from gateway.demo.seeding import CUSTOMER, CUSTOMER_ID, CUSTOMER_MAIL

MEDIA = "/sim/api/media"


class Playground(msgspec.Struct, kw_only=True, frozen=True):
    """The simulators of one demo. `url` is the gateway's public one."""

    twilio: TwilioSimulator
    mail: MailSimulator
    post: Post
    chat: ChatLine
    arrivals: Arrivals
    url: str


class ShopNumber(msgspec.Struct, kw_only=True, frozen=True):
    """A number of the shop."""

    number: str
    name: str


class ShopUser(msgspec.Struct, kw_only=True, frozen=True):
    """A user of the shop, with the hash its server hands to its page."""

    user_id: str
    hash: str
    name: str
    email: str


class Login(msgspec.Struct, kw_only=True, frozen=True):
    """How an agent signs in."""

    name: str
    email: str
    password: str


class Scenery(msgspec.Struct, kw_only=True, frozen=True):
    """What the page has to know before anything is written."""

    numbers: list[ShopNumber]
    mail: str
    channel_id: str
    user: ShopUser
    phone: str
    login: Login


class ScreenText(msgspec.Struct, kw_only=True, frozen=True):
    """A text on a phone; `pictures` are addresses of this gateway."""

    id: str
    author: Literal["handset", "business", "carrier"]
    peer: str
    text: str
    at: float
    pictures: list[str]


class ScreenMail(msgspec.Struct, kw_only=True, frozen=True):
    """A mail in the customer's program, either way. `taken` says that the shop's side has it."""

    id: str
    direction: Literal["in", "out"]
    peer: str
    subject: str
    text: str
    at: float
    taken: bool = True


def customer_of(chat: ChatLine) -> ShopUser:
    """The customer, as the shop's server would let its page prove them."""
    digest = hash_user_id(chat.identity_secret, CUSTOMER_ID)
    return ShopUser(user_id=CUSTOMER_ID, hash=digest, name=CUSTOMER, email=CUSTOMER_MAIL)


def screen_of(playground: Playground, phone: str) -> list[ScreenText]:
    """What a phone shows, the oldest first."""
    return [_screen_text(playground, text) for text in playground.twilio.handsets.texts_on(phone)]


def mails_of(playground: Playground, address: str) -> list[ScreenMail]:
    """What a mail program shows, the newest first."""
    ledger = playground.mail.ledger
    mails = [*map(_received, ledger.inbox_of(address)), *map(_written, ledger.outbox_of(address))]
    return sorted(mails, key=lambda mail: mail.at, reverse=True)


async def text_in(
    playground: Playground, phone: str, *, to: str, text: str, picture: HandsetFile | None = None
) -> Message:
    """Write from a phone; LookupError for a number that is none of the shop's."""
    media = [picture] if picture else []
    return await playground.twilio.text_in(phone, text, to=to, media=media, wait=False)


async def mail_in(
    playground: Playground, address: str, *, text: str, subject: str, answering: str | None
) -> WrittenMail:
    """Write a mail, or answer one in the box; LookupError where there is no such mail."""
    answered = _find(playground.mail.ledger.inbox_of(address), answering) if answering else None
    name = CUSTOMER if address == CUSTOMER_MAIL else None
    draft = Draft(
        sender=address,
        name=name,
        to=answered.answer_to if answered else playground.post.address,
        subject="" if answered else subject,
        text=text,
        answering=answered,
    )
    return await playground.mail.write_in(draft, playground.post.office, wait=False)


def media_file(playground: Playground, ticket: str) -> tuple[str, bytes]:
    """A picture that a phone sent: its type and its bytes; LookupError where there is none."""
    return playground.twilio.ledger.files[ticket]


def _find(inbox: list[ReceivedMail], message_id: str) -> ReceivedMail:
    found = next((mail for mail in inbox if mail.message_id == message_id), None)
    if found is None:
        raise LookupError("there is no such mail in this box")
    return found


def _screen_text(playground: Playground, text: HandsetText) -> ScreenText:
    pictures = [local for url in text.media_urls if (local := _local(playground, url))]
    return ScreenText(id=text.sid, author=text.author, peer=text.peer, text=text.body, at=text.at, pictures=pictures)


def _local(playground: Playground, url: str) -> str | None:
    """The same file at our own origin, as the page may load no other."""
    before = f"{playground.twilio.url}/media/"
    if url.startswith(before):
        return f"{MEDIA}/{url.removeprefix(before)}"
    return url.removeprefix(playground.url) if url.startswith(f"{playground.url}/") else None


def _received(mail: ReceivedMail) -> ScreenMail:
    return ScreenMail(
        id=mail.message_id, direction="in", peer=mail.sender, subject=mail.subject, text=mail.text, at=mail.at
    )


def _written(mail: WrittenMail) -> ScreenMail:
    return ScreenMail(
        id=mail.message_id,
        direction="out",
        peer=mail.to,
        subject=mail.subject,
        text=mail.text,
        at=mail.at,
        taken=mail.acknowledged,
    )
