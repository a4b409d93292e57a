"""Scheduled messages over HTTP; they are made by `send_at` of the ways of sending (inbox/conversations/sending)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias
from uuid import UUID

from litestar import Controller, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from inbox.conversations.api.conversations import GivenCaller, GivenCatalogue, PathId
from inbox.conversations.api.entries import EntryObject, show_entry
from inbox.conversations.queries import find_conversation, find_entry
from inbox.conversations.scheduled.actions.leave import send_scheduled_now
from inbox.conversations.scheduled.actions.schedule import cancel_scheduled, change_scheduled
from inbox.conversations.scheduled.plan import CHANGEABLE, ScheduledState
from inbox.conversations.scheduled.queries import find_scheduled, list_scheduled
from inbox.conversations.scheduled.shapes import (
    ScheduledMessageObject,
    ScheduledPatch,
    read_plan_change,
    show_scheduled,
)
from inbox.kit.clock import utc_now
from inbox.kit.errors import Problem
from inbox.kit.ids import SCHEDULED_MESSAGE, read_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor

READ = {"scope": "conversations:read"}
CHANGE = {
    "scope": "messages:send",
    "problems": [
        "state_conflict",
        "version_mismatch",
        "contact_opted_out",
        "contact_blocked",
        "channel_cannot",
        "validation_failed",
    ],
}
CANCEL = {"scope": "messages:send", "problems": ["state_conflict", "version_mismatch"]}

Wanted: TypeAlias = Annotated[
    list[ScheduledState] | None,
    QueryParameter(name="state", description="Only these; else what waits for its time or has failed."),
]


class ScheduledMessageController(Controller):
    """Messages that leave later."""

    path = "/"
    tags = ("Scheduled messages",)

    @get("/scheduled-messages", opt=READ, operation_id="listScheduledMessages", summary="List scheduled messages")
    async def list_scheduled_messages(
        self, *, wanted: Wanted = None, limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None
    ) -> Page[ScheduledMessageObject]:
        """Of all conversations, the next to leave first."""
        return await _page(None, wanted, limit=limit, cursor=cursor)

    @get("/conversations/{conversation_id:str}/scheduled-messages", opt=READ,
         operation_id="listScheduledInConversation", summary="List what is scheduled in a conversation")  # fmt: skip
    async def list_scheduled_in_conversation(
        self,
        *,
        conversation_id: PathId,
        wanted: Wanted = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[ScheduledMessageObject]:
        """The next to leave first."""
        identity = read_id("cnv", conversation_id)
        if await find_conversation(identity) is None:
            raise Problem("not_found", f"There is no conversation {conversation_id}")
        return await _page(identity, wanted, limit=limit, cursor=cursor)

    @get("/scheduled-messages/{scheduled_id:str}", opt=READ, operation_id="getScheduledMessage",
         summary="Get a scheduled message")  # fmt: skip
    async def get_scheduled_message(self, *, scheduled_id: FromPath[str]) -> ScheduledMessageObject:
        """And what became of it."""
        return show_scheduled(await find_scheduled(read_id(SCHEDULED_MESSAGE, scheduled_id)))

    @patch("/scheduled-messages/{scheduled_id:str}", opt=CHANGE, operation_id="updateScheduledMessage",
           summary="Change a scheduled message")  # fmt: skip
    async def update_scheduled_message(
        self,
        *,
        caller: GivenCaller,
        scheduled_id: FromPath[str],
        data: JSONBody[ScheduledPatch],
        catalogue: GivenCatalogue,
    ) -> ScheduledMessageObject:
        """Its time, its words, its way. One that has failed is scheduled anew by it."""
        identity = read_id(SCHEDULED_MESSAGE, scheduled_id)
        await change_scheduled(
            identity,
            await read_plan_change(data),
            actor=caller.actor,
            adapters=catalogue.adapters,
            now=utc_now(),
            version=data.version,
        )
        return show_scheduled(await find_scheduled(identity))

    @post("/scheduled-messages/{scheduled_id:str}/cancel", opt=CANCEL, operation_id="cancelScheduledMessage",
          summary="Cancel a scheduled message", status_code=200)  # fmt: skip
    async def cancel_scheduled_message(
        self, *, caller: GivenCaller, scheduled_id: FromPath[str]
    ) -> ScheduledMessageObject:
        """It will not leave, or, if it has just left, this is refused: there is no third way."""
        identity = read_id(SCHEDULED_MESSAGE, scheduled_id)
        await cancel_scheduled(identity, actor=caller.actor, now=utc_now())
        return show_scheduled(await find_scheduled(identity))

    @post("/scheduled-messages/{scheduled_id:str}/send", opt=CHANGE, operation_id="sendScheduledMessage",
          summary="Send a scheduled message now")  # fmt: skip
    async def send_scheduled_message(
        self, *, caller: GivenCaller, scheduled_id: FromPath[str], catalogue: GivenCatalogue
    ) -> EntryObject:
        """The entry it becomes; asked again, the same entry."""
        entry_id = await send_scheduled_now(
            read_id(SCHEDULED_MESSAGE, scheduled_id), actor=caller.actor, adapters=catalogue.adapters, now=utc_now()
        )
        return show_entry(await find_entry(entry_id))


async def _page(
    conversation_id: UUID | None, wanted: list[ScheduledState] | None, *, limit: int, cursor: str | None
) -> Page[ScheduledMessageObject]:
    states = sorted(set(wanted or CHANGEABLE))
    of = ["scheduled-messages", conversation_id, states]
    after = read_cursor(cursor, tuple[datetime, UUID], of=of)
    rows = await list_scheduled(states=states, conversation_id=conversation_id, after=after, limit=limit + 1)
    return cut_page(rows, limit, key=lambda row: (row["send_at"], row["id"]), of=of, show=show_scheduled)
