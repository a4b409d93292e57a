"""Photos without what they say beside the picture: where, when and with what they were taken (security.md T30). Pure.

Nothing is decoded, so nothing is lost and no bomb goes off: of a JPEG, a PNG and a WebP those pieces are left out that
hold notes. How a JPEG is to be turned is kept, as the one note it has then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

ORIENTATION = 0x0112
"""The tag of how a picture is turned (Exif 2.32, 4.6.4)."""
TURNS = range(2, 9)
"""Its values that change anything."""
ORDERS: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}
EXIF = b"Exif\x00\x00"
PNG = b"\x89PNG\r\n\x1a\n"
PNG_NOTES = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"})
WEBP_NOTES = frozenset({b"EXIF", b"XMP "})
WEBP_FLAGS = 0x0C
"""The bits of VP8X that announce Exif and XMP (RFC 9649 2.7)."""
JPEG_KEPT = frozenset({0xE0, 0xE2, 0xEE})
"""Of the application segments: JFIF, colour profiles, and Adobe's word on the colours."""
SCAN, END = 0xDA, 0xD9
STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})


def strip_notes(content: bytes, media_type: str) -> bytes:
    """The same picture without its notes; content we cannot follow to its end is as it was."""
    strip = STRIPPERS.get(media_type)
    try:
        return strip(content) if strip else content
    except (IndexError, ValueError):
        return content


def _strip_jpeg(content: bytes) -> bytes:
    if content[:2] != b"\xff\xd8":
        raise ValueError("no JPEG")
    kept, turned = bytearray(content[:2]), b""
    rest = 2
    for start, end, marker in _segments(content):
        rest = end
        if marker == 0xE1 and content[start + 4 : start + 10] == EXIF:
            turned = turned or _turned(content[start + 10 : end])
        elif marker == 0xFE or (0xE0 <= marker <= 0xEF and marker not in JPEG_KEPT):
            continue
        else:
            kept += content[start:end]
    # Behind the end of the picture phones hang films and further pictures, with notes of their own: they go as well.
    finish = content.find(b"\xff\xd9", rest)
    picture = content[rest : finish + 2] if finish >= 0 else content[rest:]
    jfif = 2 + (int.from_bytes(kept[4:6]) + 2 if kept[2:4] == b"\xff\xe0" else 0)
    return bytes(kept[:jfif]) + turned + bytes(kept[jfif:]) + picture


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Where each piece before the picture begins and ends, its marker (ITU T.81 B.1.1), the scan's head included."""
    at = 2
    while True:
        if content[at] != 0xFF:
            raise ValueError("no marker where one has to be")
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == END:
            return
        length = 2 if marker in STANDALONE else 2 + int.from_bytes(content[at + 2 : at + 4])
        if at + length > len(content):
            raise ValueError("a piece goes beyond the end")
        yield at, at + length, marker
        at += length
        if marker == SCAN:
            return


def _turned(tiff: bytes) -> bytes:
    """A segment that says how the picture is turned, and nothing else; b"" where it is not."""
    order = ORDERS.get(tiff[:2])
    if order is None:
        return b""
    first = _number(tiff, 4, order, size=4)
    for entry in range(_number(tiff, first, order)):
        at = first + 2 + 12 * entry
        if at + 12 <= len(tiff) and _number(tiff, at, order) == ORIENTATION:
            turn = _number(tiff, at + 8, order)
            return _exif(turn) if turn in TURNS else b""
    return b""


def _number(tiff: bytes, at: int, order: Literal["little", "big"], *, size: int = 2) -> int:
    return int.from_bytes(tiff[at : at + size], order)


def _exif(turn: int) -> bytes:
    entry = ORIENTATION.to_bytes(2) + b"\x00\x03\x00\x00\x00\x01" + turn.to_bytes(2) + b"\x00\x00"
    body = EXIF + b"MM\x00\x2a\x00\x00\x00\x08\x00\x01" + entry + b"\x00\x00\x00\x00"
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2) + body


def _strip_png(content: bytes) -> bytes:
    """Chunks of notes are left out whole: each has a checksum of its own (PNG 5.3)."""
    if not content.startswith(PNG):
        raise ValueError("no PNG")
    kept, at = bytearray(PNG), len(PNG)
    while at < len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4])
        if end > len(content):
            raise ValueError("a piece goes beyond the end")
        name = content[at + 4 : at + 8]
        kept += b"" if name in PNG_NOTES else content[at:end]
        at = end
        if name == b"IEND":
            break
    return bytes(kept)


def _strip_webp(content: bytes) -> bytes:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        raise ValueError("no WebP")
    kept, at = bytearray(), 12
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        end = at + 8 + size + size % 2
        if at + 8 + size > len(content):
            raise ValueError("a piece goes beyond the end")
        name, piece = content[at : at + 4], bytearray(content[at:end])
        if name == b"VP8X":
            piece[8] &= ~WEBP_FLAGS & 0xFF
        kept += b"" if name in WEBP_NOTES else piece
        at = end
    return b"RIFF" + (4 + len(kept)).to_bytes(4, "little") + b"WEBP" + bytes(kept)


STRIPPERS: dict[str, Callable[[bytes], bytes]] = {
    "image/jpeg": _strip_jpeg,
    "image/png": _strip_png,
    "image/webp": _strip_webp,
}
