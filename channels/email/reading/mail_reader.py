"""From the bytes of a mail to what all others work with. Pure; no bytes make it fail."""

from __future__ import annotations

import re

from channels.email.mail import Mail, Mailbox
from channels.email.reading.addresses import read_mailboxes, read_senders
from channels.email.reading.bodies import gather_bodies, join_texts, join_whole
from channels.email.reading.dates import read_date
from channels.email.reading.files import find_file
from channels.email.reading.headers import Header
from channels.email.reading.limits import READ_LIMITS, ReadLimits
from channels.email.reading.message_ids import read_ids, read_message_id
from channels.email.reading.tree import split_mail
from channels.email.reading.words import decode_words

LEADING = frozenset({b"\xef", b"\r", b"\n", b" ", b"\t", b"F", b">"})
READ = frozenset({"from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references"})

VERBATIM = frozenset({"authentication-results", "arc-authentication-results", "dkim-signature", "return-path"})
"""Headers without encoded words by their grammar: hosts copy strangers' words into them, which must stay quoted."""

_BEFORE = re.compile(
    rb"(?:\xef\xbb\xbf)?[ \t\r\n]{0,200}(?:>?From [^\r\n]{0,500}\r?\n)?"
    rb"(?=(?:received|return-path|delivered-to|from|to|cc|date|subject|reply-to|sender|message-id|mime-version"
    rb"|content-[a-z-]{1,40}|(?:dkim|arc|x)-[!-9;-~]{1,100}|authentication-results)[ \t]{0,9}:)",
    re.IGNORECASE,
)


def read_mail(raw: bytes, *, limits: ReadLimits = READ_LIMITS) -> Mail:
    """A mail read: headers, words, files and reports. What is broken or beyond a limit is told by `flags`."""
    mail = trim_mail(raw)
    tree = split_mail(mail, limits)
    found = gather_bodies(mail, tree.root, limits)
    named = _Fields(tree.header, limits)
    sent_at = read_date(named.first("date"))
    flags = tree.flags | found.flags | (set() if sent_at else {"no_date"})
    senders, clean = read_senders(named.all("from"), limits.recipients)
    to, cc, bcc = named.recipients()
    references, in_reply_to = named.ids("references"), named.ids("in-reply-to")
    subject = named.first("subject")
    return Mail(
        headers=[(name, _decode_field(name, value)) for name, value in tree.header.fields],
        media_type=tree.root.media_type,
        parameters=tree.root.parameters,
        senders=senders,
        clean_from=clean and not (tree.header.broken or tree.header.cut or "from" in tree.header.dirty),
        reply_to=read_mailboxes(named.all("reply-to"), limits.recipients)[0],
        to=to,
        cc=cc,
        bcc=bcc,
        subject=None if subject is None else decode_words(subject),
        sent_at=sent_at,
        message_id=read_message_id(named.all("message-id")),
        in_reply_to=in_reply_to,
        references=references,
        text=join_texts(found.texts),
        html=join_texts(found.htmls),
        whole_html=join_whole(found),
        files=found.files,
        reports=found.reports,
        flags=sorted(flags | named.flags),
    )


def open_file(raw: bytes, path: str) -> bytes:
    """The content of a file of a mail by its `MailFile.path`, decoded; KeyError where there is none."""
    mail = trim_mail(raw)
    return find_file(mail, split_mail(mail, READ_LIMITS).root, path)


def trim_mail(raw: bytes) -> bytes:
    """The mail itself: without a byte order mark, blank lines and the "From " line of an mbox before it.

    A mail that has no line feed at all ends its lines by carriage returns.
    """
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    if raw[:1] in LEADING and (before := _BEFORE.match(raw)):
        return raw[before.end() :]
    return raw


def _decode_field(name: str, value: str) -> str:
    return decode_words(value) if "=?" in value and name not in VERBATIM else value


class _Fields:
    """The header by names, each value no longer than may be, with what was beyond a limit."""

    def __init__(self, header: Header, limits: ReadLimits) -> None:
        self.limits = limits
        self.flags: set[str] = set()
        self.named: dict[str, list[str]] = {}
        for name, value in header.fields:
            if name in READ:
                self.named.setdefault(name, []).append(value)

    def all(self, name: str) -> list[str]:
        """Every value of a name, the topmost first."""
        most = self.limits.field_chars
        return [value if len(value) <= most else value[:most] for value in self.named.get(name, ())]

    def first(self, name: str) -> str | None:
        """The topmost value."""
        return next(iter(self.all(name)), None)

    def ids(self, name: str) -> list[str]:
        """The ids of a field; of one that is too long the last ones count, too."""
        values = [_clip_middle(value, self.limits.field_chars) for value in self.named.get(name, ())]
        ids, many = read_ids(values, self.limits.ids)
        if many:
            self.flags.add("too_many_ids")
        return ids

    def recipients(self) -> tuple[list[Mailbox], list[Mailbox], list[Mailbox]]:
        """To, Cc and Bcc, together no more than may be."""
        room, found = self.limits.recipients, []
        for name in ("to", "cc", "bcc"):
            boxes, many = read_mailboxes(self.all(name), room)
            if many:
                self.flags.add("too_many_recipients")
            room -= len(boxes)
            found.append(boxes)
        return found[0], found[1], found[2]


def _clip_middle(value: str, most: int) -> str:
    return value if len(value) <= most else f"{value[: most // 2]} {value[-most // 2 :]}"
