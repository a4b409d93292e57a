"""Messages whose outcome nobody knows, with all that speaks for one or the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.params import QueryParameter

from inbox.conversations.api.entries import EntryObject, show_entry
from inbox.conversations.api.records import AttemptObject, show_attempt
from inbox.conversations.queries import find_entries, list_attempts
from inbox.kit.ids import CHANNEL, ENTRY, read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor
from inbox.repair.queries import list_unsettled


class UnsettledMessage(msgspec.Struct, kw_only=True, frozen=True):
    """A message that may have been sent or not, and every try, report and look into the provider's list, oldest first.

    A person decides: `POST /v1/messages/{id}/retry` sends it again.
    """

    object: Literal["unsettled_message"] = "unsettled_message"
    id: str
    message: EntryObject
    attempts: list[AttemptObject]


class UnsettledController(Controller):
    """Messages by how far they got."""

    path = "/messages"
    tags = ("Messages",)

    @get("/", opt={"scope": "conversations:read", "problems": ["not_found"]}, operation_id="listUnsettledMessages",
         summary="List messages of unknown outcome")  # fmt: skip
    async def list_unsettled_messages(
        self,
        *,
        delivery: Annotated[Literal["unknown"], QueryParameter(description="How far they got.")] = "unknown",
        channel: Annotated[
            str | None, QueryParameter(max_length=100, description="Only those sent by this channel.")
        ] = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[UnsettledMessage]:
        """The oldest first, each with its evidence."""
        asked = ["unsettled", delivery, channel]
        channel_id = read_id(CHANNEL, channel) if channel else None
        after = read_cursor(cursor, UUID, of=asked)
        ids = await list_unsettled(channel_id=channel_id, after=after, limit=limit + 1)
        shown = await show_unsettled(ids)
        left = [one for one in ids if one in shown]  # one may be erased in between
        return cut_page(left, limit, key=lambda one: one, of=asked, show=lambda one: shown[one])


async def show_unsettled(ids: Sequence[UUID]) -> dict[UUID, UnsettledMessage]:
    """These messages with their evidence: two statements, however many."""
    entries, attempts = await find_entries(ids), dict[UUID, list[AttemptObject]]()
    for row in await list_attempts(ids):
        attempts.setdefault(row["entry_id"], []).append(show_attempt(row))
    return {
        entry_id: UnsettledMessage(
            id=show_id(ENTRY, entry_id), message=show_entry(entries[entry_id]), attempts=attempts.get(entry_id, [])
        )
        for entry_id in ids
        if entry_id in entries
    }
