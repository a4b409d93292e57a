"""Reading what is known of passwords: whether there is one, and its hash."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from inbox.kit.db import fetch, fetch_one
from inbox.staff.queries import SAME_EMAIL

OF_EMAIL = f"""
SELECT a.id, p.hash, p.changed_at FROM agent a LEFT JOIN agent_password p ON p.agent_id = a.id
WHERE {SAME_EMAIL} AND a.deleted_at IS NULL
"""  # noqa: S608 (our own constant)
OF_AGENT = "SELECT agent_id AS id, hash, changed_at FROM agent_password WHERE agent_id = $1"
CHANGED = "SELECT agent_id, changed_at FROM agent_password WHERE agent_id = ANY($1::uuid[])"


class StoredPassword(msgspec.Struct, frozen=True):
    """An agent, the hash of their password and when it was set; both None where they have none."""

    agent_id: UUID
    hash: str | None
    changed_at: datetime | None


async def find_password_of_email(email: str) -> StoredPassword | None:
    """By mail address, in any case; None where no agent has it."""
    row = await fetch_one(OF_EMAIL, email)
    return StoredPassword(row["id"], row["hash"], row["changed_at"]) if row else None


async def find_password(agent_id: UUID) -> StoredPassword | None:
    """Of an agent who has one."""
    row = await fetch_one(OF_AGENT, agent_id)
    return StoredPassword(row["id"], row["hash"], row["changed_at"]) if row else None


async def passwords_changed(agent_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When the passwords of these agents were last changed; agents without one are left out."""
    return {row["agent_id"]: row["changed_at"] for row in await fetch(CHANGED, list(agent_ids))}
