"""What agents may do, by their role. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from inbox.kit.callers import Scope

Role = Literal["admin", "agent"]

SCOPES_OF: Mapping[Role, frozenset[Scope]] = {
    "admin": frozenset({"admin"}),
    "agent": frozenset({
        "conversations:read", "conversations:write", "messages:send", "contacts:read", "contacts:write",
        "events:read", "agents:read",
    }),
}  # fmt: skip
"""The scopes that a session of an agent has; `admin` holds all."""


def needs_admin(role: Role, changed: Collection[str], *, signs_in: bool) -> bool:
    """Whether a change of an agent is for administrators alone: it would let somebody be more than they are.

    A role makes an administrator. A mail address is where a new password is sent, and what identity providers are
    believed by, so that of who can sign in, or is an administrator, is worth as much as their password.
    """
    return "role" in changed or ("email" in changed and (signs_in or role == "admin"))
