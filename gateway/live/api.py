"""What is of the moment over HTTP: tickets for the live socket, who types, who views, who is there."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from gateway.live import attendance
from gateway.live.bus import LiveBus, LiveEvent, LiveEventType
from inbox.conversations.queries import conversation_exists
from inbox.kit.callers import Caller
from inbox.kit.clock import show_time, utc_now
from inbox.kit.errors import Problem
from inbox.kit.ids import AGENT, CONVERSATION, read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageInfo, PageLimit, cut_page, read_cursor
from inbox.staff.availability.queries import Availability, AvailabilityState, find_availability
from inbox.staff.queries import After, AgentRow, list_agents
from inbox.staff.tickets.actions import issue_ticket


class StreamTicket(msgspec.Struct, kw_only=True, frozen=True):
    """Opens one socket once, within a minute: it goes into the first frame, never into a URL."""

    object: Literal["stream_ticket"] = "stream_ticket"
    ticket: Annotated[str, msgspec.Meta(examples=["tkt_Zk3vQ8yT1mWc5nXr7pLd9fHg2jKb4sVaE6uIo0CqYtA"])]
    expires_at: str


class TypingState(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whether somebody writes; it holds for six seconds. `internal` is a note: the contact is told nothing of it."""

    typing: bool
    internal: bool = False


class ViewerObject(msgspec.Struct, kw_only=True, frozen=True):
    """An agent who has the conversation open, and whether they write."""

    object: Literal["viewer"] = "viewer"
    id: Annotated[str, msgspec.Meta(description="The agent's id.", examples=["agt_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
    name: str | None
    state: Literal["viewing", "composing"]


class AgentPresence(msgspec.Struct, kw_only=True, frozen=True):
    """Whether an agent's page is open now, and whether they say that they take on work."""

    object: Literal["agent_presence"] = "agent_presence"
    id: Annotated[str, msgspec.Meta(description="The agent's id.", examples=["agt_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
    name: str
    presence: attendance.Presence
    availability: AvailabilityState


class LiveController(Controller):
    """What the socket `/v1/realtime` needs or tells, for whoever has no socket."""

    path = "/"
    tags = ("Live",)

    @post("/stream-tickets", opt={"scope": "events:read", "transaction": "own"}, operation_id="createStreamTicket",
          summary="Get a ticket for the live socket")  # fmt: skip
    async def create_stream_ticket(self, caller: NamedDependency[Caller]) -> StreamTicket:
        """A ticket for a page that can send no header: the first frame on `/v1/realtime` shows it."""
        ticket, expires_at = await issue_ticket(caller, now=utc_now())
        return StreamTicket(ticket=ticket, expires_at=show_time(expires_at))

    @post("/conversations/{conversation_id:str}/typing", status_code=204, operation_id="tellTyping",
          opt={"scope": "conversations:write", "transaction": "own"}, summary="Say that somebody types")  # fmt: skip
    async def tell_typing(
        self,
        *,
        caller: NamedDependency[Caller],
        live_bus: NamedDependency[LiveBus],
        conversation_id: FromPath[str],
        data: JSONBody[TypingState],
    ) -> None:
        """Told to agents who look, and to the contact where the channel shows it. Say it again every few seconds."""
        conversation = await _existing(conversation_id)
        kind: LiveEventType = "typing.started" if data.typing else "typing.stopped"
        await live_bus.tell(LiveEvent(kind, conversation, caller.actor, visible_to_contact=not data.internal))

    @get("/conversations/{conversation_id:str}/viewers", operation_id="listViewers",
         opt={"scope": "conversations:read"}, summary="List who has a conversation open")  # fmt: skip
    async def list_viewers(
        self, conversation_id: FromPath[str], live_bus: NamedDependency[LiveBus]
    ) -> Page[ViewerObject]:
        """Agents who have it on their screens now, and whether they write: before two answer at once."""
        viewers = live_bus.attendance.viewers_of(await _existing(conversation_id))
        data = [ViewerObject(id=one.id, name=one.name, state=one.state) for one in viewers]
        return Page(data=data, page=PageInfo(next_cursor=None, has_more=False))

    @get("/agents/presence", operation_id="listPresence", opt={"scope": "agents:read"}, summary="List who is there")
    async def list_presence(
        self, live_bus: NamedDependency[LiveBus], limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None
    ) -> Page[AgentPresence]:
        """The agents, the newest first: online or away where a page of theirs says so, and what they say of work."""
        after = read_cursor(cursor, After, of="presence")
        rows = await list_agents(after=after, limit=limit + 1)
        said = await find_availability([row.id for row in rows])

        def show(row: AgentRow) -> AgentPresence:
            agent_id = show_id(AGENT, row.id)
            presence = live_bus.attendance.presence_of(agent_id)
            state = said.get(row.id, Availability()).state
            return AgentPresence(id=agent_id, name=row.name, presence=presence, availability=state)

        return cut_page(rows, limit, key=lambda row: (row.created_at, row.id), of="presence", show=show)


async def _existing(conversation_id: str) -> UUID:
    found = read_id(CONVERSATION, conversation_id)
    if not await conversation_exists(found):
        raise Problem("not_found", f"There is no conversation {conversation_id}")
    return found
