"""A line to the real database that a test can cut and mend: what is cut is gone at once, as when a server dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

SOCKET = ".s.PGSQL.5432"
CHUNK_BYTES = 65_536


class Line:
    """A Unix socket that passes everything on to another one, while it is not cut."""

    def __init__(self, folder: Path, target: Path, *, database: str, user: str) -> None:
        self.url = f"postgresql://{user}@/{database}?host={folder}"
        self._entrance = folder / SOCKET
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_unix_server(self._pass_on, self._entrance)

    async def cut(self) -> None:
        """End every connection, and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._entrance.unlink(missing_ok=True)
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(self._target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        self._writers -= {writer, far_writer}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def cuttable_line(database_url: str) -> AsyncIterator[Line]:
    """A line to this database, mended to begin with."""
    parts = urlsplit(database_url)
    target = Path(parse_qs(parts.query)["host"][0]) / SOCKET
    with TemporaryDirectory(dir="/tmp") as folder:
        line = Line(Path(folder), target, database=parts.path.lstrip("/"), user=parts.username or "app")
        await line.mend()
        try:
            yield line
        finally:
            await line.cut()
