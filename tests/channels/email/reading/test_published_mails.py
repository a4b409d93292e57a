"""The well-known collections of other readers' tests: php-mime-mail-parser's and stalwart's mail-parser's."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from channels.email.mail import Mail, Mailbox, MailFile
from channels.email.reading import open_file, read_mail
from channels.email.reading.flowed import join_flowed

NAMES = ("php_mime_mail", "stalwart_rfc", "stalwart_thirdparty")
FLOWED_SUBJECT = "Re: (#5290765) Proxmox Shop E-Mails"
HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

# Mails that we read otherwise than the collection says, and why; each has a test of its own below.
OTHERWISE = {
    "stalwart/thirdparty/015": "three mails are attached; the collection loses two of them, for it looks inside the"
    " first for parts beyond the outer delimiter, which RFC 2046 5.1.2 lets end whatever stands open",
    "stalwart/thirdparty/002": "base64 that is none: we keep `?garbage` as words where the collection makes it a file,"
    " and read nothing from the word `ignored` behind the padding, from which the collection takes three bytes",
}

pytestmark = pytest.mark.skipif("SWITCHBOARD_TESTDATA" not in os.environ, reason="SWITCHBOARD_TESTDATA is not set")


def published() -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Id, raw mail and what is expected of it."""
    for name in NAMES:
        lines = (Path(os.environ["SWITCHBOARD_TESTDATA"]) / "email" / f"{name}.jsonl").read_text("utf-8").splitlines()
        for case in map(json.loads, lines):
            yield case["id"], base64.b64decode(case["raw_base64"]), case["expect"]


def one(wanted: str) -> tuple[bytes, dict[str, Any]]:
    """One of them by its id."""
    return next((raw, expect) for name, raw, expect in published() if name == wanted)


def test_all_mails_are_read_as_published_but_for_those_explained() -> None:
    """54 mails: every field, word, file name, size and hash is as published, except where we say why not."""
    differing = {name: list(differences(raw, expect)) for name, raw, expect in published()}
    wrong = {name: found for name, found in differing.items() if found}
    assert len(differing) == 54
    assert wrong.keys() == OTHERWISE.keys(), wrong


def test_a_mail_within_the_mail_ends_at_the_outer_delimiter() -> None:
    """thirdparty/015: three attached mails are three files, though the boundary inside the first is never seen."""
    raw, _ = one("stalwart/thirdparty/015")
    mail = read_mail(raw)
    assert [file.name for file in mail.files] == ["training-mail.txt", "office-reply.txt", "shop-mail.txt"]
    assert all(
        open_file(raw, file.path).startswith((b"Return-Path:", b"Received:", b"X-", b"Delivered-To:"))
        for file in mail.files
    )
    wrong = [field for field, *_ in differences(raw, one("stalwart/thirdparty/015")[1])]
    assert wrong == ["files"]


def test_what_is_no_base64_stays_readable() -> None:
    """thirdparty/002: words behind the padding are not read, and words that are no base64 are kept as they are."""
    raw, _ = one("stalwart/thirdparty/002")
    mail = read_mail(raw)
    assert (mail.text, mail.files) == ("päivää\n\nyötä vaan.\n\n?garbage", [])
    assert "bad_encoding" in mail.flags


def differences(raw: bytes, expect: dict[str, Any]) -> Iterator[tuple[str, object, object]]:
    """Where a mail is read otherwise: the field, what is expected, what was read."""
    mail = read_mail(raw)
    wanted = stalwart_facts(expect) if "parts" in expect else php_facts(expect)
    found = stalwart_found(mail, raw, expect) if "parts" in expect else php_found(mail, raw, expect)
    for field, value in wanted.items():
        if value != found[field]:
            yield field, value, found[field]


def stalwart_facts(expect: dict[str, Any]) -> dict[str, Any]:
    """Their fields. An entry without an address is no mailbox; flowed text is joined, which they leave to others."""
    text = shown(expect["text"])
    return {
        "subject": expect["subject"],
        "message_id": expect["message_id"],
        "date": datetime.fromisoformat(expect["date"]) if expect["date"] else None,
        **{
            role: [(box["name"], box["address"]) for box in expect[role] if box["address"]]
            for role in ("from", "to", "cc")
        },
        "text": join_flowed(text) if expect["subject"] == FLOWED_SUBJECT else text,
        "html": shown(expect["html"]),
        "files": [file_facts(file) for file in expect["attachments"]],
    }


def file_facts(file: dict[str, Any]) -> tuple[object, ...]:
    """A file of theirs: mails within mails have neither size nor name of their own, a digest's are of its default."""
    kind = file["content_type"] or "message/rfc822"
    return (kind, file["filename"], file.get("size"), file.get("sha256"))


def stalwart_found(mail: Mail, raw: bytes, expect: dict[str, Any]) -> dict[str, Any]:
    """The same fields as we read them."""
    files = expect["attachments"]
    return {
        "subject": mail.subject,
        "message_id": mail.message_id,
        "date": mail.sent_at,
        "from": pairs(mail.senders),
        "to": pairs(mail.to),
        "cc": pairs(mail.cc),
        "text": mail.text or "",
        "html": mail.html or "",
        "files": [found_facts(raw, file, files[n] if n < len(files) else {}) for n, file in enumerate(mail.files)],
    }


def found_facts(raw: bytes, file: MailFile, theirs: dict[str, Any]) -> tuple[object, ...]:
    """What they tell of a file, as we read it; we name a mail within the mail by its subject."""
    name = None if theirs.get("filename") is None and theirs.get("is_message") else file.name
    size = file.size if "size" in theirs else None
    return (file.media_type, name, size, sha256(open_file(raw, file.path)).hexdigest() if "sha256" in theirs else None)


def php_facts(expect: dict[str, Any]) -> dict[str, Any]:
    """The fields of the other collection, which tells of texts how often some words are in them."""
    return {
        "count": len(expect["attachments"]),
        **{field: expect[field] for field in ("subject", "from", "to", "from_header", "to_header", "embedded")},
        "text": words_wanted(expect["text"]),
        "html": words_wanted(expect["html"]),
        "files": [
            (file["filename"], file["size"], file["content_type"], file["disposition"], file["times"])
            for file in expect["attachments"]
        ],
    }


def php_found(mail: Mail, raw: bytes, expect: dict[str, Any]) -> dict[str, Any]:
    """The same fields as we read them; what has no name they call noname1."""
    return {
        "count": len(mail.files),
        "subject": mail.subject,
        "from": [box.address for box in mail.senders],
        "to": [box.address for box in mail.to],
        "from_header": mail.value("from"),
        "to_header": mail.value("to"),
        "embedded": sum(file.disposition == "inline" and file.content_id is not None for file in mail.files),
        "text": words_found(mail.text or "", expect["text"]),
        "html": words_found(mail.html or "", expect["html"]),
        "files": [
            (file.name or "noname1", file.size, file.media_type, file.disposition, times(raw, file, theirs))
            for file, theirs in zip(mail.files, expect["attachments"], strict=False)
        ],
    }


def times(raw: bytes, file: MailFile, theirs: dict[str, Any]) -> int:
    """How often their words are in a file."""
    words = theirs["contains"].encode()
    return open_file(raw, file.path).count(words) if words else 0


def words_wanted(rule: dict[str, Any]) -> object:
    """A text, or how often something is in it."""
    return shown(rule["match"]) if "match" in rule else rule["times"]


def words_found(text: str, rule: dict[str, Any]) -> object:
    """The text, or how often that is in it."""
    return text if "match" in rule else text.count(rule["contains"])


def pairs(boxes: list[Mailbox]) -> list[tuple[str | None, str]]:
    """Names and addresses."""
    return [(box.name, box.address) for box in boxes]


def shown(text: str | None) -> str:
    """Text as we give it: line feeds, and no control characters (they keep NUL, which no Postgres text can hold)."""
    return HIDDEN.sub("", (text or "").replace("\r\n", "\n").replace("\r", "\n"))
