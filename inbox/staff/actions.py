"""Taking on agents and handing out API keys."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from piccolo.columns import Column

from inbox.kit.callers import Scope
from inbox.kit.clock import utc_now
from inbox.kit.db import execute
from inbox.kit.errors import FieldError, Problem
from inbox.staff.keys import SECRET_BYTES, form_secret, hash_secret, secret_prefix
from inbox.staff.queries import AgentRow, KeyRow, find_agent, find_api_key
from inbox.staff.tables import Agent, ApiKey

# A clock that lags behind never takes a later use back.
USED = """
UPDATE api_key SET last_used_at = used.at FROM unnest($1::uuid[], $2::timestamptz[]) AS used(id, at)
WHERE api_key.id = used.id AND (api_key.last_used_at IS NULL OR api_key.last_used_at < used.at)
"""


async def add_agent(*, name: str, email: str) -> AgentRow:
    """Take an agent on; no two have the same mail address."""
    now = utc_now()
    agent = Agent(name=name, email=email, created_at=now, updated_at=now)
    try:
        await Agent.insert(agent)
    except asyncpg.UniqueViolationError as error:
        raise _email_taken() from error
    return await find_agent(agent.id)


async def change_agent(agent_id: UUID, changes: Mapping[str, str]) -> AgentRow:
    """Change the named fields of an agent."""
    before = await find_agent(agent_id)
    if all(getattr(before, name) == value for name, value in changes.items()):
        return before
    values: dict[Column | str, Any] = {"version": before.version + 1, "updated_at": utc_now()}
    values.update(changes)
    try:
        await Agent.update(values).where(Agent.id == agent_id)
    except asyncpg.UniqueViolationError as error:
        raise _email_taken() from error
    return await find_agent(agent_id)


async def delete_agent(agent_id: UUID) -> None:
    """Let an agent go, and their API keys with them. What they wrote stays theirs."""
    await find_agent(agent_id)
    now = utc_now()
    await Agent.update({Agent.deleted_at: now, Agent.updated_at: now}).where(Agent.id == agent_id)
    await ApiKey.update({ApiKey.revoked_at: now}).where(ApiKey.agent_id == agent_id, ApiKey.revoked_at.is_null())


async def create_api_key(
    *,
    name: str,
    scopes: Iterable[Scope],
    agent_id: UUID | None = None,
    expires_at: datetime | None = None,
    secret: str | None = None,
) -> tuple[KeyRow, str]:
    """Make an API key and return it with its secret, which is not to be had again.

    Bound to an agent, it acts in their name. `secret` is given only for the published key of the demo.
    """
    if agent_id is not None:
        await find_agent(agent_id)
    secret = secret or form_secret(secrets.token_urlsafe(SECRET_BYTES))
    key = ApiKey(
        name=name,
        prefix=secret_prefix(secret),
        hash=hash_secret(secret),
        scopes=sorted(set(scopes)),
        agent_id=agent_id,
        expires_at=expires_at,
        created_at=utc_now(),
    )
    await ApiKey.insert(key)
    return await find_api_key(key.id), secret


async def revoke_api_key(key_id: UUID) -> None:
    """End a key for good; one that has ended already stays as it is."""
    await find_api_key(key_id)
    await ApiKey.update({ApiKey.revoked_at: utc_now()}).where(ApiKey.id == key_id, ApiKey.revoked_at.is_null())


async def record_key_use(uses: Collection[tuple[UUID, datetime]]) -> None:
    """Note when keys were last used, many at once."""
    if uses:
        ids, moments = zip(*uses, strict=True)
        await execute(USED, list(ids), list(moments))


def _email_taken() -> Problem:
    taken = FieldError(pointer="/email", code="taken", detail="another agent has this mail address")
    return Problem("state_conflict", taken.detail, errors=[taken])
