"""Files: expected from a provider, kept when they have come."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from inbox.kit.db import execute

EXPECT = """
INSERT INTO attachment (id, entry_id, channel_id, name, media_type, source_url, state)
SELECT id, entry_id, channel_id, name, media_type, source_url, 'pending'
FROM jsonb_populate_recordset(NULL::attachment, $1)
"""


class ExpectedAttachment(msgspec.Struct, kw_only=True, frozen=True):
    """A file of an inbound message that still lies at the provider, under `source_url`."""

    id: UUID
    channel_id: UUID
    name: str | None
    media_type: str
    source_url: str | None
    entry_id: UUID | None = None


class KeptFile(msgspec.Struct, kw_only=True, frozen=True):
    """What is known of a file once its bytes are in our store."""

    storage_key: str
    media_type: str
    size: int
    sha256: str
    name: str | None = None
    width: int | None = None
    height: int | None = None


async def expect_attachments(expected: Sequence[ExpectedAttachment]) -> None:
    """Note files down before they are fetched, in the transaction of their message."""
    if expected:
        await execute(EXPECT, msgspec.json.encode(expected).decode())


async def keep_attachment(attachment_id: UUID, kept: KeptFile) -> None:
    """The bytes are in the store."""
    await execute(
        "UPDATE attachment SET state = 'stored', storage_key = $2, media_type = $3, size = $4, sha256 = $5, "
        "name = coalesce($6, name), width = $7, height = $8, error = NULL WHERE id = $1",
        attachment_id,
        kept.storage_key,
        kept.media_type,
        kept.size,
        kept.sha256,
        kept.name,
        kept.width,
        kept.height,
    )


async def give_up_attachment(attachment_id: UUID, *, error: str) -> None:
    """The provider will not give the file: the timeline says so, the rest of the message stands."""
    await execute("UPDATE attachment SET state = 'failed', error = $2 WHERE id = $1", attachment_id, error[:500])
