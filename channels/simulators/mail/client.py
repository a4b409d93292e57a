"""The customers' mail program over HTTP, below `/sim/mailboxes`: read what came, write and answer. Nobody is asked who.

::

    curl .../sim/mailboxes
    curl .../sim/mailboxes/ana@mail.example/mails
    curl -d '{"to":"help@shop.example","subject":"Order 12","text":"Hello"}' .../sim/mailboxes/ana@mail.example/mails
    curl -d '{"answering":"msg_...@shop.example","text":"Thank you"}' .../sim/mailboxes/ana@mail.example/mails
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath

from channels.simulators.mail.ledger import ReceivedFile, ReceivedMail
from channels.simulators.mail.posting import PostOffice
from channels.simulators.mail.server import MailSimulator
from channels.simulators.mail.writing import Draft, DraftFile
from channels.simulators.serving import serve_app

Call: TypeAlias = Request[Any, Any, State]


class MailToWrite(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a customer writes. `answering` is the Message-ID of a mail in their box, and then `to` may be left out.

    Files are base64; `html` sends both forms, `quote` puts the answered mail underneath.
    """

    text: str
    to: str | None = None
    subject: str = ""
    name: str | None = None
    language: str = "en"
    html: bool = True
    quote: bool = True
    cc: list[str] = []
    files: list[DraftFile] = []
    answering: str | None = None


class ShownMail(msgspec.Struct, kw_only=True, frozen=True):
    """A mail in a box."""

    message_id: str
    sender: str
    reply_to: str | None
    subject: str
    text: str
    html: str | None
    files: list[ReceivedFile]
    at: float


@get("/sim/mailboxes")
async def list_mailboxes(request: Call) -> Response[bytes]:
    """The addresses that have had mail."""
    known = {address for mail in request.app.state.mail.ledger.accepted for address in mail.recipients}
    return _answer({"mailboxes": sorted(known)})


@get("/sim/mailboxes/{address:str}/mails")
async def show_mailbox(request: Call, address: FromPath[str]) -> Response[bytes]:
    """What came to an address, the oldest first."""
    inbox = request.app.state.mail.ledger.inbox_of(address)
    return _answer({"mails": [_shown(mail) for mail in inbox]})


@post("/sim/mailboxes/{address:str}/mails", status_code=201)
async def write_from_mailbox(request: Call, address: FromPath[str]) -> Response[bytes]:
    """Write to somebody, or answer; it returns when the mail was taken, refused or given up."""
    try:
        wanted = msgspec.json.decode(await request.body(), type=MailToWrite)
    except msgspec.DecodeError as error:  # a ValidationError is one, too
        raise ClientException(str(error)) from error
    mail: MailSimulator = request.app.state.mail
    written = await mail.write_in(_draft(address, wanted, mail.ledger.inbox_of(address)), request.app.state.office)
    return _answer(written, status=201)


@contextlib.asynccontextmanager
async def serve_mail_client(mail: MailSimulator, office: PostOffice, *, port: int = 0) -> AsyncIterator[str]:
    """The program on a loopback port, as long as the block lasts; yields its origin."""
    app = Litestar(
        route_handlers=[list_mailboxes, show_mailbox, write_from_mailbox],
        state=State({"mail": mail, "office": office}),
        openapi_config=None,
        logging_config=None,
    )
    async with serve_app(app, port=port) as url:
        yield url


def _draft(address: str, wanted: MailToWrite, inbox: list[ReceivedMail]) -> Draft:
    answered = next((mail for mail in inbox if mail.message_id == wanted.answering), None)
    if wanted.answering and answered is None:
        raise NotFoundException(f"there is no mail {wanted.answering} in this box")
    to = wanted.to or (answered.answer_to if answered else None)
    if to is None:
        raise ClientException("to is required where nothing is answered")
    return Draft(
        sender=address,
        name=wanted.name,
        to=to,
        cc=tuple(wanted.cc),
        subject=wanted.subject,
        text=wanted.text,
        language=wanted.language,
        html=wanted.html,
        files=tuple(wanted.files),
        answering=answered,
        quote=wanted.quote,
    )


def _shown(mail: ReceivedMail) -> ShownMail:
    return ShownMail(**{name: getattr(mail, name) for name in ShownMail.__struct_fields__})


def _answer(value: Any, *, status: int = 200) -> Response[bytes]:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
