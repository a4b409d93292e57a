"""A file of a message has come, or will not: its part says so."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from channels.parts import MEDIA_PARTS, AnyPart, Attachment, media_part, plain_text
from inbox.conversations.actions.deliveries import stored_parts
from inbox.conversations.actions.store import lock_thread_of, store_threads
from inbox.conversations.thread import tell
from inbox.kit.callers import SYSTEM
from inbox.kit.db import execute, fetch_one

FIND = "SELECT seq, parts FROM entry WHERE id = $1"
SAVE = "UPDATE entry SET parts = $2, text = $3, version = version + 1 WHERE id = $1"


async def update_file(entry_id: UUID, file: Attachment, *, now: datetime) -> None:
    """Let the message's part that carries this file say what is known of it now, and tell the feed."""
    held = await lock_thread_of(entry_id)
    entry = await fetch_one(FIND, entry_id)
    if held is None or entry is None:
        return
    parts = [_with_file(part, file) for part in stored_parts(entry["parts"])]
    await execute(SAVE, entry_id, msgspec.json.encode(parts).decode(), plain_text(parts))
    tell(held, "message.updated", actor=SYSTEM, entry_id=entry_id, seq=entry["seq"], changed=["parts"])
    await store_threads([held], now=now)


def _with_file(part: AnyPart, file: Attachment) -> AnyPart:
    """The same kind of part, unless its bytes turned out to be of another kind than was claimed."""
    if not isinstance(part, MEDIA_PARTS) or part.attachment.id != file.id:
        return part
    if part.attachment.media_type.partition("/")[0] != file.media_type.partition("/")[0]:
        return media_part(file)
    return msgspec.structs.replace(part, attachment=file)
