"""Failures told in plain words, by servers that know no standard for it or came before it. Pure.

The reader takes the text up to the returned mail, finds the lines that name a recipient, and keeps what stands behind
each up to the next as its reason. The forms differ in their words (`notice_forms`), hardly in this layout.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from channels.email.kinds.bounce import ADDRESS, MAX_BOUNCES, MAX_DIAGNOSTIC_CHARS, Action, Bounce, clean_address
from channels.email.kinds.codes import find_meaning
from channels.email.kinds.notice_forms import (
    DELAYS,
    OPENINGS,
    RECIPIENT_WORDS,
    RETURNED_MARKS,
    SENDER_STARTS,
    SENDERS,
)
from channels.email.kinds.originals import read_returned_headers
from channels.email.kinds.statuses import SMTP_CODE, STATUS, make_bounce
from channels.email.mail import Mail

MAX_NOTICE_CHARS = 20_000
MAX_NOTICE_LINES = 600
MAX_LINE_CHARS = 2_000
MAX_HTML_CHARS = 400_000
MAX_PARAGRAPHS = 40
_TAG = re.compile(r"<[^<>]{0,2000}>")
_HIDDEN = re.compile(r"(?i)<(style|script|title)\b[^<>]{0,500}>[^<]{0,50000}</\1>")
_BREAK = re.compile(r"(?i)<(?:br|/p|/div|/tr|/h\d|/li|/td|/table)\b[^<>]{0,300}>")
_HEADER = re.compile(r"(?im)^[ \t>]{0,8}(?:message-id|return-path|received|references|in-reply-to|mime-version) ?:")
_RULING = " \t\n-=_*<>:"
"""What lines and the edges of paragraphs are drawn with."""
_WRAPPING = " \t\"'<([{*•·–—->|=:"
_HOST = re.compile(r"(?i)\b(?:host|server|mta|gateway)\s{1,4}\(?((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,63})\b")
_NAMED = re.compile(r"[^()<>@\n]{1,120}[(<\[]\s?$")


class Naming(NamedTuple):
    """A line that names a recipient: its number, the address, and what stands behind it on the line."""

    at: int
    address: str
    rest: str


def read_notices(mail: Mail) -> list[Bounce]:
    """What a notice in words says of each recipient; [] for a mail that is none."""
    text = notice_text(mail)
    notice = _cut_returned(text)
    if not is_machine_sender(mail) or not _opens(notice, mail.subject or ""):
        return []
    action = _find_action(notice)
    lines = [line[:MAX_LINE_CHARS].strip() for line in notice.splitlines()[:MAX_NOTICE_LINES]]
    namings = _find_namings(mail, lines)[:MAX_BOUNCES]
    ends = [naming.at for naming in namings[1:]] + [len(lines)]
    # Of one recipient the reason may stand before the name: "SMTP error ...: 550 ... while sending to <a@b>".
    whole = "\n".join(lines) if len(namings) == 1 else ""
    return [
        _read_named(naming, "\n".join([naming.rest, *lines[naming.at + 1 : end]]), whole=whole, action=action)
        for naming, end in zip(namings, ends, strict=False)
    ]


def is_machine_sender(mail: Mail) -> bool:
    """Whether a mail system sent it, and no person: by its address, an empty return path, or Exim's own header."""
    local = mail.senders[0].address.partition("@")[0].lower() if mail.senders else "mailer-daemon"
    return (
        local in SENDERS
        or local.startswith(SENDER_STARTS)
        or (mail.value("return-path") or "").strip() == "<>"
        or mail.value("x-failed-recipients") is not None
        or mail.media_type == "multipart/report"
    )


def notice_text(mail: Mail) -> str:
    """The words of a mail: its text, or its HTML without the tags."""
    return mail.text or drop_markup(mail.html or "")


def drop_markup(markup: str) -> str:
    """The words of HTML, a line a block; good enough to search, not to show."""
    bare = _HIDDEN.sub(" ", markup[:MAX_HTML_CHARS])
    return html.unescape(_TAG.sub(" ", _BREAK.sub("\n", bare)))


def _cut_returned(text: str) -> str:
    """The notice without the mail that came back behind it."""
    folded = text[: 2 * MAX_NOTICE_CHARS].lower()
    cuts = [at for mark in RETURNED_MARKS if (at := folded.find(mark)) > 0]
    cuts += [found.start() for found in [_HEADER.search(folded)] if found]
    return text[: min([MAX_NOTICE_CHARS, *cuts])]


def _opens(notice: str, subject: str) -> bool:
    folded = " ".join(f"{subject[:300]} {notice[:4_000]}".lower().replace("’", "'").split())
    return any(words in folded for of_one_form in OPENINGS.values() for words in of_one_form)


def _find_action(notice: str) -> Action:
    folded = " ".join(notice.lower().split())
    return "delayed" if any(words in folded for words in DELAYS) else "failed"


def _read_named(naming: Naming, behind: str, *, whole: str, action: Action) -> Bounce:
    """One recipient, by the words from its line to the next recipient's."""
    host = _HOST.search(behind)
    return make_bounce(
        naming.address,
        action=action,
        status=None,
        diagnostic=_choose_reason(behind, whole),
        remote_host=host[1].lower() if host else None,
    )


def _find_namings(mail: Mail, lines: list[str]) -> list[Naming]:
    """Recipients by lines that begin with one, else by lines that speak of one, else as the headers tell."""
    ours = {box.address.lower() for box in [*mail.to, *mail.senders]}
    listed = [(at, line, found) for at, line in enumerate(lines) for found in ADDRESS.finditer(line)]
    others = [(at, line, found) for at, line, found in listed if clean_address(found[0]).lower() not in ours]
    failed = [clean_address(each[0]) for each in ADDRESS.finditer(mail.value("x-failed-recipients") or "")]
    heads = [each for each in others if _begins_line(each[1], each[2].start())]
    spoken = [each for each in others if any(word in each[1].lower() for word in RECIPIENT_WORDS)]
    chosen = heads or spoken[:1] or others[:1]
    if failed:
        chosen = [each for each in others if clean_address(each[2][0]) in failed]
    namings = _drop_repeated([Naming(at, clean_address(found[0]), line[found.end() :]) for at, line, found in chosen])
    missing = [each for each in failed if each not in {naming.address for naming in namings}]
    return namings or [Naming(-1, each, "") for each in missing or _first_recipient(mail)]


def _begins_line(line: str, start: int) -> bool:
    """Whether nothing but wrapping or a name stands before the address: `Joe Doe (joe@b.example)`."""
    before = line[:start]
    return not before.strip(_WRAPPING) or bool(start < 120 and _NAMED.fullmatch(before))


def _drop_repeated(namings: list[Naming]) -> list[Naming]:
    first: dict[str, Naming] = {}
    for naming in namings:
        first.setdefault(naming.address.lower(), naming)
    return list(first.values())


def _first_recipient(mail: Mail) -> list[str]:
    """The one recipient of the returned mail, if it had only one."""
    found = ADDRESS.findall(read_returned_headers(mail).get("to", ""))
    return [clean_address(found[0])] if len(found) == 1 else []


def _choose_reason(behind: str, whole: str) -> str:
    """The reason from its SMTP code on, where it has one; else the paragraph that says why; else the first."""
    for text in (behind, whole):
        kept = "\n".join(line for line in text.splitlines() if line.strip(_RULING))
        code = SMTP_CODE.search(kept) or STATUS.search(kept)
        if code:
            return kept[code.start() : code.start() + MAX_DIAGNOSTIC_CHARS]
    paragraphs = [each.strip(_RULING) for each in behind.split("\n\n")[:MAX_PARAGRAPHS]]
    others = [each.strip(_RULING) for each in whole.split("\n\n")[:MAX_PARAGRAPHS]]
    telling = (each for each in [*paragraphs, *others] if find_meaning(None, text=each).code != "unknown")
    return next(telling, next(filter(None, paragraphs), ""))[:MAX_DIAGNOSTIC_CHARS]
