"""The header of a mail or a part: where it ends, its fields unfolded (RFC 5322 2.2), bytes beyond ASCII read."""

from __future__ import annotations

import re

import msgspec

from channels.email.reading.charsets import decode_text
from channels.email.reading.words import clean_words

_SEPARATOR = re.compile(rb"\n\r{0,2}\n")
_FIELD = re.compile(r"([!-9;-~]{1,200})[ \t]*:([^\n]*+(?:\n[ \t][^\n]*+)*+)\n?")
_KNOWN = re.compile(
    r"^(?:from|to|cc|date|subject|mime-version|content-[a-z-]{1,40}|message-id|received|reply-to|return-path|sender"
    r"|references|in-reply-to|x-[a-z-]{1,60})[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_READ_ANEW = re.compile("[\x1b\udc80-\udcff]")
_CHARSET = re.compile(rb"charset\s{0,5}=\s{0,5}[\"']?([A-Za-z0-9_-]{2,40})", re.IGNORECASE)

ASCII_CONTROLS = "".join(map(chr, [*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x0D, 0x7F]))
HINT_BYTES = 16_384
"""How far into the mail a charset may stand that says what undeclared bytes of the header are."""


class Header(msgspec.Struct, frozen=True):
    """Fields in their order, names in lower case, values unfolded yet not decoded; `dirty` are names of odd ones.

    `end` is where the body begins. `broken` says that a line of it is no field, so that others may read it otherwise;
    `mended` that it held what no header may; `cut` that not all was read.
    """

    fields: list[tuple[str, str]]
    end: int
    dirty: frozenset[str] = frozenset()
    broken: bool = False
    mended: bool = False
    cut: bool = False


def read_header(raw: bytes, *, start: int, end: int, max_bytes: int, max_fields: int) -> Header:
    """The header between two places of a mail. A text without any is all body."""
    if (blank := _blank_line(raw, start)) > 0:
        return Header([], start + blank)
    separator = _SEPARATOR.search(raw, start, end)
    stop, body = (separator.start() + 1, separator.end()) if separator else (end, end)
    block = raw[start : min(stop, start + max_bytes)].replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n")
    text = _decode_block(block)
    fields, read, broken = _split_fields(text, max_fields)
    if read >= 0:  # the body begins without a blank line
        body = _skip_lines(raw, start, lines=text.count("\n", 0, read))
    cut = stop - start > max_bytes or len(fields) >= max_fields
    if not _is_odd(text):
        return Header(fields, body, broken=broken, cut=cut)
    mended, dirty = _mend_fields(fields, _nearby_charset(raw, start))
    return Header(mended, body, dirty, broken=broken, mended=True, cut=cut)


def _is_odd(text: str) -> bool:
    """Whether a header holds what none may; most are ASCII, where looking for each control is the quicker way."""
    return any(sign in text for sign in ASCII_CONTROLS) if text.isascii() else _ODD.search(text) is not None


def _blank_line(raw: bytes, start: int) -> int:
    return 1 if raw[start : start + 1] == b"\n" else 2 if raw[start : start + 2] == b"\r\n" else 0


def _decode_block(block: bytes) -> str:
    """As UTF-8 (RFC 6532); bytes that are not are kept as surrogates until it is known what they are."""
    return block.decode("ascii") if block.isascii() else block.decode("utf-8", "surrogateescape")


def _split_fields(text: str, max_fields: int) -> tuple[list[tuple[str, str]], int, bool]:
    """The fields, where the body begins within the text or -1, and whether a line was neither field nor fold.

    Such a line is skipped where fields follow that are a mail's; else the blank line was forgotten.
    """
    fields: list[tuple[str, str]] = []
    position, broken, last = 0, False, -2
    while position < len(text) and len(fields) < max_fields:
        found = _FIELD.match(text, position)
        if found:
            fields.append((found[1].lower(), _unfold(found[2])))
            position = found.end()
            continue
        broken = True
        if last == -2:
            last = max((known.start() for known in _KNOWN.finditer(text, position)), default=-1)
        if position > last:
            return fields, position, True
        position = text.find("\n", position) + 1
    return fields, -1, broken


def _unfold(value: str) -> str:
    """A field on one line: the break goes, the blanks that make the fold stay."""
    if "\n" in value:
        value = value.replace("\n", "")
    return (value.replace("\t", " ") if "\t" in value else value).strip()


def _skip_lines(raw: bytes, start: int, *, lines: int) -> int:
    for _ in range(lines):
        start = raw.find(b"\n", start) + 1
    return start


def _nearby_charset(raw: bytes, start: int) -> str | None:
    found = _CHARSET.search(raw, start, start + HINT_BYTES)
    return found[1].decode("ascii") if found else None


def _mend_fields(fields: list[tuple[str, str]], hint: str | None) -> tuple[list[tuple[str, str]], frozenset[str]]:
    """The fields without controls, bytes read as what they most probably are, and the names of those with controls."""
    mended, dirty = [], set()
    for name, value in fields:
        if _READ_ANEW.search(value):
            value, _ = decode_text(value.encode("utf-8", "surrogateescape"), None, hint=hint)  # noqa: PLW2901 the value read anew
        if _ODD.search(value):
            dirty.add(name)
        mended.append((name, clean_words(value)))
    return mended, frozenset(dirty)
