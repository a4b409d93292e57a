"""One message of ours as a mail, ready to be handed over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.utils import format_datetime

import msgspec

from channels.contract import LetterOut, OutboundMessage
from channels.email.compose.addresses import Box, check_addr_spec, check_line, read_box
from channels.email.compose.bodies import Body, list_shown, write_body
from channels.email.compose.entity import Boundary, Entity, file_entity, group_entities, new_boundary, text_entity
from channels.email.compose.headers import boxes_header, ids_header, token_header, words_header
from channels.email.compose.older import add_quotation, add_signature
from channels.email.settings import EmailSettings, fold_address
from channels.errors import Rejected
from channels.parts import MEDIA_PARTS, AnyPart, MediaPart

MAX_SUBJECT_CHARS = 1_000
MAX_REFERENCES = 21
"""The first, which began it all, and the newest twenty: no reader threads by more, and servers limit headers."""
MAX_ID_CHARS = 400
MESSAGE_ID = re.compile(r"[^\s<>\x00-\x20\x7f-\U0010ffff]+")
REFERENCE = re.compile(r"[A-Za-z0-9_.-]{1,100}")
LOOP = "X-Switchboard-Loop"
"""Names the address of ours that wrote: what comes back to it by itself is no customer's (RFC 3834 4)."""

HTML_HEAD = '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>\n'
HTML_END = "\n</body></html>\n"


class Composed(msgspec.Struct, kw_only=True, frozen=True):
    """A mail as it is handed over: its bytes, from which address and to whom, those of Bcc among them.

    `utf8` says that an address in its headers is beyond ASCII, so that only a server with SMTPUTF8 takes it (RFC 6531).
    """

    content: bytes
    message_id: str
    sender: str
    recipients: list[str]
    utf8: bool = False


def compose_mail(
    settings: EmailSettings,
    message: OutboundMessage,
    *,
    now: datetime,
    boundary: Boundary | None = None,
    language: str = "en",
) -> Composed:
    """The mail; Rejected where a header or an address could break out of its line, or a file is missing.

    Composed again it is the same but for its Date. `language` is that of the line over what is quoted.
    """
    letter = message.letter or LetterOut(subject="")
    sender = Box(
        address=check_addr_spec(message.sender or settings.address), name=check_line("our name", settings.name)
    )
    to, cc, bcc = [read_box(message.to)], [*map(read_box, letter.cc)], [*map(read_box, letter.bcc)]
    message_id = f"{_checked_reference(message.reference)}@{sender.address.rpartition('@')[2]}"
    headers = b"".join([
        ids_header("Message-ID", [message_id]),
        token_header("Date", format_datetime(now)),
        boxes_header("From", [sender]),
        boxes_header("To", to),
        *([boxes_header("Cc", cc)] if cc else []),
        *_letter_headers(letter, sender),
        token_header("MIME-Version", "1.0"),
    ])  # fmt: skip
    root = _write_root(
        message, letter, sender=sender, boundary=boundary or new_boundary(message.reference), language=language
    )
    return Composed(
        content=headers + root.headers + b"\r\n" + root.body,
        message_id=message_id,
        sender=sender.address,
        recipients=_recipients([*to, *cc, *bcc]),
        utf8=not headers.isascii(),
    )


def _letter_headers(letter: LetterOut, sender: Box) -> list[bytes]:
    subject = check_line("the subject", letter.subject) or ""
    if len(subject) > MAX_SUBJECT_CHARS:
        raise Rejected(f"a subject has at most {MAX_SUBJECT_CHARS} characters", code="content_too_large")
    answered, chain = _thread(letter)
    return [
        words_header("Subject", subject),
        *([boxes_header("Reply-To", [Box(address=check_addr_spec(letter.reply_to))])] if letter.reply_to else []),
        *([ids_header("In-Reply-To", answered)] if answered else []),
        *([ids_header("References", chain)] if chain else []),
        *(_automatic_headers(answers=bool(answered)) if letter.automatic else []),
        boxes_header(LOOP, [Box(address=sender.address)]),
    ]


def _automatic_headers(*, answers: bool) -> list[bytes]:
    """What keeps other programs from answering (RFC 3834 5; Exchange; and those that know only Precedence)."""
    return [
        token_header("Auto-Submitted", "auto-replied" if answers else "auto-generated"),
        token_header("X-Auto-Response-Suppress", "All"),
        token_header("Precedence", "auto_reply" if answers else "bulk"),
    ]


def _thread(letter: LetterOut) -> tuple[list[str], list[str]]:
    """What is answered, and the ids above it; strangers made them, so what is not an id is left out."""
    answered = list(_ids([letter.in_reply_to] if letter.in_reply_to else []))
    chain = list(dict.fromkeys([*(one for one in _ids(letter.references) if one not in answered), *answered]))
    return answered, chain if len(chain) <= MAX_REFERENCES else [chain[0], *chain[1 - MAX_REFERENCES :]]


def _ids(candidates: Iterable[str]) -> Iterable[str]:
    bare = (each.strip().removeprefix("<").removesuffix(">") for each in candidates)
    return (each for each in bare if len(each) <= MAX_ID_CHARS and MESSAGE_ID.fullmatch(each))


def _checked_reference(reference: str) -> str:
    if not REFERENCE.fullmatch(reference):
        raise Rejected("the message's reference cannot stand in a Message-ID")
    return reference


def _recipients(boxes: Sequence[Box]) -> list[str]:
    """Each address once, in order."""
    unique: dict[str, str] = {}
    for box in boxes:
        unique.setdefault(fold_address(box.address), box.address)
    return list(unique.values())


def _write_root(
    message: OutboundMessage, letter: LetterOut, *, sender: Box, boundary: Boundary, language: str
) -> Entity:
    """mixed(alternative(text, related(html, images)), files), less the groups that would hold one part."""
    shown = list_shown(message.parts)
    host = sender.address.rpartition("@")[2]
    content_ids = {name: f"{name}.{message.reference}@{host}" for name in sorted(shown)}
    body = _write_words(message.parts, letter, content_ids=content_ids, language=language)
    files = [part for part in message.parts if isinstance(part, MEDIA_PARTS)]
    images = [_write_file(part, message, content_ids=content_ids) for part in files if part.attachment.id in shown]
    others = [_write_file(part, message) for part in files if part.attachment.id not in shown]
    html = text_entity(f"{HTML_HEAD}{body.html}{HTML_END}", "html")
    related = group_entities("related", [html, *images], boundary=boundary, root="text/html")
    both = group_entities("alternative", [text_entity(body.text, "plain"), related], boundary=boundary)
    return group_entities("mixed", [both, *others], boundary=boundary)


def _write_words(parts: Sequence[AnyPart], letter: LetterOut, *, content_ids: dict[str, str], language: str) -> Body:
    body = write_body(parts, content_ids=content_ids)
    words = Body(body.text, f'<div dir="auto">{body.html}</div>')  # Arabic begins at the right, whatever the reader
    return add_quotation(add_signature(words, letter.signature), letter.quotation, language=language)


def _write_file(part: MediaPart, message: OutboundMessage, *, content_ids: dict[str, str] | None = None) -> Entity:
    file = part.attachment
    content = message.files.get(file.id or "")
    if content is None:
        raise Rejected(f"the file {(file.name or file.id or '')[:80]!r} is not at hand", code="media_rejected")
    content_id = (content_ids or {}).get(file.id or "")
    return file_entity(content, media_type=file.media_type, name=file.name, content_id=content_id)
