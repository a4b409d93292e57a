"""What an IMAP server answers, and how names are written to it, in aioimaplib's shapes. Pure.

A line is `bytes`, the content of a literal a `bytearray`; the last line of an answer is its tagged text. Sources: RFC
3501 5.1.3 (names of folders), 7 (answers), RFC 5530 (response codes).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec

MAX_SAID_CHARS = 200
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Lines: TypeAlias = Sequence[bytes | bytearray]

_FETCH = re.compile(rb"[0-9]+ FETCH \(", re.IGNORECASE)
_UID = re.compile(rb"\bUID ([0-9]+)", re.IGNORECASE)
_SIZE = re.compile(rb"\bRFC822\.SIZE ([0-9]+)", re.IGNORECASE)
_DATE = re.compile(rb'\bINTERNALDATE "([^"]{1,40})"', re.IGNORECASE)
_SHORT_BODY = re.compile(rb'\bBODY\[\](?:<[0-9]+>)? (?:"((?:[^"\\]|\\.)*)")', re.IGNORECASE | re.DOTALL)
_VALIDITY = re.compile(rb"\[UIDVALIDITY ([0-9]+)\]", re.IGNORECASE)
_NEXT = re.compile(rb"\[UIDNEXT ([0-9]+)\]", re.IGNORECASE)
_NUMBERS = re.compile(rb"[0-9 ]*")
_CODE = re.compile(r"\[([A-Z-]+)[^\]]*\]")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")
_SHIFTED = re.compile(r"([^\x20-\x7e]+)|(&)")


class Fetched(msgspec.Struct, frozen=True):
    """What a server told of one mail; what was not asked for, or not told, is None."""

    uid: int
    size: int | None = None
    arrived_at: datetime | None = None
    body: bytes | None = None


def read_fetched(lines: Lines) -> dict[int, Fetched]:
    """The mails of a FETCH answer by UID. Changes of flags told between them, by other clients' doing, add nothing."""
    found: dict[int, Fetched] = {}
    for words, literal in _items(lines):
        uid = _number(_UID, words)
        if uid is None:
            continue
        told = Fetched(uid, _number(_SIZE, words), _arrival(words), _body(words, literal))
        before = found.get(uid)
        if before is None or told.body is not None or told.size is not None:
            found[uid] = told
    return found


def read_found(lines: Lines) -> list[int]:
    """The UIDs of a SEARCH answer, ascending; its last line is text, in which numbers may stand."""
    numbers = [bytes(line) for line in lines[:-1] if _NUMBERS.fullmatch(line)]
    return sorted({int(number) for line in numbers for number in line.split()})


def read_validity(lines: Lines) -> int | None:
    """The UIDVALIDITY a SELECT tells."""
    return _number(_VALIDITY, _joined(lines))


def read_next_uid(lines: Lines) -> int | None:
    """The UIDNEXT a SELECT tells, as nearly every server does."""
    return _number(_NEXT, _joined(lines))


def read_code(lines: Lines) -> str | None:
    """The response code of a refusal, such as AUTHENTICATIONFAILED."""
    said = _CODE.search(_said(lines).upper())
    return said[1] if said else None


def quote_server(lines: Lines, *, secrets: Iterable[str | None]) -> str:
    """What the server said at last, as one short line, with no secret of ours in it."""
    said = _said(lines)
    for secret in secrets:
        said = said.replace(secret, "…") if secret else said
    return _UNPRINTABLE.sub(" ", said).strip()[:MAX_SAID_CHARS] or "nothing"


def write_name(name: str) -> str:
    """A folder's name as a quoted string in modified UTF-7."""
    return write_quoted(_SHIFTED.sub(_shift, name))


def write_quoted(text: str) -> str:
    """Text without line breaks as a quoted string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def write_uids(uids: Iterable[int]) -> str:
    """A set of UIDs."""
    return ",".join(map(str, uids))


def write_day(moment: datetime) -> str:
    """A day as SEARCH wants it (RFC 3501 9, date-text)."""
    return f"{moment.day}-{MONTHS[moment.month - 1]}-{moment.year}"


def _shift(found: re.Match[str]) -> str:
    if found[2]:
        return "&-"
    packed = b64encode(found[1].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
    return f"&{packed}-"


def _items(lines: Lines) -> Iterable[tuple[bytes, bytearray | None]]:
    """Each mail's words, joined around its literal, and the literal."""
    words, literal = b"", None
    for line in lines:
        if isinstance(line, bytearray):
            literal = line
        elif _FETCH.match(line):
            if words:
                yield words, literal
            words, literal = bytes(line), None
        elif words:
            words += b" " + line
    if words:
        yield words, literal


def _body(words: bytes, literal: bytearray | None) -> bytes | None:
    """The literal, or the quoted string that may stand in its place; NIL is what a server says of a mail it lost."""
    if literal is not None:
        return bytes(literal)
    short = _SHORT_BODY.search(words)
    return re.sub(rb"\\(.)", rb"\1", short[1]) if short else None


def _arrival(words: bytes) -> datetime | None:
    found = _DATE.search(words)
    try:
        return datetime.strptime(found[1].decode().strip(), "%d-%b-%Y %H:%M:%S %z") if found else None
    except ValueError:
        return None


def _number(pattern: re.Pattern[bytes], words: bytes) -> int | None:
    found = pattern.search(words)
    return int(found[1]) if found else None


def _joined(lines: Lines) -> bytes:
    return b"\n".join(bytes(line) for line in lines)


def _said(lines: Lines) -> str:
    return bytes(lines[-1]).decode("utf-8", "replace") if lines else ""
