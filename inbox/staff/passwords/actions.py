"""Setting passwords, and letting in by them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from inbox.audit.actions import record_audit
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.clock import utc_now
from inbox.kit.db import execute
from inbox.kit.errors import Problem
from inbox.kit.ids import AGENT, show_id
from inbox.staff.invitations.actions import forget_links
from inbox.staff.passwords.hashing import check_password, hash_password, is_outdated
from inbox.staff.passwords.queries import StoredPassword, find_password_of_email
from inbox.staff.passwords.rules import find_weakness
from inbox.staff.queries import find_agent
from inbox.staff.sessions.actions import revoke_sessions

STORE = """
INSERT INTO agent_password (agent_id, hash, changed_at) VALUES ($1, $2, $3)
ON CONFLICT (agent_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at
"""
RENEW = "UPDATE agent_password SET hash = $2 WHERE agent_id = $1 AND hash = $3"


async def set_password(agent_id: UUID, password: str, *, actor: Actor = SYSTEM) -> None:
    """Give an agent a password; every session of theirs ends, and links to set one open nothing any more.

    `validation_failed` for a password that is too weak, `not_found` where there is no such agent.
    """
    await store_password(agent_id, await prepare_password(agent_id, password), actor=actor)


async def prepare_password(agent_id: UUID, password: str) -> str:
    """The hash of a password that this agent may have: the part that takes long, and wants no transaction open."""
    agent = await find_agent(agent_id)
    weakness = find_weakness(password, own_words=[agent.name, agent.email, agent.email.partition("@")[0]])
    if weakness:
        raise Problem("validation_failed", weakness.detail, errors=[weakness])
    return await hash_password(password)


async def store_password(agent_id: UUID, prepared: str, *, actor: Actor = SYSTEM) -> Proven:
    """Give an agent the password that was prepared, with all that `set_password` says of it."""
    now = utc_now()
    await execute(STORE, agent_id, prepared, now)
    await forget_links(agent_id)
    await revoke_sessions(agent_id, actor=actor)
    await record_audit(actor, "agent.password_changed", target=show_id(AGENT, agent_id))
    return Proven(agent_id, now)


class Proven(msgspec.Struct, frozen=True):
    """An agent whose password was right, and when that had been set."""

    agent_id: UUID
    set_at: datetime


class Tried(msgspec.Struct, frozen=True):
    """Whose mail address was given, if it is anybody's, and what the password with it proved, if anything."""

    agent_id: UUID | None = None
    proven: Proven | None = None


async def try_password(email: str, password: str) -> Tried:
    """Whose address and password these are; it takes the same time where they are nobody's or the wrong one."""
    stored = await find_password_of_email(email)
    right = await check_password(stored.hash if stored else None, password)
    if stored is None or stored.changed_at is None or not right:
        return Tried(stored.agent_id if stored else None)
    await _renew_hash(stored, password)
    return Tried(stored.agent_id, Proven(stored.agent_id, stored.changed_at))


async def _renew_hash(stored: StoredPassword, password: str) -> None:
    """Hash anew what was hashed by the parameters of another time, now that the password is at hand."""
    if stored.hash is not None and is_outdated(stored.hash):
        await execute(RENEW, stored.agent_id, await hash_password(password), stored.hash)
