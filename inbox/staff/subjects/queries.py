"""Reading by whom agents are known elsewhere, and whether they can sign in at all."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from inbox.kit.db import fetch, fetch_value
from inbox.staff.queries import SAME_EMAIL

BOUND = """
SELECT s.agent_id FROM agent_subject s JOIN agent a ON a.id = s.agent_id
WHERE s.issuer = $1 AND s.subject = $2 AND a.deleted_at IS NULL
"""
OF_EMAIL = f"SELECT a.id FROM agent a WHERE {SAME_EMAIL} AND a.deleted_at IS NULL"  # noqa: S608 (our own constant)
OTHER_ADMINS = """
SELECT EXISTS (
    SELECT FROM agent a WHERE a.role = 'admin' AND a.deleted_at IS NULL AND a.id <> $1
    AND (EXISTS (SELECT FROM agent_password p WHERE p.agent_id = a.id)
         OR EXISTS (SELECT FROM agent_subject s WHERE s.agent_id = a.id))
)
"""
SIGNS_IN = """
SELECT EXISTS (SELECT FROM agent_password WHERE agent_id = $1) OR EXISTS (SELECT FROM agent_subject WHERE agent_id = $1)
"""
ISSUERS = "SELECT agent_id, issuer FROM agent_subject WHERE agent_id = ANY($1::uuid[]) ORDER BY issuer"
BINDINGS = "SELECT issuer, bound_at FROM agent_subject WHERE agent_id = $1 ORDER BY issuer"


class Binding(msgspec.Struct, frozen=True):
    """An identity provider that an agent is known to, and since when."""

    issuer: str
    bound_at: datetime


async def find_subject(issuer: str, subject: str) -> UUID | None:
    """The agent bound to this subject of this issuer."""
    found: UUID | None = await fetch_value(BOUND, issuer, subject)
    return found


async def find_agent_of_email(email: str) -> UUID | None:
    """The agent of a mail address, in any case of A to Z."""
    found: UUID | None = await fetch_value(OF_EMAIL, email)
    return found


async def signs_in(agent_id: UUID) -> bool:
    """Whether an agent has a password or is bound to an identity provider."""
    return bool(await fetch_value(SIGNS_IN, agent_id))


async def has_other_admins(agent_id: UUID) -> bool:
    """Whether another administrator can sign in."""
    return bool(await fetch_value(OTHER_ADMINS, agent_id))


async def find_bindings(agent_id: UUID) -> list[Binding]:
    """The identity providers an agent is bound to."""
    return [Binding(row["issuer"], row["bound_at"]) for row in await fetch(BINDINGS, agent_id)]


async def issuers_of(agent_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """The identity providers these agents are bound to."""
    found: dict[UUID, list[str]] = {}
    for row in await fetch(ISSUERS, list(agent_ids)):
        found.setdefault(row["agent_id"], []).append(row["issuer"])
    return found
