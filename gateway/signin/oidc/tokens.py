"""Whether an ID token is the provider's, for us, for this attempt, and still good (OpenID Connect Core 3.1.3.7). Pure.

Only signatures by the provider's public keys count: `none` and HMACs are refused whatever the token says of itself,
since whoever knows a public key could make an HMAC with it (RFC 8725 2.1).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

Key: TypeAlias = RSAKey | ECKey | OKPKey

KEY_TYPES: Mapping[str, type[Key]] = {"RS256": RSAKey, "ES256": ECKey, "EdDSA": OKPKey, "Ed25519": OKPKey}
"""The algorithms taken, and the kind of key each is checked with."""
LEEWAY_SECONDS = 60
SUBJECT_CHARS = 255
"""OpenID Connect Core 2: sub is at most 255 ASCII characters."""


class Person(msgspec.Struct, kw_only=True, frozen=True):
    """Whom a provider vouches for. `email` is there where it says that it is theirs, and not otherwise."""

    issuer: str
    subject: str
    email: str | None
    name: str | None


class ForgedToken(Exception):
    """The ID token proves nothing; says which check failed, and nothing of its contents."""


class UnknownKey(ForgedToken):
    """None of the keys at hand has the id that the token names: the provider may have new ones."""


def read_keys(document: Mapping[str, Any]) -> list[Key]:
    """The public signing keys of a JWK set; secrets, keys for encryption and kinds we do not know are left out."""
    told = document.get("keys")
    found: list[Key] = []
    for one in told if isinstance(told, list) else ():
        if not isinstance(one, dict) or one.get("kty") not in {"RSA", "EC", "OKP"} or one.get("use") == "enc":
            continue
        try:
            key = import_key(one)
        except (JoseError, ValueError, KeyError, TypeError):
            continue
        if isinstance(key, RSAKey | ECKey | OKPKey):
            found.append(key)
    return found


def read_id_token(
    token: str,
    keys: Iterable[Key],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    now: datetime,
    emails_verified: bool = False,
) -> Person:
    """The person an ID token vouches for, if all is well; else ForgedToken.

    With `emails_verified` an address counts as theirs also where the token does not say whether it was verified.
    """
    header, payload = _verify(token, list(keys))
    options = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client_id},
        "nonce": {"essential": True, "value": nonce},
    }
    claims = CodeIDToken(payload, header, options, {"nonce": nonce, "client_id": client_id})
    try:
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError) as error:
        wrong = getattr(error, "claim", None) or "malformed"
        raise ForgedToken(f"a claim of the ID token is wrong ({wrong})") from error
    return _person(payload, emails_verified=emails_verified)


def _verify(token: str, keys: list[Key]) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as error:
        raise ForgedToken("the ID token is malformed") from error
    kind = KEY_TYPES.get(str(header.get("alg")))
    if kind is None:
        raise ForgedToken("the ID token is signed in a way that is not taken")
    kid = header.get("kid")
    fitting = [key for key in keys if isinstance(key, kind) and (kid is None or key.kid == kid)]
    if not fitting:
        raise UnknownKey("the ID token is signed with a key the provider does not publish")
    for key in fitting:
        try:
            with warnings.catch_warnings():
                # RFC 9864 gives EdDSA a more exact name, which providers do not use yet.
                warnings.simplefilter("ignore", SecurityWarning)
                return header, dict(jwt.decode(token, key, algorithms=[str(header["alg"])]).claims)
        except (JoseError, ValueError):
            continue
    raise ForgedToken("the signature of the ID token is wrong")


def _person(payload: Mapping[str, Any], *, emails_verified: bool) -> Person:
    subject = payload.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_CHARS:
        raise ForgedToken("the ID token names nobody")
    email, name = payload.get("email"), payload.get("name")
    theirs = isinstance(email, str) and payload.get("email_verified", emails_verified) is True
    return Person(
        issuer=str(payload["iss"]),
        subject=subject,
        email=str(email) if theirs else None,
        name=name if isinstance(name, str) and name else None,
    )
