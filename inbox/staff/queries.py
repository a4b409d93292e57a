"""Reading agents and API keys."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from piccolo.querystring import QueryString

from inbox.kit.callers import Actor, Caller, Scope
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id
from inbox.staff.roles import Role
from inbox.staff.tables import Agent, ApiKey

After: TypeAlias = tuple[datetime, UUID]
"""The sort key of the lists: the newest first, ids deciding between equals."""

SAME_EMAIL = """
lower(a.email) = lower($1) AND lower(a.email COLLATE "C") = lower($1::text COLLATE "C")
"""
"""An agent `a` has the address $1, in any case of A to Z. Of other letters the case counts: what Unicode lowers to the
same letter, as the dotted capital I to i, is not the same mailbox, and limits would count it as another."""


class AgentRow(msgspec.Struct, kw_only=True, frozen=True):
    """An agent as stored."""

    id: UUID
    name: str
    email: str
    role: Role
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class KeyRow(msgspec.Struct, kw_only=True, frozen=True):
    """An API key as stored, without its hash."""

    id: UUID
    name: str
    prefix: str
    scopes: list[Scope]
    agent_id: UUID | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    requests_per_minute: int | None
    created_at: datetime


class KnownKey(msgspec.Struct, kw_only=True, frozen=True):
    """Who holds a key or a session, until when, and how much it may ask for if not what the settings say."""

    caller: Caller
    expires_at: datetime | None
    requests_per_minute: int | None = None


async def find_caller(key_hash: bytes) -> KnownKey | None:
    """Whom a key belongs to, or None where it is unknown or revoked. It may have expired: that is told apart."""
    found = await (
        ApiKey.select(
            ApiKey.id,
            ApiKey.name,
            ApiKey.scopes,
            ApiKey.expires_at,
            ApiKey.requests_per_minute,
            ApiKey.agent_id,
            ApiKey.agent_id.name.as_alias("agent_name"),
        )
        .where(ApiKey.hash == key_hash, ApiKey.revoked_at.is_null())
        .first()
    )
    return _known_key(found) if found else None


def _known_key(found: dict[str, Any]) -> KnownKey:
    if found["agent_id"]:
        actor = Actor(type="agent", id=show_id("agt", found["agent_id"]), name=found["agent_name"])
    else:
        actor = Actor(type="integration", id=show_id("key", found["id"]), name=found["name"])
    scopes = frozenset(msgspec.convert(found["scopes"], list[Scope]))
    caller = Caller(key_id=found["id"], name=found["name"], scopes=scopes, actor=actor)
    return KnownKey(caller=caller, expires_at=found["expires_at"], requests_per_minute=found["requests_per_minute"])


async def list_agents(*, after: After | None, limit: int) -> list[AgentRow]:
    """One page of the agents who have not been deleted."""
    query = Agent.select().where(Agent.deleted_at.is_null(), _older_than(after))
    rows = await query.order_by(Agent.created_at, Agent.id, ascending=False).limit(limit)
    return msgspec.convert(rows, list[AgentRow])


async def find_agent(agent_id: UUID) -> AgentRow:
    """An agent who has not been deleted, or the `not_found` problem."""
    row = await Agent.select().where(Agent.id == agent_id, Agent.deleted_at.is_null()).first()
    if row is None:
        raise Problem("not_found", f"There is no agent {show_id('agt', agent_id)}")
    return msgspec.convert(row, AgentRow)


async def find_agents(ids: Collection[UUID]) -> dict[UUID, AgentRow]:
    """Agents by id, deleted ones among them: what they hold or wrote stays theirs."""
    if not ids:
        return {}
    rows = await Agent.select().where(Agent.id.is_in(list(ids)))
    return {row["id"]: msgspec.convert(row, AgentRow) for row in rows}


async def agent_names(ids: Collection[UUID]) -> dict[UUID, str]:
    """Names by id, of deleted agents too: what they wrote stays theirs."""
    if not ids:
        return {}
    rows = await Agent.select(Agent.id, Agent.name).where(Agent.id.is_in(list(ids)))
    return {row["id"]: row["name"] for row in rows}


async def list_api_keys(*, after: After | None, limit: int) -> list[KeyRow]:
    """One page of the API keys, the revoked ones among them."""
    query = ApiKey.select().where(_older_than(after))
    rows = await query.order_by(ApiKey.created_at, ApiKey.id, ascending=False).limit(limit)
    return msgspec.convert(rows, list[KeyRow])


async def find_api_key(key_id: UUID) -> KeyRow:
    """An API key, revoked or not, or the `not_found` problem."""
    row = await ApiKey.select().where(ApiKey.id == key_id).first()
    if row is None:
        raise Problem("not_found", f"There is no API key {show_id('key', key_id)}")
    return msgspec.convert(row, KeyRow)


def _older_than(after: After | None) -> QueryString:
    return QueryString("(created_at, id) < ({}, {})", *after) if after else QueryString("true")
