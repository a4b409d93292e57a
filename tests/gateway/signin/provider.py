"""An identity provider that speaks OpenID Connect on loopback, with real keys; told to, it lies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from litestar import Litestar, Request, Response, get, post

from channels.simulators.serving import serve_app
from tests.ports import free_ports

CLIENT = "switchboard-at-acme"
SECRET = "s3cret/with+signs"
ANA: dict[str, Any] = {"sub": "248289761001", "email": "ana@example.org", "email_verified": True, "name": "Ana Ruiz"}
KEYS: dict[str, Any] = {
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa-1"}),
    "ES256": ECKey.generate_key("P-256", {"kid": "ec-1"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "ed-1"}),
}


class Asked(msgspec.Struct, kw_only=True):
    """A browser that was sent here, and what for."""

    nonce: str
    challenge: str
    redirect_uri: str
    used: bool = False


class IdentityProvider:
    """`claims` are those of whoever signs in; `lies` replace what an honest provider would put beside them."""

    def __init__(self) -> None:
        self.issuer = ""
        self.claims: dict[str, Any] = dict(ANA)
        self.lies: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.published: list[str] = list(KEYS)
        self.asked: dict[str, Asked] = {}
        self.secrets: list[str] = []
        self.fetched: list[str] = []

    def authorize(self, query: dict[str, str]) -> str:
        """Sign somebody in, and where the browser goes next."""
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT)
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.asked[code] = Asked(
            nonce=query["nonce"], challenge=query["code_challenge"], redirect_uri=query["redirect_uri"]
        )
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.issuer})}"

    def redeem(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """What a code is worth, once, to who knows its verifier and our secret (RFC 6749 4.1.3, RFC 7636 4.6)."""
        asked = self.asked.get(form.get("code", ""))
        user = base64.b64encode(b"switchboard-at-acme:s3cret%2Fwith%2Bsigns").decode()
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if asked is None or asked.used or authorization != f"Basic {user}" or proof != asked.challenge:
            return None
        if form["grant_type"] != "authorization_code" or form["redirect_uri"] != asked.redirect_uri:
            return None
        asked.used = True
        return {"access_token": "at", "token_type": "Bearer", "id_token": self.sign(asked.nonce)}

    def sign(self, nonce: str) -> str:
        """An ID token."""
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        claims = {name: value for name, value in {**usual, **self.claims, **self.lies}.items() if value is not ...}
        return sign_token(claims, self.algorithm)


def sign_token(claims: dict[str, Any], algorithm: str) -> str:
    """A token of these claims; of a wrong algorithm as an attacker would make it who knows what is public."""
    if algorithm in {"none", "HS256"}:
        head = {"alg": algorithm, "kid": "rsa-1"}
        signed = b".".join(_base64url(msgspec.json.encode(one)) for one in (head, claims))
        public = KEYS["RS256"].as_pem(private=False)
        proof = hmac.digest(public, signed, "sha256") if algorithm == "HS256" else b""
        return b".".join([signed, _base64url(proof)]).decode()
    if algorithm == "stolen":
        other = RSAKey.generate_key(2048)
        return jwt.encode({"alg": "RS256", "kid": "rsa-1"}, claims, other)
    key = KEYS[algorithm]
    if algorithm == "EdDSA":  # by its old name, which the library warns of
        signed = b".".join(_base64url(msgspec.json.encode(one)) for one in ({"alg": "EdDSA", "kid": key.kid}, claims))
        return b".".join([signed, _base64url(key.private_key.sign(signed))]).decode()
    return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])


def _base64url(plain: bytes) -> bytes:
    return base64.urlsafe_b64encode(plain).rstrip(b"=")


def provider_app(provider: IdentityProvider) -> Litestar:
    """Its endpoints."""

    @get("/.well-known/openid-configuration")
    async def describe() -> dict[str, Any]:
        provider.fetched.append("description")
        return {
            "issuer": provider.issuer,
            "authorization_endpoint": f"{provider.issuer}/authorize",
            "token_endpoint": f"{provider.issuer}/token",
            "jwks_uri": f"{provider.issuer}/keys",
        }

    @get("/authorize")
    async def authorize(request: Request[Any, Any, Any]) -> Response[None]:
        return Response(None, status_code=303, headers={"Location": provider.authorize(dict(request.query_params))})

    @get("/keys")
    async def keys() -> dict[str, Any]:
        provider.fetched.append("keys")
        public = [KEYS[name].as_dict(private=False) for name in provider.published]
        return {"keys": [*public, {"kty": "oct", "k": "c2VjcmV0", "kid": "rsa-1"}, {"kty": "new"}]}

    @post("/token", status_code=200)
    async def token(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        answer = provider.redeem(form, request.headers["authorization"])
        return Response(answer or {"error": "invalid_grant"}, status_code=200 if answer else 400)

    return Litestar([describe, authorize, keys, token], openapi_config=None, logging_config=None)


@asynccontextmanager
async def open_provider() -> AsyncIterator[IdentityProvider]:
    """One on a loopback port."""
    provider = IdentityProvider()
    [port] = free_ports(1)
    provider.issuer = f"http://127.0.0.1:{port}"
    async with serve_app(provider_app(provider), port=port):
        yield provider


def provider_setting(provider: IdentityProvider, **more: Any) -> str:
    """It as the setting names it."""
    named = {"id": "acme", "name": "Acme", "issuer": provider.issuer, "client_id": CLIENT, "client_secret": SECRET}
    return msgspec.json.encode([named | more]).decode()
