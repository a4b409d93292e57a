"""The door of `/v1/realtime`: who is let in, and how each socket is served until it ends (security.md T51, T52, T72).

It stands before the web framework, as thousands of sockets wait here: plain ASGI, one task and a few objects each. A
page of another origin is refused before the handshake is answered. Whoever shows neither key nor session has 30 seconds
to show a ticket.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.addresses import is_loopback
from gateway.admission import REFUSED, Admission
from gateway.live.broadcast import Broadcast
from gateway.live.bus import LiveBus
from gateway.live.frames import (
    BROKEN,
    CLOSE_CODES,
    RESTART,
    TOO_MANY,
    UNAUTHENTICATED,
    Authenticate,
    Ping,
    Pong,
    Ready,
    read_frame,
    seal,
    write_frame,
)
from gateway.live.rights import Rights
from gateway.live.session import Session
from gateway.live.socket import LiveSocket
from gateway.metrics import LIVE_SOCKETS, LIVE_SOCKETS_CLOSED, LIVE_SOCKETS_REFUSED
from gateway.origins import OriginSettings, allowed_origin
from gateway.problems import MEDIA_TYPE, document_problem, explain_error, problem_headers
from gateway.sightings import Sightings
from gateway.signin.cookies import is_secure, read_session
from gateway.signin.forgery import read_header, refused_origin
from gateway.sockets import LIVE, PatientSocket
from gateway.tracing import choose_request_id
from inbox.feed.events import show_cursor
from inbox.feed.queries import feed_head
from inbox.kit import callers
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT
from inbox.kit.errors import Problem
from inbox.kit.tracing import working_for
from inbox.staff.tickets.actions import redeem_ticket

log = structlog.get_logger()

PATH = "/v1/realtime"
NEEDED: callers.Scope = "events:read"
AUTHENTICATE_SECONDS = 30.0
PENDING_MOST = 2000
"""The most sockets that may wait for a ticket, beside those that were let in."""
PENDING_EACH = 20
"""How many of these one address may have; this machine itself may have more."""
SESSION_SOCKETS = 20
"""The most sockets of one session: a browser has one a tab at most."""
LEAVE_SECONDS = 1.0
"""When to come again while this process stops."""


class Realtime:
    """All sockets of one process."""

    def __init__(
        self,
        settings: OriginSettings,
        *,
        admission: Admission,
        rights: Rights,
        sightings: Sightings,
        broadcast: Broadcast,
        bus: LiveBus,
        heartbeat_seconds: float,
        docs_url: str,
    ) -> None:
        self._settings = settings
        self._sightings = sightings
        self._admission = admission
        self._rights = rights
        self._broadcast = broadcast
        self._bus = bus
        self._heartbeat_seconds = heartbeat_seconds
        self._docs_url = docs_url
        self._wires: set[PatientSocket] = set()
        self._pending: Counter[str] = Counter()
        self._of_session: Counter[UUID] = Counter()
        self._stopped = False

    def stop(self) -> None:
        """Send all clients elsewhere; they come back with their cursors."""
        self._stopped = True
        for wire in list(self._wires):
            wire.end(RESTART, "restarting")

    async def take_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One socket, from its handshake to its end."""
        with working_for(choose_request_id(scope["headers"])):
            try:
                entry = await self._admit(scope)
            except Exception as error:  # noqa: BLE001 (all that a request would be answered with a problem for)
                await self._refuse(scope, send, error)
                return
            extensions: Any = scope["extensions"]
            wire: PatientSocket = extensions[LIVE]
            await receive()
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
            await self._attend(wire, entry, receive)

    async def _admit(self, scope: Scope) -> Entry:
        """Who is let in before the handshake is answered, or the problem with them."""
        if self._stopped:
            raise Problem("overloaded", "this process stops", retry_after=LEAVE_SECONDS)
        if scope["path"] != PATH:
            raise Problem("not_found", "there is no socket at this path")
        authorization = read_header(scope, b"authorization")
        by_tls = is_secure(self._settings.public_url)
        cookie = None if authorization else read_session(scope["headers"], secure=by_tls)
        origin = read_header(scope, b"origin")
        if (origin or cookie) and not allowed_origin(origin, self._settings):
            raise refused_origin()
        address = self._admission.address_of(scope)
        if not authorization and not cookie:
            return self._let_wait(address)
        try:
            caller = await self._admission.admit(scope, authorization)
        except Problem as problem:
            if authorization or problem.code not in REFUSED:
                raise
            return Entry(address)  # a browser tells its page nothing of a refusal, but of a close code it does
        check_right(caller)
        if caller.kind == "api_key":
            self._sightings.note(caller, address, now=utc_now())
        return Entry(address, caller=caller)

    def _let_wait(self, address: str) -> Entry:
        full = self._pending.total() >= PENDING_MOST
        if full or (self._pending[address] >= PENDING_EACH and not is_loopback(address)):
            raise Problem("overloaded", "too many sockets wait for their tickets", retry_after=AUTHENTICATE_SECONDS)
        return Entry(address, waits=True)

    async def _attend(self, wire: PatientSocket, entry: Entry, receive: Receive) -> None:
        """Serve it to its end, and tell of that."""
        began, caller = time.monotonic(), entry.caller
        self._wires.add(wire)
        LIVE_SOCKETS.inc()
        try:
            if self._stopped:  # meanwhile
                wire.end(RESTART, "restarting")
            caller = await self._await_ticket(wire, entry, receive) if entry.waits else entry.caller
            if caller is None:
                wire.end(UNAUTHENTICATED, "not authenticated")
            else:
                await self._serve(wire, caller, receive)
        except Exception as error:  # noqa: BLE001 (whatever it is, its client is to come back)
            _tell_broken(error)
            wire.end(BROKEN, "something broke")
        finally:
            LIVE_SOCKETS.dec()
            self._wires.discard(wire)
            code = wire.close_code()
            LIVE_SOCKETS_CLOSED.labels(str(code) if code in CLOSE_CODES else "other").inc()
            lasted = round((time.monotonic() - began) * 1000)
            key, session = _holder(caller)
            log.info("socket_closed", code=code, duration_ms=lasted, api_key=key, session=session)

    async def _await_ticket(self, wire: PatientSocket, entry: Entry, receive: Receive) -> Caller | None:
        """The holder of the ticket that has to come in time, if it does and is good."""
        self._pending[entry.address] += 1
        try:
            async with asyncio.timeout(AUTHENTICATE_SECONDS):
                caller = await _read_ticket(wire, receive)
            return caller if caller and await self._rights.valid(caller) and caller.may(NEEDED) else None
        except TRANSIENT:  # TimeoutError is one of them
            return None
        finally:
            self._pending[entry.address] -= 1
            if not self._pending[entry.address]:
                del self._pending[entry.address]

    async def _serve(self, wire: PatientSocket, caller: Caller, receive: Receive) -> None:
        with ExitStack() as stack:
            try:
                stack.enter_context(self._place(caller))
            except Problem as problem:
                LIVE_SOCKETS_REFUSED.labels(problem.code).inc()
                wire.end(TOO_MANY, problem.code)
                return
            cursor = self._broadcast.position
            if cursor is None:
                cursor = (await feed_head()).cursor
            socket = LiveSocket(wire, self._broadcast, caller=caller, cursor=cursor)
            stack.enter_context(self._rights.watch(caller, socket.revoke))
            session = Session(socket, self._broadcast, self._bus)
            stack.callback(session.leave)
            socket.say(Ready(cursor=show_cursor(cursor), heartbeat_seconds=self._heartbeat_seconds))
            while (message := await receive())["type"] == "websocket.receive":
                await session.hear(message.get("text"))
                if session.acted:
                    session.acted = False
                    self._admission.note_use(caller)

    @contextmanager
    def _place(self, caller: Caller) -> Iterator[None]:
        """One of the places for streams, of which nobody has too many."""
        if caller.kind == "session" and self._of_session[caller.key_id] >= SESSION_SOCKETS:
            raise Problem("quota_exceeded", f"{SESSION_SOCKETS} sockets of this session are open already")
        with self._admission.place(live=True) as place:
            place.hold(caller.key_id)
            self._of_session[caller.key_id] += 1
            try:
                yield
            finally:
                self._of_session[caller.key_id] -= 1
                if not self._of_session[caller.key_id]:
                    del self._of_session[caller.key_id]

    async def _refuse(self, scope: Scope, send: Any, error: Exception) -> None:
        """Answer the handshake as a request would be: the socket was never open."""
        problem = explain_error(error)
        LIVE_SOCKETS_REFUSED.labels(problem.code).inc()
        if problem.code == "internal":
            log.error("socket_failed", exc_info=error)
        log.info("socket_refused", code=problem.code, address=self._admission.address_of(scope))
        document = document_problem(problem, docs_url=self._docs_url, instance=PATH)
        headers = {"content-type": MEDIA_TYPE, **problem_headers(problem)}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        status = problem.kind.status
        await send({"type": "websocket.http.response.start", "status": status, "headers": raw})
        await send({"type": "websocket.http.response.body", "body": msgspec.json.encode(document)})


class Entry(msgspec.Struct, frozen=True):
    """Who asks to be let in, and whether they may show a ticket for it. With neither, their session has ended."""

    address: str
    caller: Caller | None = None
    waits: bool = False


def open_sockets(app: ASGIApp, realtime: Realtime) -> ASGIApp:
    """The application with the door for sockets before it: there are no others."""

    async def entered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.WEBSOCKET:
            await realtime.take_socket(scope, receive, send)
        else:
            await app(scope, receive, send)

    return entered


def check_right(caller: Caller) -> None:
    """Refuse who may not read events."""
    if not caller.may(NEEDED):
        raise Problem("scope_missing", f"this needs the scope {NEEDED}")


def _tell_broken(error: Exception) -> None:
    """A database that is away is no error of ours."""
    if isinstance(error, TRANSIENT):
        log.warning("socket_unserved", error=type(error).__name__)
    else:
        log.error("socket_broken", exc_info=error)


def _holder(caller: Caller | None) -> tuple[UUID | None, UUID | None]:
    """Whose socket it was: the id of a key, or of a session."""
    if caller is None:
        return None, None
    return (caller.key_id, None) if caller.kind == "api_key" else (None, caller.key_id)


async def _read_ticket(wire: PatientSocket, receive: Receive) -> Caller | None:
    """Whom the first frame lets in; pings may come before it."""
    while (message := await receive())["type"] == "websocket.receive":
        try:
            frame = read_frame(message.get("text") or "")
        except msgspec.DecodeError:
            return None
        if not isinstance(frame, Ping):
            return await redeem_ticket(frame.ticket, now=utc_now()) if isinstance(frame, Authenticate) else None
        wire.push(seal(write_frame(Pong())))
    return None
