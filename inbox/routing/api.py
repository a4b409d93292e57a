"""Who holds a conversation, over HTTP."""

from __future__ import annotations

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from inbox.conversations.api.conversations import show_conversations
from inbox.conversations.api.shapes import ConversationObject
from inbox.conversations.queries import find_conversation
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.ids import read_id
from inbox.routing.actions import assign_conversation

CLAIM = {"scope": "conversations:write", "problems": ["already_assigned"]}


class Assignment(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """To whom; null takes it from whoever holds it. With `if_unassigned` it is a claim, refused if somebody has it."""

    agent_id: str | None
    if_unassigned: bool = False


class RoutingController(Controller):
    """Giving conversations to agents."""

    path = "/conversations"
    tags = ("Conversations",)

    @post("/{conversation_id:str}/assign", opt=CLAIM, operation_id="assignConversation",
          summary="Assign a conversation", status_code=200)  # fmt: skip
    async def assign_conversation(
        self, *, caller: NamedDependency[Caller], conversation_id: FromPath[str], data: JSONBody[Assignment]
    ) -> ConversationObject:
        """To an agent, or to nobody."""
        identity = read_id("cnv", conversation_id)
        agent_id = read_id("agt", data.agent_id) if data.agent_id else None
        await assign_conversation(
            identity, agent_id, if_unassigned=data.if_unassigned, actor=caller.actor, now=utc_now()
        )
        return (await show_conversations([await find_conversation(identity)]))[0]
