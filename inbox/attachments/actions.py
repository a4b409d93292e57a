"""Taking files in: uploaded by our users, announced by providers and fetched later."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterable, AsyncIterator, Collection, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from piccolo.columns import Column

from inbox.attachments.names import clean_file_name
from inbox.attachments.queries import AttachmentRow, find_attachment
from inbox.attachments.sniffing import HEAD_BYTES, image_size, sniff_media_type
from inbox.attachments.storage import FileStore
from inbox.attachments.tables import AttachmentTable
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import new_id

KEY_BYTES = 16
"""Names in the storage are random and say nothing of the file (security.md T27)."""

EXPECT = """
INSERT INTO attachment (id, entry_id, channel_id, name, media_type, source_url)
SELECT id, entry_id, channel_id, name, media_type, source_url FROM jsonb_populate_recordset(NULL::attachment, $1)
"""

BIND = """
UPDATE attachment a SET entry_id = new.entry_id, channel_id = new.channel_id
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS new(id, entry_id, channel_id)
WHERE a.id = new.id AND a.entry_id IS NULL
"""


# What it was called and what it was of are words too.
FORGET = """
UPDATE attachment a
SET name = NULL, size = NULL, width = NULL, height = NULL, sha256 = NULL, state = 'failed', error = 'redacted',
    source_url = NULL, storage_key = NULL, redacted_at = $3
FROM attachment old
WHERE old.id = a.id AND a.redacted_at IS NULL AND (a.id = ANY($1) OR a.entry_id = ANY($2))
RETURNING old.storage_key
"""


class ExpectedAttachment(msgspec.Struct, kw_only=True, frozen=True):
    """A file that came with a message and still lies at the provider."""

    id: UUID
    channel_id: UUID
    media_type: str
    entry_id: UUID | None = None
    name: str | None = None
    source_url: str | None = None


class BoundAttachment(msgspec.Struct, kw_only=True, frozen=True):
    """A file that was uploaded before the message it now belongs to."""

    id: UUID
    entry_id: UUID
    channel_id: UUID


class StoredFile(msgspec.Struct, kw_only=True, frozen=True):
    """What we know of a file once we hold it. The size is in bytes, of a picture also in pixels."""

    storage_key: str
    size: int
    sha256: str
    media_type: str
    width: int | None
    height: int | None


async def upload_attachment(
    store: FileStore, chunks: AsyncIterable[bytes], *, name: str | None, claimed: str | None
) -> AttachmentRow:
    """A file of ours that messages can carry."""
    return await upload_stored(await store_file(store, chunks, claimed=claimed), name=name)


async def upload_stored(stored: StoredFile, *, name: str | None) -> AttachmentRow:
    """As `upload_attachment`, once its bytes are in the storage."""
    row = AttachmentTable(
        id=new_id(),
        name=clean_file_name(name),
        state="stored",
        created_at=utc_now(),
        **msgspec.structs.asdict(stored),
    )
    await AttachmentTable.insert(row)
    return await find_attachment(row.id)


async def expect_attachments(expected: Sequence[ExpectedAttachment]) -> None:
    """Note files that are to be fetched; one statement however many."""
    if expected:
        named = [msgspec.structs.replace(one, name=clean_file_name(one.name)) for one in expected]
        await execute(EXPECT, msgspec.json.encode(named).decode())


async def bind_attachments(bound: Sequence[BoundAttachment]) -> None:
    """Files belong to the messages they came with from now on; one that belongs to another already stays there."""
    if bound:
        columns = zip(*((one.id, one.entry_id, one.channel_id) for one in bound), strict=True)
        await execute(BIND, *map(list, columns))


async def forget_files(ids: Collection[UUID], *, entry_ids: Collection[UUID], now: datetime) -> list[str]:
    """These files, and all that came with these entries, are redacted; the storage keys that are to be deleted."""
    return [row["storage_key"] for row in await fetch(FORGET, list(ids), list(entry_ids), now) if row["storage_key"]]


async def keep_fetched(attachment_id: UUID, stored: StoredFile, *, name: str | None = None) -> bool:
    """We hold a file that was expected; a name that came with it counts where none was known.

    False where it was redacted meanwhile: then what was stored is to be deleted.
    """
    values: dict[Column | str, Any] = {"state": "stored", "error": None}
    values.update(msgspec.structs.asdict(stored))
    named = clean_file_name(name)
    if named and (await find_attachment(attachment_id)).name is None:
        values["name"] = named
    kept = (
        await AttachmentTable.update(values)
        .where(AttachmentTable.id == attachment_id, AttachmentTable.redacted_at.is_null())
        .returning(AttachmentTable.id)
    )
    return bool(kept)


async def give_up_attachment(attachment_id: UUID, *, error: str) -> None:
    """A file that was expected will not come; `error` says why."""
    await AttachmentTable.update({"state": "failed", "error": error}).where(AttachmentTable.id == attachment_id)


async def store_file(store: FileStore, chunks: AsyncIterable[bytes], *, claimed: str | None) -> StoredFile:
    """Keep the bytes under a random name, and say what they are; `attachment_too_large` leaves nothing behind."""
    key = secrets.token_hex(KEY_BYTES)
    measured = Measured(chunks, limit=store.limit_bytes)
    await store.put_file(f"{key[:2]}/{key}", measured.read())
    width, height = image_size(measured.head) or (None, None)
    return StoredFile(
        storage_key=f"{key[:2]}/{key}",
        size=measured.size,
        sha256=measured.digest.hexdigest(),
        media_type=sniff_media_type(bytes(measured.head), claimed=claimed),
        width=width,
        height=height,
    )


class Measured:
    """Bytes on their way into the storage: counted, digested, their beginning kept to be looked at."""

    def __init__(self, chunks: AsyncIterable[bytes], *, limit: int) -> None:
        self._chunks = chunks
        self._limit = limit
        self.size = 0
        self.head = b""
        self.digest = sha256()

    async def read(self) -> AsyncIterator[bytes]:
        """The bytes, until there are too many."""
        async for chunk in self._chunks:
            self.size += len(chunk)
            if self.size > self._limit:
                raise file_too_large(self._limit)
            self.digest.update(chunk)
            if len(self.head) < HEAD_BYTES:
                self.head += chunk[: HEAD_BYTES - len(self.head)]
            yield chunk


def file_too_large(limit: int) -> Problem:
    """The refusal of a file above the limit."""
    detail = f"A file may have {limit} bytes"
    error = FieldError(pointer="/file", code="too_large", detail=detail, limit=limit)
    return Problem("attachment_too_large", detail, errors=[error], hint="Send a smaller file, or a link to it")
