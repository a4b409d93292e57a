"""Agents' sessions over HTTP: which there are, and ending them."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from inbox.kit.callers import Caller
from inbox.kit.clock import show_time
from inbox.kit.errors import Problem
from inbox.kit.ids import AGENT, SESSION, read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor
from inbox.staff.sessions.actions import end_session
from inbox.staff.sessions.queries import After, Method, SessionRow, find_session, list_sessions

UserAgent = Annotated[str, msgspec.Meta(examples=["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101"])]
Network = Annotated[str, msgspec.Meta(examples=["203.0.113.9"], description="An address, or an IPv6 network.")]


class SessionObject(msgspec.Struct, kw_only=True, frozen=True):
    """A signed-in browser. `address` is where it signed in from; it ends at `expires_at` unless it is used before."""

    object: Literal["session"] = "session"
    id: str
    agent_id: str
    method: Method
    address: Network
    user_agent: UserAgent
    is_current: bool
    created_at: str
    last_used_at: str
    expires_at: str


class SessionListController(Controller):
    """Signed-in browsers, and how agents sign in."""

    path = "/sessions"
    tags = ("Sessions",)

    @get(
        "/",
        opt={"scope": "agents:read", "problems": ["not_found"]},
        operation_id="listSessions",
        summary="List sessions",
    )
    async def list_sessions(
        self,
        *,
        caller: NamedDependency[Caller],
        agent: Annotated[
            str | None, QueryParameter(description="Of this agent; administrators alone see others'.")
        ] = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[SessionObject]:
        """The sessions that have not ended, the newest first: your own, or as an administrator another agent's.

        A key with the scope `admin` that acts for no agent lists everybody's.
        """
        agent_id = _whose(caller, agent)
        after = read_cursor(cursor, After, of=["sessions", agent_id])
        rows = await list_sessions(agent_id, after=after, limit=limit + 1)
        return cut_page(
            rows,
            limit,
            key=lambda row: (row.created_at, row.id),
            of=["sessions", agent_id],
            show=lambda row: show_session(row, caller),
        )

    @delete("/{session_id:str}", opt={"scope": "agents:read"}, operation_id="revokeSession", summary="End a session")
    async def revoke_session(self, caller: NamedDependency[Caller], session_id: FromPath[str]) -> None:
        """Sign a browser out: one of your own, or as an administrator anybody's. An API key needs the scope `admin`."""
        row = await find_session(read_id(SESSION, session_id))
        if row is None or not _may_end(caller, row):
            raise Problem("not_found", f"There is no session {session_id}")
        await end_session(row.id, actor=caller.actor)


def show_session(row: SessionRow, caller: Caller) -> SessionObject:
    """A session as its agent or an administrator sees it."""
    return SessionObject(
        id=show_id(SESSION, row.id),
        agent_id=show_id(AGENT, row.agent_id),
        method=row.method,
        address=row.address,
        user_agent=row.user_agent,
        is_current=row.id == caller.key_id,
        created_at=show_time(row.created_at),
        last_used_at=show_time(row.last_used_at),
        expires_at=show_time(row.expires_at),
    )


def _may_end(caller: Caller, row: SessionRow) -> bool:
    """Reading agents is enough for a key to see sessions of whom it acts for, and not to sign them out."""
    own = caller.kind == "session" and caller.actor.id == show_id(AGENT, row.agent_id)
    return own or caller.may("admin")


def _whose(caller: Caller, asked: str | None) -> UUID | None:
    """The agent whose sessions are listed; None for everybody's, as an administrator's key that is no agent's asks."""
    own = caller.actor.id if caller.actor.type == "agent" else None
    wanted = asked or own
    if (wanted is None or wanted != own) and not caller.may("admin"):
        raise Problem("scope_missing", "other agents' sessions need the scope admin")
    return read_id(AGENT, wanted) if wanted else None
