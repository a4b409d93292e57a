"""Reading sessions: whom a token lets in, and which sessions there are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from inbox.kit.callers import Actor, Caller
from inbox.kit.db import fetch, fetch_one, fetch_value
from inbox.kit.ids import AGENT, show_id
from inbox.staff.queries import SAME_EMAIL, KnownKey
from inbox.staff.roles import SCOPES_OF, Role

Method: TypeAlias = Literal["password", "oidc"]
After: TypeAlias = tuple[datetime, UUID]
"""The sort key of the list: the newest first, ids deciding between equals."""

GOOD = """
s.revoked_at IS NULL AND s.expires_at > now() AND s.last_used_at + make_interval(secs => s.idle_seconds) > now()
"""
BY_TOKEN = f"""
SELECT s.id, s.agent_id, s.expires_at, a.name, a.role FROM agent_session s JOIN agent a ON a.id = s.agent_id
WHERE s.token_hash = $1 AND a.deleted_at IS NULL AND {GOOD}
"""  # noqa: S608 (our own constant)
COLUMNS = """
s.id, s.agent_id, s.method, s.address, s.user_agent, s.created_at, s.last_used_at,
least(s.expires_at, s.last_used_at + make_interval(secs => s.idle_seconds)) AS expires_at
"""
LISTED = f"""
SELECT {COLUMNS} FROM agent_session s
WHERE ($1::uuid IS NULL OR s.agent_id = $1) AND {GOOD}
  AND ($2::timestamptz IS NULL OR (s.created_at, s.id) < ($2, $3::uuid))
ORDER BY s.created_at DESC, s.id DESC LIMIT $4
"""  # noqa: S608 (our own constants)
ONE = f"SELECT {COLUMNS} FROM agent_session s WHERE s.id = $1 AND {GOOD}"  # noqa: S608 (our own constants)
SEEN_FROM = f"""
SELECT EXISTS (
    SELECT FROM agent_session s JOIN agent a ON a.id = s.agent_id
    WHERE {SAME_EMAIL} AND a.deleted_at IS NULL AND s.address = $2
)
"""  # noqa: S608 (our own constant)
STANDING = f"""
SELECT s.id FROM agent_session s JOIN agent a ON a.id = s.agent_id
WHERE s.id = ANY($1::uuid[]) AND a.deleted_at IS NULL AND {GOOD}
UNION ALL
SELECT k.id FROM api_key k
WHERE k.id = ANY($1::uuid[]) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
"""  # noqa: S608 (our own constant)


class SessionRow(msgspec.Struct, kw_only=True, frozen=True):
    """A session as stored, without the hash of its token; `expires_at` is when it ends if it is not used again."""

    id: UUID
    agent_id: UUID
    method: Method
    address: str
    user_agent: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


async def find_session_holder(token_hash: bytes) -> KnownKey | None:
    """Whom a session belongs to; None where it is unknown, revoked, over, or its agent gone."""
    row = await fetch_one(BY_TOKEN, token_hash)
    return _known_session(row) if row else None


def _known_session(row: Any) -> KnownKey:
    actor = Actor(type="agent", id=show_id(AGENT, row["agent_id"]), name=row["name"])
    role: Role = row["role"]
    caller = Caller(key_id=row["id"], name=row["name"], scopes=SCOPES_OF[role], actor=actor, kind="session")
    return KnownKey(caller=caller, expires_at=row["expires_at"])


async def find_session(session_id: UUID) -> SessionRow | None:
    """A session that has not ended."""
    row = await fetch_one(ONE, session_id)
    return msgspec.convert(dict(row), SessionRow) if row else None


async def list_sessions(agent_id: UUID | None, *, after: After | None, limit: int) -> list[SessionRow]:
    """One page of the sessions that have not ended, of one agent or of all."""
    at, last = after or (None, None)
    return [msgspec.convert(dict(row), SessionRow) for row in await fetch(LISTED, agent_id, at, last, limit)]


async def has_signed_in_from(email: str, address: str) -> bool:
    """Whether the agent of this mail address has signed in from there, as far back as sessions are kept."""
    return bool(await fetch_value(SEEN_FROM, email, address))


async def find_standing(ids: Collection[UUID]) -> set[UUID]:
    """Which of these sessions and API keys still let somebody in."""
    return {row["id"] for row in await fetch(STANDING, list(ids))}
