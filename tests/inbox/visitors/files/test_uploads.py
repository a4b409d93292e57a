"""Uploads that no message carries go after a day, those that one carries stay."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from inbox.attachments.actions import StoredFile, upload_stored
from inbox.kit.db import execute, fetch, fetch_value
from inbox.visitors.files.actions import keep_upload, prune_uploads
from tests.inbox.builders import NOW, committed, run_opened
from tests.inbox.visitors.chats import make_chat, make_visitor, visitor_writes


async def upload(visitor_id: UUID, key: str) -> UUID:
    """A file of a visitor."""
    stored = StoredFile(storage_key=key, size=1, sha256="0", media_type="image/png", width=1, height=1)
    row = await upload_stored(stored, name="door.png")
    await keep_upload(row.id, visitor_id, now=NOW)
    return row.id


def test_what_nobody_sent_is_forgotten(database_url: str) -> None:
    """Its bytes as well; not before its time, and nothing that is in a message."""

    async def body() -> None:
        chat = await make_chat()
        await visitor_writes(chat)
        visitor_id = await make_visitor(chat)
        sent, left = await upload(visitor_id, "aa/sent"), await upload(visitor_id, "bb/left")
        await execute("UPDATE attachment SET entry_id = (SELECT id FROM entry LIMIT 1) WHERE id = $1", sent)
        assert await committed(prune_uploads(before=NOW)) == 0
        assert await committed(prune_uploads(before=NOW + timedelta(seconds=1))) == 1
        assert [row["id"] for row in await fetch("SELECT id FROM attachment")] == [sent]
        assert await fetch_value("SELECT payload->>'storage_key' FROM job WHERE type = 'delete_file'") == "bb/left"
        assert left != sent

    run_opened(database_url, body)
