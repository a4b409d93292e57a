"""Redacting over HTTP."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from inbox.conversations.api.conversations import shown_conversation
from inbox.conversations.api.requests import Line
from inbox.conversations.api.shapes import ConversationObject
from inbox.conversations.redaction.actions import redact_attachment, redact_entry
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import read_id

REDACT = {"scope": "conversations:write", "problems": ["validation_failed", "state_conflict"]}


class Redaction(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is to go, one entry or one file, and why: the reason is kept, the words are not."""

    reason: Line
    entry_id: str | None = None
    attachment_id: Annotated[str | None, msgspec.Meta(examples=[None])] = None


class RedactionController(Controller):
    """Taking out what should never have been written."""

    path = "/conversations"
    tags = ("Conversations",)

    @post("/{conversation_id:str}/redact", opt=REDACT, operation_id="redactEntry",
          summary="Redact a message, a note or a file", status_code=200)  # fmt: skip
    async def redact_entry(
        self, *, caller: NamedDependency[Caller], conversation_id: FromPath[str], data: JSONBody[Redaction]
    ) -> ConversationObject:
        """It cannot be undone. The entry keeps its place; what the contact holds already is beyond our reach."""
        conversation, now = read_id("cnv", conversation_id), utc_now()
        if data.entry_id and not data.attachment_id:
            entry = read_id("ent", data.entry_id)
            await redact_entry(conversation, entry, reason=data.reason, actor=caller.actor, now=now)
        elif data.attachment_id and not data.entry_id:
            file = read_id("att", data.attachment_id)
            await redact_attachment(conversation, file, reason=data.reason, actor=caller.actor, now=now)
        else:
            error = FieldError(pointer="/entry_id", code="invalid", detail="name an entry or a file, one of them")
            raise Problem("validation_failed", error.detail, errors=[error])
        return await shown_conversation(conversation)
