"""Sessions of visitors: made, carried over to a proven user, ended and forgotten."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from inbox.kit.db import Row, execute, fetch_one, wake_after_commit
from inbox.kit.ids import new_id, show_id
from inbox.visitors.queries import find_visitor
from inbox.visitors.tokens import TOKEN_BYTES, form_token, hash_token
from inbox.visitors.visitor import Browser, Profile, Proof, Visitor, VisitorSession

TOPIC = "visitors"
"""What is woken in this process when a session has ended, or has become somebody else's."""

MEET = """
INSERT INTO visitor (id, channel_id, address, verified, user_id, name, email, proven_email, phone, attributes, locale,
                     user_agent, address_hash, page, created_at, last_seen_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12, $13, $14::jsonb, $15, $15)
ON CONFLICT (channel_id, address) DO UPDATE
SET user_id = coalesce(excluded.user_id, visitor.user_id), name = coalesce(excluded.name, visitor.name),
    email = coalesce(excluded.email, visitor.email),
    proven_email = coalesce(excluded.proven_email, visitor.proven_email),
    locale = coalesce(excluded.locale, visitor.locale), user_agent = excluded.user_agent,
    address_hash = excluded.address_hash, page = coalesce(excluded.page, visitor.page), last_seen_at = $15
RETURNING id
"""
OPEN = "INSERT INTO visitor_session (id, visitor_id, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)"
GO_ON = "UPDATE visitor_session SET expires_at = $2 WHERE id = $1 AND revoked_at IS NULL"
HAND_OVER = "UPDATE visitor_session SET visitor_id = $2 WHERE id = $1 AND revoked_at IS NULL"
REVOKE = "UPDATE visitor_session SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL"
SEE = """
UPDATE visitor SET last_seen_at = $2, locale = coalesce($3, locale), user_agent = coalesce($4, user_agent),
    page = coalesce($5::jsonb, page), address_hash = coalesce($6, address_hash)
WHERE id = $1
"""
DESCRIBE = """
UPDATE visitor SET name = coalesce($2, name), email = coalesce($3, email), phone = coalesce($4, phone),
    user_id = CASE WHEN verified THEN user_id ELSE coalesce($6, user_id) END, attributes = attributes || $5::jsonb
WHERE id = $1
"""
WROTE = """
UPDATE visitor SET wrote_at = coalesce(wrote_at, $2), last_seen_at = $2, page = coalesce($3::jsonb, page) WHERE id = $1
"""
STILL_THERE = "UPDATE visitor SET last_seen_at = $2 WHERE id = ANY($1)"

PRUNE_SESSIONS = "DELETE FROM visitor_session WHERE expires_at < $1 OR revoked_at < $1"
PRUNE_VISITORS = """
DELETE FROM visitor v WHERE v.last_seen_at < $1 AND v.wrote_at IS NULL
    AND NOT EXISTS (SELECT FROM visitor_session s WHERE s.visitor_id = v.id)
    AND NOT EXISTS (SELECT FROM identity i WHERE i.kind = 'visitor' AND i.match_key = v.address)
"""


class OpenedSession(msgspec.Struct, kw_only=True, frozen=True):
    """A session that was just made, and its token: it is shown once."""

    session: VisitorSession
    visitor: Visitor
    token: str


async def open_session(visitor: Visitor, *, lasts: timedelta, now: datetime) -> OpenedSession:
    """A new session of a visitor."""
    token = form_token(secrets.token_urlsafe(TOKEN_BYTES))
    session = VisitorSession(id=new_id(), visitor_id=visitor.id, expires_at=now + lasts)
    await execute(OPEN, session.id, visitor.id, hash_token(token), now, session.expires_at)
    return OpenedSession(session=session, visitor=visitor, token=token)


async def meet_stranger(channel_id: UUID, profile: Profile, browser: Browser, *, now: datetime) -> Visitor:
    """A visitor nobody knows; what they say of themselves is kept as said."""
    visitor_id = new_id()
    return await _meet(
        visitor_id, channel_id, show_id("vis", visitor_id), proof=None, profile=profile, browser=browser, now=now
    )


async def meet_user(channel_id: UUID, proof: Proof, browser: Browser, *, now: datetime) -> Visitor:
    """The visitor who has proven to be this user: one on each channel, from however many browsers."""
    profile = Profile(name=proof.name, email=proof.email, user_id=proof.user_id)
    return await _meet(new_id(), channel_id, proof.address, proof=proof, profile=profile, browser=browser, now=now)


async def carry_on(session: VisitorSession, browser: Browser, *, lasts: timedelta, now: datetime) -> VisitorSession:
    """The same session for some time more, and what its browser says now."""
    await execute(GO_ON, session.id, now + lasts)
    page = _json(browser.page)
    await execute(SEE, session.visitor_id, now, browser.locale, browser.user_agent, page, browser.address_hash)
    return msgspec.structs.replace(session, expires_at=now + lasts)


async def hand_over_session(session: VisitorSession, visitor: Visitor) -> VisitorSession:
    """From now on the session is that of another visitor: of the user who has proven themselves in it."""
    await execute(HAND_OVER, session.id, visitor.id)
    wake_after_commit(TOPIC)
    return msgspec.structs.replace(session, visitor_id=visitor.id)


async def revoke_session(session_id: UUID, *, now: datetime) -> None:
    """End a session: its token opens nothing more, its streams close."""
    await execute(REVOKE, session_id, now)
    wake_after_commit(TOPIC)


async def describe_visitor(visitor: Visitor, profile: Profile) -> Visitor:
    """Keep what was said of a visitor; what is not said stays."""
    attributes = msgspec.json.encode(profile.attributes).decode()
    await execute(DESCRIBE, visitor.id, profile.name, profile.email, profile.phone, attributes, profile.user_id)
    return await _read(visitor.id)


async def note_writing(visitor: Visitor, page: Any, *, now: datetime) -> None:
    """A visitor has written, and from which page."""
    await execute(WROTE, visitor.id, now, _json(page))


async def note_presence(visitor_ids: list[UUID], *, now: datetime) -> None:
    """These visitors have the chat open."""
    await execute(STILL_THERE, visitor_ids, now)


async def prune_visitors(*, sessions_before: datetime, visitors_before: datetime) -> None:
    """Forget sessions that ended, and visitors who never wrote and have not been seen for long."""
    await execute(PRUNE_SESSIONS, sessions_before)
    await execute(PRUNE_VISITORS, visitors_before)


async def _meet(
    visitor_id: UUID,
    channel_id: UUID,
    address: str,
    *,
    proof: Proof | None,
    profile: Profile,
    browser: Browser,
    now: datetime,
) -> Visitor:
    row: Row | None = await fetch_one(
        MEET, visitor_id, channel_id, address, proof is not None, profile.user_id, profile.name, profile.email,
        proof.email if proof else None, profile.phone, msgspec.json.encode(profile.attributes).decode(),
        browser.locale, browser.user_agent, browser.address_hash, _json(browser.page), now,
    )  # fmt: skip
    if row is None:
        raise RuntimeError("an upsert returns its row")
    return await _read(row["id"])


async def _read(visitor_id: UUID) -> Visitor:
    visitor = await find_visitor(visitor_id)
    if visitor is None:
        raise RuntimeError("the visitor was stored a moment ago")
    return visitor


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
