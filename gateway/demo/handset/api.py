"""`/sim/api`: the customer's screens over HTTP, for the page `/sim` of the same origin; in a demo alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream

from channels.simulators.twilio import HandsetFile
from gateway.demo.handset.playground import (
    Login,
    Playground,
    Scenery,
    ScreenMail,
    ScreenText,
    ShopNumber,
    customer_of,
    mail_in,
    mails_of,
    media_file,
    screen_of,
    text_in,
)
from gateway.demo.seeding import CUSTOMER_PHONE, DEMO_PASSWORD, LINES, STAFF
from gateway.web.assets import Assets
from gateway.web.pages import show_page
from gateway.web.policy import page_policy
from inbox.kit.errors import Problem

OPEN = {"public": True}
NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
BODY_BYTES = 8_000_000
FOREIGN = {"cross-site", "same-site"}
"""What `Sec-Fetch-Site` says where another page asks (W3C Fetch Metadata)."""
CHANNEL = "{channel}"


class TextToSend(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A text from a phone to a number of the shop's; a picture is base64."""

    to: str
    text: str = ""
    picture: HandsetFile | None = None


class MailToSend(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A mail to the shop; `answering` is the id of a mail in the box."""

    text: str
    subject: str = ""
    answering: str | None = None


class PhoneScreen(msgspec.Struct, kw_only=True, frozen=True):
    """What a phone shows."""

    data: list[ScreenText]


class MailScreen(msgspec.Struct, kw_only=True, frozen=True):
    """What a mail program shows."""

    data: list[ScreenMail]


def refuse_foreign_pages(request: Request[Any, Any, Any]) -> None:
    """Nobody is asked who they are here: so only our own page may write."""
    if request.headers.get("sec-fetch-site") in FOREIGN:
        raise Problem("origin_not_allowed", "only the demo's own page plays the customer")


class SimulatorController(Controller):
    """The customer's half of the demo."""

    path = "/sim"
    include_in_schema = False
    opt = OPEN

    @get("/shop")
    async def show_shop(
        self, assets: NamedDependency[Assets], playground: NamedDependency[Playground]
    ) -> Response[str]:
        """The shop, with the chat on it as any site embeds it."""
        html = assets.page("simulator/shop.html").replace(CHANNEL, playground.chat.channel_id)
        return show_page(html, page_policy(playground.url, frames="'self'", ancestors=("'self'",)))

    @get("/api/scenery")
    async def show_scenery(self, playground: NamedDependency[Playground]) -> Scenery:
        """Whom one plays, and whom one writes to."""
        name, email, _ = STAFF[0]
        return Scenery(
            numbers=[ShopNumber(number=number, name=title) for number, title in LINES.values()],
            mail=playground.post.address,
            channel_id=playground.chat.channel_id,
            user=customer_of(playground.chat),
            phone=CUSTOMER_PHONE,
            login=Login(name=name, email=email, password=DEMO_PASSWORD),
        )

    @get("/api/phones/{phone:str}/texts")
    async def show_phone(self, phone: FromPath[str], playground: NamedDependency[Playground]) -> PhoneScreen:
        """What a phone shows."""
        return PhoneScreen(data=screen_of(playground, phone))

    @post(
        "/api/phones/{phone:str}/texts",
        status_code=202,
        before_request=refuse_foreign_pages,
        request_max_body_size=BODY_BYTES,
    )
    async def send_text(
        self, phone: FromPath[str], data: JSONBody[TextToSend], playground: NamedDependency[Playground]
    ) -> PhoneScreen:
        """Write from a phone; the answer is its screen."""
        if data.picture and data.picture.content_type not in PICTURES:
            raise Problem("unsupported_media", "a phone sends PNG, JPEG, GIF and WebP pictures")
        try:
            await text_in(playground, phone, to=data.to, text=data.text, picture=data.picture)
        except LookupError as error:
            raise Problem("not_found", str(error)) from error
        return PhoneScreen(data=screen_of(playground, phone))

    @get("/api/mailboxes/{address:str}/mails")
    async def show_mails(self, address: FromPath[str], playground: NamedDependency[Playground]) -> MailScreen:
        """What a mail program shows."""
        return MailScreen(data=mails_of(playground, address))

    @post("/api/mailboxes/{address:str}/mails", status_code=202, before_request=refuse_foreign_pages)
    async def send_mail(
        self, address: FromPath[str], data: JSONBody[MailToSend], playground: NamedDependency[Playground]
    ) -> MailScreen:
        """Write a mail, or answer one; the answer is the whole box."""
        try:
            await mail_in(playground, address, text=data.text, subject=data.subject, answering=data.answering)
        except LookupError as error:
            raise Problem("not_found", str(error)) from error
        return MailScreen(data=mails_of(playground, address))

    @get("/api/media/{ticket:str}")
    async def show_media(self, ticket: FromPath[str], playground: NamedDependency[Playground]) -> Response[bytes]:
        """A picture that a phone sent."""
        try:
            media_type, content = media_file(playground, ticket)
        except LookupError as error:
            raise Problem("not_found", "there is no such picture") from error
        return Response(content, media_type=media_type, headers=NO_STORE)

    @get("/api/arrivals")
    async def follow_arrivals(
        self, playground: NamedDependency[Playground], phone: FromQuery[str] = "", mail: FromQuery[str] = ""
    ) -> Stream:
        """Server-sent events: `phone` and `mail`, whenever there is something new to read on that screen."""
        frames = follow_screens(playground, phone=phone, mail=mail)
        return Stream(frames, media_type="text/event-stream", headers=NO_STORE)


async def follow_screens(playground: Playground, *, phone: str, mail: str) -> AsyncIterator[bytes]:
    """Frames for one page, until it goes or the demo ends."""
    with playground.arrivals.listen(phone=phone, mail=mail) as told:
        yield b"retry: 1000\n\n"
        while (screen := await told.get()) is not None:
            yield b"event: %s\ndata: {}\n\n" % screen.encode()
