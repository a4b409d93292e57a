"""What a file really is, by its first bytes: its type, and how large a picture is. Pure.

What a sender says of a file's type only decides where the bytes allow several. Types that a browser would run (HTML,
SVG, XML, scripts) are never named: they, and whatever is unknown, are plain bytes (security.md T25, T26).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import puremagic

HEAD_BYTES = 262_144
"""How much of a file is looked at: a JPEG's size may stand behind its thumbnail and colour profile."""
TYPE_BYTES = 4_096
"""How much of it tells the type."""
UNKNOWN = "application/octet-stream"
SURE = 0.3
"""Below this confidence two or three bytes have matched: then the sender has to say the same."""

PASSIVE = frozenset({
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/tiff", "image/heic", "image/heif",
    "image/avif",
    "audio/mpeg", "audio/mp4", "audio/aac", "audio/amr", "audio/ogg", "audio/wav", "audio/flac", "audio/3gpp",
    "audio/webm",
    "video/mp4", "video/3gpp", "video/quicktime", "video/webm", "video/ogg", "video/x-msvideo", "video/mpeg",
    "application/pdf", "application/rtf", "application/zip", "application/msword", "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet",
    "text/plain", "text/csv", "text/vcard", "text/calendar",
})  # fmt: skip
"""The types we name; nothing in a file of these runs by itself in a browser."""

ALIASES = {
    "image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-ms-bmp": "image/bmp", "image/x-bmp": "image/bmp",
    "audio/mp3": "audio/mpeg", "audio/wave": "audio/wav", "audio/x-wav": "audio/wav", "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4", "audio/x-aac": "audio/aac", "audio/opus": "audio/ogg", "application/ogg": "audio/ogg",
    "video/avi": "video/x-msvideo", "video/3gp": "video/3gpp", "application/x-rtf": "application/rtf",
    "text/rtf": "application/rtf", "text/x-vcard": "text/vcard", "application/vcard": "text/vcard",
    "text/directory": "text/vcard",
    ".amr": "audio/amr", ".m4a": "audio/mp4", ".vcf": "text/vcard", ".ics": "text/calendar",
}  # fmt: skip
"""Other names of the same types, and the endings by which the reference data knows some."""
SISTERS = {
    "audio/3gpp": "video/3gpp", "audio/mp4": "video/mp4", "video/ogg": "audio/ogg", "audio/webm": "video/webm",
    "image/heic": "image/heif",
}  # fmt: skip
"""Types that begin with the same bytes: a sender who says the one where we find the other is believed."""
TEXTS = frozenset({"text/plain", "text/csv"})
"""Types without any magic: believed where the bytes are text and no markup."""

ZIP = b"PK\x03\x04"
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""The markers of a JPEG that hold its size: the starts of frames (ITU T.81 table B.1)."""


def sniff_media_type(head: bytes, *, claimed: str | None = None) -> str:
    """The type of a file by its beginning; `claimed` is what its sender says. application/octet-stream if unknown."""
    said = (claimed or "").partition(";")[0].strip().lower()
    said = ALIASES.get(said, said)
    found = [(name, confidence) for name, confidence in _matches(head[:TYPE_BYTES]) if name in PASSIVE]
    names = [name for name, _ in found]
    if said in names or SISTERS.get(said) in names:
        return said
    if head.startswith(ZIP):
        return "application/zip"
    sure = [name for name, confidence in found if confidence >= SURE]
    if sure:
        return sure[0]
    return said if said in TEXTS and _is_plain_text(head) else UNKNOWN


def image_size(head: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF, WebP, BMP or JPEG in pixels, by its beginning, without decoding it."""
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return _sized(head[16:20], head[20:24], "big")
    if head.startswith((b"GIF87a", b"GIF89a")):
        return _sized(head[6:8], head[8:10], "little")
    if head.startswith(b"BM"):
        return _sized(head[18:22], head[22:26], "little")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp_size(head)
    return next(_jpeg_sizes(head), None) if head.startswith(b"\xff\xd8") else None


def _matches(head: bytes) -> list[tuple[str, float]]:
    """What the reference data says of these bytes, the surest first: types, and how sure."""
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return []
    named = [(match.mime_type or match.extension, match.confidence) for match in matches]
    return [(ALIASES.get(name, name), confidence) for name, confidence in named]


def _is_plain_text(head: bytes) -> bool:
    if not head or _CONTROLS.search(head) or head.lstrip().startswith(b"<"):
        return False
    try:
        # The end may cut a character in two.
        head[:-3].decode() if len(head) == HEAD_BYTES else head.decode()
    except UnicodeDecodeError:
        return False
    return True


def _webp_size(head: bytes) -> tuple[int, int] | None:
    """RFC 9649: the extended, the lossless and the lossy form keep their size in different places and bits."""
    if head[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if head[12:16] == b"VP8 " and len(head) >= 30:
        return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
    return None


def _jpeg_sizes(head: bytes) -> Iterator[tuple[int, int]]:
    """Segment by segment: marker, length, and in the start of a frame the size."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker in _FRAMES:
            yield int.from_bytes(head[at + 7 : at + 9]), int.from_bytes(head[at + 5 : at + 7])
        at += 1 if marker == 0xFF else 2 + int.from_bytes(head[at + 2 : at + 4])


def _sized(width: bytes, height: bytes, order: str) -> tuple[int, int] | None:
    if not height:
        return None
    return int.from_bytes(width, order), int.from_bytes(height, order)  # type: ignore[arg-type]  # "big" or "little"
