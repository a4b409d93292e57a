"""Who is calling: API keys and sessions, the scopes that routes ask for, and the refusals (RFC 6750)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from litestar import Litestar, Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.admission import Admission
from gateway.sightings import Sightings
from gateway.standings import Standings
from gateway.tasks import running
from inbox.kit import callers
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, on_wake
from inbox.kit.errors import Problem
from inbox.staff.actions import record_key_use
from inbox.staff.keys import hash_secret, looks_like_key
from inbox.staff.queries import KnownKey, find_caller
from inbox.staff.sessions.actions import TOPIC, record_session_use
from inbox.staff.sessions.queries import find_session_holder
from inbox.staff.sessions.tokens import hash_token, looks_like_token

CACHE_SECONDS = 5.0
"""How long a revoked key may still open something, at most."""
SESSION_SECONDS = 2.0
"""The same for a session that was ended in another process; in this one it is forgotten at once."""
CACHE_KEYS = 10_000
RECORD_SECONDS = 60.0
SCOPES = frozenset(get_args(callers.Scope))


class KeyRing:
    """The keys and sessions this process has seen lately, and when; each is looked up once in a few seconds."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[float, KnownKey]] = {}
        self._good: dict[bytes, None] = {}
        self._used: dict[UUID, datetime] = {}
        self._sessions_used: dict[UUID, datetime] = {}
        self._standings = Standings()
        self.sightings = Sightings()

    async def admit(self, authorization: str | None) -> Caller:
        """The holder of the key in an Authorization header, or the problem with it."""
        return (await self.identify(authorization)).caller

    async def identify(self, authorization: str | None, session: str | None = None) -> KnownKey:
        """As `admit`, with what else is known of the key. A session's token counts where there is no header."""
        if authorization is None and session is not None:
            return await self._identify_session(session)
        known = await self._find(hash_secret(read_bearer(authorization)))
        if known is None:
            raise Problem("unauthenticated", "this API key is not known, or has been revoked")
        now = utc_now()
        if known.expires_at and known.expires_at <= now:
            raise Problem("token_expired", "this API key has expired", hint="Ask an administrator for a new one.")
        self.note_use(known.caller)
        return known

    def note_use(self, caller: Caller) -> None:
        """A key or session is used now; it is written down with the others'."""
        used = self._used if caller.kind == "api_key" else self._sessions_used
        used[caller.key_id] = utc_now()

    async def still_valid(self, caller: Caller) -> bool:
        """Whether a caller who was let in would be let in now; cheap to ask again and again, for streams."""
        return await self._standings.stands(caller.key_id)

    def recalls(self, authorization: str | None, session: str | None = None) -> bool:
        """Whether the key or session was good when it was last looked up, be it a while ago."""
        if authorization is None and session is not None:
            return hash_token(session) in self._good
        _, _, key = (authorization or "").partition(" ")
        return hash_secret(key.strip()) in self._good

    def forget_sessions(self) -> None:
        """Sessions have ended in this process: all are looked up again when they are next used."""
        self._known = {key: kept for key, kept in self._known.items() if kept[1].caller.kind != "session"}
        self._standings.forget()

    async def _identify_session(self, token: str) -> KnownKey:
        known = await self._find(hash_token(token), session=True) if looks_like_token(token) else None
        now = utc_now()
        if known is None or (known.expires_at and known.expires_at <= now):
            raise Problem("unauthenticated", "this session has ended", hint="Sign in again.")
        self.note_use(known.caller)
        return known

    async def _find(self, key_hash: bytes, *, session: bool = False) -> KnownKey | None:
        """Only good keys are kept: guesses must not push them out."""
        good_until, known = self._known.get(key_hash, (0.0, None))
        if known and time.monotonic() < good_until:
            return known
        self._known.pop(key_hash, None)
        self._good.pop(key_hash, None)
        found = await (find_session_holder(key_hash) if session else find_caller(key_hash))
        if found:
            _make_room(self._known)
            _make_room(self._good)
            self._known[key_hash] = (time.monotonic() + (SESSION_SECONDS if session else CACHE_SECONDS), found)
            self._good[key_hash] = None
        return found

    async def record_uses(self) -> None:
        """Write down when keys and sessions were used; what cannot be written now is tried again the next time."""
        used, self._used = self._used, {}
        sessions, self._sessions_used = self._sessions_used, {}
        try:
            await record_key_use(list(used.items()))
            await record_session_use(list(sessions.items()))
        except TRANSIENT:
            self._used, self._sessions_used = used | self._used, sessions | self._sessions_used
        await self.sightings.write()


def _make_room(kept: dict[bytes, Any]) -> None:
    """Forget the oldest."""
    while len(kept) >= CACHE_KEYS:
        del kept[next(iter(kept))]


@asynccontextmanager
async def recording_uses(ring: KeyRing) -> AsyncIterator[None]:
    """Write down the uses of keys once a minute, and at the end; forget sessions as they end."""

    async def record_forever() -> None:
        while True:
            await asyncio.sleep(RECORD_SECONDS)
            await ring.record_uses()

    unhook = on_wake(TOPIC, ring.forget_sessions)
    try:
        async with running(record_forever()):
            yield
    finally:
        unhook()
        await ring.record_uses()


class Authentication(ASGIMiddleware):
    """Lets in who holds the scope that the route names in `opt={"scope": ...}`; everybody where it says `public`.

    A route that says `live` is a stream: it takes its place among the streams, not among the requests. The admission is
    in the application's state: Litestar copies a router's middleware, and all in it, for each route.
    """

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Put the Caller in the request, or refuse it."""
        scope["user"] = None
        options = scope["route_handler"].opt
        if options.get("public"):
            await next_app(scope, receive, send)
            return
        admission: Admission = scope["litestar_app"].state.admission
        with admission.place(live=bool(options.get("live"))) as place:
            caller = await admission.admit(scope, _header(scope, b"authorization"))
            if caller.kind == "api_key":  # where a session was begun is in the audit log
                sightings: Sightings = scope["litestar_app"].state.sightings
                sightings.note(caller, admission.address_of(scope), now=utc_now())
            check_scope(caller, options["scope"])
            place.hold(caller.key_id)
            scope["user"] = caller
            await next_app(scope, receive, send)


HINTS = {
    "api_key": "Use a key that has the scope; scopes of a key cannot be changed.",
    "session": "Ask an administrator: an agent's role says what they may do.",
}


def check_scope(caller: Caller, needed: callers.Scope) -> None:
    """Refuse who does not hold the scope."""
    if not caller.may(needed):
        hint = HINTS[caller.kind]
        raise Problem("scope_missing", f"this needs the scope {needed}", hint=hint)


def read_bearer(authorization: str | None) -> str:
    """The key in an Authorization header; nothing is looked up for what cannot be one of ours."""
    scheme, _, key = (authorization or "").partition(" ")
    if not key:
        raise Problem("unauthenticated", "an API key is needed", hint="Send it as: Authorization: Bearer sk_...")
    if scheme.lower() != "bearer" or not looks_like_key(key.strip()):
        raise Problem("unauthenticated", "this is not an API key", hint="Send it as: Authorization: Bearer sk_...")
    return key.strip()


async def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """What handlers get who ask for `caller: Caller`."""
    caller: Caller | None = request.user
    if caller is None:
        raise RuntimeError("a public route has no caller")
    return caller


class UnguardedRoutes(Exception):
    """Routes of the API that name no scope: the application does not start with them."""


def check_routes(app: Litestar, *, prefix: str) -> None:
    """Raise unless every route below the prefix says which scope it needs, or that it is public."""
    open_doors = sorted(_unguarded(app, prefix))
    if open_doors:
        raise UnguardedRoutes(
            f"these routes need opt={{'scope': ...}} or opt={{'public': True}}: {', '.join(open_doors)}"
        )


def _unguarded(app: Litestar, prefix: str) -> Iterable[str]:
    for route in app.routes:
        if not route.path.startswith(prefix):
            continue
        handlers = route.route_handlers if isinstance(route, HTTPRoute) else [route.route_handler]
        for handler in handlers:
            methods = getattr(handler, "http_methods", {"websocket"})
            if "OPTIONS" not in methods and not (handler.opt.get("public") or handler.opt.get("scope") in SCOPES):
                yield f"{'/'.join(sorted(methods))} {route.path}"


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)
