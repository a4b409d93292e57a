"""Mails that were handed on, attached or inline, and who had written them. Pure."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from channels.email.kinds.bounce import ADDRESS, clean_address
from channels.email.kinds.originals import MAX_HEADER_BYTES, read_header_block
from channels.email.mail import Mail, Mailbox

# Of programs in many languages: en, de, fr, es, pt, it, nl, pl, ru, sv, da, nb, fi, cs, hu, tr, ja, zh, ko, ar, he.
# Danish and Norwegian write VS, which in Finnish is an answer, so the quoted head has to be there as well.
PREFIXES = (
    "fwd:", "fw:", "wg:", "tr:", "rv:", "enc:", "i:", "doorst:", "pd:", "podaj dalej:", "vb:", "vs:", "vl:", "fs:",
    "vidsend:", "videres:", "továbbítás:", "ilt:", "i̇lt:", "iletildi:", "fyi:", "пер:", "перенаправлено:", "переслано:",
    "转发:", "轉寄:", "轉發:", "転送:", "전달:", "إعادة توجيه:", "تحويل:", "הועבר:",
)  # fmt: skip
MARKS = (
    "forwarded message", "begin forwarded message", "weitergeleitete nachricht", "anfang der weitergeleiteten",
    "message transféré", "début du message", "mensaje reenviado", "mensagem encaminhada", "messaggio inoltrato",
    "doorgestuurd bericht", "wiadomość przekazana", "przekazana wiadomość", "пересылаемое сообщение",
    "пересланное сообщение", "vidarebefordrat", "vidarebefordrat meddelande", "videresendt", "転送されたメッセージ",
    "转发的邮件", "轉寄郵件", "رسالة معاد توجيهها", "original message", "ursprüngliche nachricht", "message d'origine",
    "mensaje original", "mensagem original", "messaggio originale", "oorspronkelijk bericht", "原始邮件",
    "元のメッセージ",
)  # fmt: skip
FROM_LABELS = (
    "from", "von", "de", "da", "van", "od", "от", "от кого", "från", "fra", "expéditeur", "remitente", "mittente",
    "afzender", "lähettäjä", "feladó", "kimden", "gönderen", "差出人", "送信元", "发件人", "寄件者", "寄件人",
    "보낸 사람", "من", "מאת",
)  # fmt: skip
MAX_LINES = 400
MAX_LINE_CHARS = 500
MAX_NAME_CHARS = 120
_LABEL = re.compile(r"[>\s*_|]{0,20}([^:：*]{1,20}?)\s{0,3}[*_]{0,2}\s{0,3}[:：][*_\s]{0,5}(.{1,400})")


class Forwarded(msgspec.Struct, kw_only=True, frozen=True):
    """A mail inside a mail: `senders` wrote it, where that can be read; `path` is the file's where it is attached."""

    how: Literal["attached", "inline"]
    senders: list[Mailbox] = []
    path: str | None = None
    name: str | None = None


def find_forwarded(mail: Mail) -> list[Forwarded]:
    """The mails that a mail hands on; what comes back with a report (RFC 6522) is not handed on."""
    if mail.media_type == "multipart/report":
        return []
    return [*_find_attached(mail), *_find_inline(mail)]


def _find_attached(mail: Mail) -> list[Forwarded]:
    heads = [read_header_block(_head(each.content)) for each in mail.reports if each.media_type == "message/rfc822"]
    files = [each for each in mail.files if each.media_type in ("message/rfc822", "message/global")]
    found = [Forwarded(how="attached", path=each.path, name=each.name) for each in files]
    senders = [_read_mailboxes(head.get("from", "")) for head in heads]
    if not found:
        return [Forwarded(how="attached", senders=each) for each in senders]
    alike = len(senders) == len(found)
    return [msgspec.structs.replace(each, senders=senders[at]) for at, each in enumerate(found)] if alike else found


def _head(content: bytes) -> str:
    return content[:MAX_HEADER_BYTES].decode("utf-8", "replace")


def _find_inline(mail: Mail) -> list[Forwarded]:
    """The mail behind a subject that says so, if the head of one stands in the text."""
    subject = (mail.subject or "").strip().lower().replace("：", ":")
    lines = [line[:MAX_LINE_CHARS] for line in (mail.text or "").splitlines()[:MAX_LINES]]
    named = subject.startswith(PREFIXES)
    marked = [at for at, line in enumerate(lines) if _is_mark(line)]
    if not named and not (marked and _is_plain_mark(lines[marked[0]])):
        return []
    start = marked[0] if marked else 0
    senders = next((found for line in lines[start:] if (found := _read_from_line(line))), [])
    return [Forwarded(how="inline", senders=senders)] if senders or marked else []


def _is_mark(line: str) -> bool:
    """Whether a line announces a mail: dashes or nothing around the words."""
    bare = line.strip().strip("->*_=: ").lower().replace("’", "'")
    return len(bare) < 60 and bare.startswith(MARKS)


def _is_plain_mark(line: str) -> bool:
    """Whether the mark says "forwarded": "original message" stands above answers as well."""
    bare = line.strip().strip("->*_=: ").lower()
    return any(word in bare for word in ("forwarded", "weitergeleitet", "transféré", "reenviado", "inoltrato", "转发"))


def _read_from_line(line: str) -> list[Mailbox]:
    found = _LABEL.fullmatch(line.rstrip())
    if not found or found[1].strip().lower() not in FROM_LABELS:
        return []
    return _read_mailboxes(found[2])


def _read_mailboxes(value: str) -> list[Mailbox]:
    """The first mailbox of a line that people or programs wrote: `Joe Doe <joe@b.example>`, `"Doe" [mailto:...]`."""
    address = ADDRESS.search(value[:MAX_LINE_CHARS])
    if not address:
        return []
    name = value[: address.start()].replace("mailto:", "").strip(" \t\"'<[(*_")[:MAX_NAME_CHARS]
    return [Mailbox(address=clean_address(address[0]), name=name or None)]
