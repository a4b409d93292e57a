"""Headers as they travel: folded, in ASCII, with encoded words for the rest (RFC 5322, 2047, 2231).

Written here and not by the standard library, whose folding differs between versions of Python and has let line breaks
through (CVE-2024-6923). What comes here was checked: `check_line` has refused what could end a line.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from channels.email.compose.addresses import Box

LINE_CHARS = 78  # RFC 5322 2.1.1
ENCODED_BYTES = 42
"""Of text in one encoded word: 56 characters in base64, with its frame less than the 75 of RFC 2047 2."""
PLAIN = re.compile(r"[\x20-\x7e]*")
ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+-]+")
PARAMETER_CHARS = 50
"""Of a parameter's value in one section (RFC 2231 3)."""


def words_header(name: str, text: str) -> bytes:
    """A header for people to read, such as Subject."""
    return _line(name, _folded(text.split(" "), len(name) + 2) if _is_plain(text) else _encoded(text))


def boxes_header(name: str, boxes: Iterable[Box]) -> bytes:
    """A header of addresses, each on a line of its own."""
    return _line(name, ",\r\n ".join(map(_write_box, boxes)))


def ids_header(name: str, ids: Iterable[str]) -> bytes:
    """A header of Message-IDs, each on a line of its own."""
    return _line(name, "\r\n ".join(f"<{one}>" for one in ids))


def token_header(name: str, value: str, parameters: dict[str, str] | None = None) -> bytes:
    """A header for machines: a value of ours, and parameters that may be anybody's words (RFC 2231)."""
    written = [f";\r\n {each}" for key, text in (parameters or {}).items() for each in _write_parameter(key, text)]
    return _line(name, value + "".join(written))


def _line(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode()


def _is_plain(text: str) -> bool:
    """Whether ASCII can say it so that nobody takes it for an encoded word, and its words fit their lines."""
    fits = all(len(word) <= LINE_CHARS - 20 for word in text.split(" "))
    return fits and PLAIN.fullmatch(text) is not None and "=?" not in text and "  " not in text


def _folded(words: list[str], used: int) -> str:
    """Words on lines of at most 78 characters; a line break stands before the space that was there."""
    pieces: list[str] = []
    for word in words:
        if pieces and used + 1 + len(word) > LINE_CHARS:
            pieces.append("\r\n ")
            used = 1
        elif pieces:
            pieces.append(" ")
            used += 1
        pieces.append(word)
        used += len(word)
    return "".join(pieces)


def _encoded(text: str) -> str:
    """Encoded words, no character torn between two; readers join them without the white space between."""
    return "\r\n ".join(f"=?utf-8?b?{b64encode(piece.encode()).decode()}?=" for piece in _pieces(text, ENCODED_BYTES))


def _pieces(text: str, longest: int) -> Iterator[str]:
    piece: list[str] = []
    size = 0
    for char in text:
        width = len(char.encode())
        if size + width > longest:
            yield "".join(piece)
            piece, size = [], 0
        piece.append(char)
        size += width
    yield "".join(piece)


def _write_box(box: Box) -> str:
    if not box.name:
        return box.address
    name = _write_name(box.name)
    fits = len(name) + len(box.address) <= LINE_CHARS - 20
    return f"{name} <{box.address}>" if fits else f"{name}\r\n <{box.address}>"


def _write_name(name: str) -> str:
    if not _is_plain(name) or len(name) > LINE_CHARS - 20:
        return _encoded(name)
    if ATOMS.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _write_parameter(key: str, text: str) -> list[str]:
    if TOKEN.fullmatch(text) and len(text) <= PARAMETER_CHARS:
        return [f'{key}="{text}"']
    if text.isascii() and text.isprintable() and len(text) <= PARAMETER_CHARS and not set(text) & set('"\\%*'):
        return [f'{key}="{text}"']
    sections = list(_sections(text))
    if len(sections) == 1:
        return [f"{key}*=utf-8''{sections[0]}"]
    return [f"{key}*{at}*={'' if at else _CHARSET}{section}" for at, section in enumerate(sections)]


_CHARSET = "utf-8''"


def _sections(text: str) -> Iterator[str]:
    """A value percent-encoded, cut between characters."""
    section = ""
    for char in text:
        encoded = quote(char, safe="")
        if len(section) + len(encoded) > PARAMETER_CHARS:
            yield section
            section = ""
        section += encoded
    yield section
