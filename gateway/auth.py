"""Who is calling: API keys, the scopes that routes ask for, and the refusals (RFC 6750)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from contextvars import Context
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
from inbox.kit import callers
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT
from inbox.kit.errors import Problem
from inbox.staff.actions import record_key_use
from inbox.staff.keys import hash_secret, looks_like_key
from inbox.staff.queries import KnownKey, find_caller

CACHE_SECONDS = 5.0
"""How long a revoked key may still open something, at most."""
CACHE_KEYS = 10_000
RECORD_SECONDS = 60.0
SCOPES = frozenset(get_args(callers.Scope))


class KeyRing:
    """The keys this process has seen lately, and when; one lookup a key in a few seconds, off the database's path."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[float, KnownKey]] = {}
        self._good: dict[bytes, None] = {}
        self._used: dict[UUID, datetime] = {}
        self.sightings = Sightings()

    async def admit(self, authorization: str | None) -> Caller:
        """The holder of the key in an Authorization header, or the problem with it."""
        return (await self.identify(authorization)).caller

    async def identify(self, authorization: str | None) -> KnownKey:
        """As `admit`, with what else is known of the key."""
        key_hash = hash_secret(read_bearer(authorization))
        known = await self._find(key_hash)
        if known is None:
            raise Problem("unauthenticated", "this API key is not known, or has been revoked")
        now = utc_now()
        if known.expires_at and known.expires_at <= now:
            raise Problem("token_expired", "this API key has expired", hint="Ask an administrator for a new one.")
        self._used[known.caller.key_id] = now
        return known

    def recalls(self, authorization: str | None) -> bool:
        """Whether the key in an Authorization header was good when it was last looked up, be it a while ago."""
        _, _, key = (authorization or "").partition(" ")
        return hash_secret(key.strip()) in self._good

    async def _find(self, key_hash: bytes) -> KnownKey | None:
        """Only good keys are kept: guesses must not push them out."""
        good_until, known = self._known.get(key_hash, (0.0, None))
        if known and time.monotonic() < good_until:
            return known
        self._known.pop(key_hash, None)
        self._good.pop(key_hash, None)
        found = await find_caller(key_hash)
        if found:
            _make_room(self._known)
            _make_room(self._good)
            self._known[key_hash] = (time.monotonic() + CACHE_SECONDS, found)
            self._good[key_hash] = None
        return found

    async def record_uses(self) -> None:
        """Write down when keys were used; what cannot be written now is tried again the next time."""
        used, self._used = self._used, {}
        try:
            await record_key_use(list(used.items()))
        except TRANSIENT:
            self._used = used | self._used
        await self.sightings.write()


def _make_room(kept: dict[bytes, Any]) -> None:
    """Forget the oldest."""
    while len(kept) >= CACHE_KEYS:
        del kept[next(iter(kept))]


@asynccontextmanager
async def recording_uses(ring: KeyRing) -> AsyncIterator[None]:
    """Write down the uses of keys once a minute, and at the end."""

    async def record_forever() -> None:
        while True:
            await asyncio.sleep(RECORD_SECONDS)
            await ring.record_uses()

    task = asyncio.create_task(record_forever(), context=Context())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
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
            sightings: Sightings = scope["litestar_app"].state.sightings
            sightings.note(caller, admission.address_of(scope), now=utc_now())
            check_scope(caller, options["scope"])
            place.hold(caller.key_id)
            scope["user"] = caller
            await next_app(scope, receive, send)


def check_scope(caller: Caller, needed: callers.Scope) -> None:
    """Refuse who does not hold the scope."""
    if not caller.may(needed):
        hint = "Use a key that has the scope; scopes of a key cannot be changed."
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
