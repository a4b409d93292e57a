"""Reading drafts and their versions."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from channels.parts import AnyPart
from inbox.conversations.drafts.draft import DraftContent
from inbox.conversations.letters.letter import read_mail_options
from inbox.kit.db import Row, fetch, fetch_one
from inbox.kit.errors import Problem
from inbox.kit.ids import DRAFT, show_id

DRAFTS = """
SELECT id, conversation_id, state, version, author, medium, channel_id, in_reply_to, text, parts, mail, saved_by,
       approved_by, scheduled_message_id, entry_id, created_at, updated_at
FROM draft
"""
VERSIONS = """
SELECT version, medium, channel_id, in_reply_to, text, parts, mail, saved_by, saved_at FROM draft_version
WHERE draft_id = $1
"""

_parts = msgspec.json.Decoder(list[AnyPart]).decode


async def find_draft(draft_id: UUID) -> Row:
    """One draft, or the `not_found` problem."""
    row = await fetch_one(f"{DRAFTS} WHERE id = $1", draft_id)
    if row is None:
        raise Problem("not_found", f"There is no draft {show_id(DRAFT, draft_id)}")
    return row


async def list_drafts(conversation_id: UUID, *, states: Sequence[str], after: UUID | None, limit: int) -> list[Row]:
    """One page of the drafts of a conversation, the oldest first; ids follow the time of making."""
    return await fetch(
        f"{DRAFTS} WHERE conversation_id = $1 AND state = ANY($2) AND ($3::uuid IS NULL OR id > $3) "
        "ORDER BY id LIMIT $4",
        conversation_id,
        list(states),
        after,
        limit,
    )


async def list_draft_versions(draft_id: UUID, *, before: int | None, limit: int) -> list[Row]:
    """One page of a draft's versions, the newest first."""
    return await fetch(
        f"{VERSIONS} AND ($2::int IS NULL OR version < $2) ORDER BY version DESC LIMIT $3", draft_id, before, limit
    )


async def find_draft_version(draft_id: UUID, version: int) -> Row:
    """One version of a draft, or the `not_found` problem."""
    row = await fetch_one(f"{VERSIONS} AND version = $2", draft_id, version)
    if row is None:
        raise Problem("not_found", f"The draft has no version {version}, or it is not kept any more")
    return row


def content_of(row: Row) -> DraftContent:
    """What a draft, or a version of one, holds."""
    return DraftContent(
        parts=_parts(row["parts"]),
        medium=row["medium"],
        channel_id=row["channel_id"],
        in_reply_to=row["in_reply_to"],
        mail=read_mail_options(row["mail"]),
    )
