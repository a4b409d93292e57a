"""What a visitor is shown at once: their session, their conversation, and where the stream goes on from there."""

from __future__ import annotations

from uuid import UUID

import msgspec

from gateway.widget.shapes import (
    HistoryPage,
    ListedConversation,
    VisitorHistory,
    VisitorObject,
    VisitorSessionObject,
)
from inbox.conversations.queries import find_conversation, find_conversations
from inbox.feed.events import show_cursor
from inbox.feed.queries import feed_head
from inbox.kit.clock import show_time
from inbox.kit.errors import Problem
from inbox.kit.ids import read_id, show_id
from inbox.kit.pages import Page, cut_page, read_cursor
from inbox.visitors.conversation import VisitorConversation, show_visitor_conversation
from inbox.visitors.queries import (
    count_unread,
    find_last_messages,
    find_standing,
    list_own_conversations,
    read_history,
)
from inbox.visitors.showing import show_visitor_entry
from inbox.visitors.visitor import Standing, Visitor, VisitorSession, view_of


async def show_session(session: VisitorSession, visitor: Visitor, *, token: str | None) -> VisitorSessionObject:
    """A session as its browser gets it; the cursor is taken first, so that nothing falls between it and the rest."""
    head = await feed_head()
    standing = await find_standing(visitor)
    return VisitorSessionObject(
        token=token,
        visitor=VisitorObject(
            id=show_id("vis", visitor.id), name=visitor.name, email=visitor.email, verified=visitor.verified
        ),
        conversation=await read_conversation(standing.conversation_id),
        cursor=show_cursor(head.cursor),
        expires_at=show_time(session.expires_at),
    )


async def read_conversation(conversation_id: UUID | None) -> VisitorConversation | None:
    """A conversation as its visitor sees it."""
    row = await find_conversation(conversation_id) if conversation_id else None
    if row is None or conversation_id is None:
        return None
    unread = await count_unread([conversation_id])
    return show_visitor_conversation(row, unread=unread.get(conversation_id, 0))


async def list_talks(visitor: Visitor, *, cursor: str | None, limit: int) -> Page[ListedConversation]:
    """One page of a visitor's conversations in their chat, the newest first."""
    standing = await find_standing(visitor)
    view, of = view_of(visitor, standing), ["visitor", visitor.id]
    before = read_cursor(cursor, UUID, of=of)
    ids = await list_own_conversations(standing, visitor.channel_id, before=before, limit=limit + 1)
    rows, unread = await find_conversations(ids), await count_unread(ids)
    last = await find_last_messages(ids, view)

    def show(one: UUID) -> ListedConversation:
        shown = show_visitor_conversation(rows[one], unread=unread.get(one, 0))
        entry = show_visitor_entry(last[one], view) if one in last else None
        return ListedConversation(**msgspec.structs.asdict(shown), last_message=entry)

    return cut_page([one for one in ids if one in rows], limit, key=lambda one: one, of=of, show=show)


async def stand_in(visitor: Visitor, shown: str | None) -> Standing:
    """Where a visitor stands, as if they were in the conversation that is named; `not_found` where it is not theirs."""
    standing = await find_standing(visitor)
    if shown is None:
        return standing
    conversation_id = read_id("cnv", shown)
    if not await list_own_conversations(standing, visitor.channel_id, only=conversation_id):
        raise Problem("not_found", "There is no such conversation")
    return msgspec.structs.replace(standing, conversation_id=conversation_id)


async def show_history(visitor: Visitor, standing: Standing, *, before_seq: int | None, limit: int) -> VisitorHistory:
    """The last entries of the conversation a visitor stands in, before a place in it."""
    view = view_of(visitor, standing)
    history = await read_history(standing.conversation_id, view, before_seq=before_seq, limit=limit)
    shown = [show_visitor_entry(row, view) for row in history.rows]
    return VisitorHistory(
        data=[entry for entry in shown if entry is not None],
        page=HistoryPage(has_more=history.has_more),
        cursor=show_cursor(history.head),
    )
