"""The record of a conversation as its visitor sees it, made into a file and mailed to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.runtime import Runtime
from gateway.widget.visitor_auth import VisitorCaller
from inbox.attachments.actions import upload_attachment
from inbox.conversations.queries import find_conversation
from inbox.conversations.transcripts.documents import name_file
from inbox.conversations.transcripts.paper import print_transcript
from inbox.conversations.transcripts.rendering import MEDIA_TYPES, Heading, Line
from inbox.kit.errors import Problem
from inbox.visitors.mail.actions import mail_transcript
from inbox.visitors.mail.mailing import mailbox_of
from inbox.visitors.queries import find_standing, read_history
from inbox.visitors.showing import VisitorEntry, show_visitor_entry
from inbox.visitors.visitor import view_of

ENTRIES_MAX = 2_000
"""The newest entries of a conversation that a record holds."""


async def mail_record(runtime: Runtime, visitor: VisitorCaller, address: str, *, now: datetime) -> None:
    """Nothing is in it that the visitor does not see in the chat; times are those of the chat's opening hours."""
    standing = await find_standing(visitor.visitor)
    row = await find_conversation(standing.conversation_id) if standing.conversation_id else None
    if row is None:
        raise Problem("state_conflict", "There is no conversation to send")
    view = view_of(visitor.visitor, standing)
    history = await read_history(row["id"], view, before_seq=None, limit=ENTRIES_MAX)
    shown = [show_visitor_entry(entry, view) for entry in history.rows]
    settings = visitor.settings
    lines = record_lines([one for one in shown if one is not None], chat=settings.name)
    zone = ZoneInfo(settings.hours.zone) if settings.hours else UTC
    heading = Heading(number=row["number"], contact=visitor.visitor.name or "you")
    content = await asyncio.to_thread(print_transcript, heading, lines, zone=zone)
    file = await upload_attachment(
        runtime.storage, _whole(content), name=name_file(row, "pdf"), claimed=MEDIA_TYPES["pdf"]
    )
    await mail_transcript(
        row["id"],
        address,
        file,
        channel_id=mailbox_of(settings.continue_by_mail),
        name=settings.name,
        locale=visitor.visitor.locale or settings.default_locale,
        adapters=runtime.adapters,
        now=now,
    )


def record_lines(entries: Sequence[VisitorEntry], *, chat: str) -> list[Line]:
    """What was said, and that the conversation ended or was taken up again."""
    return [
        Line(
            at=datetime.fromisoformat(entry.occurred_at),
            who=entry.author.name or ("you" if entry.direction == "inbound" else chat),
            by=entry.channel,
            text=entry.text or (entry.event.name.replace("_", " ") if entry.event else ""),
        )
        for entry in entries
        if entry.kind == "message" or (entry.event and entry.event.name in {"ended", "reopened", "agent_joined"})
    ]


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
