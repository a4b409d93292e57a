"""Which files a visitor may open."""

from __future__ import annotations

from uuid import UUID

from inbox.attachments.queries import AttachmentRow, find_attachment
from inbox.conversations.queries import find_entries
from inbox.kit.db import Row, fetch, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id
from inbox.visitors.showing import show_visitor_entry
from inbox.visitors.visitor import View

UPLOADER = "SELECT visitor_id FROM visitor_upload WHERE attachment_id = $1"
# An upload of an agent may stand in several messages; one of a visitor or a provider belongs to its entry.
CARRIERS = """
SELECT id FROM entry WHERE id = $1
UNION
SELECT id FROM entry WHERE identity_id = ANY($2) AND type = 'message' AND parts @> $3::jsonb
"""


async def find_open_file(attachment_id: UUID, view: View, *, visitor_id: UUID) -> AttachmentRow:
    """A file of a message the visitor may see, or their own upload; `not_found` for any other (security.md T28)."""
    row = await find_attachment(attachment_id)
    if row.entry_id is None and await fetch_value(UPLOADER, attachment_id) == visitor_id:
        return row
    if not view.identity_ids or not await _is_shown(row, view):
        raise Problem("not_found", f"There is no attachment {show_id('att', attachment_id)}")
    return row


async def _is_shown(row: AttachmentRow, view: View) -> bool:
    shown = show_id("att", row.id)
    part = f'[{{"attachment": {{"id": "{shown}"}}}}]'
    carriers = await fetch(CARRIERS, row.entry_id, list(view.identity_ids), part)
    entries = await find_entries([one["id"] for one in carriers])
    return any(_holds(entry, view, shown) for entry in entries.values())


def _holds(entry: Row, view: View, shown: str) -> bool:
    told = show_visitor_entry(entry, view)
    parts = told.parts if told else []
    return any(getattr(getattr(part, "attachment", None), "id", None) == shown for part in parts)
