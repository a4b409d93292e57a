"""Reading by whom agents are known elsewhere, and whether they can sign in at all."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from inbox.kit.db import fetch, fetch_value

BOUND = """
SELECT s.agent_id FROM agent_subject s JOIN agent a ON a.id = s.agent_id
WHERE s.issuer = $1 AND s.subject = $2 AND a.deleted_at IS NULL
"""
OF_EMAIL = "SELECT id FROM agent WHERE lower(email) = lower($1) AND deleted_at IS NULL"
SIGNS_IN = """
SELECT EXISTS (SELECT FROM agent_password WHERE agent_id = $1) OR EXISTS (SELECT FROM agent_subject WHERE agent_id = $1)
"""
ISSUERS = "SELECT agent_id, issuer FROM agent_subject WHERE agent_id = ANY($1::uuid[]) ORDER BY issuer"


async def find_subject(issuer: str, subject: str) -> UUID | None:
    """The agent bound to this subject of this issuer."""
    found: UUID | None = await fetch_value(BOUND, issuer, subject)
    return found


async def find_agent_of_email(email: str) -> UUID | None:
    """The agent of a mail address, in any case."""
    found: UUID | None = await fetch_value(OF_EMAIL, email)
    return found


async def signs_in(agent_id: UUID) -> bool:
    """Whether an agent has a password or is bound to an identity provider."""
    return bool(await fetch_value(SIGNS_IN, agent_id))


async def issuers_of(agent_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """The identity providers these agents are bound to."""
    found: dict[UUID, list[str]] = {}
    for row in await fetch(ISSUERS, list(agent_ids)):
        found.setdefault(row["agent_id"], []).append(row["issuer"])
    return found
