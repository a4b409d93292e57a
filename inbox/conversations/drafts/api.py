"""Drafts over HTTP. Sending one is told with the other ways of sending (inbox/conversations/sending)."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from inbox.conversations.api.authors import author_of
from inbox.conversations.api.conversations import GivenCaller, PathId
from inbox.conversations.drafts.actions import create_draft, delete_draft, restore_draft, update_draft
from inbox.conversations.drafts.draft import DraftState
from inbox.conversations.drafts.queries import find_draft, list_draft_versions, list_drafts
from inbox.conversations.drafts.shapes import (
    DraftObject,
    DraftPatch,
    DraftVersionObject,
    NewDraft,
    read_change,
    read_content,
    show_draft,
    show_draft_version,
)
from inbox.conversations.entry import Author
from inbox.conversations.queries import find_conversation
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import DRAFT, read_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor

READ = {"scope": "conversations:read"}
WRITE = {"scope": "conversations:write"}
SAVE = {**WRITE, "problems": ["state_conflict", "invalid_address"]}
CHANGE = {**WRITE, "problems": ["state_conflict", "version_mismatch", "invalid_address"]}
UNSENT: tuple[DraftState, ...] = ("open", "scheduled")


class DraftController(Controller):
    """What is being written: bots and agents propose, whoever may send approves."""

    path = "/"
    tags = ("Drafts",)

    @post("/conversations/{conversation_id:str}/drafts", opt=SAVE, operation_id="createDraft",
          summary="Save a draft")  # fmt: skip
    async def create_draft(
        self, *, caller: GivenCaller, conversation_id: PathId, data: JSONBody[NewDraft]
    ) -> DraftObject:
        """Shared with everybody who sees the conversation; it is never part of the timeline."""
        author = await _drafter(caller, data)
        content = await read_content(data)
        identity = read_id("cnv", conversation_id)
        draft_id = await create_draft(identity, content, author=author, actor=caller.actor, now=utc_now())
        return show_draft(await find_draft(draft_id))

    @get("/conversations/{conversation_id:str}/drafts", opt=READ, operation_id="listDrafts", summary="List drafts")
    async def list_drafts(
        self,
        *,
        conversation_id: PathId,
        wanted: Annotated[
            list[DraftState] | None, QueryParameter(name="state", description="Only these; else what is not sent.")
        ] = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[DraftObject]:
        """Those of one conversation, the oldest first."""
        identity = read_id("cnv", conversation_id)
        if await find_conversation(identity) is None:
            raise Problem("not_found", f"There is no conversation {conversation_id}")
        states = sorted(set(wanted or UNSENT))
        of = ["drafts", conversation_id, states]
        after = read_cursor(cursor, str, of=of)
        rows = await list_drafts(
            identity, states=states, after=read_id(DRAFT, after) if after else None, limit=limit + 1
        )
        shown = [show_draft(row) for row in rows]
        return cut_page(shown, limit, key=lambda draft: draft.id, of=of, show=lambda draft: draft)

    @get("/drafts/{draft_id:str}", opt=READ, operation_id="getDraft", summary="Get a draft")
    async def get_draft(self, *, draft_id: FromPath[str]) -> DraftObject:
        """Its newest version."""
        return show_draft(await find_draft(read_id(DRAFT, draft_id)))

    @patch("/drafts/{draft_id:str}", opt=CHANGE, operation_id="updateDraft", summary="Save a draft again")
    async def update_draft(
        self, *, caller: GivenCaller, draft_id: FromPath[str], data: JSONBody[DraftPatch]
    ) -> DraftObject:
        """What differs is the next version. With `version` or `If-Match`, nobody's words are overwritten unseen."""
        identity = read_id(DRAFT, draft_id)
        change = await read_change(data)
        await update_draft(identity, change, actor=caller.actor, now=utc_now(), version=data.version)
        return show_draft(await find_draft(identity))

    @delete("/drafts/{draft_id:str}", opt=CHANGE, operation_id="deleteDraft", summary="Delete a draft")
    async def delete_draft(self, *, caller: GivenCaller, draft_id: FromPath[str]) -> None:
        """With all its versions. One that was sent stays, as the record of who approved it."""
        await delete_draft(read_id(DRAFT, draft_id), actor=caller.actor, now=utc_now())

    @get("/drafts/{draft_id:str}/versions", opt=READ, operation_id="listDraftVersions", summary="List its versions")
    async def list_draft_versions(
        self, *, draft_id: FromPath[str], limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None
    ) -> Page[DraftVersionObject]:
        """The newest first; the last hundred are kept."""
        identity = read_id(DRAFT, draft_id)
        await find_draft(identity)
        before = read_cursor(cursor, int, of=["draft-versions", draft_id])
        rows = await list_draft_versions(identity, before=before, limit=limit + 1)
        return cut_page(
            rows,
            limit,
            key=lambda row: row["version"],
            of=["draft-versions", draft_id],
            show=lambda row: show_draft_version(row, draft_id=identity),
        )

    @post("/drafts/{draft_id:str}/versions/{version:int}/restore", opt=CHANGE, operation_id="restoreDraftVersion",
          summary="Bring an earlier version back", status_code=200)  # fmt: skip
    async def restore_draft_version(
        self, *, caller: GivenCaller, draft_id: FromPath[str], version: FromPath[int]
    ) -> DraftObject:
        """As the next version: what was written in between is kept as well."""
        identity = read_id(DRAFT, draft_id)
        await restore_draft(identity, version, actor=caller.actor, now=utc_now())
        return show_draft(await find_draft(identity))


async def _drafter(caller: Caller, asked: NewDraft) -> Author:
    """Whose words a draft holds. A bot is named by the key it holds, which is bound to no agent."""
    if asked.bot is None:
        return await author_of(caller, asked.agent_id)
    if caller.actor.type == "agent" or asked.agent_id:
        detail = "a draft is a bot's or an agent's, and an agent's key speaks for no bot"
        raise Problem("validation_failed", detail, errors=[FieldError(pointer="/bot", code="conflict", detail=detail)])
    return Author(type="bot", id=caller.actor.id, name=asked.bot)
