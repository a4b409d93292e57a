"""Transcripts over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from inbox.audit.actions import record_audit
from inbox.conversations.api.conversations import show_conversations
from inbox.conversations.api.entries import EntryObject, show_entry
from inbox.conversations.api.shapes import ConversationObject
from inbox.conversations.transcripts.documents import name_file, read_whole, read_zone, write_document
from inbox.conversations.transcripts.rendering import MEDIA_TYPES, POLICY, Format
from inbox.kit.callers import Caller
from inbox.kit.db import Row
from inbox.kit.errors import FieldError, Problem


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
        zone = read_zone(time_zone)
        if zone is None:
            wrong = FieldError(pointer="?time_zone", code="unknown_value", detail="no time zone of the IANA database")
            raise Problem("invalid_query", wrong.detail, errors=[wrong])
        row, entries = await read_whole(conversation_id, internal=visibility == "all")
        body = await _json(row, entries) if form == "json" else await write_document(row, entries, form=form, zone=zone)
        facts = {"format": form, "visibility": visibility, "entries": len(entries)}
        await record_audit(caller.actor, "conversation.transcript_read", target=conversation_id, facts=facts)
        named = f'attachment; filename="{name_file(row, form)}"'
        headers = {"Content-Disposition": named, "Content-Security-Policy": POLICY}
        return Response(body, media_type=MEDIA_TYPES[form], headers=headers)


async def _json(row: Row, entries: Sequence[Row]) -> bytes:
    [conversation] = await show_conversations([row])
    return msgspec.json.encode(Transcript(conversation=conversation, entries=[show_entry(one) for one in entries]))
