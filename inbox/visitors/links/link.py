"""A link to another device: what its token says, and that it is ours. Pure.

A token is `{id}-{end}-{mac}`, each in base64url: a random number, the second it ends, and a MAC over these and the
chat and the visitor it was made for. It is never stored: whoever reads the database cannot make one (security.md T54).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from inbox.kit.secrets import SecretBox

PURPOSE = "visitor link"
FRAGMENT = "resume="
"""What stands before the token behind the `#` of the chat's address: a browser sends a fragment to nobody."""

_TOKEN = re.compile(r"([0-9a-f]{32})-([0-9a-f]{1,12})-([A-Za-z0-9_-]{22})")


class ResumeLink(msgspec.Struct, kw_only=True, frozen=True):
    """A link as stored, without its token. `expires_at` is a whole second."""

    id: UUID
    visitor_id: UUID
    channel_id: UUID
    expires_at: datetime


class ReadToken(msgspec.Struct, frozen=True):
    """A token as it is read: nothing of it is believed before its MAC was checked."""

    id: UUID
    ends: int
    mac: str


def write_resume_token(box: SecretBox, link: ResumeLink) -> str:
    """The token of a link."""
    ends = int(link.expires_at.timestamp())
    return f"{link.id.hex}-{ends:x}-{box.sign(_signed_text(link, ends), purpose=PURPOSE)}"


def read_resume_token(text: str) -> ReadToken | None:
    """What a token names; None where it has not the form of ours."""
    found = _TOKEN.fullmatch(text)
    return ReadToken(UUID(hex=found[1]), int(found[2], 16), found[3]) if found else None


def check_resume_token(box: SecretBox, token: ReadToken, link: ResumeLink, *, now: datetime) -> bool:
    """Whether we made this token for this link, and it still holds."""
    signed = box.check_signature(_signed_text(link, token.ends), token.mac, purpose=PURPOSE)
    return signed and now < datetime.fromtimestamp(token.ends, UTC)


def hash_resume_link(link_id: UUID) -> bytes:
    """By what a link is found: what is stored opens nothing."""
    return sha256(link_id.bytes).digest()


def resume_url(public_url: str, channel: str, token: str) -> str:
    """The address to open: the chat by itself, its token behind the `#`."""
    return f"{public_url.rstrip('/')}/widget/v1/frame?channel={channel}#{FRAGMENT}{token}"


def _signed_text(link: ResumeLink, ends: int) -> str:
    return f"{link.channel_id.hex} {link.visitor_id.hex} {link.id.hex} {ends}"
