"""What a visitor is shown at once: their session, their conversation, and where the stream goes on from there."""

from __future__ import annotations

from uuid import UUID

from gateway.widget.shapes import HistoryPage, VisitorHistory, VisitorObject, VisitorSessionObject
from inbox.conversations.queries import find_conversation
from inbox.feed.events import show_cursor
from inbox.feed.queries import feed_head
from inbox.kit.clock import show_time
from inbox.kit.ids import show_id
from inbox.visitors.conversation import VisitorConversation, show_visitor_conversation
from inbox.visitors.queries import count_unread, find_standing, read_history
from inbox.visitors.showing import show_visitor_entry
from inbox.visitors.visitor import Visitor, VisitorSession, view_of


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


async def show_history(visitor: Visitor, *, before_seq: int | None, limit: int) -> VisitorHistory:
    """The last entries of a visitor's conversation before a place in it."""
    standing = await find_standing(visitor)
    view = view_of(visitor, standing)
    history = await read_history(standing.conversation_id, view, before_seq=before_seq, limit=limit)
    shown = [show_visitor_entry(row, view) for row in history.rows]
    return VisitorHistory(
        data=[entry for entry in shown if entry is not None],
        page=HistoryPage(has_more=history.has_more),
        cursor=show_cursor(history.head),
    )
