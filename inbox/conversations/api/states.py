"""Where a conversation stands, over HTTP: closed, asleep, read, tagged."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from litestar import Controller, delete, post, put
from litestar.params import FromPath, JSONBody

from inbox.conversations.actions.change import mark_read, mark_unread, set_status, tag_conversation
from inbox.conversations.api.conversations import CHANGE, WRITE, GivenCaller, PathId, aware, shown_conversation
from inbox.conversations.api.requests import Because, ReadUpTo, Snooze, Tag
from inbox.conversations.api.shapes import ConversationObject
from inbox.conversations.thread import Status
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.ids import read_id

PathTag: TypeAlias = FromPath[Tag]


class StateController(Controller):
    """What an agent does with a conversation besides answering."""

    path = "/conversations"
    tags = ("Conversations",)

    @post("/{conversation_id:str}/close", opt=WRITE, operation_id="closeConversation", summary="Close it",
          status_code=200)  # fmt: skip
    async def close_conversation(
        self, *, caller: GivenCaller, conversation_id: PathId, data: JSONBody[Because]
    ) -> ConversationObject:
        """It is done; the contact's next message reopens it within the window, or opens another."""
        return await _status(conversation_id, "closed", caller=caller, reason=data.reason)

    @post("/{conversation_id:str}/reopen", opt=WRITE, operation_id="reopenConversation", summary="Open it again",
          status_code=200)  # fmt: skip
    async def reopen_conversation(
        self, *, caller: GivenCaller, conversation_id: PathId, data: JSONBody[Because]
    ) -> ConversationObject:
        """From closed, pending or snoozed."""
        return await _status(conversation_id, "open", caller=caller, reason=data.reason)

    @post("/{conversation_id:str}/snooze", opt=CHANGE, operation_id="snoozeConversation", summary="Let it sleep",
          status_code=200)  # fmt: skip
    async def snooze_conversation(
        self, *, caller: GivenCaller, conversation_id: PathId, data: JSONBody[Snooze]
    ) -> ConversationObject:
        """Until a moment, or until the contact writes."""
        return await _status(conversation_id, "snoozed", caller=caller, until=aware(data.until))

    @post("/{conversation_id:str}/read", opt=WRITE, operation_id="markRead", summary="Mark as read", status_code=200)
    async def mark_read(
        self, *, caller: GivenCaller, conversation_id: PathId, data: JSONBody[ReadUpTo]
    ) -> ConversationObject:
        """Everything up to an entry has been seen."""
        identity = read_id("cnv", conversation_id)
        await mark_read(identity, up_to_seq=data.up_to_seq, actor=caller.actor, now=utc_now())
        return await shown_conversation(identity)

    @post("/{conversation_id:str}/unread", opt=WRITE, operation_id="markUnread", summary="Mark as unread",
          status_code=200)  # fmt: skip
    async def mark_unread(self, *, caller: GivenCaller, conversation_id: PathId) -> ConversationObject:
        """The contact's last message has not been seen after all."""
        identity = read_id("cnv", conversation_id)
        await mark_unread(identity, actor=caller.actor, now=utc_now())
        return await shown_conversation(identity)

    @put("/{conversation_id:str}/tags/{tag:str}", opt=CHANGE, operation_id="addTag", summary="Add a tag")
    async def add_tag(self, *, caller: GivenCaller, conversation_id: PathId, tag: PathTag) -> ConversationObject:
        """Adding what is there already changes nothing."""
        return await _tag(conversation_id, tag, present=True, caller=caller)

    @delete("/{conversation_id:str}/tags/{tag:str}", opt=WRITE, operation_id="removeTag", summary="Remove a tag",
            status_code=200)  # fmt: skip
    async def remove_tag(self, *, caller: GivenCaller, conversation_id: PathId, tag: PathTag) -> ConversationObject:
        """Removing what is not there changes nothing."""
        return await _tag(conversation_id, tag, present=False, caller=caller)


async def _status(
    conversation_id: str,
    status: Status,
    *,
    caller: Caller,
    until: datetime | None = None,
    reason: str | None = None,
) -> ConversationObject:
    identity = read_id("cnv", conversation_id)
    await set_status(identity, status, actor=caller.actor, now=utc_now(), until=until, reason=reason)
    return await shown_conversation(identity)


async def _tag(conversation_id: str, tag: str, *, present: bool, caller: Caller) -> ConversationObject:
    identity = read_id("cnv", conversation_id)
    await tag_conversation(identity, tag, present=present, actor=caller.actor, now=utc_now())
    return await shown_conversation(identity)
