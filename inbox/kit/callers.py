"""Who is asking, and in whose name things are done."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec

ActorType = Literal["contact", "agent", "bot", "system", "integration"]

Scope = Literal[
    "conversations:read", "conversations:write", "messages:send", "messages:raw", "contacts:read", "contacts:write",
    "channels:admin", "events:read", "agents:read", "agents:write", "webhooks:read", "webhooks:write", "admin",
]  # fmt: skip


class Actor(msgspec.Struct, kw_only=True, frozen=True):
    """Who did something, as stored and shown: a small reference that stays true when names change later."""

    type: ActorType
    id: str | None = None
    name: str | None = None


SYSTEM = Actor(type="system")


class Caller(msgspec.Struct, kw_only=True, frozen=True):
    """The holder of an API key or of a session: what it may do, and the agent it acts for, if it is bound to one.

    `key_id` is the id of the key, or of the session.
    """

    key_id: UUID
    name: str
    scopes: frozenset[Scope]
    actor: Actor
    kind: Literal["api_key", "session"] = "api_key"

    def may(self, scope: Scope) -> bool:
        """Whether the key holds this scope; `admin` holds all."""
        return scope in self.scopes or "admin" in self.scopes
