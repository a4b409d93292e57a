"""What identity providers are asked, by the one outgoing HTTP client: their description, keys, and a code's worth."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlsplit

import msgspec

from channels.errors import SendFailed
from channels.http import Http, Response
from gateway.signin.oidc.providers import Provider
from gateway.signin.oidc.tokens import Key, Person, UnknownKey, read_id_token, read_keys
from inbox.kit.errors import Problem

T = TypeVar("T")

KEPT_SECONDS = 3600.0
"""How long a provider's description and keys are used before they are asked for again."""
KEYS_SECONDS = 30.0
"""The least time between two looks for a key that is new to us: a forged token can name any."""
AWAY_SECONDS = 5.0
"""How long a provider that could not be asked is not asked again: anybody can have us begin."""
MAX_BYTES = 500_000
DISCOVERY = "/.well-known/openid-configuration"
JSON = {"accept": "application/json"}


class Description(msgspec.Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class TokenAnswer(msgspec.Struct, frozen=True):
    """The part of a token answer that says who somebody is."""

    id_token: str


class OidcClient:
    """Speaks to the providers, and remembers for a while what they said of themselves."""

    def __init__(self, http: Http, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._clock = clock
        self._described: dict[str, tuple[float, Description]] = {}
        self._keys: dict[str, tuple[float, list[Key]]] = {}
        self._away: dict[str, tuple[float, Problem]] = {}

    async def describe(self, provider: Provider) -> Description:
        """Where a provider's endpoints are; `dependency_down` where it cannot be asked, or speaks for another."""
        asked_at, known = self._described.get(provider.id, (0.0, None))
        if known is not None and self._clock() < asked_at + KEPT_SECONDS:
            return known
        failed_at, failure = self._away.get(provider.id, (0.0, None))
        if failure is not None and self._clock() < failed_at + AWAY_SECONDS:
            raise failure.with_traceback(None)
        try:
            found = await self._ask(provider)
        except Problem as problem:
            self._away[provider.id] = (self._clock(), problem)
            raise
        self._described[provider.id] = (self._clock(), found)
        return found

    async def _ask(self, provider: Provider) -> Description:
        found = _read(await self._get(provider.issuer.rstrip("/") + DISCOVERY), Description)
        if found.issuer != provider.issuer:
            raise _away("it speaks for another issuer")
        _check_schemes(found)
        return found

    async def exchange(self, provider: Provider, code: str, *, redirect_uri: str, verifier: str) -> str:
        """The ID token that a code is worth (RFC 6749 4.1.3); `signin_refused` where the provider takes it not."""
        described = await self.describe(provider)
        form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ]
        auth: tuple[str, str] | None = (quote_plus(provider.client_id), quote_plus(provider.client_secret))
        if "client_secret_basic" not in described.token_endpoint_auth_methods_supported:
            form += [("client_id", provider.client_id), ("client_secret", provider.client_secret)]
            auth = None
        try:
            answer = await self._http.request(
                "POST", described.token_endpoint, form=form, auth=auth, headers=JSON, max_bytes=MAX_BYTES
            )
        except SendFailed as error:
            raise _away("it did not answer") from error
        if 400 <= answer.status < 500:
            raise Problem("signin_refused", "the identity provider does not take the code")
        return _read(answer, TokenAnswer).id_token

    async def vouch(self, provider: Provider, token: str, *, nonce: str, now: datetime) -> Person:
        """The person of an ID token; ForgedToken where it proves nothing. New keys are asked for, at times."""
        try:
            return await self._read(provider, token, nonce=nonce, now=now, kept=KEPT_SECONDS)
        except UnknownKey:
            return await self._read(provider, token, nonce=nonce, now=now, kept=KEYS_SECONDS)

    async def _read(self, provider: Provider, token: str, *, nonce: str, now: datetime, kept: float) -> Person:
        keys = await self._find_keys(provider, kept=kept)
        return read_id_token(
            token,
            keys,
            issuer=provider.issuer,
            client_id=provider.client_id,
            nonce=nonce,
            now=now,
            emails_verified=provider.emails_verified,
        )

    async def _find_keys(self, provider: Provider, *, kept: float) -> list[Key]:
        asked_at, known = self._keys.get(provider.id, (0.0, []))
        if known and self._clock() < asked_at + kept:
            return known
        described = await self.describe(provider)
        found = read_keys(_read(await self._get(described.jwks_uri), dict[str, Any]))
        self._keys[provider.id] = (self._clock(), found)
        return found

    async def _get(self, url: str) -> Response:
        try:
            return await self._http.request("GET", url, headers=JSON, max_bytes=MAX_BYTES)
        except SendFailed as error:
            raise _away("it did not answer") from error


def _read(answer: Response, kind: type[T]) -> T:
    try:
        if answer.status == 200:
            return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    raise _away("it answered what cannot be read")


def _check_schemes(described: Description) -> None:
    """A provider that is reached by TLS has all of itself behind TLS; only one without, as in a test, does not."""
    wanted = urlsplit(described.issuer).scheme
    endpoints = (described.authorization_endpoint, described.token_endpoint, described.jwks_uri)
    if any(urlsplit(one).scheme not in {"https", wanted} for one in endpoints):
        raise _away("its endpoints are not behind TLS")


def _away(why: str) -> Problem:
    return Problem("dependency_down", f"the identity provider is of no use at the moment: {why}")
