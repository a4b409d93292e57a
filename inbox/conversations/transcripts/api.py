"""Transcripts over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from inbox.audit.actions import record_audit
from inbox.conversations.api.conversations import show_conversations
from inbox.conversations.api.entries import EntryObject, show_entry
from inbox.conversations.api.shapes import ConversationObject
from inbox.conversations.entry import Author, TimelineEvent
from inbox.conversations.queries import find_conversation
from inbox.conversations.transcripts.paper import print_transcript
from inbox.conversations.transcripts.queries import read_timeline
from inbox.conversations.transcripts.rendering import (
    ENDINGS,
    MEDIA_TYPES,
    POLICY,
    Format,
    Heading,
    Line,
    render_transcript,
)
from inbox.kit.callers import Caller
from inbox.kit.db import Row
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import read_id

ENTRIES_MAX = 5000
_author = msgspec.json.Decoder(Author).decode
_event = msgspec.json.Decoder(TimelineEvent).decode


class Transcript(msgspec.Struct, kw_only=True, frozen=True):
    """A conversation with its entries, in the order of time."""

    object: Literal["transcript"] = "transcript"
    conversation: ConversationObject
    entries: list[EntryObject]


READ = {
    "scope": "conversations:read",
    "problems": ["state_conflict"],
    "forms": {MEDIA_TYPES[form]: Transcript if form == "json" else bytes for form in MEDIA_TYPES},
    "example": "Conversation 1042 with Ana Ruiz\n\n[2026-11-21 09:14:02 UTC] Ana Ruiz (sms):\n    Nothing came\n",
}


class TranscriptController(Controller):
    """Conversations as documents."""

    path = "/conversations"
    tags = ("Conversations",)

    @get("/{conversation_id:str}/transcript", opt=READ, operation_id="getTranscript",
         summary="Download a transcript", media_type="text/plain")  # fmt: skip
    async def get_transcript(
        self,
        *,
        caller: NamedDependency[Caller],
        conversation_id: FromPath[str],
        form: Annotated[
            Format, QueryParameter(name="format", description="As plain text, Markdown, HTML, PDF or JSON.")
        ] = "text",
        visibility: Annotated[
            Literal["public", "all"], QueryParameter(description="What the contact saw, or notes and events as well.")
        ] = "public",
        time_zone: Annotated[
            str, QueryParameter(max_length=64, description="The IANA name of the zone times are shown in.")
        ] = "UTC",
    ) -> Response[bytes]:
        """The whole conversation in the order of time, up to 5,000 entries, as a file. The audit log tells of it."""
        zone = _read_zone(time_zone)
        row = await find_conversation(read_id("cnv", conversation_id))
        if row is None:
            raise Problem("not_found", f"There is no conversation {conversation_id}")
        entries = await read_timeline(row["id"], internal=visibility == "all", limit=ENTRIES_MAX + 1)
        if len(entries) > ENTRIES_MAX:
            hint = "Read it page by page, from its entries"
            raise Problem("state_conflict", f"A transcript has at most {ENTRIES_MAX} entries", hint=hint)
        body = await _json(row, entries) if form == "json" else await _document(row, entries, form=form, zone=zone)
        facts = {"format": form, "visibility": visibility, "entries": len(entries)}
        await record_audit(caller.actor, "conversation.transcript_read", target=conversation_id, facts=facts)
        name = f"conversation-{row['number']}.{ENDINGS[form]}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": POLICY}
        return Response(body, media_type=MEDIA_TYPES[form], headers=headers)


def _read_zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # what is no name, no file, or no zone
        wrong = FieldError(pointer="?time_zone", code="unknown_value", detail="no time zone of the IANA database")
        raise Problem("invalid_query", wrong.detail, errors=[wrong]) from error


async def _json(row: Row, entries: Sequence[Row]) -> bytes:
    [conversation] = await show_conversations([row])
    return msgspec.json.encode(Transcript(conversation=conversation, entries=[show_entry(one) for one in entries]))


async def _document(row: Row, entries: Sequence[Row], *, form: Format, zone: tzinfo) -> bytes:
    heading = Heading(number=row["number"], contact=row["contact_name"] or "somebody", subject=row["subject"])
    lines = [_line(entry) for entry in entries]
    if form == "pdf":
        return await asyncio.to_thread(print_transcript, heading, lines, zone=zone)
    return render_transcript(heading, lines, form=form, zone=zone).encode()


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
