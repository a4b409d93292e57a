"""Binding agents to who they are at identity providers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg

from inbox.audit.actions import record_audit
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import AGENT, show_id
from inbox.staff.sessions.actions import revoke_sessions

BIND = "INSERT INTO agent_subject (issuer, subject, agent_id, bound_at) VALUES ($1, $2, $3, $4)"
UNBIND_FROM = "DELETE FROM agent_subject WHERE agent_id = $1 AND ($2::text IS NULL OR issuer = $2) RETURNING issuer"
UNBIND = "DELETE FROM agent_subject WHERE agent_id = $1"
ONCE = """
INSERT INTO used_signin_state (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING RETURNING true
"""
PRUNE = "DELETE FROM used_signin_state WHERE expires_at < $1"


async def bind_subject(agent_id: UUID, issuer: str, *, subject: str, actor: Actor = SYSTEM) -> None:
    """From now on this subject of this issuer is this agent, whatever becomes of mail addresses.

    `signin_refused` where the agent is somebody else there: an address handed on to another person is no proof.
    """
    try:
        await execute(BIND, issuer, subject, agent_id, utc_now())
    except asyncpg.UniqueViolationError as error:
        raise Problem("signin_refused", "this agent is bound to somebody else at the identity provider") from error
    await record_audit(actor, "agent.subject_bound", target=show_id(AGENT, agent_id), facts={"issuer": issuer})


async def unbind_subjects(agent_id: UUID, *, issuer: str | None = None, actor: Actor = SYSTEM) -> int:
    """An agent is unknown to this identity provider, or to all: who signs in there next is found by mail address again.

    Sessions begun by a provider end. Returns how many bindings there were.
    """
    gone = await fetch(UNBIND_FROM, agent_id, issuer)
    for row in gone:
        facts = {"issuer": row["issuer"]}
        await record_audit(actor, "agent.subject_unbound", target=show_id(AGENT, agent_id), facts=facts)
    if gone:
        await revoke_sessions(agent_id, actor=actor, method="oidc")
    return len(gone)


async def forget_subjects(agent_id: UUID) -> None:
    """An agent is known to no identity provider any more."""
    await execute(UNBIND, agent_id)


async def use_state(state_hash: bytes, *, expires_at: datetime) -> bool:
    """Whether an attempt to sign in comes back for the first time; from then on it has come back."""
    return bool(await fetch_value(ONCE, state_hash, expires_at))


async def prune_states(*, now: datetime) -> None:
    """Forget attempts that are too old to come back."""
    await execute(PRUNE, now)
