"""The files' bytes: in a folder under the data directory, or in a bucket by URL (S3, Google, Azure) through obstore."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from gateway.settings import Settings

FOLDER = "attachments"
PIECE_BYTES = 65_536
"""The least size of the pieces a file is read in."""


class Storage:
    """Puts files in and gets them out; keys are ours, random, and never a sender's words."""

    def __init__(self, store: ObjectStore, *, limit_bytes: int, url_seconds: int) -> None:
        self._store = store
        self.limit_bytes = limit_bytes
        self.url_seconds = url_seconds

    async def put_file(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        """Keep a file, whole or not at all: what the chunks raise leaves nothing behind."""
        await obstore.put_async(self._store, key, chunks)

    async def open_file(self, key: str) -> AsyncIterator[bytes]:
        """The bytes of a file, piece by piece; FileNotFoundError if it is not there."""
        found = await obstore.get_async(self._store, key)
        return _pieces(found)

    async def delete_file(self, key: str) -> None:
        """Forget a file; it need not be there."""
        with suppress(FileNotFoundError):
            await obstore.delete_async(self._store, key)

    async def is_empty(self) -> bool:
        """Whether there is no file at all."""
        async for page in obstore.list(self._store, chunk_size=1):
            if page:
                return False
        return True


def open_storage(settings: Settings) -> Storage:
    """The storage that the settings name; nothing is connected to before it is used."""
    return Storage(
        _open_store(settings),
        limit_bytes=settings.attachment_limit_bytes,
        url_seconds=settings.attachment_url_seconds,
    )


def _open_store(settings: Settings) -> ObjectStore:
    if settings.storage_url is None:
        return LocalStore(settings.data_dir / FOLDER, mkdir=True)
    return from_url(settings.storage_url)


async def _pieces(found: obstore.GetResult) -> AsyncIterator[bytes]:
    async for piece in found.stream(min_chunk_size=PIECE_BYTES):
        yield bytes(piece)
