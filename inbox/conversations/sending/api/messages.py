"""The ways to send: an answer, a message to anybody, a draft; and taking back what has not left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody

from inbox.conversations.actions.reply import Reply, reply_to_conversation
from inbox.conversations.api.authors import author_of
from inbox.conversations.api.conversations import GivenCaller, GivenCatalogue, PathId
from inbox.conversations.api.entries import EntryObject, show_entry
from inbox.conversations.api.pieces import read_reply
from inbox.conversations.drafts.queries import find_draft
from inbox.conversations.queries import find_entry
from inbox.conversations.scheduled.actions.schedule import schedule_message
from inbox.conversations.scheduled.plan import in_utc
from inbox.conversations.scheduled.queries import find_scheduled
from inbox.conversations.scheduled.shapes import ScheduledMessageObject, show_scheduled
from inbox.conversations.sending.actions.approve import Timing, send_draft
from inbox.conversations.sending.actions.cancel import cancel_message
from inbox.conversations.sending.actions.reach import Reached, reach_address, schedule_to, write_to
from inbox.conversations.sending.shapes import (
    DraftSending,
    OutgoingMessage,
    TimedMessage,
    check_recipient,
    check_timing,
    planned,
    spell_recipient,
)
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.errors import Problem
from inbox.kit.ids import DRAFT, read_id

REFUSALS = [
    "contact_opted_out",
    "contact_blocked",
    "channel_cannot",
    "validation_failed",
    "not_found",
    "state_conflict",
    "invalid_address",
]
SEND = {"scope": "messages:send", "problems": REFUSALS}
APPROVE = {"scope": "messages:send", "problems": [*REFUSALS, "version_mismatch"]}
CANCEL = {"scope": "messages:send", "problems": ["state_conflict", "version_mismatch"]}
LATER = {
    202: ResponseSpec(ScheduledMessageObject, description="It is scheduled and leaves later", generate_examples=False)
}

Undo: TypeAlias = NamedDependency[float]
Window: TypeAlias = NamedDependency[timedelta]
AnyRequest: TypeAlias = Request[Any, Any, Any]


class SendingController(Controller):
    """Writing to people."""

    path = "/"
    tags = ("Messages",)

    @post("/conversations/{conversation_id:str}/messages", opt=SEND, operation_id="sendMessage",
          summary="Answer the contact", response_description="Stored, to be sent in its turn",
          responses=LATER)  # fmt: skip
    async def send_message(
        self,
        *,
        request: AnyRequest,
        caller: GivenCaller,
        conversation_id: PathId,
        data: JSONBody[TimedMessage],
        catalogue: GivenCatalogue,
        undo_seconds: Undo,
    ) -> Response[EntryObject]:
        """Stored as `queued` at once, sent in its turn; the feed tells how far it gets.

        With `send_at` the answer is 202 and a scheduled message.
        """
        identity, now = read_id("cnv", conversation_id), utc_now()
        reply = await _asked(data, caller, undo_seconds)
        plan = planned(reply, data)
        if plan is None:
            entry_id = await reply_to_conversation(identity, reply, adapters=catalogue.adapters, now=now)
            return await _sent(request, entry_id)
        actor, adapters = caller.actor, catalogue.adapters
        return await _later(request, await schedule_message(identity, plan, actor=actor, adapters=adapters, now=now))

    @post("/messages", opt=SEND, operation_id="sendMessageTo", summary="Write to an address or a contact",
          response_description="Stored, to be sent in its turn", responses=LATER)  # fmt: skip
    async def send_message_to(
        self,
        *,
        request: AnyRequest,
        caller: GivenCaller,
        data: JSONBody[OutgoingMessage],
        catalogue: GivenCatalogue,
        undo_seconds: Undo,
        reopen_window: Window,
        default_country: NamedDependency[str | None],
    ) -> Response[EntryObject]:
        """In the conversation that their own next message would join, or in a new one; strangers become contacts.

        Asked again with the same Idempotency-Key, or the same `client_message_id` for the same person, it is one
        message.
        """
        check_recipient([("to", data.to), ("contact_id", data.contact_id)])
        now, actor, adapters = utc_now(), caller.actor, catalogue.adapters
        reply = _without_subject(await _asked(data, caller, undo_seconds))
        if data.to is not None:
            reached = await reach_address(
                spell_recipient(data.to, data.kind, default_country=default_country), actor=actor
            )
        else:
            reached = Reached(contact_id=read_id("ctc", data.contact_id or ""))
        plan = planned(reply, data)
        if plan is None:
            entry_id = await write_to(
                reached, reply, subject=data.subject, window=reopen_window, adapters=adapters, actor=actor, now=now
            )
            return await _sent(request, entry_id)
        scheduled_id = await schedule_to(
            reached, plan, subject=data.subject, window=reopen_window, adapters=adapters, actor=actor, now=now
        )
        return await _later(request, scheduled_id)

    @post("/drafts/{draft_id:str}/send", opt=APPROVE, operation_id="sendDraft", summary="Approve and send a draft",
          response_description="Stored, to be sent in its turn", responses=LATER)  # fmt: skip
    async def send_draft(
        self,
        *,
        request: AnyRequest,
        caller: GivenCaller,
        draft_id: FromPath[str],
        data: JSONBody[DraftSending],
        catalogue: GivenCatalogue,
        undo_seconds: Undo,
    ) -> Response[EntryObject]:
        """In the name of its author; who sends it is its approver. However often it is sent, it is one message.

        With `version` (or `If-Match`) exactly those words are approved: if they have changed, nothing is sent.
        """
        check_timing(data)
        identity = read_id(DRAFT, draft_id)
        timing = Timing(
            hold_seconds=undo_seconds if data.undo_seconds is None else data.undo_seconds,
            send_at=in_utc(data.send_at) if data.send_at else None,
            cancel_on_reply=data.cancel_on_reply,
            only_if_open=data.only_if_open,
        )
        became = await send_draft(
            identity, timing, actor=caller.actor, adapters=catalogue.adapters, now=utc_now(), version=data.version
        )
        sent = (await find_draft(identity))["entry_id"] is not None
        return await (_sent(request, became) if sent else _later(request, became))

    @post("/messages/{message_id:str}/cancel", opt=CANCEL, operation_id="cancelMessage",
          summary="Take a message back", status_code=200)  # fmt: skip
    async def cancel_message(self, *, caller: GivenCaller, message_id: FromPath[str]) -> EntryObject:
        """As long as the provider has not been handed anything of it; then it is refused: there is no third way.

        It keeps its place in the timeline, as `canceled`.
        """
        identity = read_id("ent", message_id)
        await cancel_message(identity, actor=caller.actor, now=utc_now())
        return show_entry(await find_entry(identity))


async def _asked(data: TimedMessage, caller: Caller, default_hold: float) -> Reply:
    check_timing(data)
    reply = await read_reply(data, author=await author_of(caller, data.agent_id))
    hold = default_hold if data.undo_seconds is None else data.undo_seconds
    return msgspec.structs.replace(reply, hold_seconds=hold)


def _without_subject(reply: Reply) -> Reply:
    """Here the subject is that of the conversation, which a mail takes its own from; on other media it is no more."""
    mail = msgspec.structs.replace(reply.mail, subject=None) if reply.mail else None
    return msgspec.structs.replace(reply, mail=mail)


async def _sent(request: AnyRequest, entry_id: UUID) -> Response[Any]:
    row = await find_entry(entry_id)
    if row is None:
        raise Problem("not_found", "The message was erased")
    return _answer(request, show_entry(row), 201)


async def _later(request: AnyRequest, scheduled_id: UUID) -> Response[Any]:
    return _answer(request, show_scheduled(await find_scheduled(scheduled_id)), 202)


def _answer(request: AnyRequest, shown: msgspec.Struct, status: int) -> Response[Any]:
    answer = request.route_handler.resolve_response_class()  # the one that adds links and ETags
    return answer(shown, status_code=status)
