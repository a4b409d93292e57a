"""Pictures that phones send along: small, valid and different each time. Pure."""

from __future__ import annotations

import struct
import zlib
from random import Random

MEDIA_TYPE = "image/png"
SIZE = 96
SIGNATURE = b"\x89PNG\r\n\x1a\n"
TRUE_COLOR = 2
BITS = 8


def take_photo(dice: Random) -> bytes:
    """A PNG (RFC 2083) of two colours that run into each other, with a bright spot somewhere."""
    near, far = _color(dice), _color(dice)
    spot = dice.randrange(SIZE), dice.randrange(SIZE)
    rows = b"".join(b"\0" + b"".join(_pixel(x, y, near, far, spot) for x in range(SIZE)) for y in range(SIZE))
    head = struct.pack(">IIBBBBB", SIZE, SIZE, BITS, TRUE_COLOR, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _color(dice: Random) -> tuple[int, int, int]:
    return dice.randrange(40, 220), dice.randrange(40, 220), dice.randrange(40, 220)


def _pixel(x: int, y: int, near: tuple[int, int, int], far: tuple[int, int, int], spot: tuple[int, int]) -> bytes:
    share = (x + y) / (2 * SIZE)
    light = max(0, 60 - abs(x - spot[0]) - abs(y - spot[1]))
    return bytes(min(255, int(a * (1 - share) + b * share) + light) for a, b in zip(near, far, strict=True))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
