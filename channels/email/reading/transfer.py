"""Content-Transfer-Encoding undone (RFC 2045 6), as broken as it comes. Pure; never fails."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

ENCODINGS = {
    "base64": "base64", "b64": "base64", "base-64": "base64",
    "quoted-printable": "quoted-printable", "quotedprintable": "quoted-printable", "quoted/printable":
    "quoted-printable", "quoted-printible": "quoted-printable", "qp": "quoted-printable",
    "x-uuencode": "uuencode", "uuencode": "uuencode", "x-uue": "uuencode", "uue": "uuencode",
}  # fmt: skip
"""Everything else (7bit, 8bit, binary, and what nobody knows) leaves the bytes as they are."""
MAX_FOREIGN_SHARE = 0.2
"""Of bytes beyond the alphabet: above this what claims to be base64 is none."""
MAX_PIECES = 500_000
"""Of base64 with padding in between, as some programs make of every line."""
MIN_DOUBTFUL_BYTES = 17
"""Shorter than this what claims to be base64 must be without a flaw."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_FOREIGN = bytes(set(range(256)) - set(_ALPHABET))
_BLANKS = b" \t\r\n"
_SOFT_BREAK = re.compile(rb"=[ \t]+(?=\r?\n)")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,255})\r?\n", re.MULTILINE)
_UU_END = re.compile(rb"^end[ \t\r]*$", re.MULTILINE)


def find_encoding(value: str) -> str:
    """The encoding that a Content-Transfer-Encoding header means; "" where the bytes are as they are."""
    token = value.strip().strip("\"'").lower().split(";")[0].split("(")[0].strip()
    return ENCODINGS.get(token, "")


def decode_transfer(content: bytes, encoding: str) -> tuple[bytes, bool]:
    """The decoded bytes, and whether they were sound."""
    if encoding == "base64":
        return decode_base64(content)
    if encoding == "quoted-printable":
        return decode_quoted_printable(content), True
    if encoding == "uuencode":
        file = next(find_uuencoded(content), None)
        return (file[1], True) if file else (content, False)
    return content, True


def decode_base64(content: bytes) -> tuple[bytes, bool]:
    """Base64 with whatever stands between (RFC 2045 6.8): blanks are nothing, garbage and a lost end are a flaw.

    What only claims to be base64 stays as it is: decoded it would be noise. After the padding only further whole
    pieces count, as from programs that encode in chunks; a footer does not.
    """
    padding = content.find(b"=")
    padding = len(content) if padding < 0 else padding
    clean = not content.translate(None, _ALPHABET + b"=" + _BLANKS)
    if clean and not content[padding:].translate(None, b"=" + _BLANKS):
        try:
            return binascii.a2b_base64(content), True
        except binascii.Error:
            pass  # cut off within a group of four
    head, rest = content[:padding], content[padding:]
    if not _looks_encoded(head):
        return content, False
    pieces = rest.translate(None, _BLANKS).split(b"=", MAX_PIECES) if _goes_on(rest) else []
    return b"".join(_decode_piece(piece) for piece in [head, *pieces]), False


def decode_quoted_printable(content: bytes) -> bytes:
    """Quoted-printable (RFC 2045 6.7); an escape that is none stays as it stands."""
    if b"= " in content or b"=\t" in content:  # blanks that a server left behind a soft line break
        content = _SOFT_BREAK.sub(b"=", content)
    return binascii.a2b_qp(content)


def find_uuencoded(content: bytes) -> Iterator[tuple[str, bytes, int, int]]:
    """The files that stand uuencoded in a text: name (bytes as latin1), content, start and end of the whole."""
    position = 0
    while (begin := _UU_BEGIN.search(content, position)) and (end := _UU_END.search(content, begin.end())):
        lines = content[begin.end() : end.start()].splitlines()
        decoded = [_decode_uu_line(line) for line in lines]
        position = end.end()
        if None not in decoded:
            yield begin[1].decode("latin-1").strip(), b"".join(filter(None, decoded)), begin.start(), end.end()


def _looks_encoded(head: bytes) -> bool:
    """Whether it was meant to be base64: of its alphabet but for little, in whole groups of four."""
    dense = head.translate(None, _BLANKS)
    foreign = len(dense.translate(None, _ALPHABET))
    if len(dense) < MIN_DOUBTFUL_BYTES or b" " in head.strip():
        return not foreign and all(len(run) % 4 == 0 for run in head.split()[:-1]) and len(dense) % 4 != 1
    return foreign <= len(dense) * MAX_FOREIGN_SHARE


def _goes_on(rest: bytes) -> bool:
    """Whether what follows the padding is base64 too: it has no blanks in its lines and consists of whole groups."""
    dense = rest.translate(None, b"\r\n")
    after = dense.lstrip(b"=")
    return not after.translate(None, _ALPHABET + b"=") and (len(after) % 4 == 0)


def _decode_piece(piece: bytes) -> bytes:
    dense = piece.translate(None, _FOREIGN)
    whole = dense[:-1] if len(dense) % 4 == 1 else dense
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _decode_uu_line(line: bytes) -> bytes | None:
    line = line.rstrip(b"\r")
    if not line or line == b"`":
        return b""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        pass
    try:  # encoders that pad wrongly: as many bytes as the first character says
        return binascii.a2b_uu(line[: 1 + ((line[0] - 32) & 63) * 4 // 3 + 3])
    except (binascii.Error, ValueError):
        return None
