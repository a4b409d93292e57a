"""The parts of what a visitor writes: their words, answers held against what was asked, files that they uploaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

import msgspec

from channels.parts import AnyPart, ChoiceReply, FormReply, Location, Text, media_part
from channels.webchat.actions import VisitorPart
from channels.webchat.services import PRE_CHAT_ID
from gateway.widget.shapes import NewVisitorMessage
from gateway.widget.visitor_auth import VisitorCaller
from inbox.attachments.queries import attachment_part, find_attachments
from inbox.conversations.queries import find_entry
from inbox.conversations.questions import settle_answers
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import UnknownId, read_id
from inbox.visitors.queries import find_standing, list_asked_parts, list_uploads
from inbox.visitors.showing import show_visitor_entry
from inbox.visitors.visitor import view_of

INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Control characters but tab and line ends: nobody types them."""


async def compose_parts(caller: VisitorCaller, said: NewVisitorMessage) -> list[VisitorPart]:
    """What a message is made of, or the problem with it; words alone need no look into the database."""
    words = _words(said.text, limit=caller.settings.text_chars)
    files = await _files(caller, said.attachment_ids) if said.attachment_ids else []
    answers = await _answers(caller, said.parts) if said.parts else []
    parts: list[VisitorPart] = [*words, *answers, *files]
    if not parts:
        raise _refusal("/text", "required", "Write something, or send a file")
    return parts


async def check_answered(caller: VisitorCaller, shown: str | None) -> None:
    """Refuse an answer to an entry that this visitor does not see."""
    if shown is None:
        return
    try:
        row = await find_entry(read_id("ent", shown))
    except UnknownId:
        row = None
    standing = await find_standing(caller.visitor)
    if row is None or show_visitor_entry(row, view_of(caller.visitor, standing)) is None:
        raise _refusal("/in_reply_to", "unknown_value", "There is no such entry in the conversation")


def _words(text: str | None, *, limit: int) -> list[VisitorPart]:
    clean = INVISIBLE.sub("", (text or "").replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(clean) > limit:
        raise _refusal("/text", "too_long", f"A message has at most {limit} characters", limit=limit)
    return [Text(text=clean)] if clean else []


async def _answers(caller: VisitorCaller, replies: Sequence[ChoiceReply | FormReply | Location]) -> list[VisitorPart]:
    """Answers as they are kept: to what was asked of this visitor, in its words."""
    standing = await find_standing(caller.visitor)
    pre_chat = caller.settings.pre_chat
    asked: list[AnyPart] = [msgspec.structs.replace(pre_chat, id=PRE_CHAT_ID)] if pre_chat else []
    if standing.conversation_id is not None:
        view = view_of(caller.visitor, standing)
        asked = [*await list_asked_parts(standing.conversation_id, view), *asked]
    settled = settle_answers(list(replies), asked)
    if settled.faults:
        raise Problem("validation_failed", settled.faults[0].detail, errors=settled.faults)
    return msgspec.convert(settled.parts, list[VisitorPart], from_attributes=True)


async def _files(caller: VisitorCaller, shown: Sequence[str]) -> list[VisitorPart]:
    """The visitor's own uploads; anybody else's are as if they were not there."""
    ids = [_file_id(one, index) for index, one in enumerate(shown)]
    own = await list_uploads(caller.visitor.id, ids)
    rows = await find_attachments(own)
    for index, one in enumerate(ids):
        if one not in rows or rows[one].state != "stored":
            raise _no_file(index)
    return [media_part(msgspec.structs.replace(attachment_part(rows[one]), url=None)) for one in dict.fromkeys(ids)]


def _file_id(shown: str, index: int) -> UUID:
    try:
        return read_id("att", shown)
    except UnknownId:
        raise _no_file(index) from None


def _no_file(index: int) -> Problem:
    return _refusal(f"/attachment_ids/{index}", "unknown_value", "No file of yours has this id: upload it first")


def _refusal(pointer: str, code: str, detail: str, *, limit: int | None = None) -> Problem:
    return Problem(
        "validation_failed", detail, errors=[FieldError(pointer=pointer, code=code, detail=detail, limit=limit)]
    )
