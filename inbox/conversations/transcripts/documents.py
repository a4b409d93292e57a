"""A conversation written out: what is read for it, and the file it becomes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import msgspec

from inbox.conversations.entry import Author, TimelineEvent
from inbox.conversations.queries import find_conversation
from inbox.conversations.transcripts.paper import print_transcript
from inbox.conversations.transcripts.queries import read_timeline
from inbox.conversations.transcripts.rendering import ENDINGS, Format, Heading, Line, render_transcript
from inbox.kit.db import Row
from inbox.kit.errors import Problem
from inbox.kit.ids import read_id

ENTRIES_MAX = 5000
_author = msgspec.json.Decoder(Author).decode
_event = msgspec.json.Decoder(TimelineEvent).decode


async def read_whole(conversation_id: str, *, internal: bool) -> tuple[Row, list[Row]]:
    """A conversation and its entries, notes and events with them where `internal`; `not_found`, or too many."""
    row = await find_conversation(read_id("cnv", conversation_id))
    if row is None:
        raise Problem("not_found", f"There is no conversation {conversation_id}")
    entries = await read_timeline(row["id"], internal=internal, limit=ENTRIES_MAX + 1)
    if len(entries) > ENTRIES_MAX:
        hint = "Read it page by page, from its entries"
        raise Problem("state_conflict", f"A transcript has at most {ENTRIES_MAX} entries", hint=hint)
    return row, entries


async def write_document(row: Row, entries: Sequence[Row], *, form: Format, zone: tzinfo) -> bytes:
    """The file, in any form but JSON."""
    heading = Heading(number=row["number"], contact=row["contact_name"] or "somebody", subject=row["subject"])
    lines = [_line(entry) for entry in entries]
    if form == "pdf":
        return await asyncio.to_thread(print_transcript, heading, lines, zone=zone)
    return render_transcript(heading, lines, form=form, zone=zone).encode()


def name_file(row: Row, form: Format) -> str:
    """What the file is called."""
    return f"conversation-{row['number']}.{ENDINGS[form]}"


def read_zone(name: str) -> tzinfo | None:
    """A time zone of the IANA database; None where there is none of that name."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # what is no name, no file, or no zone
        return None


def _line(row: Row) -> Line:
    author = _author(row["author"])
    told = _event(row["event"]).name.replace("_", " ") if row["event"] else ""
    return Line(
        at=datetime.fromisoformat(row["created_at"]),
        who=author.name or author.address or author.type,
        by=row["medium"] or row["type"],
        text=row["text"] or told,
        internal=row["visibility"] == "internal",
    )
