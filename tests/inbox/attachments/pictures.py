"""The beginnings of real files, put together by hand from their formats."""

from __future__ import annotations

import struct
import zlib


def png(width: int, height: int) -> bytes:
    """A PNG's signature and header chunk (RFC 2083)."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def gif(width: int, height: int) -> bytes:
    """A GIF's screen descriptor."""
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0)


def bmp(width: int, height: int) -> bytes:
    """A BMP's file and info headers."""
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHH", 40, width, height, 1, 24)


def jpeg(width: int, height: int, *, exif_bytes: int = 16) -> bytes:
    """A JPEG up to the start of its frame, an EXIF segment of some size before it (ITU T.81)."""
    exif = b"\xff\xe1" + struct.pack(">H", exif_bytes + 2) + b"Exif\0\0".ljust(exif_bytes, b"\0")
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    tables = b"\xff\xc4" + struct.pack(">H", 4) + b"\0\0"
    return b"\xff\xd8" + exif + tables + frame


def webp(width: int, height: int, form: str) -> bytes:
    """A WebP of the lossy ("VP8 "), lossless ("VP8L") or extended ("VP8X") form (RFC 9649)."""
    if form == "VP8X":
        body = struct.pack("<I", 10) + bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif form == "VP8L":
        body = struct.pack("<I", 5) + b"\x2f" + (width - 1 | height - 1 << 14).to_bytes(4, "little")
    else:
        body = struct.pack("<I", 10) + bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height)
    return b"RIFF" + struct.pack("<I", len(body) + 8) + b"WEBP" + form.encode() + body


MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
THREE_GP = b"\0\0\0\x18ftyp3gp4\0\0\0\x003gp4"
AMR = b"#!AMR\n\x3c" + bytes(20)
OGG = b"OggS\0\x02" + bytes(20) + b"\x01\x1eOpusHead"
MP3 = b"ID3\x03\0\0\0\0\0\0"
PDF = b"%PDF-1.7\n%\xe2\xe3\n"
ZIP = b"PK\x03\x04\x14\0\0\0"
VCARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ana\r\nEND:VCARD\r\n"
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
XML = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
EXE = b"MZ\x90\0\x03\0\0\0"
