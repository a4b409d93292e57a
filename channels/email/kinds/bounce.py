"""A bounce and a complaint as we keep them, whoever told them in whatever form. Pure."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import msgspec

Action: TypeAlias = Literal["failed", "delayed", "delivered", "relayed", "expanded"]

MAX_DIAGNOSTIC_CHARS = 1_000
MAX_BOUNCES = 100
"""Recipients of one report that are read: a message of ours has few."""
MAX_ADDRESS_CHARS = 320
_REFERENCE = re.compile(r"(msg_[0-9a-f]{32})(?:@|\Z)")

# Bounded, since strangers write what is searched. A local part may hold more than this; then it is no customer's.
_LOCAL = r"[^\s<>()\[\]:;,\"'@|\\：；，。、（）＜＞“”]{1,64}"
_DOMAIN = r"[^\s<>()\[\]:;,\"'@|\\!/=：；，。、（）＜＞“”]{1,190}\.[^\W\d_][\w-]{1,62}"
ADDRESS = re.compile(f"{_LOCAL}@{_DOMAIN}")


class Bounce(msgspec.Struct, kw_only=True, frozen=True):
    """What became of one recipient of a mail we sent.

    `action` and `status` are those of RFC 3464 and 3463. `permanent` says that the same mail will fail there again.
    `diagnostic` is the last word of the host that refused, `remote_host` its name. `message_id` is the original's,
    without angle brackets, and `reference` our own id in it.
    """

    recipient: str
    action: Action
    permanent: bool = False
    status: str | None = None
    diagnostic: str | None = None
    remote_host: str | None = None
    message_id: str | None = None
    reference: str | None = None


class Complaint(msgspec.Struct, kw_only=True, frozen=True):
    """Somebody called a mail of ours spam, told by their provider (RFC 5965).

    `kind` is the feedback type: "abuse", "fraud", "not-spam", ... `recipient` is who complained, where it is told.
    """

    kind: str
    recipient: str | None = None
    message_id: str | None = None
    reference: str | None = None


def read_reference(message_id: str | None) -> str | None:
    """Our own id in a Message-ID that we made: `msg_0193...@our.domain`."""
    found = _REFERENCE.match(message_id or "")
    return found[1] if found else None


def find_address(text: str) -> str | None:
    """The first mail address in a text, its domain in lower case."""
    found = ADDRESS.search(text[:10_000])
    return clean_address(found[0]) if found else None


def clean_address(address: str) -> str:
    """An address as it is kept: without a trailing dot, the domain in lower case."""
    local, _, domain = address.strip(".").rpartition("@")
    return f"{local}@{domain.lower()}"[:MAX_ADDRESS_CHARS]
