"""The content of a mail as it comes in after DATA: read in pieces, dots undone, up to a limit.

Only CRLF.CRLF ends a mail (RFC 5321 4.1.1.4): whoever takes less for the end lets a stranger smuggle a second mail
behind the first (CVE-2023-51764).
"""

from __future__ import annotations

import asyncio
from io import BytesIO

from gateway.hook_bodies import BodyPlace, BodyRefused, TooLarge

END = b"\r\n.\r\n"
LINE_END = b"\r\n"
PIECE_BYTES = 65_536
"""The reader's limit: about so much is read at a time, and twice that is ever buffered."""


class ContentEndless(Exception):
    """It goes on far beyond what we take: the connection is not worth more of our time."""


async def read_content(reader: asyncio.StreamReader, *, limit: int, place: BodyPlace) -> bytes:
    """A mail's bytes. The reader has a CRLF before the first line, fed by the caller.

    BodyRefused, after the mail was read to its end, where it is too large or has no room.
    """
    content, refused, size = _Content(), None, 0
    while True:
        piece, last = await _read_piece(reader)
        size += len(piece)
        if size > 2 * limit:
            raise ContentEndless
        refused = refused or _refusal(size, limit=limit, place=place)
        if refused is None:
            content.add(piece, last=last)
        if last:
            break
    if refused is not None:
        raise refused
    return content.whole()


async def _read_piece(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    """The next bytes, never a part of the end alone; whether they are the last."""
    try:
        return await reader.readuntil(END), True
    except asyncio.LimitOverrunError as beyond:
        return await reader.read(beyond.consumed), False


def _refusal(size: int, *, limit: int, place: BodyPlace) -> BodyRefused | None:
    if size > limit + len(END) + len(LINE_END):
        return TooLarge()
    try:
        place.grow(size)
    except BodyRefused as refused:
        return refused
    return None


class _Content:
    """What was read, with the dot taken off each line that begins with one (RFC 5321 4.5.2)."""

    def __init__(self) -> None:
        self._kept = BytesIO()
        self._held = b""

    def add(self, piece: bytes, *, last: bool) -> None:
        """The next piece; a line end at its end is held back until it is seen what follows."""
        known = self._held + (piece[: len(LINE_END) - len(END)] if last else piece)
        hold = 0 if last else 2 if known.endswith(LINE_END) else 1 if known.endswith(b"\r") else 0
        self._held = known[len(known) - hold :]
        lines = known[: len(known) - hold].replace(b"\r\n.", LINE_END)
        self._kept.write(lines if self._kept.tell() else lines.removeprefix(LINE_END))

    def whole(self) -> bytes:
        """All of it."""
        return self._kept.getvalue()
