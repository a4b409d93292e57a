"""In whose name something is written."""

from __future__ import annotations

from uuid import UUID

from inbox.conversations.entry import Author
from inbox.kit.callers import Caller
from inbox.kit.db import fetch_value
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import UnknownId, read_id


async def author_of(caller: Caller, agent_id: str | None) -> Author:
    """The agent named in the request, else whom the key stands for. A key bound to an agent speaks for no other."""
    actor = caller.actor
    if agent_id is None or agent_id == actor.id:
        return Author(type=actor.type, id=actor.id, name=actor.name)
    if actor.type == "agent":
        raise _refusal("this key is bound to another agent")
    name = await fetch_value("SELECT name FROM agent WHERE id = $1 AND deleted_at IS NULL", read_id("agt", agent_id))
    if name is None:
        raise _refusal("there is no such agent")
    return Author(type="agent", id=agent_id, name=name)


async def speaking_agent(caller: Caller, agent_id: str | None) -> UUID | None:
    """The agent named in the request, else the one the key is bound to, if any; a bound key speaks for no other."""
    own = caller.actor.id if caller.actor.type == "agent" else None
    if agent_id is None:
        return read_id("agt", own) if own else None
    if own not in (None, agent_id):
        raise _refusal("this key is bound to another agent")
    try:
        named = read_id("agt", agent_id)
    except UnknownId:
        raise _refusal("there is no such agent") from None
    if await fetch_value("SELECT true FROM agent WHERE id = $1 AND deleted_at IS NULL", named) is None:
        raise _refusal("there is no such agent")
    return named


def _refusal(detail: str) -> Problem:
    error = FieldError(pointer="/agent_id", code="unknown_value", detail=detail)
    return Problem("validation_failed", detail, errors=[error])
