"""The bytes of the files a message carries, for providers that do not fetch them from us: mail.

They are read from the storage just before they are sent, checked against what was stored, and held no longer than the
sending lasts; what all of a process's sendings hold together is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from weakref import WeakKeyDictionary

import structlog

from channels.contract import Adapter, Carrying
from channels.errors import Paced, Rejected, Unreachable
from channels.parts import MEDIA_PARTS, AnyPart
from gateway.runtime import Runtime
from gateway.storage import Storage
from inbox.attachments.queries import AttachmentRow, find_attachments
from inbox.kit.db import TRANSIENT
from inbox.kit.ids import read_id, show_id

log = structlog.get_logger()

MAX_MESSAGES = 3
"""Messages with the most files that are held at once: so many times an adapter's `media_bytes`."""
WAIT_SECONDS = 3.0
AFTER_SECONDS = 2.0
GONE = "a file of the message is no longer there"
DAMAGED = "a file of the message is not what was stored"
AWAY = "the files of the message could not be read now"


class Hold:
    """What the sendings of one process hold, in bytes; a further one waits."""

    def __init__(self) -> None:
        self._held = 0
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def of(self, size: int, *, limit: int) -> AsyncIterator[None]:
        """Hold so many bytes while the block lasts; Paced where there is no room soon. One alone is always let in."""
        try:
            async with asyncio.timeout(WAIT_SECONDS), self._freed:
                await self._freed.wait_for(lambda: not self._held or self._held + size <= limit)
                self._held += size
        except TimeoutError:
            raise Paced("other messages with files are being sent", after=AFTER_SECONDS) from None
        try:
            yield
        finally:
            async with self._freed:
                self._held -= size
                self._freed.notify_all()


_holds: WeakKeyDictionary[Runtime, Hold] = WeakKeyDictionary()


@asynccontextmanager
async def carried_files(
    runtime: Runtime, adapter: Adapter, parts: Sequence[AnyPart]
) -> AsyncIterator[dict[str, bytes]]:
    """The bytes of all files of a message by their ids, while it is sent; {} where the provider fetches them.

    Rejected where one is gone or damaged, Unreachable where the storage does not answer.
    """
    ids = [part.attachment.id for part in parts if isinstance(part, MEDIA_PARTS) and part.attachment.id]
    if not ids or not isinstance(adapter, Carrying):
        yield {}
        return
    rows = await _find(ids)
    weight, hold = sum(row.size or 0 for row in rows), _holds.setdefault(runtime, Hold())
    if weight > adapter.limits.media_bytes:
        raise Rejected("the files are larger than the channel carries", code="content_too_large")
    async with hold.of(weight, limit=MAX_MESSAGES * adapter.limits.media_bytes):
        yield {show_id("att", row.id): await _read(runtime.storage, row) for row in rows}


async def _find(ids: Sequence[str]) -> list[AttachmentRow]:
    wanted = [read_id("att", each) for each in ids]
    try:
        found = await find_attachments(wanted)
    except TRANSIENT as error:
        raise Unreachable(AWAY) from error
    rows = [found[each] for each in dict.fromkeys(wanted) if each in found]
    if len(rows) < len(set(wanted)) or not all(row.storage_key and row.state == "stored" for row in rows):
        raise Rejected(GONE, code="media_rejected")
    return rows


async def _read(storage: Storage, row: AttachmentRow) -> bytes:
    content, size = [], 0
    try:
        async for piece in await storage.open_file(row.storage_key or ""):
            size += len(piece)
            if size > (row.size or 0):
                break
            content.append(piece)
    except FileNotFoundError:
        raise Rejected(GONE, code="media_rejected") from None
    except Exception as error:  # whatever the storage raises: a bucket that is away is no bug of ours
        log.warning("file_not_read", error=type(error).__name__)
        raise Unreachable(AWAY) from error
    whole = b"".join(content)
    if size != row.size or sha256(whole).hexdigest() != row.sha256:
        log.error("file_damaged", attachment=show_id("att", row.id))
        raise Rejected(DAMAGED, code="media_rejected")
    return whole
