"""Who is speaking at the widget's door: a visitor, by the token of their session (security.md T53, T54).

Sessions are kept in memory for a few seconds, and beyond that while the database is away: who has chatted lately can
go on, and the spool keeps what they write.
"""

from __future__ import annotations

import time
from uuid import UUID

import msgspec

from channels.webchat.settings import WebchatSettings
from gateway.directory import LiveChannel
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT
from inbox.kit.errors import Problem
from inbox.visitors.queries import find_session
from inbox.visitors.tokens import hash_token, looks_like_token
from inbox.visitors.visitor import KnownSession, Visitor, VisitorSession

CACHE_SECONDS = 3.0
"""How long a session that was ended elsewhere may still open something, at most."""
CACHE_SESSIONS = 20_000
HINT = "Send it as: Authorization: Bearer vst_...; POST /widget/v1/sessions gives one."


class VisitorCaller(msgspec.Struct, kw_only=True, frozen=True):
    """The visitor who makes a request, by which session, in which chat; `address` is their network address."""

    visitor: Visitor
    session: VisitorSession
    channel: LiveChannel
    settings: WebchatSettings
    address: str

    @property
    def key_id(self) -> UUID:
        """Under what an Idempotency-Key of theirs is remembered."""
        return self.session.id


class SessionRing:
    """The sessions this process has seen lately."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[float, KnownSession]] = {}

    async def admit(self, authorization: str | None) -> KnownSession:
        """The session of the token in an Authorization header, or the `unauthenticated` problem."""
        key = hash_token(_read_token(authorization))
        good_until, known = self._known.get(key, (0.0, None))
        if known is None or time.monotonic() >= good_until:
            known = await self._look_up(key, known)
        if known is None or known.session.expires_at <= utc_now():
            raise Problem("unauthenticated", "this session has ended, or never was", hint="Begin a new one.")
        return known

    def forget(self, session_id: UUID) -> None:
        """Look a session up anew the next time: it has ended, or has become another visitor's."""
        for key in [key for key, (_, known) in self._known.items() if known.session.id == session_id]:
            del self._known[key]

    async def _look_up(self, key: bytes, before: KnownSession | None) -> KnownSession | None:
        try:
            found = await find_session(key)
        except TRANSIENT:
            if before is None:
                raise
            found = before
        self._known.pop(key, None)
        if found is not None:
            while len(self._known) >= CACHE_SESSIONS:
                del self._known[next(iter(self._known))]
            self._known[key] = (time.monotonic() + CACHE_SECONDS, found)
        return found


def _read_token(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not looks_like_token(token.strip()):
        raise Problem("unauthenticated", "the token of a visitor's session is needed", hint=HINT)
    return token.strip()
