"""What goes out as mail, as the adapter is handed it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from channels.contract import LetterOut, Quotation
from channels.events import Address
from channels.parts import AnyPart, Html, plain_text
from inbox.conversations.canned.templates import TemplateInvalid, compile_template, fill_template
from inbox.conversations.entry import Author, Recipient
from inbox.conversations.letters.letter import StoredLetter
from inbox.conversations.letters.tags import sign_reply_address
from inbox.kit.secrets import SecretBox

QUOTED_CHARS = 100_000
"""What is quoted of one message at most."""


class MailIdentity(msgspec.Struct, kw_only=True, frozen=True):
    """Who we are on a channel of mail: our addresses, the one we write from first, and how we sign."""

    addresses: Sequence[str]
    signature: str | None = None
    reply_tags: bool = True


class ReplyAddress(msgspec.Struct, kw_only=True, frozen=True):
    """What a reply address stands for, and until when."""

    number: int
    conversation_id: UUID
    identity_id: UUID
    expires: datetime


def letter_of(
    stored: StoredLetter,
    recipients: Sequence[Recipient],
    *,
    author: Author,
    ours: MailIdentity,
    box: SecretBox,
    reply: ReplyAddress,
    quotation: Quotation | None = None,
) -> LetterOut:
    """A stored letter with all that is settled only when it goes: reply address, signature, quotation."""
    reply_to = _reply_to(ours, box, reply) if ours.reply_tags and not stored.automatic else None
    return LetterOut(
        subject=stored.subject or "",
        cc=_addresses(recipients, "cc"),
        bcc=_addresses(recipients, "bcc"),
        reply_to=reply_to,
        in_reply_to=stored.in_reply_to[-1] if stored.in_reply_to else None,
        references=list(stored.references),
        automatic=stored.automatic,
        signature=sign_off(ours.signature, author),
        quotation=quotation,
    )


def sign_off(signature: str | None, author: Author) -> str | None:
    """The channel's signature in its author's name: `{{ agent.name }}` and `{{ agent.first_name }}` are filled in."""
    if not signature or "{" not in signature:
        return signature or None
    name = author.name or ""
    try:
        values = {"agent.name": name, "agent.first_name": name.partition(" ")[0]}
        return fill_template(compile_template(signature), values, format_="plain").text.strip() or None
    except TemplateInvalid:
        return signature  # braces that are no template


def quote_message(parts: Sequence[AnyPart], *, text: str, author: Author, written_at: datetime) -> Quotation:
    """A message as it is put under an answer: its own words, not what it quoted itself."""
    html = "".join(part.html for part in parts if isinstance(part, Html)) or None
    words = plain_text([part for part in parts if not isinstance(part, Html)]) or text
    return Quotation(
        text=words[:QUOTED_CHARS],
        html=html if html and len(html) <= QUOTED_CHARS else None,
        author=author.name or author.address or "",
        written_at=written_at,
    )


def expiry_of(now: datetime, *, days: int) -> datetime:
    """Until when a reply address that is made now finds its conversation."""
    return now + timedelta(days=days)


def _reply_to(ours: MailIdentity, box: SecretBox, reply: ReplyAddress) -> str | None:
    if not ours.addresses:
        return None
    return sign_reply_address(
        box, ours.addresses[0], number=reply.number, conversation_id=reply.conversation_id,
        identity_id=reply.identity_id, expires=reply.expires,
    )  # fmt: skip


def _addresses(recipients: Sequence[Recipient], role: str) -> list[Address]:
    return [Address(kind="email", value=one.address) for one in recipients if one.role == role]
