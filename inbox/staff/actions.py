"""Taking on agents and handing out API keys."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from piccolo.columns import Column

from inbox.audit.actions import record_audit
from inbox.kit.callers import SYSTEM, Actor, Scope
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import AGENT, API_KEY, show_id
from inbox.kit.versions import check_version
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import NewJob, ReleaseConversations
from inbox.staff.invitations.actions import forget_links
from inbox.staff.keys import SECRET_BYTES, form_secret, hash_secret, secret_prefix
from inbox.staff.queries import AgentRow, KeyRow, find_agent, find_api_key
from inbox.staff.roles import Role, needs_admin
from inbox.staff.sessions.actions import revoke_sessions
from inbox.staff.subjects.actions import forget_subjects, unbind_subjects
from inbox.staff.subjects.queries import has_other_admins, signs_in
from inbox.staff.tables import Agent, ApiKey

# A clock that lags behind never takes a later use back.
USED = """
UPDATE api_key SET last_used_at = used.at FROM unnest($1::uuid[], $2::timestamptz[]) AS used(id, at)
WHERE api_key.id = used.id AND (api_key.last_used_at IS NULL OR api_key.last_used_at < used.at)
"""


# Whoever takes an administrator's rights waits for others who do: else two who begin at once leave none.
GUARD_ADMINS = "SELECT pg_advisory_xact_lock(hashtextextended('switchboard administrators', 0))"
REVOKE_KEYS = """
UPDATE api_key SET revoked_at = $2
WHERE agent_id = $1 AND revoked_at IS NULL AND ($3::text IS NULL OR $3 = ANY(scopes)) RETURNING id
"""


async def add_agent(*, name: str, email: str, role: Role = "agent", actor: Actor = SYSTEM) -> AgentRow:
    """Take an agent on; no two have the same mail address."""
    now = utc_now()
    agent = Agent(name=name, email=email, role=role, created_at=now, updated_at=now)
    try:
        await Agent.insert(agent)
    except asyncpg.UniqueViolationError as error:
        raise _email_taken() from error
    await record_audit(actor, "agent.created", target=show_id(AGENT, agent.id), facts={"role": role})
    return await find_agent(agent.id)


async def change_agent(
    agent_id: UUID, changes: Mapping[str, str], *, actor: Actor = SYSTEM, as_admin: bool = True
) -> AgentRow:
    """Change the named fields of an agent; where the role changes, their sessions end.

    Who is no administrator any more keeps no API key that is one in their name. Not `as_admin`, what would make
    somebody more than they are is refused (`scope_missing`); so is leaving no administrator (`state_conflict`).
    """
    if "role" in changes:
        await execute(GUARD_ADMINS)
    before = await _lock_agent(agent_id)
    changed = sorted(name for name, value in changes.items() if getattr(before, name) != value)
    if not changed:
        return before
    if not as_admin and needs_admin(before.role, changed, signs_in=await signs_in(agent_id)):
        raise _for_admins("changing who may sign in, or as what")
    if "role" in changed:
        await _keep_an_admin(before)
    values: dict[Column | str, Any] = {"version": before.version + 1, "updated_at": utc_now()}
    values.update(changes)
    try:
        await Agent.update(values).where(Agent.id == agent_id)
    except asyncpg.UniqueViolationError as error:
        raise _email_taken() from error
    await record_audit(actor, "agent.updated", target=show_id(AGENT, agent_id), facts={"changed": changed})
    if "role" in changed:
        facts = {"from": before.role, "to": changes["role"]}
        await record_audit(actor, "agent.role_changed", target=show_id(AGENT, agent_id), facts=facts)
        await revoke_sessions(agent_id, actor=actor)
        if before.role == "admin":
            await _revoke_keys(agent_id, actor=actor, scope="admin")
    if "email" in changed:
        await forget_links(agent_id)  # they were mailed to the address before
    return await find_agent(agent_id)


async def delete_agent(agent_id: UUID, *, actor: Actor = SYSTEM, as_admin: bool = True) -> None:
    """Let an agent go, and their sessions and API keys with them. What they wrote stays theirs.

    The conversations they hold that are not closed are nobody's again, by a job.
    """
    await execute(GUARD_ADMINS)
    agent = await _lock_agent(agent_id)
    if agent.role == "admin" and not as_admin:
        raise _for_admins("letting an administrator go")
    await _keep_an_admin(agent)
    now = utc_now()
    await revoke_sessions(agent_id, actor=actor)
    await forget_links(agent_id)
    await forget_subjects(agent_id)
    await Agent.update({Agent.deleted_at: now, Agent.updated_at: now}).where(Agent.id == agent_id)
    await _revoke_keys(agent_id, actor=actor)
    await record_audit(actor, "agent.deleted", target=show_id(AGENT, agent_id))
    await enqueue_jobs([NewJob(job=ReleaseConversations(agent_id=agent_id), key=f"release {agent_id}")])


async def unbind_agent(agent_id: UUID, *, issuer: str | None = None, actor: Actor = SYSTEM) -> int:
    """Have this identity provider, or all of them, know an agent no more; the agent and their work stay.

    Returns how many bindings there were. `state_conflict` where no administrator could sign in any more.
    """
    await execute(GUARD_ADMINS)
    agent = await find_agent(agent_id)
    gone = await unbind_subjects(agent_id, issuer=issuer, actor=actor)
    if gone and agent.role == "admin" and not await signs_in(agent_id) and not await has_other_admins(agent_id):
        raise _last_admin()
    return gone


async def _keep_an_admin(agent: AgentRow) -> None:
    """Refuse to take from the last administrator who can sign in what makes them one; under the lock of them all."""
    if agent.role == "admin" and await signs_in(agent.id) and not await has_other_admins(agent.id):
        raise _last_admin()


async def create_api_key(
    *,
    name: str,
    scopes: Iterable[Scope],
    agent_id: UUID | None = None,
    expires_at: datetime | None = None,
    requests_per_minute: int | None = None,
    secret: str | None = None,
    actor: Actor = SYSTEM,
) -> tuple[KeyRow, str]:
    """Make an API key and return it with its secret, which is not to be had again.

    Bound to an agent, it acts in their name. Without a rate of its own it has that of the settings. `secret` is given
    only for the published key of the demo.
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
        requests_per_minute=requests_per_minute,
        created_at=utc_now(),
    )
    await ApiKey.insert(key)
    facts = {"scopes": key.scopes, "agent_id": agent_id and show_id(AGENT, agent_id), "expires_at": expires_at}
    await record_audit(actor, "api_key.created", target=show_id(API_KEY, key.id), facts=facts)
    return await find_api_key(key.id), secret


async def change_api_key(key_id: UUID, changes: Mapping[str, str | int | None], *, actor: Actor = SYSTEM) -> KeyRow:
    """Rename a key, or give it a rate of its own (None: that of the settings); what it may do cannot be changed."""
    before = await find_api_key(key_id)
    changed = sorted(name for name, value in changes.items() if getattr(before, name) != value)
    if not changed:
        return before
    values: dict[Column | str, Any] = {name: changes[name] for name in changed}
    await ApiKey.update(values).where(ApiKey.id == key_id)
    facts = {"changed": changed, "requests_per_minute": changes.get("requests_per_minute", before.requests_per_minute)}
    await record_audit(actor, "api_key.updated", target=show_id(API_KEY, key_id), facts=facts)
    return await find_api_key(key_id)


async def revoke_api_key(key_id: UUID, *, actor: Actor = SYSTEM) -> None:
    """End a key for good; one that has ended already stays as it is."""
    row = await find_api_key(key_id)
    await ApiKey.update({ApiKey.revoked_at: utc_now()}).where(ApiKey.id == key_id, ApiKey.revoked_at.is_null())
    if row.revoked_at is None:
        await record_audit(actor, "api_key.revoked", target=show_id(API_KEY, key_id))


async def record_key_use(uses: Collection[tuple[UUID, datetime]]) -> None:
    """Note when keys were last used, many at once."""
    if uses:
        ids, moments = zip(*uses, strict=True)
        await execute(USED, list(ids), list(moments))


async def _revoke_keys(agent_id: UUID, *, actor: Actor, scope: Scope | None = None) -> None:
    """End an agent's API keys, or those with this scope."""
    for row in await fetch(REVOKE_KEYS, agent_id, utc_now(), scope):
        await record_audit(actor, "api_key.revoked", target=show_id(API_KEY, row["id"]))


async def _lock_agent(agent_id: UUID) -> AgentRow:
    """An agent who has not been deleted, under the row's lock and as the client knows them."""
    await fetch_value("SELECT id FROM agent WHERE id = $1 FOR NO KEY UPDATE", agent_id)
    row = await find_agent(agent_id)
    check_version(agent_id, row.version)
    return row


def _for_admins(what: str) -> Problem:
    return Problem("scope_missing", f"{what} needs the scope admin", hint="Ask an administrator.")


def _last_admin() -> Problem:
    hint = "Make another agent an administrator first, who can sign in."
    return Problem("state_conflict", "this is the last administrator who can sign in", hint=hint)


def _email_taken() -> Problem:
    taken = FieldError(pointer="/email", code="taken", detail="another agent has this mail address")
    return Problem("state_conflict", taken.detail, errors=[taken])
