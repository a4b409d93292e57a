"""The session of the browser that asks: begun by a password, read, and ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gateway.settings import Settings
from gateway.signin.cookies import ended_cookie, is_secure, read_session, session_cookie
from gateway.signin.forgery import check_signin_page
from gateway.signin.limits import SigninLimits
from gateway.signin.oidc.providers import Provider
from inbox.kit.callers import Caller
from inbox.kit.clock import show_time, utc_now
from inbox.kit.db import tx
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import AGENT, SESSION, read_id, show_id
from inbox.staff.api import AgentObject, Email, show_agent
from inbox.staff.passwords.actions import Proven, Tried, prepare_password, store_password, try_password
from inbox.staff.passwords.rules import LEAST_CHARS, MOST_CHARS
from inbox.staff.queries import find_agent
from inbox.staff.sessions.actions import Lifetime, SignIn, begin_session, end_session, record_refusal
from inbox.staff.sessions.queries import Method, find_session
from inbox.staff.sessions.tokens import form_csrf_token

GivenPassword = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_CHARS, examples=["plum under seven bridges"])]
"""A password to be compared: whatever its length, it is answered as any other that is wrong."""
ChosenPassword = Annotated[
    str,
    msgspec.Meta(
        min_length=LEAST_CHARS,
        max_length=MOST_CHARS,
        examples=["plum under seven bridges"],
        description="Any characters; not among the passwords that are tried first.",
    ),
]
CsrfToken = Annotated[str, msgspec.Meta(examples=["Wv0c1J9m3dYw2Q8sTqLr5nBfHk7pXgZaE4uIo6CyRtM"])]
PUBLIC = {"public": True, "transaction": "own"}
OWN = {"scope": "agents:read", "problems": ["not_found", "csrf_failed", "origin_not_allowed"]}


class CurrentSession(msgspec.Struct, kw_only=True, frozen=True):
    """The session of this browser. `csrf_token` goes into X-CSRF-Token of whatever it changes."""

    object: Literal["session"] = "session"
    id: str
    agent: AgentObject
    csrf_token: CsrfToken
    expires_at: str


class NewSession(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Who signs in."""

    email: Email
    password: GivenPassword


class PasswordChange(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The password there is, and the one there shall be."""

    current_password: GivenPassword
    password: ChosenPassword


class SigninProvider(msgspec.Struct, kw_only=True, frozen=True):
    """An identity provider: the browser is sent to `start_url`, with `?return_to=` for where it shall come back."""

    id: Annotated[str, msgspec.Meta(examples=["acme"])]
    name: Annotated[str, msgspec.Meta(examples=["Acme Single Sign-On"])]
    start_url: Annotated[str, msgspec.Meta(examples=["/auth/oidc/acme/start"])]


class SigninMethods(msgspec.Struct, kw_only=True, frozen=True):
    """How agents sign in here."""

    object: Literal["signin_methods"] = "signin_methods"
    id: Literal["signin_methods"] = "signin_methods"
    password: bool
    oidc: list[SigninProvider]


class SessionController(Controller):
    """Signed-in browsers, and how agents sign in."""

    path = "/session"
    tags = ("Sessions",)

    @post(
        "/",
        status_code=200,
        opt={**PUBLIC, "problems": ["credentials_wrong", "origin_not_allowed", "quota_exceeded", "overloaded"]},
        operation_id="createSession",
        summary="Sign in",
        response_description="Signed in; the cookie holds the session",
    )
    async def create_session(
        self,
        *,
        request: Request[Any, Any, Any],
        data: JSONBody[NewSession],
        settings: NamedDependency[Settings],
        signin_limits: NamedDependency[SigninLimits],
    ) -> Response[CurrentSession]:
        """Begin a session by mail address and password. The one this browser had before ends.

        An unknown address and a wrong password are told alike. After too many failures, `quota_exceeded`.
        """
        check_signin_page(request.scope, settings)
        async with signin_limits.trying(address_of(request), data.email):
            tried = await try_password(data.email, data.password)
            if tried.proven is None:
                await _note_refusal(request, tried)
                raise Problem("credentials_wrong", "no agent has this mail address and this password")
        return await answer_with_session(request, tried.proven, settings=settings)

    @get("/", opt=OWN, operation_id="getSession", summary="Get the session of this browser")
    async def get_session(
        self, *, request: Request[Any, Any, Any], caller: NamedDependency[Caller], settings: NamedDependency[Settings]
    ) -> CurrentSession:
        """Who is signed in here, and the token for what this page changes; 404 for an API key."""
        return await show_current(caller.key_id, _own_token(request, caller, settings=settings))

    @delete("/", opt=OWN, operation_id="deleteSession", summary="Sign out", status_code=204)
    async def delete_session(
        self, *, request: Request[Any, Any, Any], caller: NamedDependency[Caller], settings: NamedDependency[Settings]
    ) -> Response[None]:
        """End the session of this browser; its cookie opens nothing any more."""
        _own_token(request, caller, settings=settings)
        await end_session(caller.key_id, actor=caller.actor, action="session.ended")
        cookie = ended_cookie(secure=is_secure(settings.public_url))
        return Response(None, status_code=204, cookies=[cookie])

    @put(
        "/password",
        opt={**OWN, "transaction": "own", "problems": [*OWN["problems"], "quota_exceeded", "overloaded"]},
        operation_id="changePassword",
        summary="Change your password",
    )
    async def change_password(
        self,
        *,
        request: Request[Any, Any, Any],
        caller: NamedDependency[Caller],
        data: JSONBody[PasswordChange],
        settings: NamedDependency[Settings],
        signin_limits: NamedDependency[SigninLimits],
    ) -> Response[CurrentSession]:
        """Change the password of who is signed in. Every session ends; this browser gets a new one with the answer."""
        _own_token(request, caller, settings=settings)
        agent = await find_agent(read_id(AGENT, caller.actor.id or ""))
        async with signin_limits.trying(address_of(request), agent.email):
            tried = await try_password(agent.email, data.current_password)
            if tried.proven is None:
                await _note_refusal(request, tried)
                wrong = FieldError(pointer="/current_password", code="wrong", detail="this is not the password")
                raise Problem("validation_failed", wrong.detail, errors=[wrong])
        prepared = await prepare_password(agent.id, data.password)
        async with tx():
            proven = await store_password(agent.id, prepared, actor=caller.actor)
        return await answer_with_session(request, proven, settings=settings)

    @get("/methods", opt={"public": True}, operation_id="getSigninMethods", summary="Get the ways to sign in")
    async def get_signin_methods(self, oidc_providers: NamedDependency[tuple[Provider, ...]]) -> SigninMethods:
        """What a sign-in page offers."""
        shown = [SigninProvider(id=one.id, name=one.name, start_url=one.start_path) for one in oidc_providers]
        return SigninMethods(password=True, oidc=shown)


async def answer_with_session(
    request: Request[Any, Any, Any], proven: Proven, *, settings: Settings
) -> Response[CurrentSession]:
    """Begin a session, in this browser, of whose password was right, and show it."""
    session_id, token = await begin_browser_session(
        request, proven.agent_id, settings=settings, method="password", password_set_at=proven.set_at
    )
    shown = await show_current(session_id, token)
    cookie = session_cookie(token, lasts=lifetime(settings).absolute, secure=is_secure(settings.public_url))
    return Response(shown, status_code=200, cookies=[cookie], headers={"Cache-Control": "no-store"})


async def begin_browser_session(
    request: Request[Any, Any, Any],
    agent_id: UUID,
    *,
    settings: Settings,
    method: Method,
    password_set_at: datetime | None = None,
) -> tuple[UUID, str]:
    """A new session for whoever sits there; the one the browser had ends, whosever it was."""
    signed_in = SignIn(
        method=method,
        address=address_of(request),
        user_agent=request.headers.get("user-agent", ""),
        lifetime=lifetime(settings),
        password_set_at=password_set_at,
        replaces=read_session(request.scope["headers"], secure=is_secure(settings.public_url)),
    )
    async with tx():
        return await begin_session(agent_id, signed_in)


async def _note_refusal(request: Request[Any, Any, Any], tried: Tried) -> None:
    where = address_of(request)
    await record_refusal(tried.agent_id, method="password", address=where, reason="credentials_wrong", now=utc_now())


async def show_current(session_id: UUID, token: str) -> CurrentSession:
    """The session whose token is at hand; `unauthenticated` where it has just ended elsewhere."""
    row = await find_session(session_id)
    if row is None:
        raise Problem("unauthenticated", "this session has ended", hint="Sign in again.")
    return CurrentSession(
        id=show_id(SESSION, row.id),
        agent=show_agent(await find_agent(row.agent_id)),
        csrf_token=form_csrf_token(token),
        expires_at=show_time(row.expires_at),
    )


def lifetime(settings: Settings) -> Lifetime:
    """How long sessions last by the settings."""
    return Lifetime(idle=timedelta(hours=settings.session_idle_hours), absolute=timedelta(hours=settings.session_hours))


def address_of(request: Request[Any, Any, Any]) -> str:
    """Where a request comes from, as its limits have it."""
    address: str = request.app.state.admission.address_of(request.scope)
    return address


def _own_token(request: Request[Any, Any, Any], caller: Caller, *, settings: Settings) -> str:
    token = read_session(request.scope["headers"], secure=is_secure(settings.public_url))
    if caller.kind != "session" or token is None:
        raise Problem("not_found", "this is an API key, and no session")
    return token
