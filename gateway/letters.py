"""A piece that goes as mail, made into the letter its adapter is handed."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from channels.contract import ChannelSettings, LetterOut, Quotation
from channels.parts import AnyPart
from gateway.handover import Ready
from gateway.runtime import Runtime
from inbox.conversations.entry import Author, Recipient
from inbox.conversations.letters.letter import StoredLetter
from inbox.conversations.letters.outgoing import MailIdentity, ReplyAddress, expiry_of, letter_of, quote_message
from inbox.conversations.letters.queries import find_quoted
from inbox.intake.batch import Acknowledgement, MailRules
from inbox.kit.clock import utc_now

_letter = msgspec.json.Decoder(StoredLetter).decode
_recipients = msgspec.json.Decoder(list[Recipient]).decode
_author = msgspec.json.Decoder(Author).decode
_parts = msgspec.json.Decoder(list[AnyPart]).decode


def mail_rules(runtime: Runtime) -> MailRules:
    """By what mails are put into conversations here, as the settings say."""
    settings = runtime.settings
    acknowledgement = Acknowledgement(
        subject=settings.mail_acknowledgement_subject,
        template=settings.mail_acknowledgement,
        hours=settings.mail_acknowledgement_hours,
        per_minute=settings.mail_acknowledgements_per_minute,
    )
    return MailRules(
        box=runtime.box,
        subject_window=timedelta(days=settings.mail_subject_days),
        acknowledgement=acknowledgement if settings.mail_acknowledgement else None,
    )


async def open_letter(runtime: Runtime, ready: Ready) -> LetterOut | None:
    """The letter of a piece; None where it does not go as mail."""
    piece, live = ready.piece, ready.live
    if live.medium != "email":
        return None
    stored = _letter(piece["letter"]) if piece["letter"] else StoredLetter()
    return letter_of(
        stored,
        _recipients(piece["recipients"]),
        author=_author(piece["author"]),
        ours=mail_identity(live.account.settings),
        box=runtime.box,
        reply=ReplyAddress(
            number=piece["number"],
            conversation_id=piece["conversation_id"],
            identity_id=piece["identity_id"],
            expires=expiry_of(utc_now(), days=runtime.settings.reply_address_days),
        ),
        quotation=await _quotation(stored),
    )


def mail_identity(settings: ChannelSettings) -> MailIdentity:
    """Who we are on a channel; one of somebody else's making may lack what ours have."""
    return MailIdentity(
        addresses=settings.addresses,
        signature=getattr(settings, "signature", None),
        reply_tags=bool(getattr(settings, "reply_tags", False)),
    )


async def _quotation(stored: StoredLetter) -> Quotation | None:
    row = await find_quoted(stored.quotes) if stored.quotes else None
    if row is None:
        return None
    parts, author = _parts(row["parts"]), _author(row["author"])
    return quote_message(parts, text=row["text"], author=author, written_at=row["occurred_at"])
