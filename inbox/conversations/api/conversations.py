"""Conversations over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import Parameter

from channels.contract import Adapter, Medium
from inbox.conversations.actions.change import (
    add_note,
    mark_read,
    mark_unread,
    open_conversation,
    patch_conversation,
    set_status,
    tag_conversation,
)
from inbox.conversations.actions.reply import reply_to_conversation
from inbox.conversations.api.authors import author_of
from inbox.conversations.api.pieces import read_parts, read_reply
from inbox.conversations.api.requests import (
    Because,
    ConversationPatch,
    NewConversation,
    NewMessage,
    NewNote,
    ReadUpTo,
    Snooze,
    Tag,
)
from inbox.conversations.api.shapes import (
    ConversationObject,
    EntryObject,
    EntryType,
    show_conversation,
    show_entry,
)
from inbox.conversations.queries import (
    ConversationFilter,
    Sort,
    find_contact_targets,
    find_conversation,
    find_entry,
    list_conversations,
    list_entries,
)
from inbox.conversations.thread import Level, Status
from inbox.feed.events import show_cursor
from inbox.feed.queries import feed_head
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.db import Row
from inbox.kit.errors import Problem
from inbox.kit.ids import read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageInfo, PageLimit, cut_page, read_cursor

READ = {"scope": "conversations:read"}
WRITE = {"scope": "conversations:write"}
SEND = {"scope": "messages:send"}

Seq: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class ConversationController(Controller):
    """Threads with contacts: list, read, answer, sort."""

    path = "/conversations"
    tags = ("Conversations",)

    @get(opt=READ, operation_id="listConversations", summary="List conversations")
    async def list_conversations(
        self,
        *,
        status: Annotated[list[Status] | None, Parameter(description="Those in one of these states.")] = None,
        assignee: Annotated[str | None, Parameter(description="Those an agent holds, or `none`.")] = None,
        tag: Annotated[Tag | None, Parameter(description="Those with this tag.")] = None,
        channel: Annotated[Medium | None, Parameter(description="Those that used this medium.")] = None,
        channel_id: Annotated[str | None, Parameter(description="Those last answered by this channel.")] = None,
        contact: Annotated[str | None, Parameter(description="Those with this contact.")] = None,
        priority: Annotated[Level | None, Parameter(description="Those of this priority.")] = None,
        unread: Annotated[bool | None, Parameter(description="Those with, or without, unread messages.")] = None,
        updated_after: Annotated[datetime | None, Parameter(description="Those changed since.")] = None,
        sort: Annotated[Sort, Parameter(description="The order; `-` puts the latest first.")] = "-updated_at",
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor | None = None,
    ) -> Response[Page[ConversationObject]]:
        """The `Event-Cursor` header is where the feed goes on from this list: nothing is missed in between."""
        narrowed = ConversationFilter(
            statuses=tuple(status or ()),
            assignee_id=read_id("agt", assignee) if assignee and assignee != "none" else None,
            unassigned=assignee == "none",
            tag=tag,
            medium=channel,
            channel_id=_optional("cha", channel_id),
            contact_id=_optional("ctc", contact),
            level=priority,
            unread=unread,
            updated_after=_aware(updated_after),
        )
        head = await feed_head()
        after = read_cursor(cursor, tuple[datetime, UUID], of=[sort, narrowed])
        rows = await list_conversations(narrowed, sort=sort, after=after, limit=limit + 1)
        column = sort.lstrip("-")
        page = cut_page(rows, limit, key=lambda row: (row[column], row["id"]), of=[sort, narrowed], show=_itself)
        shown = Page(data=await show_conversations(page.data), page=page.page)
        return Response(shown, headers={"event-cursor": show_cursor(head.cursor)})

    @post(opt=SEND, operation_id="openConversation", summary="Open a conversation")
    async def open_conversation(
        self, *, caller: Caller, data: NewConversation, adapters: Mapping[str, Adapter]
    ) -> ConversationObject:
        """A new thread with a contact, and its first message, which needs a channel that reaches them."""
        contact_id, now = read_id("ctc", data.contact_id), utc_now()
        conversation_id = await open_conversation(contact_id, subject=data.subject, actor=caller.actor, now=now)
        if data.message:
            reply = await read_reply(data.message, author=await author_of(caller, data.message.agent_id))
            await reply_to_conversation(conversation_id, reply, adapters=adapters, now=now)
        return await _shown(conversation_id)

    @get("/{conversation_id:str}", opt=READ, operation_id="getConversation", summary="Get a conversation")
    async def get_conversation(self, *, conversation_id: str) -> ConversationObject:
        """One thread, with the way an answer takes."""
        return await _shown(read_id("cnv", conversation_id))

    @patch("/{conversation_id:str}", opt=WRITE, operation_id="updateConversation", summary="Change a conversation")
    async def update_conversation(
        self, *, caller: Caller, conversation_id: str, data: ConversationPatch
    ) -> ConversationObject:
        """What changes is told by an event entry of the timeline."""
        identity, now = read_id("cnv", conversation_id), utc_now()
        changes = {name: getattr(data, name) for name in data.__struct_fields__}
        given = {name: value for name, value in changes.items() if value is not msgspec.UNSET}
        await patch_conversation(identity, given, actor=caller.actor, now=now)
        return await _shown(identity)

    @get("/{conversation_id:str}/entries", opt=READ, operation_id="listEntries", summary="Read the timeline")
    async def list_entries(
        self,
        *,
        conversation_id: str,
        after_seq: Annotated[Seq | None, Parameter(description="The first entries after this one.")] = None,
        before_seq: Annotated[Seq | None, Parameter(description="The last entries before this one.")] = None,
        types: Annotated[list[EntryType] | None, Parameter(description="Only entries of these types.")] = None,
        visibility: Annotated[
            Literal["public", "internal"] | None, Parameter(description="Only what the contact sees, or does not.")
        ] = None,
        limit: PageLimit = DEFAULT_LIMIT,
    ) -> Response[Page[EntryObject]]:
        """Entries in the order of `seq`: the last ones, or those after or before an entry. `seq` is the cursor."""
        identity = read_id("cnv", conversation_id)
        head = await feed_head()
        await _found(identity)
        rows = await list_entries(
            identity, after_seq=after_seq, before_seq=before_seq, types=types, visibility=visibility, limit=limit + 1
        )
        forwards = after_seq is not None
        kept = rows[:limit] if forwards else rows[-limit:]
        page = Page(data=[show_entry(row) for row in kept], page=PageInfo(has_more=len(rows) > limit))
        return Response(page, headers={"event-cursor": show_cursor(head.cursor)})

    @post("/{conversation_id:str}/messages", opt=SEND, operation_id="sendMessage", summary="Answer the contact")
    async def send_message(
        self, *, caller: Caller, conversation_id: str, data: NewMessage, adapters: Mapping[str, Adapter]
    ) -> EntryObject:
        """Stored as `queued` at once, sent in its turn; the feed tells how far it gets."""
        identity = read_id("cnv", conversation_id)
        reply = await read_reply(data, author=await author_of(caller, data.agent_id))
        return await _entry(await reply_to_conversation(identity, reply, adapters=adapters, now=utc_now()))

    @post("/{conversation_id:str}/notes", opt=WRITE, operation_id="addNote", summary="Add an internal note")
    async def add_note(self, *, caller: Caller, conversation_id: str, data: NewNote) -> EntryObject:
        """Only agents see it; it never leaves by any channel."""
        author = await author_of(caller, data.agent_id)
        parts = await read_parts(data.text, None)
        return await _entry(await add_note(read_id("cnv", conversation_id), parts=parts, author=author, now=utc_now()))

    @post("/{conversation_id:str}/close", opt=WRITE, operation_id="closeConversation", summary="Close it",
          status_code=200)  # fmt: skip
    async def close_conversation(self, *, caller: Caller, conversation_id: str, data: Because) -> ConversationObject:
        """It is done; the contact's next message reopens it within the window, or opens another."""
        return await _status(conversation_id, "closed", caller=caller, reason=data.reason)

    @post("/{conversation_id:str}/reopen", opt=WRITE, operation_id="reopenConversation", summary="Open it again",
          status_code=200)  # fmt: skip
    async def reopen_conversation(self, *, caller: Caller, conversation_id: str, data: Because) -> ConversationObject:
        """From closed, pending or snoozed."""
        return await _status(conversation_id, "open", caller=caller, reason=data.reason)

    @post("/{conversation_id:str}/snooze", opt=WRITE, operation_id="snoozeConversation", summary="Let it sleep",
          status_code=200)  # fmt: skip
    async def snooze_conversation(self, *, caller: Caller, conversation_id: str, data: Snooze) -> ConversationObject:
        """Until a moment, or until the contact writes."""
        return await _status(conversation_id, "snoozed", caller=caller, until=_aware(data.until))

    @post("/{conversation_id:str}/read", opt=WRITE, operation_id="markRead", summary="Mark as read", status_code=200)
    async def mark_read(self, *, caller: Caller, conversation_id: str, data: ReadUpTo) -> ConversationObject:
        """Everything up to an entry has been seen."""
        identity = read_id("cnv", conversation_id)
        await mark_read(identity, up_to_seq=data.up_to_seq, actor=caller.actor, now=utc_now())
        return await _shown(identity)

    @post("/{conversation_id:str}/unread", opt=WRITE, operation_id="markUnread", summary="Mark as unread",
          status_code=200)  # fmt: skip
    async def mark_unread(self, *, caller: Caller, conversation_id: str) -> ConversationObject:
        """The contact's last message has not been seen after all."""
        identity = read_id("cnv", conversation_id)
        await mark_unread(identity, actor=caller.actor, now=utc_now())
        return await _shown(identity)

    @put("/{conversation_id:str}/tags/{tag:str}", opt=WRITE, operation_id="addTag", summary="Add a tag")
    async def add_tag(self, *, caller: Caller, conversation_id: str, tag: Tag) -> ConversationObject:
        """Adding what is there already changes nothing."""
        return await _tag(conversation_id, tag, present=True, caller=caller)

    @delete("/{conversation_id:str}/tags/{tag:str}", opt=WRITE, operation_id="removeTag", summary="Remove a tag",
            status_code=200)  # fmt: skip
    async def remove_tag(self, *, caller: Caller, conversation_id: str, tag: Tag) -> ConversationObject:
        """Removing what is not there changes nothing."""
        return await _tag(conversation_id, tag, present=False, caller=caller)


async def show_conversations(rows: list[Row]) -> list[ConversationObject]:
    """Conversations with the ways to their contacts, in three statements for any number of them."""
    targets = await find_contact_targets(list({row["contact_id"] for row in rows})) if rows else {}
    return [show_conversation(row, targets[row["contact_id"]]) for row in rows]


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
    return await _shown(identity)


async def _tag(conversation_id: str, tag: str, *, present: bool, caller: Caller) -> ConversationObject:
    identity = read_id("cnv", conversation_id)
    await tag_conversation(identity, tag, present=present, actor=caller.actor, now=utc_now())
    return await _shown(identity)


async def _found(conversation_id: UUID) -> Row:
    row = await find_conversation(conversation_id)
    if row is None:
        raise Problem("not_found", f"There is no conversation {show_id('cnv', conversation_id)}")
    return row


async def _shown(conversation_id: UUID) -> ConversationObject:
    return (await show_conversations([await _found(conversation_id)]))[0]


async def _entry(entry_id: UUID) -> EntryObject:
    return show_entry(await find_entry(entry_id))


def _itself(row: Row) -> Any:
    return row


def _optional(prefix: Literal["cha", "ctc"], text: str | None) -> UUID | None:
    return read_id(prefix, text) if text else None


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
