"""Making one-time links, and using them up."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from inbox.audit.actions import record_audit
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch_one, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import AGENT, new_id, show_id
from inbox.staff.queries import find_agent
from inbox.staff.sessions.tokens import TOKEN_BYTES, hash_token, looks_like_token

Purpose: TypeAlias = Literal["invitation", "reset"]

MAKE = """
INSERT INTO agent_link (id, agent_id, purpose, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
"""
FORGET = "DELETE FROM agent_link WHERE agent_id = $1"
REPLACE = "DELETE FROM agent_link WHERE agent_id = $1 AND purpose = $2"
USE = """
DELETE FROM agent_link l USING agent a
WHERE l.token_hash = $1 AND l.purpose = $2 AND l.expires_at > $3 AND a.id = l.agent_id AND a.deleted_at IS NULL
RETURNING l.agent_id
"""
FIND = """
SELECT l.agent_id FROM agent_link l JOIN agent a ON a.id = l.agent_id
WHERE l.token_hash = $1 AND l.purpose = $2 AND l.expires_at > $3 AND a.deleted_at IS NULL
"""
MADE = "SELECT created_at, expires_at FROM agent_link WHERE id = $1 AND expires_at > $2"
PRUNE = "DELETE FROM agent_link WHERE expires_at < $1"


class Link(msgspec.Struct, kw_only=True, frozen=True):
    """A link just made, with its token, which is stored nowhere."""

    id: UUID
    token: str
    created_at: datetime
    expires_at: datetime


async def make_link(agent_id: UUID, purpose: Purpose, *, lasts: timedelta, actor: Actor = SYSTEM) -> Link:
    """A link by which this agent sets their password; the one made before for this opens nothing any more."""
    await find_agent(agent_id)
    now, token = utc_now(), secrets.token_urlsafe(TOKEN_BYTES)
    link = Link(id=new_id(), token=token, created_at=now, expires_at=now + lasts)
    await execute(REPLACE, agent_id, purpose)
    await execute(MAKE, link.id, agent_id, purpose, hash_token(token), now, link.expires_at)
    action = "agent.invited" if purpose == "invitation" else "agent.password_reset_sent"
    await record_audit(actor, action, target=show_id(AGENT, agent_id), facts={"expires_at": link.expires_at})
    return link


async def find_made_link(link_id: UUID, token: str) -> Link | None:
    """A link made before, with the token that was kept apart; None where it has been used, replaced, or is over."""
    row = await fetch_one(MADE, link_id, utc_now())
    return Link(id=link_id, token=token, created_at=row["created_at"], expires_at=row["expires_at"]) if row else None


async def find_link(token: str, purpose: Purpose) -> UUID:
    """The agent whose link this is; `token_invalid` for any other, told all alike."""
    return await _agent_of(token, purpose, sql=FIND)


async def use_link(token: str, purpose: Purpose) -> UUID:
    """As `find_link`, and the link is used up by it."""
    return await _agent_of(token, purpose, sql=USE)


async def _agent_of(token: str, purpose: Purpose, *, sql: str) -> UUID:
    agent_id = await fetch_value(sql, hash_token(token), purpose, utc_now()) if looks_like_token(token) else None
    if agent_id is None:
        hint = "Ask for a new one; a link can be used once, and only for a while."
        raise Problem("token_invalid", "this link opens nothing, or no longer", hint=hint)
    found: UUID = agent_id
    return found


async def forget_links(agent_id: UUID) -> None:
    """What is left of an agent's links opens nothing any more."""
    await execute(FORGET, agent_id)


async def prune_links(*, now: datetime) -> None:
    """Forget links that are over."""
    await execute(PRUNE, now)
