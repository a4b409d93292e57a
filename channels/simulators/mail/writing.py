"""What customers' mail programs write: new mails and answers with the quote under them, as text and HTML, with files.

Every language has the line its programs put over a quote; the styles are those of common programs. Pure.
"""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from html import escape

import msgspec

from channels.simulators.mail.ledger import ReceivedMail

WROTE = {
    "ar": "في {date}، كتب {who}:",
    "da": "Den {date} skrev {who}:",
    "de": "Am {date} schrieb {who}:",
    "en": "On {date}, {who} wrote:",
    "es": "El {date}, {who} escribió:",
    "fr": "Le {date}, {who} a écrit :",
    "it": "Il giorno {date} {who} ha scritto:",
    "ja": "{date} {who}:",
    "nl": "Op {date} schreef {who}:",
    "pl": "{date} {who} napisał(a):",
    "pt": "Em {date}, {who} escreveu:",
    "ru": "{date}, {who} пишет:",
    "sv": "Den {date} skrev {who}:",
    "zh": "{who} 于{date}写道：",
}
RTL = {"ar"}
ANSWERED = "Re: "


class DraftFile(msgspec.Struct, kw_only=True, frozen=True):
    """A file somebody attaches."""

    name: str
    media_type: str
    content: bytes


class Draft(msgspec.Struct, kw_only=True, frozen=True):
    """What somebody wants to send. `answering` is the mail of ours that is quoted under it; `html` sends both forms."""

    sender: str
    to: str
    text: str
    name: str | None = None
    subject: str = ""
    language: str = "en"
    html: bool = True
    files: tuple[DraftFile, ...] = ()
    cc: tuple[str, ...] = ()
    answering: ReceivedMail | None = None
    quote: bool = True


def write_mail(draft: Draft, *, message_id: str, now: datetime) -> bytes:
    """The mail as it leaves the customer's program. `message_id` is without angle brackets."""
    mail = EmailMessage(policy=SMTP if _is_ascii(draft) else SMTPUTF8)
    mail["From"] = _mailbox(draft.sender, draft.name)
    mail["To"] = _mailbox(draft.to, None)
    if draft.cc:
        mail["Cc"] = [_mailbox(address, None) for address in draft.cc]
    mail["Subject"] = subject_of(draft)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message_id}>"
    if draft.answering is not None:
        mail["In-Reply-To"] = f"<{draft.answering.message_id}>"
        mail["References"] = " ".join(f"<{one}>" for one in [*draft.answering.references, draft.answering.message_id])
    mail.set_content(_text(draft, now))
    if draft.html:
        mail.add_alternative(_html(draft, now), subtype="html")
    for file in draft.files:
        main, _, sub = file.media_type.partition("/")
        mail.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    return mail.as_bytes()


def _is_ascii(draft: Draft) -> bool:
    return all(address.isascii() for address in (draft.sender, draft.to, *draft.cc))


def _mailbox(address: str, name: str | None) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(display_name=name or "", username=local, domain=domain)


def subject_of(draft: Draft) -> str:
    """The subject it goes out with."""
    if draft.answering is None or draft.subject:
        return draft.subject
    before = draft.answering.subject
    return before if before.startswith(ANSWERED) else ANSWERED + before


def _text(draft: Draft, now: datetime) -> str:
    lines = [draft.text]
    if draft.answering is not None and draft.quote:
        quoted = "\n".join(f"> {line}".rstrip() for line in draft.answering.text.splitlines())
        lines += ["", _wrote(draft, now), quoted]
    return "\n".join(lines) + "\n"


def _html(draft: Draft, now: datetime) -> str:
    direction = "rtl" if draft.language in RTL else "ltr"
    words = _paragraphs(draft.text)
    quote = ""
    if draft.answering is not None and draft.quote:
        before = draft.answering.html or _paragraphs(draft.answering.text)
        quote = (
            f'<br><div class="gmail_quote"><div dir="{direction}" class="gmail_attr">{escape(_wrote(draft, now))}<br>'
            f'</div><blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px #ccc solid;'
            f'padding-left:1ex">{before}</blockquote></div>'
        )
    return f'<html><body><div dir="{direction}">{words}</div>{quote}</body></html>'


def _wrote(draft: Draft, now: datetime) -> str:
    answered = draft.answering
    who = f"<{answered.sender}>" if answered else ""
    return WROTE.get(draft.language, WROTE["en"]).format(date=now.strftime("%Y-%m-%d %H:%M"), who=who)


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(block)}</p>".replace("\n", "<br>") for block in text.split("\n\n") if block)
