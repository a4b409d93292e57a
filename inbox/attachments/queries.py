"""Reading what is known about files."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from channels.parts import Attachment
from inbox.attachments.tables import AttachmentTable
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id

API_PATH = "/v1/attachments"


class AttachmentRow(msgspec.Struct, kw_only=True, frozen=True):
    """A file as stored: `storage_key` is where its bytes lie, `source_url` where the provider keeps it, if one does."""

    id: UUID
    entry_id: UUID | None
    channel_id: UUID | None
    name: str | None
    media_type: str
    size: int | None
    width: int | None
    height: int | None
    sha256: str | None
    scan: Literal["unscanned", "clean", "infected"]
    state: Literal["pending", "stored", "failed"]
    storage_key: str | None
    source_url: str | None
    error: str | None
    redacted_at: datetime | None
    created_at: datetime


async def find_attachments(ids: Collection[UUID]) -> dict[UUID, AttachmentRow]:
    """Files by id; those that do not exist are left out."""
    if not ids:
        return {}
    rows = await AttachmentTable.select().where(AttachmentTable.id.is_in(list(ids)))
    return {row["id"]: msgspec.convert(row, AttachmentRow) for row in rows}


async def find_attachment(attachment_id: UUID) -> AttachmentRow:
    """One file, or the `not_found` problem."""
    found = await find_attachments([attachment_id])
    if attachment_id not in found:
        raise Problem("not_found", f"There is no attachment {show_id('att', attachment_id)}")
    return found[attachment_id]


def attachment_part(row: AttachmentRow) -> Attachment:
    """A file as the parts of messages carry it; its `url` is our API's, which asks for a key."""
    shown = show_id("att", row.id)
    return Attachment(
        id=shown,
        name=row.name,
        media_type=row.media_type,
        size=row.size,
        width=row.width,
        height=row.height,
        sha256=row.sha256,
        scan=row.scan,
        state=row.state,
        url=f"{API_PATH}/{shown}",
    )
