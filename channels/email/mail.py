"""A mail as it was read: headers decoded, bodies chosen, files listed. Nothing of it is believed yet."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec


class Mailbox(msgspec.Struct, kw_only=True, frozen=True):
    """An address of a header (RFC 5322 3.4): `address` is the addr-spec with the domain in lower case."""

    address: str
    name: str | None = None


class MailFile(msgspec.Struct, kw_only=True, frozen=True):
    """A part that is a file. `path` is its place in the tree, "1.2", by which it is found again; `size` in bytes.

    `media_type` is the sender's claim; `content_id` is without angle brackets.
    """

    path: str
    name: str | None
    media_type: str
    size: int
    disposition: Literal["attachment", "inline"]
    content_id: str | None = None
    alt: str | None = None


class ReportPart(msgspec.Struct, kw_only=True, frozen=True):
    """A part for machines: a delivery status, a feedback report, returned headers, a calendar, a mail within the mail.

    Of the last only the beginning is here, it is a file as well. `content` is without its transfer encoding, still in
    the sender's charset.
    """

    media_type: str
    parameters: dict[str, str]
    content: bytes


class Mail(msgspec.Struct, kw_only=True, frozen=True):
    """One mail. Ids are without angle brackets and never empty; `references` are the oldest first.

    `headers` are all of them in their order, names in lower case, values decoded, unfolded and without control
    characters. `senders` are the mailboxes of From: whoever believes a sender asks for exactly one, and for
    `clean_from`, which says that the header had nothing else in it and stood there once. `text` and `html` are the
    best of each kind, of all their parts joined where a body goes on after an inline file. `whole_html` is there where
    plain parts stand beside the HTML and are no other form of it (a list's footer, words after a picture): it holds
    both, and who shows `html` alone would lose words. `media_type` is the root's, `reports` are parts for machines.
    `flags` are stable words for what was odd: "bad_charset", "bad_encoding", "bad_header", "bad_structure",
    "encrypted", "no_date", "signed_opaque", "too_many_parts", "too_deep", "too_many_ids", "too_many_recipients",
    "truncated". A sender who gave only a local part has an address without `@`, and never a clean From.
    """

    headers: list[tuple[str, str]]
    media_type: str
    parameters: dict[str, str] = {}
    senders: list[Mailbox] = []
    clean_from: bool = False
    reply_to: list[Mailbox] = []
    to: list[Mailbox] = []
    cc: list[Mailbox] = []
    bcc: list[Mailbox] = []
    subject: str | None = None
    sent_at: datetime | None = None
    message_id: str | None = None
    in_reply_to: list[str] = []
    references: list[str] = []
    text: str | None = None
    html: str | None = None
    whole_html: str | None = None
    files: list[MailFile] = []
    reports: list[ReportPart] = []
    flags: list[str] = []

    def values(self, name: str) -> list[str]:
        """All values of a header, the topmost first."""
        return [value for found, value in self.headers if found == name]

    def value(self, name: str) -> str | None:
        """The topmost value of a header."""
        return next(iter(self.values(name)), None)
