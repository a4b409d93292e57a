"""Signing in by an identity provider, as the browser goes: to the provider, and back with a code."""

from __future__ import annotations

import secrets
from typing import Annotated, Any
from uuid import UUID

import msgspec
import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from litestar import Controller, Request, Response, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from gateway.settings import Settings
from gateway.signin.api import address_of, begin_browser_session, lifetime
from gateway.signin.cookies import cookie_name, is_secure, make_cookie, read_cookie, session_cookie
from gateway.signin.limits import SigninLimits
from gateway.signin.oidc.attempt import (
    ATTEMPT_COOKIE,
    HOME,
    LASTS,
    Attempt,
    BrokenAttempt,
    begin_attempt,
    open_attempt,
    seal_attempt,
)
from gateway.signin.oidc.client import OidcClient
from gateway.signin.oidc.providers import PATH, Provider
from gateway.signin.oidc.tokens import ForgedToken, Person
from inbox.kit.clock import utc_now
from inbox.kit.db import tx
from inbox.kit.errors import Problem
from inbox.kit.secrets import SecretBox
from inbox.staff.sessions.actions import record_refusal
from inbox.staff.subjects.actions import use_state
from inbox.staff.subjects.recognition import recognise_agent

log = structlog.get_logger()

SEE_OTHER = 303
NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
MOST_CHARS = 4000
Asked = Annotated[str, QueryParameter(max_length=MOST_CHARS)]


class CameBack(msgspec.Struct, kw_only=True, frozen=True):
    """What the provider sent the browser back with (RFC 6749 4.1.2); `iss` where it says who it is (RFC 9207)."""

    code: str
    state: str
    iss: str


class OidcController(Controller):
    """The two ends of a browser's way by a provider."""

    path = PATH
    include_in_schema = False

    @get("/{provider_id:str}/start", opt={"public": True})
    async def start_oidc(
        self,
        *,
        request: Request[Any, Any, Any],
        provider_id: FromPath[str],
        settings: NamedDependency[Settings],
        secret_box: NamedDependency[SecretBox],
        oidc_providers: NamedDependency[tuple[Provider, ...]],
        oidc_client: NamedDependency[OidcClient],
        return_to: Asked = HOME,
    ) -> Response[None]:
        """Send the browser to the provider; people see the sign-in page again where it is away."""
        provider = find_provider(oidc_providers, provider_id)
        try:
            described = await oidc_client.describe(provider)
        except Problem as problem:
            return _go_back(request, problem, settings=settings)
        attempt = begin_attempt(provider.id, return_to, now=utc_now(), random=lambda: secrets.token_urlsafe(32))
        url = prepare_grant_uri(
            described.authorization_endpoint,
            client_id=provider.client_id,
            response_type="code",
            redirect_uri=provider.callback_url(settings.public_url),
            scope=" ".join(provider.scopes),
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return _go_to(url, [_attempt_cookie(seal_attempt(attempt, secret_box), settings)])

    @get("/{provider_id:str}/callback", opt={"public": True})
    async def finish_oidc(
        self,
        *,
        request: Request[Any, Any, Any],
        provider_id: FromPath[str],
        settings: NamedDependency[Settings],
        secret_box: NamedDependency[SecretBox],
        oidc_providers: NamedDependency[tuple[Provider, ...]],
        oidc_client: NamedDependency[OidcClient],
        signin_limits: NamedDependency[SigninLimits],
        code: Asked = "",
        sent_state: Annotated[str, QueryParameter(name="state", max_length=MOST_CHARS)] = "",
        iss: Asked = "",
    ) -> Response[None]:
        """Sign in whom the provider vouches for; people see the sign-in page again where it does not."""
        provider = find_provider(oidc_providers, provider_id)
        name = cookie_name(ATTEMPT_COOKIE, secure=is_secure(settings.public_url))
        sealed = read_cookie(request.scope["headers"], name)
        came = CameBack(code=code, state=sent_state, iss=iss)
        try:
            # Before anything is counted: any page can have its reader's browser ask for this address.
            attempt = _open_attempt(sealed, secret_box, provider=provider, came=came)
            async with signin_limits.trying(address_of(request)):
                await _come_back(attempt, provider, came=came)
                person = await _vouch(oidc_client, provider, attempt, code=code, settings=settings)
                agent_id = await _recognise(person, provider, address=address_of(request))
        except Problem as problem:
            return _go_back(request, problem, settings=settings)
        _, token = await begin_browser_session(request, agent_id, settings=settings, method="oidc")
        secure, lasts = is_secure(settings.public_url), lifetime(settings).absolute
        cookies = [session_cookie(token, lasts=lasts, secure=secure), _attempt_cookie("", settings)]
        return _go_to(attempt.return_to, cookies)


def find_provider(providers: tuple[Provider, ...], provider_id: str) -> Provider:
    """A provider of the settings by its id."""
    for provider in providers:
        if provider.id == provider_id:
            return provider
    raise Problem("not_found", "there is no identity provider of this name")


def _go_back(request: Request[Any, Any, Any], problem: Problem, *, settings: Settings) -> Response[None]:
    """To the sign-in page, which says what is wrong; what is no browser hears the problem itself."""
    log.warning("oidc_refused", code=problem.code, reason=problem.detail)
    if "text/html" not in request.headers.get("accept", ""):
        raise problem
    return _go_to(f"{HOME}?signin_error={problem.code}", [_attempt_cookie("", settings)])


def _open_attempt(sealed: str | None, box: SecretBox, *, provider: Provider, came: CameBack) -> Attempt:
    """The attempt this browser began."""
    try:
        return open_attempt(sealed, box, provider=provider.id, state=came.state, now=utc_now())
    except BrokenAttempt as broken:
        raise Problem("signin_refused", str(broken), hint="Begin again at the sign-in page.") from broken


async def _come_back(attempt: Attempt, provider: Provider, *, came: CameBack) -> None:
    """The attempt is over by this."""
    if not await use_state(attempt.state_hash, expires_at=attempt.expires_at):
        raise Problem("signin_refused", "this attempt to sign in has come back before")
    if not came.code or came.iss not in ("", provider.issuer):
        raise Problem("signin_refused", "the identity provider let nobody in")


async def _vouch(client: OidcClient, provider: Provider, attempt: Attempt, *, code: str, settings: Settings) -> Person:
    """Whom the provider vouches for."""
    redirect_uri = provider.callback_url(settings.public_url)
    token = await client.exchange(provider, code, redirect_uri=redirect_uri, verifier=attempt.verifier)
    try:
        return await client.vouch(provider, token, nonce=attempt.nonce, now=utc_now())
    except ForgedToken as forged:
        raise Problem("signin_refused", str(forged)) from forged


async def _recognise(person: Person, provider: Provider, *, address: str) -> UUID:
    """The agent this is; that it is none is written down, since a provider vouches for somebody."""
    try:
        async with tx():
            return await recognise_agent(
                person.issuer, person.subject, email=person.email, name=person.name, create=provider.create_agents
            )
    except Problem as problem:
        now = utc_now()
        await record_refusal(None, method="oidc", address=address, reason=problem.code, now=now, vouched=True)
        raise


def _attempt_cookie(value: str, settings: Settings) -> Cookie:
    """The attempt's cookie; an empty value takes it away."""
    lasts = LASTS if value else LASTS * 0
    return make_cookie(ATTEMPT_COOKIE, value, lasts=lasts, secure=is_secure(settings.public_url))


def _go_to(url: str, cookies: list[Cookie]) -> Response[None]:
    return Response(None, status_code=SEE_OTHER, headers={"Location": url, **NO_STORE}, cookies=cookies)
