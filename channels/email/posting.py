"""A composed mail taken apart again, for providers that take fields and not the mail itself. Pure.

One composer makes what leaves by SMTP and by any API, so that a letter looks the same whichever way it goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import msgspec

from channels.email.mail import Mailbox

STATED = frozenset(
    {
        "from", "to", "cc", "bcc", "reply-to", "subject", "date", "mime-version", "content-type", "sender",
        "content-transfer-encoding", "content-disposition", "content-id", "dkim-signature", "received", "return-path",
    }
)  # fmt: skip
"""Headers that have fields of their own, or are the provider's to make."""


class PostedFile(msgspec.Struct, kw_only=True, frozen=True):
    """A file; one with a `content_id` (without angle brackets) is inline."""

    name: str
    media_type: str
    content: bytes
    content_id: str | None = None


class PostedMail(msgspec.Struct, kw_only=True, frozen=True):
    """A mail in fields. `headers` are those without a field of their own, Message-ID and References among them."""

    sender: Mailbox
    to: list[Mailbox]
    cc: list[Mailbox]
    reply_to: list[Mailbox]
    subject: str
    headers: list[tuple[str, str]]
    text: str
    html: str | None
    files: list[PostedFile]


def take_apart(mime: bytes) -> PostedMail:
    """The fields of a mail that we composed ourselves."""
    mail = message_from_bytes(mime, EmailMessage, policy=SMTP)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    files = [part for part in _leaves(mail) if part is not text and part is not html]
    return PostedMail(
        sender=_mailboxes(mail, "From")[0],
        to=_mailboxes(mail, "To"),
        cc=_mailboxes(mail, "Cc"),
        reply_to=_mailboxes(mail, "Reply-To"),
        subject=str(mail.get("Subject", "")),
        headers=[(name, str(value)) for name, value in mail.items() if name.lower() not in STATED],
        text=text.get_content() if text else "",
        html=html.get_content() if html else None,
        files=[_file(part, number) for number, part in enumerate(files, 1)],
    )


def _mailboxes(mail: EmailMessage, name: str) -> list[Mailbox]:
    header = mail.get(name)
    return [] if header is None else [
        Mailbox(address=one.addr_spec, name=one.display_name or None) for one in header.addresses
    ]  # fmt: skip


def _leaves(part: EmailMessage) -> Iterator[EmailMessage]:
    """The parts that are no multipart; a mail within the mail is one, and not opened."""
    if part.get_content_maintype() != "multipart":
        yield part
        return
    for inner in part.iter_parts():
        if isinstance(inner, EmailMessage):
            yield from _leaves(inner)


def _file(part: EmailMessage, number: int) -> PostedFile:
    return PostedFile(
        name=part.get_filename() or f"file-{number}",
        media_type=part.get_content_type(),
        content=_content(part),
        content_id=str(part.get("Content-ID", "")).strip("<> ") or None,
    )


def _content(part: EmailMessage) -> bytes:
    if part.get_content_maintype() == "message":
        return b"".join(bytes(inner) for inner in part.iter_parts())
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
