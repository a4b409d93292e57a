"""One conversation with a mail server or client that has mail for us, in SMTP or LMTP (RFC 5321, RFC 2033).

Nothing is ever relayed: who is not one of our channels' addresses is refused at RCPT. A mail is answered 250 when the
journal has it, 451 while it cannot be had, and 452 where there is no room now.
"""

from __future__ import annotations

import asyncio
import ssl
from uuid import UUID

import msgspec
import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from channels.contract import Adapter
from gateway.directory import ChannelDirectory, LiveChannel
from gateway.hook_bodies import BodyRefused, BodyRoom, NoRoom, TooLarge
from gateway.journal import Journal
from gateway.smtpd.content import LINE_END, PIECE_BYTES, ContentEndless, read_content
from gateway.smtpd.crowd import Crowd
from gateway.smtpd.taking import Delivery, find_takers, keep_mail

log = structlog.get_logger()

TAKEN = "250 2.0.0 stored"
AWAY = "451 4.3.0 cannot be stored now, try again"
BUSY = "452 4.3.1 too much mail at once, try again"
TOO_LARGE = "552 5.3.4 the mail is too large"
UNKNOWN = "550 5.1.1 nobody of this address here"
TOO_MANY = "452 4.5.3 too many recipients"
NO_RECIPIENT = "503 5.5.1 need RCPT command"
EARLY = "503 5.5.0 content before it was asked for"
CROWDED = b"421 4.7.0 too many connections, try again\r\n"
LATE = b"421 4.4.2 that took too long\r\n"
LEAVING = b"421 4.3.2 closing, try again\r\n"
REFUSED: dict[type[BodyRefused], str] = {TooLarge: TOO_LARGE, NoRoom: BUSY}

MAX_RECIPIENTS = 100  # RFC 5321 4.5.3.1.8: no fewer
CALL_LIMITS = {"NOOP": 100, "RSET": 10_000, "VRFY": 20, "HELP": 20, "EHLO": 20, "HELO": 20, "LHLO": 20, "*": 10_000}
"""How often a command may be given on one connection, so that it ends for whoever only plays."""
NULL_SENDER = "<>"
"""How aiosmtpd shows the sender of reports, who is nobody (RFC 5321 4.5.5)."""


class House(msgspec.Struct, kw_only=True, frozen=True):
    """What all conversations of a listener share. `seconds` is how long one command, or one mail, may take to come."""

    directory: ChannelDirectory
    adapters: dict[str, Adapter]
    journal: Journal
    room: BodyRoom
    crowd: Crowd
    name: str
    mail_bytes: int
    seconds: float
    tls: ssl.SSLContext | None = None
    lmtp: bool = False


class Reception(SMTP):
    """A connection. aiosmtpd speaks; what is taken, and how content is read, is ours."""

    line_length_limit = PIECE_BYTES

    def __init__(self, house: House, here: set[Reception]) -> None:
        super().__init__(
            _Decisions(house),
            data_size_limit=house.mail_bytes,
            enable_SMTPUTF8=True,
            hostname=house.name,
            ident="LMTP" if house.lmtp else "ESMTP",
            tls_context=house.tls,
            timeout=house.seconds,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            command_call_limit=CALL_LIMITS,
            loop=asyncio.get_running_loop(),
        )
        self.house = house
        self.busy = False
        self._here = here
        self._peer: str | None = None
        self._turned_away = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let in, or turned away with a word; once more when TLS begins."""
        if self in self._here:
            super().connection_made(transport)
            return
        self._peer = _address_of(transport)
        if self.house.crowd.admit(self._peer):
            self._here.add(self)
            super().connection_made(transport)
            return
        self._turned_away = True
        _say_last(transport, CROWDED)

    def connection_lost(self, error: Exception | None) -> None:
        """Gone."""
        if self in self._here:
            self._here.discard(self)
            self.house.crowd.leave(self._peer)
        if not self._turned_away:
            super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Nothing more is heard from whom we turned away."""
        if not self._turned_away:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        """As above."""
        return None if self._turned_away else super().eof_received()

    def leave(self) -> None:
        """We are closing: say so."""
        if self.transport is not None:
            _say_last(self.transport, LEAVING)

    def _timeout_cb(self) -> None:
        if self.transport is not None:
            _say_last(self.transport, LATE)

    async def handle_exception(self, error: Exception) -> str:
        """A bug of ours is no reason to refuse a mail for ever."""
        log.error("reception_broke", error=type(error).__name__, exc_info=error)
        return AWAY

    async def smtp_VRFY(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """We tell nobody who is here (RFC 5321 7.3)."""
        await self.push("252 2.1.5 send it, and see")

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Take the content, write it down, and only then answer; in LMTP once for each recipient (RFC 2033 4.2)."""
        if await self.check_helo_needed():
            return
        envelope = self.envelope
        if arg or envelope is None or not envelope.rcpt_tos:
            await self.push(NO_RECIPIENT if not arg else "501 5.5.4 Syntax: DATA")
            return
        if self._reader._buffer:  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio has no public way to ask
            await self.push(EARLY)
            return
        self._reader.feed_data(LINE_END)  # so that a dot on the first line is on a line as well
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        self.busy = True
        try:
            answers = await self._take_content(envelope)
        finally:
            self.busy = False
        self._set_post_data_state()  # type: ignore[no-untyped-call]  # aiosmtpd's
        for answer in answers if self.house.lmtp else answers[:1]:
            await self.push(answer)

    async def _take_content(self, envelope: Envelope) -> list[str]:
        """The answer to each recipient; in SMTP all are the same."""
        with self.house.room.place() as place:
            try:
                content = await read_content(self._reader, limit=self.house.mail_bytes, place=place)
            except BodyRefused as refused:
                return [REFUSED[type(refused)]] * len(envelope.rcpt_tos)
            except ContentEndless:
                if self.transport is not None:
                    _say_last(self.transport, TOO_LARGE.encode() + LINE_END)
                raise asyncio.CancelledError from None
            self._reset_timeout()
            return await self._keep(envelope, content)

    async def _keep(self, envelope: Envelope, content: bytes) -> list[str]:
        session = self.session
        sender = "" if envelope.mail_from in {None, NULL_SENDER} else str(envelope.mail_from)
        delivery = Delivery(
            protocol="LMTP" if self.house.lmtp else "SMTP",
            host=self.house.name,
            peer=self._peer or "",
            helo=str(session.host_name or "") if session else "",
            sender=sender,
            content=content,
        )
        wanted = {address: _find(self.house, address) for address in envelope.rcpt_tos}
        takers: dict[UUID, tuple[LiveChannel, list[str]]] = {}
        for address, channels in wanted.items():
            for live in channels:
                takers.setdefault(live.id, (live, []))[1].append(address)
        kept = await keep_mail(self.house.journal, delivery, takers)
        # A channel that went between RCPT and here is like one that is away: the next try hears that it is unknown.
        stored = {address: bool(found) and all(kept[live.id] for live in found) for address, found in wanted.items()}
        if not self.house.lmtp:
            return [TAKEN if all(stored.values()) else AWAY]
        return [TAKEN if stored[address] else AWAY for address in envelope.rcpt_tos]


class LocalReception(Reception):
    """As above, for a mail server on our side: LHLO in place of EHLO."""

    async def smtp_LHLO(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """The greeting."""
        await super().smtp_EHLO(arg)

    async def smtp_HELO(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """There is none in LMTP."""
        await self.push("500 5.5.1 this is LMTP: say LHLO")

    async def smtp_EHLO(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """As above."""
        await self.push("500 5.5.1 this is LMTP: say LHLO")


class _Decisions:
    """What aiosmtpd asks us, in its form."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """One of our addresses, or nobody."""
        if not self._house.directory.known():
            return AWAY
        if not _find(self._house, address):
            return UNKNOWN
        if address in envelope.rcpt_tos:
            return "250 2.1.5 named already"
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return TOO_MANY
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"


def _find(house: House, address: str) -> list[LiveChannel]:
    return list(find_takers(address, house.directory.all_channels(), house.adapters))


def _address_of(transport: asyncio.BaseTransport) -> str | None:
    name = transport.get_extra_info("peername")
    return str(name[0]) if isinstance(name, tuple) else None


def _say_last(transport: asyncio.BaseTransport, words: bytes) -> None:
    if not transport.is_closing():
        transport.write(words)  # type: ignore[attr-defined]  # a TCP or Unix one, of whichever loop
        transport.close()
