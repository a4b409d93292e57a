"""Conversations over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from channels.contract import Medium
from inbox.accounts.catalogue import Catalogue
from inbox.conversations.actions.change import (
    add_note,
    open_conversation,
    patch_conversation,
)
from inbox.conversations.actions.reply import reply_to_conversation
from inbox.conversations.api.authors import author_of
from inbox.conversations.api.pieces import read_parts, read_reply
from inbox.conversations.api.requests import (
    ConversationPatch,
    NewConversation,
    NewMessage,
    NewNote,
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
FIND = {**READ, "problems": ["not_found"]}
SEND = {"scope": "messages:send", "problems": ["contact_opted_out", "channel_cannot", "validation_failed", "not_found"]}
CHANGE = {**WRITE, "problems": ["validation_failed", "state_conflict"]}

GivenCaller: TypeAlias = NamedDependency[Caller]
GivenCatalogue: TypeAlias = NamedDependency[Catalogue]
PathId: TypeAlias = FromPath[str]
Seq: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class ConversationController(Controller):
    """Threads with contacts: list, read, answer, sort."""

    path = "/conversations"
    tags = ("Conversations",)

    @get(opt=FIND, operation_id="listConversations", summary="List conversations")
    async def list_conversations(
        self,
        *,
        request: Request[Any, Any, Any],
        status: Annotated[list[Status] | None, QueryParameter(description="Those in one of these states.")] = None,
        assignee: Annotated[str | None, QueryParameter(description="Those an agent holds, or `none`.")] = None,
        tag: Annotated[Tag | None, QueryParameter(description="Those with this tag.")] = None,
        channel: Annotated[Medium | None, QueryParameter(description="Those that used this medium.")] = None,
        channel_id: Annotated[str | None, QueryParameter(description="Those last answered by this channel.")] = None,
        contact: Annotated[str | None, QueryParameter(description="Those with this contact.")] = None,
        priority: Annotated[Level | None, QueryParameter(description="Those of this priority.")] = None,
        unread: Annotated[bool | None, QueryParameter(description="Those with, or without, unread messages.")] = None,
        updated_after: Annotated[
            datetime | None,
            QueryParameter(description="Those changed since. How far a message got does not change its conversation."),
        ] = None,
        sort: Annotated[Sort, QueryParameter(description="The order; `-` puts the latest first.")] = "-updated_at",
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
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
            updated_after=aware(updated_after),
        )
        head = await feed_head()
        after = read_cursor(cursor, tuple[datetime, UUID], of=[sort, narrowed])
        rows = await list_conversations(narrowed, sort=sort, after=after, limit=limit + 1)
        column = sort.lstrip("-")
        page = cut_page(rows, limit, key=lambda row: (row[column], row["id"]), of=[sort, narrowed], show=_itself)
        shown = Page(data=await show_conversations(page.data), page=page.page)
        answer = request.route_handler.resolve_response_class()  # the one that adds the Link to the next page
        return answer(shown, headers={"event-cursor": show_cursor(head.cursor)})

    @post(opt=SEND, operation_id="openConversation", summary="Open a conversation")
    async def open_conversation(
        self, *, caller: GivenCaller, data: JSONBody[NewConversation], catalogue: GivenCatalogue
    ) -> ConversationObject:
        """A new thread with a contact, and its first message, which needs a channel that reaches them."""
        contact_id, now = read_id("ctc", data.contact_id), utc_now()
        conversation_id = await open_conversation(contact_id, subject=data.subject, actor=caller.actor, now=now)
        if data.message:
            reply = await read_reply(data.message, author=await author_of(caller, data.message.agent_id))
            await reply_to_conversation(conversation_id, reply, adapters=catalogue.adapters, now=now)
        return await shown_conversation(conversation_id)

    @get("/{conversation_id:str}", opt=READ, operation_id="getConversation", summary="Get a conversation")
    async def get_conversation(self, *, conversation_id: PathId) -> ConversationObject:
        """One thread, with the way an answer takes."""
        return await shown_conversation(read_id("cnv", conversation_id))

    @patch("/{conversation_id:str}", opt=CHANGE, operation_id="updateConversation", summary="Change a conversation")
    async def update_conversation(
        self, *, caller: GivenCaller, conversation_id: PathId, data: JSONBody[ConversationPatch]
    ) -> ConversationObject:
        """What changes is told by an event entry of the timeline."""
        identity, now = read_id("cnv", conversation_id), utc_now()
        changes = {name: getattr(data, name) for name in data.__struct_fields__}
        given = {name: value for name, value in changes.items() if value is not msgspec.UNSET}
        await patch_conversation(identity, given, actor=caller.actor, now=now)
        return await shown_conversation(identity)

    @get("/{conversation_id:str}/entries", opt=READ, operation_id="listEntries", summary="Read the timeline")
    async def list_entries(
        self,
        *,
        conversation_id: PathId,
        after_seq: Annotated[Seq | None, QueryParameter(description="The first entries after this one.")] = None,
        before_seq: Annotated[Seq | None, QueryParameter(description="The last entries before this one.")] = None,
        types: Annotated[list[EntryType] | None, QueryParameter(description="Only entries of these types.")] = None,
        visibility: Annotated[
            Literal["public", "internal"] | None, QueryParameter(description="Only what the contact sees, or does not.")
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
        self,
        *,
        caller: GivenCaller,
        conversation_id: PathId,
        data: JSONBody[NewMessage],
        catalogue: GivenCatalogue,
    ) -> EntryObject:
        """Stored as `queued` at once, sent in its turn; the feed tells how far it gets."""
        identity = read_id("cnv", conversation_id)
        reply = await read_reply(data, author=await author_of(caller, data.agent_id))
        return await _entry(await reply_to_conversation(identity, reply, adapters=catalogue.adapters, now=utc_now()))

    @post("/{conversation_id:str}/notes", opt=WRITE, operation_id="addNote", summary="Add an internal note")
    async def add_note(self, *, caller: GivenCaller, conversation_id: PathId, data: JSONBody[NewNote]) -> EntryObject:
        """Only agents see it; it never leaves by any channel."""
        author = await author_of(caller, data.agent_id)
        parts = await read_parts(data.text, None)
        return await _entry(await add_note(read_id("cnv", conversation_id), parts=parts, author=author, now=utc_now()))


async def show_conversations(rows: list[Row]) -> list[ConversationObject]:
    """Conversations with the ways to their contacts, in three statements for any number of them."""
    targets = await find_contact_targets(list({row["contact_id"] for row in rows})) if rows else {}
    return [show_conversation(row, targets[row["contact_id"]]) for row in rows]


async def _found(conversation_id: UUID) -> Row:
    row = await find_conversation(conversation_id)
    if row is None:
        raise Problem("not_found", f"There is no conversation {show_id('cnv', conversation_id)}")
    return row


async def shown_conversation(conversation_id: UUID) -> ConversationObject:
    """One conversation as it is answered."""
    return (await show_conversations([await _found(conversation_id)]))[0]


async def _entry(entry_id: UUID) -> EntryObject:
    return show_entry(await find_entry(entry_id))


def _itself(row: Row) -> Any:
    return row


def _optional(prefix: Literal["cha", "ctc"], text: str | None) -> UUID | None:
    return read_id(prefix, text) if text else None


def aware(moment: datetime | None) -> datetime | None:
    """A moment with its zone; one that names none is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
