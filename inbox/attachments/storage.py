"""Where the bytes of files are kept, as the inbox is handed it by the gateway. A plain contract."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Protocol, runtime_checkable


@runtime_checkable
class FileStore(Protocol):
    """A folder or a bucket. `limit_bytes` is the largest file taken, `url_seconds` how long a link of the API opens."""

    limit_bytes: int
    url_seconds: int

    async def put_file(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        """Keep a file, whole or not at all: what the chunks raise leaves nothing behind."""
        ...

    async def open_file(self, key: str) -> AsyncIterator[bytes]:
        """The bytes of a file, piece by piece; FileNotFoundError if it is not there."""
        ...

    async def delete_file(self, key: str) -> None:
        """Forget a file; it need not be there."""
        ...
