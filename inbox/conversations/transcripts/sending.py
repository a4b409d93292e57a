"""Transcripts sent: the formal record of a conversation, by mail and as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from channels.parts import AnyPart, File, Text
from inbox.accounts.catalogue import Catalogue
from inbox.attachments.actions import upload_attachment
from inbox.attachments.queries import attachment_part
from inbox.attachments.storage import FileStore
from inbox.audit.actions import record_audit
from inbox.conversations.actions.reply import Reply, reply_to_conversation
from inbox.conversations.api.authors import author_of
from inbox.conversations.api.entries import EntryObject, show_entry
from inbox.conversations.api.mailing import MailAsked, read_mail_asked
from inbox.conversations.api.requests import Line, Words
from inbox.conversations.queries import find_entry
from inbox.conversations.transcripts.documents import name_file, read_whole, read_zone, write_document
from inbox.conversations.transcripts.rendering import MEDIA_TYPES
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import read_id

SEND = {
    "scope": "messages:send",
    "problems": ["contact_opted_out", "contact_blocked", "channel_cannot", "validation_failed", "not_found",
                 "state_conflict"],
}  # fmt: skip
COVER = "Attached is the record of our conversation."


class TranscriptMessage(MailAsked, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A transcript to be sent: `text` is the letter it comes with, times are shown in `time_zone`, an IANA name.

    The same `client_message_id` in one conversation is the same message, however often it is sent.
    """

    text: Words = COVER
    format: Literal["pdf", "html", "text"] = "pdf"
    time_zone: Annotated[str, msgspec.Meta(max_length=64)] = "UTC"
    client_message_id: Line | None = None
    agent_id: str | None = None


class TranscriptSendingController(Controller):
    """Conversations sent as documents."""

    path = "/conversations"
    tags = ("Messages",)

    @post("/{conversation_id:str}/transcript", opt=SEND, operation_id="sendTranscript",
          summary="Send the contact a transcript", response_description="Stored, to be sent in its turn")  # fmt: skip
    async def send_transcript(
        self,
        *,
        caller: NamedDependency[Caller],
        conversation_id: FromPath[str],
        data: JSONBody[TranscriptMessage],
        catalogue: NamedDependency[Catalogue],
        storage: NamedDependency[FileStore],
    ) -> EntryObject:
        """By mail, as a file: what the contact said and was told, never notes. It joins the same conversation."""
        zone = read_zone(data.time_zone)
        if zone is None:
            wrong = FieldError(pointer="/time_zone", code="unknown_value", detail="no time zone of the IANA database")
            raise Problem("validation_failed", wrong.detail, errors=[wrong])
        row, entries = await read_whole(conversation_id, internal=False)
        content = await write_document(row, entries, form=data.format, zone=zone)
        name, kind = name_file(row, data.format), MEDIA_TYPES[data.format]
        file = await upload_attachment(storage, _whole(content), name=name, claimed=kind)
        parts: list[AnyPart] = [Text(text=data.text), File(attachment=attachment_part(file))]
        reply = Reply(
            parts=parts,
            author=await author_of(caller, data.agent_id),
            medium="email",
            client_message_id=data.client_message_id,
            mail=read_mail_asked(data),
        )
        entry_id = await reply_to_conversation(
            read_id("cnv", conversation_id), reply, adapters=catalogue.adapters, now=utc_now()
        )
        facts = {"format": data.format, "entries": len(entries)}
        await record_audit(caller.actor, "conversation.transcript_sent", target=conversation_id, facts=facts)
        sent = await find_entry(entry_id)
        if sent is None:
            raise Problem("not_found", "The message was erased")
        return show_entry(sent)


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
