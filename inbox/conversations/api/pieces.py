"""The parts of a message as it is asked for: words made into a part, files looked up."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from channels.email.html.shown import clean_written
from channels.parts import MEDIA_PARTS, AnyPart, MediaPart, Text
from inbox.attachments.queries import AttachmentRow, attachment_part, find_attachments
from inbox.conversations.actions.reply import Reply
from inbox.conversations.api.mailing import read_mail_asked
from inbox.conversations.api.requests import NewMessage
from inbox.conversations.entry import Author
from inbox.conversations.questions import refuse_questions
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import UnknownId, read_id


async def read_reply(asked: NewMessage, *, author: Author) -> Reply:
    """The message that is asked for, its files looked up."""
    return Reply(
        parts=await read_parts(asked.text, asked.parts),
        author=author,
        medium=None if asked.channel == "auto" else asked.channel,
        channel_id=read_id("cha", asked.channel_id) if asked.channel_id else None,
        client_message_id=asked.client_message_id,
        in_reply_to=read_id("ent", asked.in_reply_to) if asked.in_reply_to else None,
        mail=read_mail_asked(asked),
    )


async def read_parts(text: str | None, parts: Sequence[AnyPart] | None) -> list[AnyPart]:
    """`text` as a part of its own before `parts`; files are named by the id of an uploaded attachment."""
    words: list[AnyPart] = [Text(text=text)] if text is not None else []
    asked = [*words, *(parts or ())]
    if not asked:
        detail = "Give `text` or `parts`"
        raise Problem("validation_failed", detail, errors=[FieldError(pointer="/text", code="required", detail=detail)])
    ids = {
        index: _file_id(part, index - len(words)) for index, part in enumerate(asked) if isinstance(part, MEDIA_PARTS)
    }
    known = await find_attachments(list(ids.values())) if ids else {}
    filled = [
        _filled(part, ids[index], known, index - len(words)) if index in ids else part
        for index, part in enumerate(asked)
    ]
    refuse_questions(filled[len(words) :])
    return clean_written(filled)


def _file_id(part: MediaPart, index: int) -> UUID:
    try:
        return read_id("att", part.attachment.id or "")
    except UnknownId:
        raise _no_file(index) from None


def _filled(part: AnyPart, attachment_id: UUID, known: dict[UUID, AttachmentRow], index: int) -> AnyPart:
    if attachment_id not in known or known[attachment_id].state != "stored":
        raise _no_file(index)
    return msgspec.structs.replace(part, attachment=attachment_part(known[attachment_id]))


def _no_file(index: int) -> Problem:
    detail = "no stored attachment has this id: upload it first"
    error = FieldError(pointer=f"/parts/{index}/attachment/id", code="unknown_value", detail=detail)
    return Problem("validation_failed", detail, errors=[error])
