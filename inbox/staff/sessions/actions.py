"""Beginning sessions and ending them."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from inbox.audit.actions import record_audit
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch, fetch_value, wake_after_commit
from inbox.kit.errors import Code, Problem
from inbox.kit.ids import AGENT, SESSION, new_id, show_id
from inbox.staff.queries import find_agent
from inbox.staff.sessions.queries import Method
from inbox.staff.sessions.tokens import TOKEN_BYTES, hash_token

TOPIC = "sessions"
"""What is woken in this process when sessions have ended, so that it forgets them at once."""
USER_AGENT_CHARS = 300
KEPT_DAYS = 30
"""How long sessions that are over stay in the table, for who looks into what happened."""
PRUNE_BATCH = 1000

BEGIN = """
INSERT INTO agent_session
    (id, agent_id, token_hash, method, address, user_agent, idle_seconds, created_at, last_used_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)
"""
REVOKE_ALL = """
UPDATE agent_session SET revoked_at = $2
WHERE agent_id = $1 AND revoked_at IS NULL AND ($3::text IS NULL OR method = $3) RETURNING id
"""
REVOKE_EVERY = "UPDATE agent_session SET revoked_at = $1 WHERE revoked_at IS NULL"
FORGET_LINKS = "DELETE FROM agent_link"
REVOKE = "UPDATE agent_session SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING agent_id"
REVOKE_TOKEN = "UPDATE agent_session SET revoked_at = $2 WHERE token_hash = $1 AND revoked_at IS NULL"  # noqa: S105 (SQL)
# Whoever changes the password meanwhile waits for us, and ends this session too; or we wait, and find it changed.
UNCHANGED = "SELECT true FROM agent_password WHERE agent_id = $1 AND changed_at = $2 FOR SHARE"
# A clock that lags behind never takes a later use back.
USED = """
UPDATE agent_session SET last_used_at = used.at FROM unnest($1::uuid[], $2::timestamptz[]) AS used(id, at)
WHERE agent_session.id = used.id AND agent_session.last_used_at < used.at
"""
PRUNE = """
WITH gone AS (
    DELETE FROM agent_session WHERE id IN (
        SELECT id FROM agent_session WHERE least(expires_at, revoked_at) < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
    ) RETURNING id
) SELECT count(*) FROM gone
"""


class Lifetime(msgspec.Struct, frozen=True):
    """How long a session lasts: unused, and in all."""

    idle: timedelta
    absolute: timedelta


class SignIn(msgspec.Struct, kw_only=True, frozen=True):
    """How and from where somebody signed in."""

    method: Method
    address: str
    user_agent: str
    lifetime: Lifetime
    password_set_at: datetime | None = None
    """When the password had been set that was right: with another one since then, this opens nothing."""
    replaces: str | None = None
    """The token this browser showed before: it opens nothing any more (session fixation)."""


async def begin_session(agent_id: UUID, signed_in: SignIn) -> tuple[UUID, str]:
    """A new session of an agent, and its token, which is not to be had again.

    `credentials_wrong` where the password that let them in has been changed while it was checked.
    """
    agent = await find_agent(agent_id)
    if signed_in.password_set_at and not await fetch_value(UNCHANGED, agent_id, signed_in.password_set_at):
        raise Problem("credentials_wrong", "the password has just been changed")
    now, session_id, token = utc_now(), new_id(), secrets.token_urlsafe(TOKEN_BYTES)
    if signed_in.replaces:
        await execute(REVOKE_TOKEN, hash_token(signed_in.replaces), now)
        wake_after_commit(TOPIC)
    lifetime = signed_in.lifetime
    await execute(
        BEGIN,
        session_id,
        agent_id,
        hash_token(token),
        signed_in.method,
        signed_in.address,
        signed_in.user_agent[:USER_AGENT_CHARS],
        int(lifetime.idle.total_seconds()),
        now,
        now + lifetime.absolute,
    )
    actor = Actor(type="agent", id=show_id(AGENT, agent_id), name=agent.name)
    facts = {"method": signed_in.method, "address": signed_in.address}
    await record_audit(actor, "session.began", target=show_id(SESSION, session_id), facts=facts)
    return session_id, token


async def record_refusal(
    agent_id: UUID | None, *, method: Method, address: str, reason: Code, now: datetime, vouched: bool = False
) -> None:
    """Write down that somebody was not let in: each time for an agent, or for whom an identity provider vouches.

    What nobody's address is tried with is written once a minute: a crowd at the door must not fill the log.
    """
    each = agent_id is not None or vouched
    await record_audit(
        SYSTEM,
        "session.refused",
        target=show_id(AGENT, agent_id) if agent_id else None,
        facts={"method": method, "address": address, "reason": reason},
        once=None if each else f"session.refused {method} {now:%Y-%m-%dT%H:%M}",
    )


async def end_session(session_id: UUID, *, actor: Actor, action: str = "session.revoked") -> None:
    """End one session for good; one that has ended already stays as it is."""
    agent_id = await fetch_value(REVOKE, session_id, utc_now())
    wake_after_commit(TOPIC)
    if agent_id is not None:
        facts = {"agent_id": show_id(AGENT, agent_id)}
        await record_audit(actor, action, target=show_id(SESSION, session_id), facts=facts)


async def revoke_sessions(agent_id: UUID, *, actor: Actor = SYSTEM, method: Method | None = None) -> int:
    """End every session of an agent, or those begun in one way: who held one has to prove anew who they are.

    Returns how many there were.
    """
    ended = await fetch(REVOKE_ALL, agent_id, utc_now(), method)
    wake_after_commit(TOPIC)
    for row in ended:
        facts = {"agent_id": show_id(AGENT, agent_id)}
        await record_audit(actor, "session.revoked", target=show_id(SESSION, row["id"]), facts=facts)
    return len(ended)


async def end_all_sessions() -> None:
    """End everybody's sessions and links, as in a copy restored from a time when some had not been revoked yet."""
    await execute(REVOKE_EVERY, utc_now())
    await execute(FORGET_LINKS)


async def record_session_use(uses: Collection[tuple[UUID, datetime]]) -> None:
    """Note when sessions were last used, many at once: one that is used does not end for idleness."""
    if uses:
        ids, moments = zip(*uses, strict=True)
        await execute(USED, list(ids), list(moments))


async def prune_sessions(*, now: datetime) -> int:
    """Forget sessions that have been over for long, a batch at a time; returns how many those were."""
    return int(await fetch_value(PRUNE, now - timedelta(days=KEPT_DAYS), PRUNE_BATCH))
