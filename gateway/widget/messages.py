"""What visitors write and read: journaled first, like all that comes in, so that it is once and is not lost."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from channels.webchat.actions import MESSAGE, RECEIPT, Sender, VisitorMessage, VisitorReceipt
from gateway.journal import JournalDown
from gateway.live.bus import LiveEvent, LiveEventType
from gateway.metrics import INBOUND_RECEIVED
from gateway.widget.composing import check_answered, compose_parts
from gateway.widget.desk import WidgetDesk
from gateway.widget.examples import HISTORY_EXAMPLE, MESSAGE_EXAMPLE
from gateway.widget.prechat import take_pre_chat
from gateway.widget.reading import list_talks, show_history, stand_in
from gateway.widget.shapes import (
    AcceptedMessage,
    ListedConversation,
    NewVisitorMessage,
    VisitorHistory,
    VisitorReading,
    VisitorTyping,
)
from gateway.widget.visitor_auth import VisitorCaller
from inbox.intake.actions.journal import JournalEntry
from inbox.kit.callers import Actor
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, tx
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit
from inbox.kit.tracing import request_id, traceparent
from inbox.visitors.actions import note_writing
from inbox.visitors.queries import find_standing, list_unreported

JOURNALED = {"journaled": True}
NOTED = {**JOURNALED, "problems": ["not_found"]}
WRITE = {**JOURNALED, "problems": ["validation_failed"], "request_example": MESSAGE_EXAMPLE}
READ = {"example": HISTORY_EXAMPLE, "problems": ["not_found"]}
LIST = {"problems": ["invalid_cursor", "cursor_mismatch"]}
MOST_RECEIPTS = 500
"""How many messages one `read` tells of; what lies further back was read long ago."""
OtherTalk = Annotated[
    str | None,
    QueryParameter(description="One of the visitor's conversations; else the one they are in.", max_length=40),
]
BeforeSeq = Annotated[int | None, QueryParameter(description="Only what stands before this place.", ge=1, le=2**31 - 1)]


class MessageController(Controller):
    """What visitors of a web chat ask for: their session, their conversation, and what comes in it."""

    tags = ("Web chat",)

    @get("/messages", opt=READ, operation_id="listVisitorEntries", summary="Read the conversation")
    async def list_visitor_entries(
        self,
        *,
        visitor: NamedDependency[VisitorCaller],
        conversation_id: OtherTalk = None,
        before_seq: BeforeSeq = None,
        limit: PageLimit = DEFAULT_LIMIT,
    ) -> VisitorHistory:
        """The last entries, the oldest first; earlier ones with `before_seq`. The stream goes on at `cursor`."""
        standing = await stand_in(visitor.visitor, conversation_id)
        return await show_history(visitor.visitor, standing, before_seq=before_seq, limit=limit)

    @get("/conversations", opt=LIST, operation_id="listVisitorConversations", summary="List one's conversations")
    async def list_visitor_conversations(
        self, *, visitor: NamedDependency[VisitorCaller], limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None
    ) -> Page[ListedConversation]:
        """Those the visitor has had in this chat, the newest first: a user who has proven themselves all of theirs,
        anybody else those of this visitor. Read one by `GET /messages?conversation_id=`."""
        return await list_talks(visitor.visitor, cursor=cursor, limit=limit)

    @post("/messages", opt=WRITE, status_code=202, operation_id="writeVisitorMessage", summary="Write a message")
    async def write_visitor_message(
        self,
        *,
        visitor: NamedDependency[VisitorCaller],
        data: JSONBody[NewVisitorMessage],
        widget_desk: NamedDependency[WidgetDesk],
    ) -> AcceptedMessage:
        """It is kept when this answers, and is there once, however often it is sent under its `client_message_id`."""
        await widget_desk.spend_message(visitor)
        await check_answered(visitor, data.in_reply_to)
        parts = await compose_parts(visitor, data)
        await take_pre_chat(visitor, parts)
        message = VisitorMessage(
            sender=_sender_of(visitor),
            message_id=data.client_message_id,
            parts=parts,
            in_reply_to=data.in_reply_to,
            anew=data.new_conversation,
        )
        await widget_desk.spend_opening(visitor, anew=data.new_conversation)
        await _journal(widget_desk, visitor, MESSAGE, body=msgspec.json.encode(message))
        await _note(visitor, data)
        return AcceptedMessage(client_message_id=data.client_message_id)

    @post("/read", opt=NOTED, status_code=204, operation_id="reportVisitorReading", summary="Say what was read")
    async def report_visitor_reading(
        self,
        *,
        visitor: NamedDependency[VisitorCaller],
        data: JSONBody[VisitorReading],
        widget_desk: NamedDependency[WidgetDesk],
    ) -> None:
        """All of our messages up to a place have reached the browser, or the eye."""
        standing = await stand_in(visitor.visitor, data.conversation_id)
        found = await list_unreported(
            standing, visitor.channel.id, up_to_seq=data.up_to_seq, state=data.state, limit=MOST_RECEIPTS
        )
        if found:
            receipt = VisitorReceipt(references=[show_id("msg", one) for one in found], state=data.state)
            await _journal(widget_desk, visitor, RECEIPT, body=msgspec.json.encode(receipt))

    @post(
        "/typing", opt=JOURNALED, status_code=204, operation_id="tellVisitorTyping", summary="Say that one is writing"
    )
    async def tell_visitor_typing(
        self,
        *,
        visitor: NamedDependency[VisitorCaller],
        data: JSONBody[VisitorTyping],
        widget_desk: NamedDependency[WidgetDesk],
    ) -> None:
        """It is for the moment: nothing of it is kept."""
        standing = await find_standing(visitor.visitor)
        if standing.conversation_id is None or standing.contact_id is None:
            return
        name = standing.contact_name or visitor.visitor.name
        actor = Actor(type="contact", id=show_id("ctc", standing.contact_id), name=name)
        state: LiveEventType = "typing.started" if data.typing else "typing.stopped"
        await widget_desk.runtime.live.tell(LiveEvent(state, standing.conversation_id, actor))


async def _journal(desk: WidgetDesk, caller: VisitorCaller, kind: str, *, body: bytes) -> None:
    """Keep it: in the journal, or while the database is away in the spool."""
    channel_id: UUID = caller.channel.id
    entry = JournalEntry(
        channel_id=channel_id,
        kind=kind,
        method="POST",
        url=f"{desk.runtime.settings.public_url}/widget/v1/{kind}s",
        headers="{}",
        body=body,
        received_at=utc_now(),
        request_id=request_id(),
        traceparent=traceparent(),
    )
    try:
        await desk.runtime.journal.write(entry, spoolable=True)
        INBOUND_RECEIVED.labels(caller.channel.account.channel_id, caller.channel.provider, "accepted").inc()
    except JournalDown as down:
        raise Problem("dependency_down", "it could not be kept; send it again under the same id") from down


async def _note(caller: VisitorCaller, data: NewVisitorMessage) -> None:
    """That they have written, and where: of use, and not worth losing a message for."""
    if caller.visitor.wrote_at is not None and data.page is None:
        return
    try:
        async with tx():
            await note_writing(caller.visitor, data.page, now=utc_now())
    except TRANSIENT:
        return


def _sender_of(caller: VisitorCaller) -> Sender:
    visitor = caller.visitor
    return Sender(address=visitor.address, name=visitor.name, verified=visitor.verified)
