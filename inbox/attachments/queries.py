"""Reading what is known of files."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from channels.parts import Attachment
from inbox.kit.db import Row, fetch, fetch_one
from inbox.kit.ids import show_id

COLUMNS = (
    "id, entry_id, channel_id, name, media_type, size, width, height, sha256, scan, state, storage_key, source_url, "
    "created_at"
)


async def find_attachment(attachment_id: UUID) -> Row | None:
    """One file's row."""
    return await fetch_one(f"SELECT {COLUMNS} FROM attachment WHERE id = $1", attachment_id)  # noqa: S608 (our columns)


async def find_attachments(ids: Sequence[UUID]) -> dict[UUID, Attachment]:
    """Files as parts carry them."""
    rows = await fetch(f"SELECT {COLUMNS} FROM attachment WHERE id = ANY($1)", list(ids))  # noqa: S608 (our columns)
    return {row["id"]: show_attachment(row) for row in rows}


def show_attachment(row: Row) -> Attachment:
    """A file's row as parts carry it; where it lies is nobody's business."""
    return Attachment(
        id=show_id("att", row["id"]),
        name=row["name"],
        media_type=row["media_type"],
        size=row["size"],
        width=row["width"],
        height=row["height"],
        sha256=row["sha256"],
        scan=row["scan"],
        state=row["state"],
    )
