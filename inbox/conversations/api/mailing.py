"""What may be asked of a message that goes as mail, as the API speaks of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import msgspec

from inbox.contacts.matching import MAX_ADDRESS_CHARS, normalise_address
from inbox.conversations.letters.letter import SUBJECT_CHARS, MailChange, MailOptions
from inbox.kit.errors import FieldError, Problem

COPIES_MAX = 50
"""The most addresses of `cc`, and of `bcc`."""
ONE_LINE = r"^[^\x00-\x1f\x7f]+(?![\s\S])"

MailSubject: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=SUBJECT_CHARS,
        pattern=ONE_LINE,
        description="The subject, where it is not to be the conversation's. Only mail has one.",
        examples=["Order 8841 late"],
    ),
]
CopyAddress: TypeAlias = Annotated[
    str,
    msgspec.Meta(min_length=3, max_length=MAX_ADDRESS_CHARS, pattern=ONE_LINE, examples=["ben@example.org"]),
]
Copies: TypeAlias = Annotated[
    list[CopyAddress],
    msgspec.Meta(max_length=COPIES_MAX, description="Mail addresses that get a copy; they take part from then on."),
]
ReplyAll: TypeAlias = Annotated[
    bool,
    msgspec.Meta(description="Also to all who take part and were vouched for. Without it only the contact gets it."),
]
Quote: TypeAlias = Annotated[bool, msgspec.Meta(description="Put the answered mail under the answer.")]


class MailAsked(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What only mail can do; by another channel a message with any of it is refused."""

    subject: MailSubject | None = None
    cc: Copies = []
    bcc: Copies = []
    reply_all: ReplyAll = False
    quote: Quote = False


class MailPatch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The same, of a message that is being written: what is absent stays."""

    subject: MailSubject | msgspec.UnsetType | None = msgspec.UNSET
    cc: Copies | msgspec.UnsetType = msgspec.UNSET
    bcc: Copies | msgspec.UnsetType = msgspec.UNSET
    reply_all: ReplyAll | msgspec.UnsetType = msgspec.UNSET
    quote: Quote | msgspec.UnsetType = msgspec.UNSET


class MailShown(msgspec.Struct, kw_only=True, frozen=True):
    """What is asked of a message where it goes as mail."""

    subject: str | None
    cc: Annotated[list[str], msgspec.Meta(examples=[["ben@example.org"]])]
    bcc: Annotated[list[str], msgspec.Meta(examples=[[]])]
    reply_all: Annotated[bool, msgspec.Meta(examples=[False])]
    quote: Annotated[bool, msgspec.Meta(examples=[False])]


def read_mail_asked(asked: MailAsked) -> MailOptions | None:
    """What is asked of a mail, its addresses as they are written to; None where nothing is."""
    options = MailOptions(
        subject=asked.subject,
        cc=_spelled(asked.cc, "/cc"),
        bcc=_spelled(asked.bcc, "/bcc"),
        reply_all=asked.reply_all,
        quote=asked.quote,
    )
    return None if options == MailOptions() else options


def read_mail_change(asked: MailPatch) -> MailChange:
    """What is to be changed of it."""
    return MailChange(
        subject=asked.subject,
        cc=asked.cc if asked.cc is msgspec.UNSET else _spelled(asked.cc, "/cc"),
        bcc=asked.bcc if asked.bcc is msgspec.UNSET else _spelled(asked.bcc, "/bcc"),
        reply_all=asked.reply_all,
        quote=asked.quote,
    )


def mail_shown(options: MailOptions | None) -> dict[str, Any]:
    """The fields of `MailShown`."""
    known = options or MailOptions()
    return {name: getattr(known, name) for name in MailShown.__struct_fields__}


def _spelled(addresses: Sequence[str], pointer: str) -> list[str]:
    spelled = []
    for index, address in enumerate(addresses):
        try:
            spelled.append(normalise_address("email", address, default_country=None))
        except ValueError as wrong:
            error = FieldError(pointer=f"{pointer}/{index}", code="invalid_address", detail=str(wrong))
            raise Problem("invalid_address", f"{pointer}/{index}: {wrong}", errors=[error]) from None
    return spelled
