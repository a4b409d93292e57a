"""Making links to other devices, and opening each of them once."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from inbox.kit.db import execute, fetch_one
from inbox.kit.errors import Problem
from inbox.kit.secrets import SecretBox
from inbox.visitors.links.link import ResumeLink, check_resume_token, hash_resume_link, read_resume_token
from inbox.visitors.visitor import Visitor

LINKS_MAX = 5
"""The most links of one visitor that hold; the oldest go first."""

ADD = "INSERT INTO visitor_link (token_hash, visitor_id, created_at, expires_at) VALUES ($1, $2, $3, $4)"
TRIM = """
DELETE FROM visitor_link WHERE token_hash IN (
    SELECT token_hash FROM visitor_link WHERE visitor_id = $1 ORDER BY created_at DESC OFFSET $2
)
"""
FIND = """
SELECT l.visitor_id, v.channel_id, l.expires_at FROM visitor_link l JOIN visitor v ON v.id = l.visitor_id
WHERE l.token_hash = $1 AND NOT v.verified AND l.used_at IS NULL FOR UPDATE OF l
"""
USE = "UPDATE visitor_link SET used_at = $2 WHERE token_hash = $1"
PRUNE = "DELETE FROM visitor_link WHERE expires_at < $1"


async def make_resume_link(visitor: Visitor, *, hours: float, now: datetime) -> ResumeLink:
    """A link to this visitor's chat. One who has proven who they are has none: elsewhere they prove it again."""
    if visitor.verified:
        hint = "Open the site on the other device and log in there: the chat is the same"
        raise Problem("state_conflict", "A link would take the place of a proof", hint=hint)
    expires_at = (now + timedelta(hours=hours)).replace(microsecond=0)
    link = ResumeLink(id=uuid4(), visitor_id=visitor.id, channel_id=visitor.channel_id, expires_at=expires_at)
    await execute(ADD, hash_resume_link(link.id), visitor.id, now, expires_at)
    await execute(TRIM, visitor.id, LINKS_MAX)
    return link


async def find_stored_link(link_id: UUID) -> ResumeLink | None:
    """A link that nobody has opened yet; held until the end of the transaction, if there is one."""
    row = await fetch_one(FIND, hash_resume_link(link_id))
    if row is None:
        return None
    return ResumeLink(
        id=link_id, visitor_id=row["visitor_id"], channel_id=row["channel_id"], expires_at=row["expires_at"]
    )


async def open_link(box: SecretBox, text: str, channel_id: UUID, *, now: datetime) -> UUID:
    """The visitor whose chat a link opens, in the open transaction: no other device opens it again.

    `token_expired` for one that was opened, has ended, is of another chat, or is none: which of these is not said.
    """
    token = read_resume_token(text)
    link = await find_stored_link(token.id) if token else None
    ours = token and link and link.channel_id == channel_id and check_resume_token(box, token, link, now=now)
    if link is None or not ours:
        raise Problem("token_expired", "This link was opened before, or has ended", hint="Ask for a new one")
    await execute(USE, hash_resume_link(link.id), now)
    return link.visitor_id


async def prune_resume_links(*, before: datetime) -> None:
    """Forget links that ended before this."""
    await execute(PRUNE, before)
