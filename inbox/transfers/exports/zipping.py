"""A zip written while it is read: nothing is kept but the piece on its way. Pure but for what it is handed."""

from __future__ import annotations

import zipfile
from collections.abc import AsyncIterator

PLACE = (1980, 1, 1, 0, 0, 0)
"""Entries carry no time: the same content is the same file."""


class Pipe:
    """What the zip is written to: taken out piece by piece. It cannot seek, so sizes follow their entries."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Take what zipfile writes."""
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        """Everything written since."""
        taken, self._written = b"".join(self._written), []
        return taken


async def stream_zip(files: AsyncIterator[tuple[str, AsyncIterator[bytes]]]) -> AsyncIterator[bytes]:
    """A zip of these files, by their names in it."""
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]  # writing asks for no more than this
        async for name, pieces in files:
            with archive.open(zipfile.ZipInfo(name, PLACE), "w", force_zip64=True) as entry:
                async for piece in pieces:
                    entry.write(piece)
                    yield pipe.take()
    yield pipe.take()
