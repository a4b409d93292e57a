"""Canned replies over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from inbox.conversations.api.authors import speaking_agent
from inbox.conversations.api.conversations import GivenCaller
from inbox.conversations.canned.actions import CannedContent, create_canned, delete_canned, update_canned
from inbox.conversations.canned.queries import (
    CannedFilter,
    agent_values,
    find_canned,
    find_subject,
    find_used_channel,
    list_canned,
)
from inbox.conversations.canned.shapes import (
    CannedReplyObject,
    CannedReplyPatch,
    NewCannedReply,
    RenderedReplyObject,
    RenderRequest,
    render_canned,
    show_canned,
    stored_variants,
)
from inbox.kit.clock import utc_now
from inbox.kit.ids import CANNED_REPLY, read_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor

READ = {"scope": "conversations:read", "problems": ["validation_failed"]}
FIND = {**READ, "problems": ["validation_failed"]}
SAVE = {"scope": "conversations:write", "problems": ["template_invalid", "state_conflict", "version_mismatch"]}
FORGET = {"scope": "conversations:write", "problems": ["version_mismatch", "validation_failed"]}

Search = Annotated[
    str | None, QueryParameter(max_length=200, description="A shortcut's beginning, or part of a name: `/ref`.")
]
OfAgent = Annotated[
    str | None, QueryParameter(description="Whose own replies are meant, where the key is not bound to an agent.")
]


class CannedReplyController(Controller):
    """Texts kept for answers: shared, or an agent's own."""

    path = "/canned-replies"
    tags = ("Canned replies",)

    @get(opt=FIND, operation_id="listCannedReplies", summary="List canned replies")
    async def list_canned_replies(
        self,
        *,
        caller: GivenCaller,
        q: Search = None,
        folder: Annotated[str | None, QueryParameter(max_length=200, description="Those in this folder.")] = None,
        tag: Annotated[str | None, QueryParameter(max_length=64, description="Those with this tag.")] = None,
        agent: OfAgent = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[CannedReplyObject]:
        """The shared ones and the agent's own, by shortcut."""
        narrowed = CannedFilter(agent_id=await speaking_agent(caller, agent), q=q or None, folder=folder, tag=tag)
        of = ["canned-replies", narrowed]
        after = read_cursor(cursor, tuple[str, UUID], of=of)
        rows = await list_canned(narrowed, after=after, limit=limit + 1)
        return cut_page(rows, limit, key=lambda row: (row["shortcut"], row["id"]), of=of, show=show_canned)

    @post(opt=SAVE, operation_id="createCannedReply", summary="Keep a canned reply")
    async def create_canned_reply(self, *, caller: GivenCaller, data: JSONBody[NewCannedReply]) -> CannedReplyObject:
        """Templates are checked now: `template_invalid` names the variant, the line, and what is wrong with it."""
        owner_id = await speaking_agent(caller, data.agent_id) if data.agent_id else None
        content = CannedContent(
            shortcut=data.shortcut,
            name=data.name,
            folder=data.folder,
            tags=sorted(set(data.tags)),
            variants=stored_variants(data.variants),
        )
        reply_id = await create_canned(content, owner_id=owner_id, now=utc_now())
        return show_canned(await find_canned(reply_id, agent_id=owner_id))

    @get("/{reply_id:str}", opt=FIND, operation_id="getCannedReply", summary="Get a canned reply")
    async def get_canned_reply(
        self, *, caller: GivenCaller, reply_id: FromPath[str], agent: OfAgent = None
    ) -> CannedReplyObject:
        """With all its variants."""
        agent_id = await speaking_agent(caller, agent)
        return show_canned(await find_canned(read_id(CANNED_REPLY, reply_id), agent_id=agent_id))

    @patch("/{reply_id:str}", opt=SAVE, operation_id="updateCannedReply", summary="Change a canned reply")
    async def update_canned_reply(
        self, *, caller: GivenCaller, reply_id: FromPath[str], data: JSONBody[CannedReplyPatch], agent: OfAgent = None
    ) -> CannedReplyObject:
        """Lists, the variants among them, are replaced as a whole."""
        identity, agent_id = read_id(CANNED_REPLY, reply_id), await speaking_agent(caller, agent)
        given = {name: getattr(data, name) for name in data.__struct_fields__}
        changes = {name: value for name, value in given.items() if value is not msgspec.UNSET}
        if "variants" in changes:
            changes["variants"] = stored_variants(changes["variants"])
        if "tags" in changes:
            changes["tags"] = sorted(set(changes["tags"]))
        await update_canned(identity, changes, agent_id=agent_id, now=utc_now())
        return show_canned(await find_canned(identity, agent_id=agent_id))

    @delete("/{reply_id:str}", opt=FORGET, operation_id="deleteCannedReply", summary="Delete a canned reply")
    async def delete_canned_reply(self, *, caller: GivenCaller, reply_id: FromPath[str], agent: OfAgent = None) -> None:
        """What was written with it stays."""
        agent_id = await speaking_agent(caller, agent)
        await delete_canned(read_id(CANNED_REPLY, reply_id), agent_id=agent_id, actor=caller.actor)

    @post("/{reply_id:str}/render", opt=READ, operation_id="renderCannedReply", summary="Fill a canned reply in",
          status_code=200)  # fmt: skip
    async def render_canned_reply(
        self, *, caller: GivenCaller, reply_id: FromPath[str], data: JSONBody[RenderRequest]
    ) -> RenderedReplyObject:
        """For a conversation: the variant that suits its channel and language best, with its values.

        The language weighs more than the channel: exactly this one, its base, another region of it, then none; in
        each, this channel before any. Values are put in as plain words, whatever they hold.
        """
        agent_id = await speaking_agent(caller, data.agent_id)
        row = await find_canned(read_id(CANNED_REPLY, reply_id), agent_id=agent_id)
        conversation_id = read_id("cnv", data.conversation_id) if data.conversation_id else None
        contact_id = read_id("ctc", data.contact_id) if data.contact_id else None
        subject = await find_subject(conversation_id=conversation_id, contact_id=contact_id)
        channel, name = data.channel, None
        if conversation_id:
            channel, name = await find_used_channel(conversation_id, medium=data.channel)  # type: ignore[assignment]  # a stored medium is one
        return render_canned(
            row,
            subject,
            writer=await agent_values(agent_id, name=caller.actor.name),
            channel=channel,
            channel_name=name,
            language=data.language,
        )
