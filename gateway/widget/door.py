"""The widget's door: who may speak, from which page, how often; before every route below /widget/v1.

The routes stand beside the API: visitors hold sessions, no keys, and what they may ask for is here alone. A route says
`public` where no session is needed; nothing of it may be kept by caches.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, cast

from litestar import Request
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from gateway.admission import Place
from gateway.problems import send_problem
from gateway.transactions import SAFE_METHODS, Transactions, limited, read_body, refuse_encoding, takes_form
from gateway.widget.chats import find_chat, list_chats
from gateway.widget.desk import WidgetDesk
from gateway.widget.origins import cors_headers, is_readable, preflight_headers, refuse_origin
from gateway.widget.proof import PROOF_HINT, may_stay
from gateway.widget.visitor_auth import VisitorCaller
from inbox.kit.errors import Problem

NO_STORE = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"vary", b"Origin"),
]


class WidgetDoor(ASGIMiddleware):
    """Lets visitors in. The desk is in the application's state: Litestar copies middleware for each route."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Serve one request, or refuse it in a way its page can read."""
        http = cast("HTTPScope", scope)
        desk: WidgetDesk = scope["litestar_app"].state.widget
        headers = Headers.from_scope(scope)
        origin = headers.get("origin")
        readable = is_readable(
            origin, list_chats(desk.runtime.directory).values(), public_url=desk.runtime.settings.public_url
        )
        shown = origin if readable else None
        if http["method"] == "OPTIONS":
            await _answer_preflight(send, shown)
            return
        answering = _adding(send, [*NO_STORE, *(cors_headers(shown) if shown else ())])
        scope["user"] = None
        try:
            with self._place(desk, scope) as place:
                await self._admit(desk, scope, headers, place)
                await next_app(scope, receive, answering)
        except Exception as error:  # noqa: BLE001  every refusal has to carry the headers that let its page read it
            request: Request[Any, Any, Any] = scope["litestar_app"].request_class(scope, receive, answering)
            await send_problem(request, error)

    def _place(self, desk: WidgetDesk, scope: Scope) -> AbstractContextManager[Place]:
        live = bool(scope["route_handler"].opt.get("live"))
        return (desk.streams if live else desk.requests).take()

    async def _admit(self, desk: WidgetDesk, scope: Scope, headers: Headers, place: Place) -> None:
        if scope["route_handler"].opt.get("public"):
            return
        caller = await admit_visitor(desk, scope, headers)
        refuse_origin(headers, caller.settings, public_url=desk.runtime.settings.public_url)
        proven_enough = may_stay(caller.settings.verification, verified=caller.visitor.verified)
        if not proven_enough and not scope["route_handler"].opt.get("unproven"):
            raise Problem("identity_required", "this chat is for users who are logged in", hint=PROOF_HINT)
        if not scope["route_handler"].opt.get("live"):  # of streams the oldest gives way, so that nobody locks out
            place.hold(caller.visitor.id)
        await desk.spend_request(caller)
        scope["user"] = caller


async def admit_visitor(desk: WidgetDesk, scope: Scope, headers: Headers) -> VisitorCaller:
    """The visitor whose token a request carries, in a chat that is there."""
    known = await desk.sessions.admit(headers.get("authorization"))
    channel, settings = await find_chat(desk.runtime.directory, known.visitor.channel_id)
    return VisitorCaller(
        visitor=known.visitor,
        session=known.session,
        channel=channel,
        settings=settings,
        address=client_address(desk, scope),
    )


def client_address(desk: WidgetDesk, scope: Scope) -> str:
    """Where a request comes from, as limits count it (security.md T55)."""
    peer = scope.get("client")
    return desk.proxies.client_of(peer[0] if peer else None, scope["headers"])


class WidgetTransactions(Transactions):
    """As for the API. A route that says `journaled` has none: what it takes in is durable before it is answered."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Serve one request."""
        if not scope["route_handler"].opt.get("journaled") or cast("HTTPScope", scope)["method"] in SAFE_METHODS:
            await super().handle(scope, receive, send, next_app)
            return
        limit = self._form_limit if takes_form(scope) else self._body_limit
        request: Request[Any, Any, Any] = scope["litestar_app"].request_class(scope, limited(receive, limit), send)
        refuse_encoding(request)
        form = await read_body(request, limit=limit)
        try:
            await next_app(request.scope, request.receive, send)
        finally:
            await form.close()


def _adding(send: Send, headers: Iterable[tuple[bytes, bytes]]) -> Send:
    """Answers with these headers, where they do not say otherwise themselves."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message["headers"]}
            more = [(name, value) for name, value in headers if name not in own]
            message = cast("Message", {**message, "headers": [*message["headers"], *more]})
        await send(message)

    return send_with_headers


async def _answer_preflight(send: Send, origin: str | None) -> None:
    headers = [*NO_STORE, *(preflight_headers(origin) if origin else ())]
    start: Message = {"type": "http.response.start", "status": 204, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
