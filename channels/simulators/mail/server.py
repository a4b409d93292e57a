"""The customers' mail server: takes what we send, shows it to them, and misbehaves on demand."""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
import time
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from types import TracebackType
from typing import Any, Literal, TypeAlias

import msgspec
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from channels.simulators.faults import Chance, Seconds, choose_pause
from channels.simulators.mail.ledger import MailLedger, ReceivedMail, WrittenMail, read_received
from channels.simulators.mail.posting import Carrier, PostOffice
from channels.simulators.mail.writing import Draft, subject_of, write_mail

HOST = "127.0.0.1"
LEAVE_SECONDS = 0.05
"""Between the word that it leaves and that it is gone."""
MAX_BYTES = 50_000_000

MailFault: TypeAlias = Literal["none", "defer", "leave", "fail", "refuse", "cut", "drop"]
"""What happens to one mail.

defer: 450 to the recipient; leave: 421 and closed; fail: 451 after the content, nothing taken; refuse: 550 after the
content; cut: closed after the content, nothing taken; drop: taken, then closed without an answer.
"""
ANSWERS: dict[MailFault, str] = {
    "fail": "451 4.3.0 try again",
    "refuse": "550 5.7.1 we do not like it",
}


class MailFaults(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Everything that may go wrong; chances are 0-1 for each mail. `next_mails` happens first, one entry a mail."""

    answer_delay: Seconds = 0
    deferred: Chance = 0
    leaving: Chance = 0
    failing: Chance = 0
    cut: Chance = 0
    dropped: Chance = 0
    next_mails: list[MailFault] = []
    refused: dict[str, str] = {}  # recipient -> the answer to it


class ServerLooks(msgspec.Struct, kw_only=True, frozen=True):
    """How the server presents itself. `users` are those it lets log in; it asks for that where there are any.

    `tokens` are access tokens by user, for XOAUTH2. `tls` secures the connection from its first byte, `starttls` on
    request.
    """

    users: dict[str, str] = {}
    tokens: dict[str, str] = {}
    tls: ssl.SSLContext | None = None
    starttls: ssl.SSLContext | None = None
    utf8: bool = True
    max_bytes: int = MAX_BYTES


class MailSimulator:
    """The server's whole state, and the customers who read and write there. The same `seed` makes the same faults.

    `log` has the commands it heard, without their arguments, in order.
    """

    def __init__(self, *, faults: MailFaults | None = None, looks: ServerLooks | None = None, seed: int = 7) -> None:
        self.faults = faults or MailFaults()
        self.looks = looks or ServerLooks()
        self.ledger = MailLedger()
        self.log: list[str] = []
        self.connections = 0
        self._dice = Random(seed)
        self._carriers: dict[PostOffice, Carrier] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def write_in(self, draft: Draft, office: PostOffice, *, wait: bool = True) -> WrittenMail:
        """A customer writes to us; by default it returns when the mail was taken, refused or given up."""
        message_id = f"{secrets.token_hex(8)}@{draft.sender.rpartition('@')[2]}"
        mail = WrittenMail(
            message_id=message_id,
            sender=draft.sender,
            to=draft.to,
            text=draft.text,
            subject=subject_of(draft),
            at=time.time(),
        )
        self.ledger.record_written(mail)
        content = write_mail(draft, message_id=message_id, now=datetime.now(UTC))
        task = asyncio.create_task(self._carrier(office).carry(mail, content))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if wait:
            await task
        return mail

    def watch_inbox(self, address: str | None = None) -> InboxWatch:
        """Mails as they reach this customer, or any: `with ... as mails: async for mail in mails`."""
        return InboxWatch(self.ledger, address)

    @property
    def under_way(self) -> int:
        """How many mails of customers are not handed in yet."""
        return len(self._tasks)

    async def aclose(self) -> None:
        """Stop: what is on its way to us stays where it is."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def choose_fault(self) -> MailFault:
        """What happens to this mail; uses up the first forced fault."""
        faults = self.faults
        if faults.next_mails:
            return faults.next_mails.pop(0)
        chances: tuple[tuple[MailFault, float], ...] = (
            ("defer", faults.deferred),
            ("leave", faults.leaving),
            ("fail", faults.failing),
            ("cut", faults.cut),
            ("drop", faults.dropped),
        )
        return next((fault for fault, chance in chances if chance and self._dice.random() < chance), "none")

    async def pause(self) -> None:
        """As long as this server takes to answer."""
        if self.faults.answer_delay:
            await asyncio.sleep(choose_pause(self._dice, self.faults.answer_delay))

    def take_mail(self, envelope: Envelope) -> None:
        """It is theirs now."""
        content = envelope.original_content or b""
        sender, recipients = envelope.mail_from or "", list(envelope.rcpt_tos)
        self.ledger.record_mail(read_received(content, envelope_from=sender, recipients=recipients, at=time.time()))

    def _carrier(self, office: PostOffice) -> Carrier:
        return self._carriers.setdefault(office, Carrier(office))


class InboxWatch:
    """An endless asynchronous iterator over arrivals, from the moment the `with` block is entered."""

    def __init__(self, ledger: MailLedger, address: str | None) -> None:
        self._ledger = ledger
        self._address = address
        self._queue: asyncio.Queue[ReceivedMail] = asyncio.Queue()

    def __enter__(self) -> InboxWatch:
        self._ledger.on_arrival.append(self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ledger.on_arrival.remove(self._take)

    def __aiter__(self) -> InboxWatch:
        return self

    async def __anext__(self) -> ReceivedMail:
        return await self._queue.get()

    def _take(self, mail: ReceivedMail) -> None:
        if self._address is None or self._address in mail.recipients:
            self._queue.put_nowait(mail)


@asynccontextmanager
async def serve_mail(simulator: MailSimulator, *, port: int = 0) -> AsyncIterator[int]:
    """The server on a loopback port, by default a free one, for as long as the block lasts."""
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd tells each command there
    loop = asyncio.get_running_loop()
    open_ones: set[_Conversation] = set()

    def meet() -> _Conversation:
        conversation = _Conversation(simulator, open_ones)
        open_ones.add(conversation)
        return conversation

    server = await loop.create_server(meet, HOST, port, ssl=simulator.looks.tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for conversation in list(open_ones):
            conversation.hang_up()
        await server.wait_closed()
        await simulator.aclose()


class _Conversation(SMTP):
    """One connection to the server."""

    def __init__(self, simulator: MailSimulator, open_ones: set[_Conversation]) -> None:
        looks = simulator.looks
        super().__init__(
            _Host(simulator),
            data_size_limit=looks.max_bytes,
            enable_SMTPUTF8=looks.utf8,
            hostname="mx.customers.example",
            ident="ESMTP",
            tls_context=looks.starttls,
            auth_required=bool(looks.users or looks.tokens),
            authenticator=_let_in(looks.users) if looks.users else None,
            auth_exclude_mechanism=_closed_ways(looks),
            loop=asyncio.get_running_loop(),
        )
        self._auth_require_tls = looks.tls is None  # aiosmtpd sees no TLS that was there before it
        self._simulator = simulator
        self._open_ones = open_ones
        simulator.connections += 1

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        self._open_ones.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        """Close without a word."""
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]  # a TCP one, of whichever loop

    async def _call_handler_hook(self, command: str, *args: Any) -> Any:
        self._simulator.log.append(command)
        return await super()._call_handler_hook(command, *args)


class _Host:
    """The decisions of the server, in aiosmtpd's form."""

    def __init__(self, simulator: MailSimulator) -> None:
        self._simulator = simulator
        self._fault: MailFault = "none"

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: _Conversation, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """From here on the fault of this mail is settled."""
        self._fault = self._simulator.choose_fault()
        if self._fault == "leave":
            asyncio.get_running_loop().call_later(LEAVE_SECONDS, server.hang_up)
            return "421 4.3.2 closing"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: _Conversation, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Somebody of ours, or not."""
        refusal = self._simulator.faults.refused.get(address)
        if refusal:
            return refusal
        if self._fault == "defer":
            return "450 4.7.1 greylisted, come back"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: _Conversation, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The mail is here: take it, or do what the fault says."""
        await self._simulator.pause()
        if self._fault in ANSWERS:
            return ANSWERS[self._fault]
        if self._fault != "cut":
            self._simulator.take_mail(envelope)
        if self._fault in {"cut", "drop"}:
            server.hang_up()
        return "250 2.0.0 taken"

    async def auth_XOAUTH2(self, server: _Conversation, arguments: list[str]) -> AuthResult:  # noqa: N802
        """An access token in place of a password; why it is refused is said before that it is."""
        self._simulator.log.append("AUTH")
        user, token = _read_token(arguments[1])
        if self._simulator.looks.tokens.get(user) == token:
            return AuthResult(success=True)
        await server.challenge_auth('{"status":"401","schemes":"bearer"}')
        return AuthResult(success=False, handled=False, message="535 5.7.8 not accepted")


def _closed_ways(looks: ServerLooks) -> list[str]:
    """The ways to log in that it does not offer."""
    return [*([] if looks.users else ["LOGIN", "PLAIN"]), *([] if looks.tokens else ["XOAUTH2"])]


def _read_token(response: str) -> tuple[str, str]:
    """User and token of "user=...^Aauth=Bearer ...^A^A"."""
    fields = dict(part.partition("=")[::2] for part in b64decode(response).decode().split("\x01") if part)
    return fields.get("user", ""), fields.get("auth", "").removeprefix("Bearer ")


def _let_in(users: dict[str, str]) -> Any:
    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and users.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=known, handled=False, message=None if known else "535 5.7.8 wrong")

    return authenticate
