"""What the customers' mail server took, and what customers wrote: the record a checker compares with ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import msgspec

KEPT_MAILS = 100_000
"""Mails of each direction, the oldest are forgotten first."""


class ReceivedFile(msgspec.Struct, kw_only=True, frozen=True):
    """A file in a mail: `size` in bytes, decoded."""

    name: str | None
    media_type: str
    size: int


class ReceivedMail(msgspec.Struct, kw_only=True, frozen=True):
    """A mail of ours as a customer's program shows it. Ids are without angle brackets, `at` is Unix time."""

    message_id: str
    envelope_from: str
    recipients: list[str]
    at: float
    subject: str = ""
    sender: str = ""
    reply_to: str | None = None
    in_reply_to: str | None = None
    references: list[str] = []
    text: str = ""
    html: str | None = None
    files: list[ReceivedFile] = []
    automatic: bool = False
    content: bytes = b""

    @property
    def answer_to(self) -> str:
        """The address an answer goes to."""
        return self.reply_to or self.sender


class WrittenMail(msgspec.Struct, kw_only=True):
    """A mail a customer wrote: `acknowledged` says that our side answered 250, `attempts` how often it was tried.

    `at` is Unix time.
    """

    message_id: str
    sender: str
    to: str
    text: str
    subject: str = ""
    at: float = 0
    acknowledged: bool = False
    refused: str | None = None
    attempts: int = 0

    @property
    def sid(self) -> str:
        """Its name in a timeline."""
        return self.message_id


class MailLedger:
    """All mails in the order they were taken. `copies` counts how often each Message-ID came, to each recipient."""

    def __init__(self) -> None:
        self.accepted: list[ReceivedMail] = []
        self.inbound: list[WrittenMail] = []
        self.copies: Counter[tuple[str, str]] = Counter()
        self.on_arrival: list[Callable[[ReceivedMail], None]] = []

    def record_mail(self, mail: ReceivedMail) -> None:
        """Enter what was taken, and tell the watchers."""
        self.accepted.append(mail)
        del self.accepted[:-KEPT_MAILS]
        self.copies.update((mail.message_id, recipient) for recipient in mail.recipients)
        for callback in list(self.on_arrival):
            callback(mail)

    def record_written(self, mail: WrittenMail) -> None:
        """Enter what a customer wrote."""
        self.inbound.append(mail)
        del self.inbound[:-KEPT_MAILS]

    @property
    def doubled(self) -> int:
        """How many mails came to somebody more than once."""
        return sum(count - 1 for count in self.copies.values())

    def outbox_of(self, address: str) -> list[WrittenMail]:
        """What somebody wrote, the oldest first."""
        return [mail for mail in self.inbound if mail.sender == address]

    def inbox_of(self, address: str) -> list[ReceivedMail]:
        """What came to one address, the oldest first."""
        return [mail for mail in self.accepted if address in mail.recipients]


def read_received(content: bytes, *, envelope_from: str, recipients: list[str], at: float) -> ReceivedMail:
    """A mail as the customer's program reads it."""
    parsed = message_from_bytes(content, policy=default)
    if not isinstance(parsed, EmailMessage):
        raise TypeError("the policy makes another kind of message")
    files = [_file(part) for part in parsed.walk() if part.get_filename() or part.get_content_disposition()]
    reply_to = _addresses(parsed, "reply-to")
    return ReceivedMail(
        message_id=_id(parsed["message-id"]),
        envelope_from=envelope_from,
        recipients=recipients,
        at=at,
        subject=_utf8(str(parsed["subject"] or "")),
        sender=next(iter(_addresses(parsed, "from")), ""),
        reply_to=next(iter(reply_to), None),
        in_reply_to=_id(parsed["in-reply-to"]) or None,
        references=[_id(word) for word in str(parsed["references"] or "").split()],
        text=_body(parsed, "plain").replace("\r\n", "\n").strip(),
        html=_body(parsed, "html") or None,
        files=files,
        automatic=str(parsed["auto-submitted"] or "no").lower() != "no",
        content=content,
    )


def _id(value: object) -> str:
    return str(value or "").strip().strip("<>")


def _addresses(parsed: EmailMessage, name: str) -> list[str]:
    header = parsed[name]
    return [_utf8(address.addr_spec) for address in header.addresses] if header is not None else []


def _utf8(text: str) -> str:
    """A header in plain UTF-8 (RFC 6532), of which the standard library keeps the bytes as surrogates."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _body(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def _file(part: EmailMessage) -> ReceivedFile:
    payload = part.get_payload(decode=True)
    size = len(payload) if isinstance(payload, bytes) else 0
    return ReceivedFile(name=part.get_filename(), media_type=part.get_content_type(), size=size)
