"""What only mail says, as it is kept with an entry, and what may be asked of a mail that we write. Plain data."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from channels.events import Authentication, Letter

MatchKind: TypeAlias = Literal[
    "reply_address", "message_id", "late_parent", "copy", "shared_parent", "subject", "open_conversation", "new"
]
Nature: TypeAlias = Literal["person", "auto_reply", "list", "bulk"]

JOINERS = "\u200c\u200d"
"""Invisible, and part of how Persian and families of emoji are written."""
ID_CHARS_MIN = 3
ID_CHARS_MAX = 400
KEPT_IDS_MAX = 100
"""The most references that are kept of one mail."""
SUBJECT_CHARS = 500
"""What is kept and shown of a subject; the wire allows more."""


class ThreadMatch(msgspec.Struct, kw_only=True, frozen=True):
    """Why a mail is in this conversation: the rule that decided, and a sentence for people."""

    by: MatchKind
    because: Annotated[str, msgspec.Meta(examples=["it answers a mail that we sent"])]


class StoredLetter(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The `letter` of an entry. Message-IDs are without angle brackets, `references` the oldest first.

    Inbound, `match` says why it is here. Outbound, `automatic` is what nobody wrote, and `quotes` the entry that is
    quoted under it; `message_id` is absent, since each try of a delivery has its own.
    """

    subject: str | None = None
    message_id: str | None = None
    in_reply_to: list[str] = []
    references: list[str] = []
    nature: Nature = "person"
    authentication: Authentication | None = None
    flags: list[str] = []
    match: ThreadMatch | None = None
    automatic: bool = False
    quotes: UUID | None = None


class MailOptions(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What a message says that only mail can: None and empty where it is left to the conversation.

    `cc` and `bcc` are addresses as they are written to; `reply_all` adds everybody who takes part, `quote` puts the
    answered mail under the answer. `automatic` is what nobody wrote.
    """

    subject: str | None = None
    cc: list[str] = []
    bcc: list[str] = []
    reply_all: bool = False
    quote: bool = False
    automatic: bool = False


class MailChange(msgspec.Struct, kw_only=True, frozen=True):
    """What to change of it; UNSET stays."""

    subject: str | msgspec.UnsetType | None = msgspec.UNSET
    cc: list[str] | msgspec.UnsetType = msgspec.UNSET
    bcc: list[str] | msgspec.UnsetType = msgspec.UNSET
    reply_all: bool | msgspec.UnsetType = msgspec.UNSET
    quote: bool | msgspec.UnsetType = msgspec.UNSET


def change_mail(options: MailOptions | None, change: MailChange) -> MailOptions | None:
    """What is asked of a mail with the change put to it; None where nothing is left of it."""
    fields = {name: getattr(change, name) for name in change.__struct_fields__}
    given = {name: value for name, value in fields.items() if value is not msgspec.UNSET}
    changed = msgspec.structs.replace(options or MailOptions(), **given)
    return None if changed == MailOptions() else changed


def read_mail_options(stored: str | None) -> MailOptions | None:
    """What is asked of a mail, as it lies in the database."""
    return msgspec.json.decode(stored, type=MailOptions) if stored else None


def keep_letter(letter: Letter, match: ThreadMatch) -> StoredLetter:
    """What is kept of a mail that came in."""
    return StoredLetter(
        subject=tidy_subject(letter.subject),
        message_id=letter.message_id if is_message_id(letter.message_id) else None,
        in_reply_to=_kept_ids(letter.in_reply_to),
        references=_kept_ids(letter.references),
        nature=letter.nature,
        authentication=letter.authentication,
        flags=letter.flags,
        match=match,
    )


def is_message_id(text: str | None) -> bool:
    """Whether this can be the name of one mail."""
    if text is None or not ID_CHARS_MIN <= len(text) <= ID_CHARS_MAX:
        return False
    return text.isprintable() and not any(char in "<> \t" for char in text)


def tidy_subject(subject: str | None) -> str | None:
    """A stranger's subject on one line and without what cannot be seen; None where nothing is left."""
    visible = "".join(map(_visible, (subject or "")[: 4 * SUBJECT_CHARS]))
    return " ".join(visible.split())[:SUBJECT_CHARS].strip() or None


def _visible(char: str) -> str:
    """The character; a space for a line end and the like, nothing for marks that turn text about."""
    if char.isprintable() or char in JOINERS:
        return char
    return "" if unicodedata.category(char) == "Cf" else " "


def _kept_ids(ids: list[str]) -> list[str]:
    known = [one for one in ids if is_message_id(one)]
    return known if len(known) <= KEPT_IDS_MAX else [known[0], *known[1 - KEPT_IDS_MAX :]]
