"""Conversations over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from channels.contract import Medium
from inbox.accounts.catalogue import Catalogue
from inbox.contacts.queries import find_survivor
from inbox.conversations.actions.change import (
    add_note,
    open_conversation,
    patch_conversation,
)
from inbox.conversations.actions.reply import reply_to_conversation
from inbox.conversations.api.authors import author_of
from inbox.conversations.api.entries import EntryObject, EntryType, show_entry
from inbox.conversations.api.expansion import (
    IN_CONVERSATIONS,
    IN_ENTRIES,
    ExpandConversations,
    ExpandEntries,
    expand_entries,
    find_whole,
    show_whole,
)
from inbox.conversations.api.listing import CountKind, OfAgent, QueryText, list_page, read_listing
from inbox.conversations.api.pieces import read_parts, read_reply
from inbox.conversations.api.requests import (
    ConversationPatch,
    NewConversation,
    NewNote,
    Tag,
)
from inbox.conversations.api.shapes import ConversationObject, show_conversation
from inbox.conversations.queries import (
    ConversationFilter,
    Sort,
    find_contact_targets,
    find_conversation,
    find_entry,
    read_timeline,
    sort_targets,
)
from inbox.conversations.search.highlights import Highlight
from inbox.conversations.thread import Level, Status
from inbox.feed.events import show_cursor
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.db import Row
from inbox.kit.errors import Problem
from inbox.kit.expand import read_expand
from inbox.kit.ids import read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageInfo, PageLimit

READ = {"scope": "conversations:read"}
WRITE = {"scope": "conversations:write"}
LIST = {**READ, "problems": ["not_found", "validation_failed"]}
FIND = {**READ, "problems": ["not_found"]}
REFUSALS = [
    "contact_opted_out", "contact_blocked", "channel_cannot", "invalid_address", "validation_failed", "not_found",
]  # fmt: skip
SEND = {"scope": "messages:send", "problems": REFUSALS}
CHANGE = {**WRITE, "problems": ["validation_failed", "state_conflict"]}

GivenCaller: TypeAlias = NamedDependency[Caller]
GivenCatalogue: TypeAlias = NamedDependency[Catalogue]
PathId: TypeAlias = FromPath[str]
Seq: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class ConversationController(Controller):
    """Threads with contacts: list, read, answer, sort."""

    path = "/conversations"
    tags = ("Conversations",)

    @get(opt=LIST, operation_id="listConversations", summary="List conversations")
    async def list_conversations(
        self,
        *,
        request: Request[Any, Any, Any],
        caller: GivenCaller,
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
            QueryParameter(description="Those changed since, but for how far messages got and what has been read."),
        ] = None,
        q: QueryText = None,
        view: Annotated[str | None, QueryParameter(description="Those of this view, such as `mine`.")] = None,
        agent: OfAgent = None,
        sort: Annotated[
            Sort | None,
            QueryParameter(description="The order; `-` puts the latest first: the view's, or `-updated_at`."),
        ] = None,
        expand: ExpandConversations = None,
        count: CountKind = None,
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
            contact_id=await _living(contact),
            level=priority,
            unread=unread,
            updated_after=aware(updated_after),
        )
        wanted = read_expand(expand, IN_CONVERSATIONS, caller=caller)
        listing = await read_listing(narrowed, q=q, view=view, agent=agent, sort=sort, caller=caller)
        found = await list_page(listing, cursor=cursor, limit=limit, count=count)
        data = await show_conversations(found.rows.data, ways=found.ways, highlights=found.highlights, expand=wanted)
        answer = request.route_handler.resolve_response_class()  # the one that adds the Link to the next page
        return answer(Page(data=data, page=found.rows.page), headers={"event-cursor": show_cursor(found.head)})

    @post(opt=SEND, operation_id="openConversation", summary="Open a conversation")
    async def open_conversation(
        self,
        *,
        caller: GivenCaller,
        data: JSONBody[NewConversation],
        catalogue: GivenCatalogue,
        undo_seconds: NamedDependency[float],
    ) -> ConversationObject:
        """A new thread with a contact, and its first message, which needs a channel that reaches them."""
        contact_id, now = read_id("ctc", data.contact_id), utc_now()
        conversation_id = await open_conversation(contact_id, subject=data.subject, actor=caller.actor, now=now)
        if data.message:
            reply = await read_reply(data.message, author=await author_of(caller, data.message.agent_id))
            reply = msgspec.structs.replace(reply, hold_seconds=undo_seconds)
            await reply_to_conversation(conversation_id, reply, adapters=catalogue.adapters, now=now)
        return await shown_conversation(conversation_id)

    @get("/{conversation_id:str}", opt=READ, operation_id="getConversation", summary="Get a conversation")
    async def get_conversation(
        self, *, caller: GivenCaller, conversation_id: PathId, expand: ExpandConversations = None
    ) -> ConversationObject:
        """One thread, with the way an answer takes."""
        wanted = read_expand(expand, IN_CONVERSATIONS, caller=caller)
        return await shown_conversation(read_id("cnv", conversation_id), expand=wanted)

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
        caller: GivenCaller,
        conversation_id: PathId,
        after_seq: Annotated[Seq | None, QueryParameter(description="The first entries after this one.")] = None,
        before_seq: Annotated[Seq | None, QueryParameter(description="The last entries before this one.")] = None,
        types: Annotated[list[EntryType] | None, QueryParameter(description="Only entries of these types.")] = None,
        visibility: Annotated[
            Literal["public", "internal"] | None, QueryParameter(description="Only what the contact sees, or does not.")
        ] = None,
        expand: ExpandEntries = None,
        limit: PageLimit = DEFAULT_LIMIT,
    ) -> Response[Page[EntryObject]]:
        """Entries in the order of `seq`: the last ones, or those after or before an entry. `seq` is the cursor."""
        identity = read_id("cnv", conversation_id)
        found = await read_timeline(
            identity, after_seq=after_seq, before_seq=before_seq, types=types, visibility=visibility, limit=limit + 1
        )
        if found is None:
            raise _missing(identity)
        kept = found.rows[:limit] if after_seq is not None else found.rows[-limit:]
        wanted = read_expand(expand, IN_ENTRIES, caller=caller)
        entries = await expand_entries([show_entry(row) for row in kept], kept, wanted)
        page = Page(data=entries, page=PageInfo(has_more=len(found.rows) > limit))
        return Response(page, headers={"event-cursor": show_cursor(found.head)})

    @post("/{conversation_id:str}/notes", opt=WRITE, operation_id="addNote", summary="Add an internal note")
    async def add_note(self, *, caller: GivenCaller, conversation_id: PathId, data: JSONBody[NewNote]) -> EntryObject:
        """Only agents see it; it never leaves by any channel."""
        author = await author_of(caller, data.agent_id)
        parts = await read_parts(data.text, None)
        return await _entry(await add_note(read_id("cnv", conversation_id), parts=parts, author=author, now=utc_now()))


async def show_conversations(
    rows: Sequence[Row],
    *,
    ways: str | None = None,
    highlights: Mapping[UUID, Highlight] | None = None,
    expand: frozenset[str] = frozenset(),
) -> list[ConversationObject]:
    """Conversations with the ways to their contacts, looked up unless given; an expansion is one more statement."""
    contact_ids = {row["contact_id"] for row in rows}
    targets = await (find_contact_targets(list(contact_ids)) if ways is None else sort_targets(ways, contact_ids))
    shown = [show_conversation(row, targets[row["contact_id"]]) for row in rows]
    if expand:
        whole = await find_whole(rows, expand)
        shown = [
            msgspec.structs.replace(one, expanded=show_whole(row, whole, targets[row["contact_id"]]))
            for one, row in zip(shown, rows, strict=True)
        ]
    if highlights is None:
        return shown
    ids = [row["id"] for row in rows]
    return [msgspec.structs.replace(one, highlight=highlights.get(key)) for key, one in zip(ids, shown, strict=True)]


async def _found(conversation_id: UUID) -> Row:
    row = await find_conversation(conversation_id)
    if row is None:
        raise _missing(conversation_id)
    return row


def _missing(conversation_id: UUID) -> Problem:
    return Problem("not_found", f"There is no conversation {show_id('cnv', conversation_id)}")


async def shown_conversation(conversation_id: UUID, *, expand: frozenset[str] = frozenset()) -> ConversationObject:
    """One conversation as it is answered."""
    return (await show_conversations([await _found(conversation_id)], expand=expand))[0]


async def _entry(entry_id: UUID) -> EntryObject:
    return show_entry(await find_entry(entry_id))


async def _living(contact: str | None) -> UUID | None:
    """The contact that is meant: of one that was merged away, the one it lives on in."""
    contact_id = read_id("ctc", contact) if contact else None
    return (await find_survivor(contact_id) or contact_id) if contact_id else None


def _optional(prefix: Literal["cha"], text: str | None) -> UUID | None:
    return read_id(prefix, text) if text else None


def aware(moment: datetime | None) -> datetime | None:
    """A moment with its zone; one that names none is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
